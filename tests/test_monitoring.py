"""/metrics and /readyz of the real application: who may read them, and what they say."""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, drawn_photo
from prometheus_client.parser import text_string_to_metric_families
from test_api_photo import refused
from tiny_network import publish_tiny

from vitrina import Shop
from vitrina.serving.app import create_app
from vitrina.serving.metrics import FAMILIES
from vitrina.serving.monitoring import may_read
from vitrina.serving.rate_limit import Networks

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")
OPERATE = Path(__file__).parent.parent / "docs"


def samples(text: str) -> dict[str, float]:
    """Values by name and labels, as they are written."""
    return {
        sample.name + str(sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_of_a_running_shop(client: AppClient) -> None:
    client.send_photo(LAMP)
    client.send_photo(b"%PDF-1.7")
    for words in ("лампа", "лаппа", "паровоз"):
        client.get("/v1/search", params={"q": words})
    client.get("/", params={"q": "лампа"})
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    assert found["vitrina_ready[]"] == 1
    assert found["vitrina_bundle_info['tiny', 'tiny-1']"] == 1
    assert found["vitrina_bundle_size_bytes[]"] > 1000
    assert found["vitrina_bundle_is_active[]"] == 1
    assert found["vitrina_photo_slots[]"] == 2
    assert found["vitrina_photo_queue_length[]"] == found["vitrina_photo_slots_busy[]"] == 0
    assert found["vitrina_photo_decisions_total['category']"] == 1
    assert found["vitrina_photo_inference_seconds_count[]"] == 1
    assert 0 < found["vitrina_photo_inference_seconds_sum[]"] < 1
    assert found["vitrina_problems_total['photo_type']"] == 1
    assert found["vitrina_http_requests_total['/v1/search/photo', '200', 'POST']"] == 1
    assert found["vitrina_http_requests_total['/v1/search/photo', '415', 'POST']"] == 1
    assert found["vitrina_text_searches_total['found']"] == 2
    assert found["vitrina_text_searches_total['corrected']"] == 1
    assert found["vitrina_text_searches_total['nothing']"] == 1
    assert found["vitrina_decoder_replacements_total[]"] == 0
    assert found["vitrina_http_requests_in_flight[]"] == 1  # this very one
    assert any(name.startswith("vitrina_build_info") for name in found)


def test_every_metric_is_documented() -> None:
    suffixes = {"counter": "_total", "info": "_info"}
    names = {family.name + suffixes.get(family.kind, "") for family in FAMILIES}
    for page in ("operate.md", "operate.ru.md"):
        text = (OPERATE / page).read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(vitrina_\w+)`", text, re.MULTILINE)
        assert sorted(rows) == sorted(names), page
        # alerts and examples name nothing that is not there
        used = set(re.findall(r"\bvitrina_[a-z_]+[a-z]\b", text))
        made = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
        assert made <= names, page


def scope(client: str | None, **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": raw, "client": client and (client, 1)}


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (scope("127.0.0.1"), True),
        (scope("127.8.9.1"), True),
        (scope("::1"), True),
        (scope("::ffff:127.0.0.1"), True),
        (scope("192.168.1.5"), False),
        (scope("203.0.113.9"), False),
        (scope(None), False),
        (scope("not an address"), False),
        # a trusted proxy named a client
        (scope("203.0.113.9", x_forwarded_for="203.0.113.9"), False),
        (scope("203.0.113.9", x_forwarded_for="127.0.0.1, 203.0.113.9"), False),
        (scope("127.0.0.1", x_forwarded_for="127.0.0.1"), True),
        (scope("127.0.0.1", x_forwarded_for="127.0.0.1, 10.0.0.2"), True),
        # a proxy that nobody named: everybody seems to come from where it runs
        (scope("127.0.0.1", x_forwarded_for="203.0.113.9"), False),
        (scope("127.0.0.1", x_forwarded_for="127.0.0.1, 203.0.113.9"), False),
        (scope("127.0.0.1", forwarded="for=203.0.113.9"), False),
        (scope("127.0.0.1", x_real_ip="203.0.113.9"), False),
        (scope("127.0.0.1", via="1.1 proxy"), False),
    ],
)
def test_who_may_read(asked: dict[str, Any], allowed: bool) -> None:
    readers, proxies = Networks(["127.0.0.0/8", "::1/128"]), Networks(["127.0.0.1", "10.0.0.2"])
    assert may_read(asked, readers, proxies) == allowed


def test_others_are_told(live_server: LiveServer) -> None:
    assert httpx.get(f"{live_server.address}/metrics").status_code == 200
    claimed = {"x-forwarded-for": "203.0.113.9"}  # believed: this machine is a trusted proxy
    answer = httpx.get(f"{live_server.address}/metrics", headers=claimed)
    assert "metrics_from" in str(refused(answer, 403, "forbidden")["hint"])


def test_networks_that_are_named_may_read(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINA_METRICS_FROM", "203.0.113.0/24")
    with AppClient(create_app(Shop.open(published_shop.folder.root).folder)) as client:
        refused(client.get("/metrics"), 403, "forbidden")
        claimed = {"x-forwarded-for": "203.0.113.9"}
        assert client.get("/metrics", headers=claimed).status_code == 200


# Ready or not


def test_ready(client: AppClient) -> None:
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/healthz").json() == {"status": "ok"}


def test_not_ready_without_a_bundle(shop: Shop) -> None:
    with AppClient(create_app(shop.folder)) as client:
        refused(client.get("/readyz"), 503, "no_bundle")
        found = samples(client.get("/metrics").text)
        assert found["vitrina_ready[]"] == 0
        assert not any(name.startswith("vitrina_bundle_info") for name in found)


@pytest.mark.sqlite
def test_not_ready_without_a_database(client: AppClient, published_shop: Shop) -> None:
    database = published_shop.folder.database
    assert client.get("/readyz").status_code == 200
    for file in database.parent.glob("vitrina.db*"):
        file.write_bytes(b"no database" * 1000)
    document = refused(client.get("/readyz"), 503, "shop")
    assert "database" in str(document["detail"])
    assert str(published_shop.folder.root) not in json.dumps(document)
    assert client.get("/healthz").status_code == 200


def test_not_ready_where_the_database_does_not_answer(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.serving import readiness

    monkeypatch.setattr(readiness, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(readiness.Readiness, "_read_database", lambda _self: time.sleep(0.5))
    document = refused(client.get("/readyz"), 503, "shop")
    assert "did not answer" in str(document["detail"])


def test_not_ready_while_stopping(published_shop: Shop) -> None:
    app = create_app(published_shop.folder)
    with AppClient(app) as client:
        app.draining.begin()
        answer = client.get("/readyz")
        refused(answer, 503, "stopping")
        assert answer.headers["retry-after"]
        assert client.get("/healthz").status_code == 200
        assert samples(client.get("/metrics").text)["vitrina_ready[]"] == 0


def test_not_ready_while_the_queue_is_full(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.serving.admission import Admission

    with AppClient(create_app(published_shop.folder)) as client:
        monkeypatch.setattr(Admission, "expected_wait", lambda _self, _load: 60.0)
        refused(client.get("/readyz"), 503, "busy")


# The whole way: what a process writes


def test_a_server_says_how_it_began(live_server: LiveServer) -> None:
    ready = json.loads(live_server.said[0])
    assert ready["event"] == "ready"
    assert ready["address"] == live_server.address
    settings = Shop.open(live_server.shop).folder.settings
    told = (ready["bundle"], ready["threads"], ready["slots"])
    assert told == ("tiny-1", settings.inference_threads, settings.slots)
    assert ready["start_ms"] > 0
    found = samples(httpx.get(f"{live_server.address}/metrics").text)
    assert found["vitrina_start_seconds[]"] == pytest.approx(ready["start_ms"] / 1e3, abs=0.001)
    httpx.post(
        f"{live_server.address}/v1/search/photo",
        content=LAMP,
        headers={"content-type": "image/jpeg"},
    )
    found = samples(httpx.get(f"{live_server.address}/metrics").text)
    assert found["vitrina_cold_start_seconds[]"] > found["vitrina_start_seconds[]"]


def test_a_server_without_a_bundle_says_what_to_do(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    said = LiveServer(shop.folder.root, tmp_path / "tmp").stop().splitlines()
    ready, missing = map(json.loads, said[:2])
    assert ready["bundle"] == "none"
    assert (missing["event"], missing["code"], missing["level"]) == (
        "no_bundle", "no_bundle", "warning",
    )  # fmt: skip
    assert "vitrina publish" in missing["hint"]


def test_a_mistake_of_the_server_is_one_line_without_values(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from vitrina.search.text import TextSearch

    def fail(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("SECRET")

    monkeypatch.setattr(TextSearch, "search", fail)
    caplog.set_level(logging.INFO)
    with AppClient(create_app(published_shop.folder)) as client:
        answer = client.get("/v1/search?q=SECRET")
    refused(answer, 500, "internal")
    assert answer.headers["x-request-id"]
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "answer"]
    assert record.fields["code"] == "internal"  # type: ignore[attr-defined]
    assert "SECRET" not in json.dumps(record.fields)  # type: ignore[attr-defined]


def test_a_bundle_that_cannot_be_served_is_told_in_the_line(
    published_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    publish_tiny(published_shop.folder, version="torn").model.write_bytes(b"torn")
    (published_shop.folder.bundles / "tiny-1" / "bundle.json").unlink()
    caplog.set_level(logging.INFO)
    with AppClient(create_app(published_shop.folder)) as client:
        refused(client.send_photo(LAMP), 503, "bundle_damaged")
        assert samples(client.get("/metrics").text)["vitrina_bundle_is_active[]"] == 0
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "answer"][:1]
    assert "torn" in record.fields["detail"]  # type: ignore[attr-defined]
    assert str(published_shop.folder.root) not in json.dumps(record.fields)  # type: ignore[attr-defined]
