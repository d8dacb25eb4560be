"""What a server counts and times, who may read it, and what is noted of each answer."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import AppClient, environment
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vitrina.serving import logs
from vitrina.serving import metrics as families
from vitrina.serving.exposition import exposition
from vitrina.serving.metrics import FAMILIES, MOST_SERIES, ServerMetrics, process_age
from vitrina.serving.observation import Observation, observed
from vitrina.serving.problems import CODE

PARTS = {"queue_ms": 0.4, "decode_ms": 12.0, "infer_ms": 6.5, "search_ms": 2.0, "total_ms": 21.0}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def shown(metrics: ServerMetrics) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Values by sample's name and labels, as a Prometheus server would read them."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    text, media_type = exposition(metrics)
    assert media_type.startswith("text/plain; version=0.0.4")
    for family in parse_plain(text.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {})
            found[sample.name][labels] = sample.value
    return found


def test_what_was_counted_is_shown() -> None:
    metrics = ServerMetrics()
    metrics.photo_answered("category", **PARTS)
    metrics.photo_answered("unsure", **{**PARTS, "decode_ms": 80.0})
    metrics.count(families.PROBLEMS, "photo_type")
    metrics.count(families.RECEIVED, by=2500)
    metrics.read(families.QUEUE_LENGTH, lambda: 7)
    metrics.read(families.BUNDLE, lambda: {("v-1", "mobilenet_v2"): 1})
    found = shown(metrics)
    assert found["vitrina_photo_decisions_total"] == {
        (("decision", "category"),): 1, (("decision", "unsure"),): 1, (("decision", "unknown"),): 0,
    }  # fmt: skip
    assert found["vitrina_problems_total"] == {(("code", "photo_type"),): 1}
    assert found["vitrina_http_received_bytes_total"] == {(): 2500}
    assert found["vitrina_photo_queue_length"] == {(): 7}
    bundle = (("backbone", "mobilenet_v2"), ("version", "v-1"))
    assert found["vitrina_bundle_info"] == {bundle: 1}
    decode = found["vitrina_photo_decode_seconds_bucket"]
    assert {labels[0][1]: count for labels, count in decode.items()} == {
        **dict.fromkeys(("0.001", "0.002", "0.005", "0.01"), 0),
        **dict.fromkeys(("0.015", "0.025", "0.035", "0.05", "0.075"), 1),
        **dict.fromkeys(("0.1", "0.2", "0.5", "1.0", "2.0", "+Inf"), 2),
    }
    assert found["vitrina_photo_decode_seconds_count"] == {(): 2}
    assert found["vitrina_photo_decode_seconds_sum"][()] == pytest.approx(0.092)


def test_a_value_on_a_bound_belongs_below_it() -> None:
    metrics = ServerMetrics()
    for seconds in (0.0, 0.001, 0.0010001, 2.0, 2.1):
        metrics.observe(families.INFERENCE, seconds)
    counts = metrics.distributions(families.INFERENCE)[()].counts
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (2, 1, 1, 1)


def test_counters_are_there_before_anything_happened() -> None:
    found = shown(ServerMetrics())
    assert set(found["vitrina_photo_decisions_total"].values()) == {0}
    assert found["vitrina_photo_answer_seconds_count"] == {(): 0}
    assert "vitrina_start_seconds" not in found  # nothing is known of it yet


def test_the_form_that_is_asked_for() -> None:
    metrics = ServerMetrics()
    metrics.photo_answered("unknown", **PARTS)
    text, media_type = exposition(metrics, OPENMETRICS)
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in parse_openmetrics(text.decode())}
    assert {"vitrina_photo_decisions", "vitrina_photo_inference_seconds"} <= names


def test_names_follow_the_conventions() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert re.fullmatch(r"vitrina(_[a-z]+)+", family.name)
        assert not family.name.endswith(("_total", "_info", "_ms", "_mb", "_percent"))
        assert family.help.endswith(".")
        assert bool(family.bounds) == (family.kind == "histogram")
        assert list(family.bounds) == sorted(set(family.bounds))
        if family.bounds:
            assert family.name.endswith("_seconds")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux has /proc")
def test_the_five_criteria_of_the_study() -> None:
    metrics = ServerMetrics()
    metrics.set_started()
    metrics.photo_answered("category", **PARTS)
    metrics.photo_answered("category", **{**PARTS, "total_ms": 5.0})
    metrics.read(families.BUNDLE_SIZE, lambda: 9_000_000)
    found = shown(metrics)
    assert found["vitrina_photo_inference_seconds_sum"][()] == pytest.approx(0.013)
    started = found["vitrina_start_seconds"][()]
    assert 0 < started < 3600
    assert found["vitrina_cold_start_seconds"][()] == pytest.approx(started + 0.021)
    status = Path("/proc/self/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]
    assert found["process_resident_memory_bytes"][()] == pytest.approx(resident, rel=0.1)
    assert found["process_cpu_seconds_total"][()] == pytest.approx(time.process_time(), rel=0.2)
    assert found["vitrina_bundle_size_bytes"] == {(): 9_000_000}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux has /proc")
def test_the_age_of_a_process() -> None:
    program = (
        "import time; began = time.perf_counter()\n"
        "from vitrina.serving.metrics import process_age\n"
        "time.sleep(0.3); print(process_age() - (time.perf_counter() - began))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    before_the_program = float(ended.stdout)
    assert -0.02 < before_the_program < 5  # Python's own start; clocks tick every hundredth
    assert (process_age() or 0) > 0


def test_the_library_comes_with_the_first_reader_only() -> None:
    program = (
        "import sys\n"
        "from vitrina.serving.metrics import ServerMetrics\n"
        "from vitrina.serving.exposition import exposition\n"
        "import vitrina.serving.app\n"
        "metrics = ServerMetrics()\n"
        "metrics.photo_answered('category', queue_ms=1, decode_ms=1, infer_ms=1, search_ms=1,"
        " total_ms=4)\n"
        "assert 'prometheus_client' not in sys.modules\n"
        "exposition(metrics)\n"
        "assert 'prometheus_client' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment())


def test_labels_stay_few() -> None:
    metrics = ServerMetrics()
    for number in range(3 * MOST_SERIES):
        metrics.count(families.REQUESTS, f"/{number}", "GET", "200")
        metrics.observe(families.REQUEST_DURATION, 0.1, f"/{number}")
    counted = metrics.values(families.REQUESTS)
    assert len(counted) == MOST_SERIES + 1
    assert sum(counted.values()) == 3 * MOST_SERIES
    assert counted["other", "other", "other"] == 2 * MOST_SERIES
    assert len(metrics.distributions(families.REQUEST_DURATION)) == MOST_SERIES + 1


def test_threads_lose_no_count() -> None:
    metrics = ServerMetrics()

    def work() -> None:
        for _ in range(2000):
            metrics.photo_answered("category", **PARTS)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        exposition(metrics)  # a reader in between
    assert metrics.values(families.DECISIONS)["category",] == 8000
    assert sum(metrics.distributions(families.ANSWER)[()].counts) == 8000


# What is noted of each answer


async def photo(request: Request) -> Response:
    await request.body()
    noted = observed(request.scope)
    noted.decision = "category"
    noted.parts = {"queue": 0.1, "decode": 3.0, "infer": 6.0, "search": 1.0, "total": 11.0}
    return PlainTextResponse("found")


async def refused(request: Request) -> Response:
    request.scope[CODE] = "photo_type"
    return Response(status_code=415)


async def left(request: Request) -> Response:
    request.scope[CODE] = "gone"
    return Response(status_code=400)


async def mistaken(request: Request) -> Response:
    raise ZeroDivisionError(f"SECRET {request.url}")


class Leaves:
    """An application whose client is gone before there is an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send


