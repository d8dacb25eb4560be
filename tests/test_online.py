"""The online table's figures: what counts as what, with a server whose answers are known."""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from drawing import COLOURS, drawn_photo
from listening import Listening
from test_server_process import events, plain, require_none_left
from tiny_network import publish_tiny

from vitrina import Shop
from vitrina.bundle import active_version, read_bundle
from vitrina.errors import EvaluationError
from vitrina.evaluation.candidate import OnlineRecord
from vitrina.evaluation.online import Load, SentPhoto, measure_online, serve_command
from vitrina.machine import this_machine, usable_cores

PHOTOS = tuple(SentPhoto(name.encode(), f"image/{name}") for name in ("png", "jpeg", "webp"))
FEW = Load(photos=PHOTOS, requests=4, warm_up=2, repeats=2, threads=3)


def measure(command: list[str], load: Load = FEW, **options: object) -> OnlineRecord:
    values = {"way": "keras", "model_size_mb": 1.5, "label": "Measuring", **options}
    return measure_online(command, load, **values)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_each_repeat_is_a_fresh_process_that_is_asked_in_order(log: Path) -> None:
    measure(plain(log))
    starts = [event for event in events(log) if "threads" in event]
    assert len({start["pid"] for start in starts}) == len(starts) == FEW.repeats
    assert {start["threads"] for start in starts} == {"3"}
    for start in starts:
        asked = [e for e in events(log) if e["pid"] == start["pid"] and "photo" in e]
        cold, warm_up, measured = ["png"], ["png", "jpeg"], ["png", "jpeg", "webp", "png"]
        assert [event["photo"] for event in asked] == cold + warm_up + measured
        assert all(event["kind"] == f"image/{event['photo']}" for event in asked)
        assert {(event["connection"], event["path"]) for event in asked} == {
            (1, "/v1/search/photo")
        }
    require_none_left(log)


def test_the_inference_time_is_the_median_that_the_server_tells(log: Path) -> None:
    # the n-th answer says 7 + n ms; 1 + 2 of them are not measured
    record = measure(plain(log, "--slower", "1"))
    expected = statistics.median(7 + number for number in (4, 5, 6, 7))
    spread = record.inference_time_ms
    assert (spread.low, spread.median, spread.high) == (expected, expected, expected)


def test_the_spread_is_over_repeats(log: Path) -> None:
    record = measure(plain(log), replace(FEW, repeats=3))
    for spread in (record.request_ms, record.cold_start_ms, record.ram_usage_mb):
        assert 0 < spread.low <= spread.median <= spread.high
    assert record.cold_start_ms.low > 10  # no Python starts sooner


def test_the_record_says_how_it_was_measured(log: Path) -> None:
    record = measure(plain(log))
    assert (record.requests, record.repeats, record.threads) == (4, 2, 3)
    assert (record.way, record.model_size_mb) == ("keras", 1.5)
    assert (record.cores, record.machine) == (usable_cores(), this_machine())
    assert measure(plain(log), replace(FEW, cores=1)).cores in (1, usable_cores())


def test_the_work_is_reported(log: Path) -> None:
    heard = Listening()
    measure(plain(log), progress=heard)
    assert heard.units == {"Measuring": 2}


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("die", "did not answer a photo"),
        ("refuse", "status 503"),
        ("garble", "without timings_ms.infer"),
    ],
)
@pytest.mark.parametrize("photo", ["1", "3", "7"])
def test_a_failure_at_any_photo_is_told_and_leaves_nothing(
    log: Path, deed: str, told: str, photo: str
) -> None:
    command = plain(log, "--do", deed, "--at", photo)
    if deed == "garble" and photo != "7":
        measure(command)  # nobody reads the timings of what is not measured
        return
    with pytest.raises(EvaluationError, match=told) as caught:
        measure(command)
    assert "plain is at http://" in caught.value.message
    assert caught.value.hint
    require_none_left(log)


@pytest.mark.parametrize(
    "wrong", [{"photos": ()}, {"requests": 0}, {"repeats": 0}, {"threads": 0}, {"warm_up": -1}]
)
def test_a_load_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(EvaluationError, match="cannot be measured"):
        replace(FEW, **wrong)  # type: ignore[arg-type]


def test_a_bundle_is_measured_before_it_is_activated(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = published_shop.folder
    publish_tiny(folder, version="tiny-2")
    (folder.bundles / "active").write_text("tiny-1\n")
    # what the shop listens on otherwise is no matter of the measurement
    folder.toml.write_text(folder.toml.read_text() + '\nhost = "0.0.0.0"\n')
    photos = [drawn_photo(colour, kind="JPEG") for colour in COLOURS.values()]
    load = Load(
        photos=tuple(SentPhoto(photo, "image/jpeg") for photo in photos),
        # processors' time is counted in hundredths of a second
        requests=60, warm_up=1, repeats=1, threads=1, cores=1,
    )  # fmt: skip
    size = read_bundle(folder.bundles / "tiny-2").size_bytes / 1e6
    command = serve_command(folder.root, "tiny-2")
    record = measure(command, load, way="vitrina", model_size_mb=size)
    assert command[0] == sys.executable
    assert active_version(folder.bundles) == "tiny-1"
    assert 0 < record.inference_time_ms.median < record.request_ms.median
    assert record.request_ms.median < record.cold_start_ms.median
    assert record.ram_usage_mb.median > 20
    assert record.cpu_percent.median > 0


def test_a_bundle_that_is_not_there_is_told_in_the_servers_words(published_shop: Shop) -> None:
    with pytest.raises(EvaluationError, match="no bundle 'missing'"):
        measure(serve_command(published_shop.folder.root, "missing"))
