"""Memory and processor time of a process: the peak inside the block, and nothing before it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from plain_server import MEMORY
from test_server_process import ROUTE, plain

from vitrina.errors import EvaluationError
from vitrina.evaluation import process_usage
from vitrina.evaluation.process_usage import ProcessUsage
from vitrina.evaluation.server_process import ServerProcess

MOST_OF_IT = 0.8 * MEMORY / 1e6


def ask(server: ServerProcess, times: int = 1) -> None:
    for _ in range(times):
        server.post(ROUTE, b"x", "image/jpeg")


def usage_of(server: ServerProcess, requests: int) -> ProcessUsage:
    with server.usage() as usage:
        ask(server, requests)
    return usage


def test_memory_that_was_given_back_at_once_counts(tmp_path: Path) -> None:
    with ServerProcess(plain(tmp_path / "log", "--do", "hold", "--at", "3")) as server:
        quiet = usage_of(server, 2)
        held = usage_of(server, 1)
    assert quiet.peak_mb > 1
    assert held.peak_mb > quiet.peak_mb + MOST_OF_IT


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux keeps a mark")
def test_memory_from_before_the_block_does_not_count(tmp_path: Path) -> None:
    with ServerProcess(plain(tmp_path / "log", "--do", "hold", "--at", "1")) as server:
        ask(server)
        later = usage_of(server, 5)
        now = psutil.Process(server.pid).memory_info().rss / 1e6
    assert later.peak_mb < now + MOST_OF_IT / 2


def test_memory_is_sampled_where_the_system_keeps_no_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_usage, "_reset_peak", lambda _pid: False)
    with ServerProcess(plain(tmp_path / "log")) as server:
        sampled = usage_of(server, 5)
        now = psutil.Process(server.pid).memory_info().rss / 1e6
    assert sampled.peak_mb == pytest.approx(now, rel=0.2)


def test_memory_and_time_of_children_count(tmp_path: Path) -> None:
    with ServerProcess(plain(tmp_path / "log", "--do", "beget")) as server:
        usage = usage_of(server, 1)
        (child,) = psutil.Process(server.pid).children()
        alone = psutil.Process(server.pid).memory_info().rss
        assert usage.peak_mb >= (alone + child.memory_info().rss / 2) / 1e6


def test_work_takes_more_of_the_processor_than_waiting(tmp_path: Path) -> None:
    with ServerProcess(plain(tmp_path / "busy", "--do", "burn")) as server:
        busy = usage_of(server, 15)
    with ServerProcess(plain(tmp_path / "idle", "--do", "nap")) as server:
        idle = usage_of(server, 15)
    assert busy.cpu_percent > 2 * idle.cpu_percent
    assert busy.cpu_percent < 250  # one thread works; clocks tick every hundredth of a second


def test_a_process_that_is_gone_is_told() -> None:
    with pytest.raises(EvaluationError, match="ended while it was measured"):
        ProcessUsage(2**22 + 1)


def test_a_process_that_ends_inside_the_block_is_told(tmp_path: Path) -> None:
    def kill(server: ServerProcess) -> None:
        with server.usage():
            psutil.Process(server.pid).kill()
            psutil.wait_procs([psutil.Process(server.pid)], timeout=10)

    with (
        ServerProcess(plain(tmp_path / "log")) as server,
        pytest.raises(EvaluationError, match="ended while it was measured"),
    ):
        kill(server)