def watched(metrics: ServerMetrics, **options: Any) -> AppClient:
    routes = [
        Route("/v1/goods/{sku}", lambda _request: Response()),
        Route("/v1/photo", photo, methods=["POST"]),
        Route("/refused", refused),
        Route("/left", left),
        Route("/mistaken", mistaken),
        Route("/healthz", lambda _request: Response()),
    ]
    settings: dict[str, Any] = {"client": lambda _scope: "203.0.113.77", "clients": "pseudonym"}
    return AppClient(Observation(Starlette(routes=routes), metrics, **(settings | options)))


@pytest.fixture
def metrics() -> ServerMetrics:
    return ServerMetrics()


@pytest.fixture
def asking(metrics: ServerMetrics, caplog: pytest.LogCaptureFixture) -> Iterator[AppClient]:
    caplog.set_level(logging.DEBUG, "vitrina.serving")
    with watched(metrics) as client:
        yield client


def noted(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in caplog.records if hasattr(record, "fields")]


def test_an_answer_is_one_line(
    asking: AppClient, metrics: ServerMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    answer = asking.request("POST", "/v1/photo?q=secret+words", content=b"x" * 5000)
    (line,) = noted(caplog)
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"[0-9a-f]{32}", line["request"])
    assert answer.headers["x-request-id"] == line.pop("request")
    assert re.fullmatch(r"[0-9a-f]{8}", line.pop("client"))
    assert line == {
        "method": "POST", "route": "/v1/photo", "status": 200, "decision": "category",
        "queue_ms": 0.1, "decode_ms": 3.0, "infer_ms": 6.0, "search_ms": 1.0, "total_ms": 11.0,
        "bytes_in": 5000,
    }  # fmt: skip
    assert metrics.values(families.DECISIONS)["category",] == 1
    assert metrics.values(families.REQUESTS) == {("/v1/photo", "POST", "200"): 1}
    assert metrics.values(families.RECEIVED) == {(): 5000}
    assert metrics.values(families.IN_FLIGHT) == {(): 0}


