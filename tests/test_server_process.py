"""A server under measurement: what becomes of one that fails, and that none is left behind."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from vitrina.errors import EvaluationError, MissingExtra
from vitrina.evaluation import process_usage, server_process
from vitrina.evaluation.server_process import ServerProcess, granted_cores

PLAIN = Path(__file__).with_name("plain_server.py")
ROUTE = "/v1/search/photo"


def plain(log: Path, *options: str) -> list[str]:
    """The command of a plain server that writes to `log`."""
    return [sys.executable, str(PLAIN), str(log), *options]


def events(log: Path) -> list[dict[str, Any]]:
    """What the servers of one log wrote down."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def require_none_left(log: Path) -> None:
    """No process that wrote to `log` is there any more."""
    pids = {event["pid"] for event in events(log)}
    assert pids
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def lives(pid: int) -> bool:
    """Whether a process still does something; the remains of an orphan may stay for a while."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_all_photos_go_over_one_connection(log: Path) -> None:
    with ServerProcess(plain(log)) as server:
        for content in (b"one", b"two", b"three"):
            answer = server.post(ROUTE, content, "image/png")
            assert json.loads(answer)["timings_ms"] == {"infer": 7}
        assert server.started < server.listening
    asked = events(log)[1:]
    assert [event["photo"] for event in asked] == ["one", "two", "three"]
    assert {(event["connection"], event["kind"], event["path"]) for event in asked} == {
        (1, "image/png", ROUTE)
    }
    require_none_left(log)


def test_its_environment_is_this_ones_and_what_is_set(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINA_THREADS", "5")
    with ServerProcess(plain(log)):
        pass
    with ServerProcess(plain(log), environment={"VITRINA_THREADS": "3"}):
        pass
    assert [event["threads"] for event in events(log)] == ["5", "3"]


def test_a_server_that_ends_at_once_is_told_with_its_words(log: Path) -> None:
    with pytest.raises(EvaluationError, match="ended with status 1") as caught:
        ServerProcess(plain(log, "--do", "fail")).__enter__()
    assert "there is nothing to serve" in caught.value.message
    assert str(PLAIN) in caught.value.hint
    require_none_left(log)


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be started"):
        ServerProcess([str(tmp_path / "missing")]).__enter__()


@pytest.mark.parametrize(
    ("deed", "told"), [("mute", "did not listen within 5 s"), ("hang", "did not answer a photo")]
)
def test_a_server_that_never_answers_is_ended(
    log: Path, deed: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "DEADLINE_SECONDS", 5.0)
    with (
        pytest.raises(EvaluationError, match=told),
        ServerProcess(plain(log, "--do", deed)) as server,
    ):
        server.post(ROUTE, b"x", "image/jpeg")
    require_none_left(log)


def test_a_server_that_dies_is_told_with_its_last_words(log: Path) -> None:
    with ServerProcess(plain(log, "--do", "die", "--at", "2")) as server:
        server.post(ROUTE, b"x", "image/jpeg")
        with pytest.raises(EvaluationError, match="did not answer a photo") as caught:
            server.post(ROUTE, b"x", "image/jpeg")
    assert "the last words" in caught.value.message
    require_none_left(log)


def test_a_refusal_is_told_with_what_was_answered(log: Path) -> None:
    with (
        ServerProcess(plain(log, "--do", "refuse")) as server,
        pytest.raises(EvaluationError, match="status 503") as caught,
    ):
        server.post(ROUTE, b"x", "image/jpeg")
    assert "timings_ms" in caught.value.message


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ZeroDivisionError])
def test_it_is_ended_whatever_happens(log: Path, kind: type[BaseException]) -> None:
    with pytest.raises(kind), ServerProcess(plain(log)):
        raise kind
    require_none_left(log)


def test_one_that_does_not_heed_is_killed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "_ENDING_SECONDS", 0.2)
    with ServerProcess(plain(log, "--do", "stay")):
        pass
    require_none_left(log)


def test_its_children_end_with_it(log: Path) -> None:
    with ServerProcess(plain(log, "--do", "beget")):
        assert psutil.pid_exists(events(log)[1]["child"])
    child = events(log)[1]["child"]
    while lives(child):  # the system ends it in its own time; the time limit of tests holds
        time.sleep(0.01)
    assert not psutil.pid_exists(events(log)[0]["pid"])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot restrict")
def test_only_the_server_is_kept_to_its_cores(log: Path) -> None:
    before = os.sched_getaffinity(0)
    with ServerProcess(plain(log), cores=1):
        assert os.sched_getaffinity(0) == before
    with ServerProcess(plain(log), cores=10_000):
        pass
    assert [event["cores"] for event in events(log)] == [1, len(before)]
    assert (granted_cores(1), granted_cores(10_000)) == (1, len(before))
    assert granted_cores(None) == len(before)


def test_without_psutil_nothing_is_started(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_usage, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match="psutil"):
        ServerProcess(plain(log)).__enter__()
    assert not log.exists()
