"""What a process takes of the machine while something is done: memory and processor time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vitrina.errors import EvaluationError, MissingExtra

if TYPE_CHECKING:
    import psutil

_SAMPLE_SECONDS = 0.02


class ProcessUsage:
    """Watches a process and its children inside a `with` block; the figures are there after it.

    Args:
        pid: Of the process.

    Attributes:
        peak_mb: The most resident memory in the block, 10^6 bytes. Linux keeps that mark itself,
            and it is set back when the block begins, so watching costs the machine nothing.
            Elsewhere it is sampled. Marks of several processes are added up, and pages that they
            share count in each.
        cpu_percent: Processor time, user and system, per wall time; 100 is one whole core.

    Raises:
        MissingExtra: psutil is not installed.
        EvaluationError: the process is not there, or ends inside the block.
    """

    peak_mb: float
    cpu_percent: float

    def __init__(self, pid: int) -> None:
        require_psutil()
        import psutil

        self._gone = psutil.NoSuchProcess
        self._sampler: _MemorySampler | None = None
        try:
            self._process = psutil.Process(pid)
        except self._gone as error:
            raise _ended(pid) from error

    def __enter__(self) -> Self:
        try:
            if not all(_reset_peak(each.pid) for each in family(self._process)):
                self._sampler = _MemorySampler(self._process)
            self._cpu_before = self._cpu_seconds()
        except self._gone as error:
            raise _ended(self._process.pid) from error
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        wall = time.perf_counter() - self._began
        sampled = self._sampler.stop() if self._sampler else None
        if kind is not None:
            return  # what went wrong in the block is what is told
        try:
            self.cpu_percent = 100 * (self._cpu_seconds() - self._cpu_before) / wall
            peak = sampled or self._sum(lambda each: _peak_bytes(each.pid))
        except (self._gone, OSError, StopIteration) as gone:
            raise _ended(self._process.pid) from gone
        self.peak_mb = peak / 1e6

    def _cpu_seconds(self) -> float:
        def seconds(process: psutil.Process) -> float:
            times = process.cpu_times()
            # with the time of children that have ended meanwhile
            return float(times.user + times.system + times.children_user + times.children_system)

        return self._sum(seconds)

    def _sum(self, figure: Callable[[psutil.Process], float]) -> float:
        """Of the process and its children; one of those that is just ending counts nothing."""
        whole = figure(self._process)
        for child in family(self._process)[1:]:
            with suppress(self._gone, OSError, StopIteration):
                whole += figure(child)
        return whole


def require_psutil() -> None:
    """Makes sure that processes can be watched.

    Raises:
        MissingExtra: psutil is not installed.
    """
    if find_spec("psutil") is None:
        raise MissingExtra(
            "Measuring a server needs psutil, which this installation does not have.",
            hint="pip install 'vitrina[train]'",
        )


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that descend from it."""
    return [process, *process.children(recursive=True)]


class _MemorySampler:
    """Peak of the resident memory of a process and its children, from a thread of its own."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Ends the thread; bytes."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        import psutil

        while True:
            over = self._over.wait(_SAMPLE_SECONDS)  # once more after the end: at least one sample
            try:
                resident = sum(each.memory_info().rss for each in family(self._process))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                resident = 0  # one of them is just ending
            self._peak = max(self._peak, resident)
            if over:
                return


def _reset_peak(pid: int) -> bool:
    """Sets the high-water mark of resident memory back; whether the system has one (proc(5))."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    mark = next(line for line in lines if line.startswith("VmHWM:"))
    return int(mark.split()[1]) * 1024


def _ended(pid: int) -> EvaluationError:
    return EvaluationError(
        f"The process {pid} ended while it was measured.",
        hint="Start it by hand and look at what it says.",
    )