def test_nothing_of_a_shopper_is_in_a_line(
    asking: AppClient, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"user-agent": "SECRET", "referer": "https://shop.test/SECRET", "cookie": "a=SECRET"}
    for method, address in (
        ("GET", "/v1/goods/SECRET?q=SECRET"),
        ("GET", "/SECRET"),
        ("POST", "/v1/photo?q=SECRET"),
        ("SECRET", "/v1/photo"),
        ("GET", "/mistaken?q=SECRET"),
    ):
        asking.request(method, address, headers=headers, content=b"SECRET")
    assert len(noted(caplog)) == 5
    assert "SECRET" not in json.dumps(noted(caplog))
    assert "203.0.113" not in json.dumps(noted(caplog))
    routes = [line["route"] for line in noted(caplog)]
    assert routes == ["/v1/goods/{sku}", "other", "/v1/photo", "/v1/photo", "/mistaken"]
    assert noted(caplog)[3]["method"] == "other"


@pytest.mark.parametrize("asked", ["a-1", "0" * 64, "7f3c.9_Z"])
def test_a_sane_request_id_is_kept(asking: AppClient, asked: str) -> None:
    answer = asking.get("/healthz", headers={"x-request-id": asked})
    assert answer.headers["x-request-id"] == asked


@pytest.mark.parametrize("asked", ["", "0" * 65, "a b", "a\tb", "имя".encode(), '"}{"', "a\x0bb"])
def test_another_request_id_is_replaced(asking: AppClient, asked: str | bytes) -> None:
    answer = asking.get("/healthz", headers={"x-request-id": asked})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_problems_by_code(
    asking: AppClient, metrics: ServerMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    assert asking.get("/refused").status_code == 415
    assert asking.get("/mistaken").status_code == 500
    assert metrics.values(families.PROBLEMS) == {("photo_type",): 1, ("internal",): 1}
    assert [line.get("code") for line in noted(caplog)] == ["photo_type", "internal"]
    levels = [record.levelname for record in caplog.records if hasattr(record, "fields")]
    assert levels == ["WARNING", "ERROR"]


def test_a_client_that_leaves(metrics: ServerMetrics, caplog: pytest.LogCaptureFixture) -> None:
    with watched(metrics) as client:
        client.get("/left")
    assert metrics.values(families.REQUESTS) == {("/left", "GET", "gone"): 1}
    assert metrics.values(families.PROBLEMS) == {}  # nobody was refused anything


def test_a_client_that_leaves_without_an_answer(metrics: ServerMetrics) -> None:
    application = Observation(Leaves(), metrics, client=lambda _scope: None, clients="none")
    with AppClient(application) as client, pytest.raises(AssertionError):
        client.get("/x")  # no answer ever comes
    assert metrics.values(families.REQUESTS) == {("other", "GET", "gone"): 1}
    assert metrics.values(families.IN_FLIGHT) == {(): 0}


def test_dull_answers_are_written_for_those_who_ask_for_everything(
    metrics: ServerMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vitrina.serving")
    with watched(metrics) as client:
        client.get("/healthz")
        client.get("/v1/goods/1")
    assert [line["route"] for line in noted(caplog)] == ["/v1/goods/{sku}"]
    assert metrics.values(families.REQUESTS)["/healthz", "GET", "200"] == 1


def test_what_is_refused_before_its_route_has_a_name_too(metrics: ServerMetrics) -> None:
    application = Observation(
        PlainTextResponse("busy", 503),
        metrics,
        client=lambda _scope: None,
        clients="none",
        paths=["/v1/search/photo"],
    )
    with AppClient(application) as client:
        client.get("/v1/search/photo")
        client.get("/v1/search/photo/x")
    assert {route for route, _, _ in metrics.values(families.REQUESTS)} == {
        "/v1/search/photo", "other",
    }  # fmt: skip


def test_a_flood_of_refusals_is_no_flood_of_lines(
    asking: AppClient,
    metrics: ServerMetrics,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: now[0])
    for _ in range(150):
        asking.get("/refused")
    now[0] += 1
    asking.get("/refused")
    asking.get("/refused")
    lines = noted(caplog)
    assert len(lines) == 22
    assert lines[20]["omitted_before"] == 130
    assert "omitted_before" not in lines[21]
    assert metrics.values(families.PROBLEMS) == {("photo_type",): 152}


@pytest.mark.parametrize(
    ("clients", "address", "expected"),
    [
        ("none", "203.0.113.77", None),
        ("network", "203.0.113.77", "203.0.113.0/24"),
        ("network", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("network", "a proxy's word\n", None),
        ("pseudonym", "a proxy's word \ud800", "[0-9a-f]{8}"),
        ("pseudonym", "203.0.113.77", "[0-9a-f]{8}"),
    ],
)
def test_how_a_client_is_named(
    metrics: ServerMetrics,
    caplog: pytest.LogCaptureFixture,
    clients: str,
    address: str,
    expected: str | None,
) -> None:
    caplog.set_level(logging.INFO, "vitrina.serving")
    with watched(metrics, clients=clients, client=lambda _scope: address) as client:
        client.get("/v1/goods/1")
    named = noted(caplog)[0].get("client")
    assert named == expected or re.fullmatch(expected or "", named)


def test_pseudonyms_tell_clients_apart_until_the_next_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "vitrina.serving")
    addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.1"]
    for _ in range(2):
        left = iter(addresses)
        with watched(ServerMetrics(), client=lambda _scope, left=left: next(left)) as client:
            for _ in addresses:
                client.get("/v1/goods/1")
    first, second, again, *later = (line["client"] for line in noted(caplog))
    assert first == again != second
    assert set(later).isdisjoint({first, second})
