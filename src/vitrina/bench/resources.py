"""What a running server holds of the machine, looked at again and again: memory, files, threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vitrina.evaluation.process_usage import family, require_psutil


@dataclass(frozen=True)
class Held:
    """What a process and its children hold at one moment.

    Attributes:
        at: Seconds after the first look.
        resident_mb: Resident memory, 10^6 bytes; pages that processes share count in each.
        files: Open file descriptors, sockets among them; 0 where the system does not say.
        threads: Of all of them.
    """

    at: float
    resident_mb: float
    files: int
    threads: int


def held_now(pid: int, since: float = 0.0) -> Held:
    """What a process and its children hold; all 0 where it has ended.

    Args:
        pid: Of the process.
        since: `time.perf_counter` that `Held.at` counts from; it is 0 where that is not given.
    """
    require_psutil()
    import psutil

    resident = files = threads = 0
    try:
        members = family(psutil.Process(pid))
    except psutil.NoSuchProcess:
        members = []
    for member in members:
        try:
            with member.oneshot():
                resident += member.memory_info().rss
                threads += member.num_threads()
                files += member.num_fds() if hasattr(member, "num_fds") else 0
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # a child that is just ending
    at = time.perf_counter() - since if since else 0.0
    return Held(round(at, 2), round(resident / 1e6, 2), files, threads)


class ResourceWatch:
    """Looks at a process every `every` seconds inside a `with` block.

    Args:
        pid: Of the process.
        every: Seconds between two looks.
        on_look: Told of each.

    Attributes:
        looks: One at the beginning, one at the end, and those between.
    """

    def __init__(
        self, pid: int, *, every: float, on_look: Callable[[Held], None] | None = None
    ) -> None:
        self._pid = pid
        self._every = every
        self._on_look = on_look
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.looks: list[Held] = []

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self._look()

    def _look(self) -> None:
        self.looks.append(held_now(self._pid, self._start))
        if self._on_look:
            self._on_look(self.looks[-1])
