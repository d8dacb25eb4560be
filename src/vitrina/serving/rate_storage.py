"""Where the library `limits` keeps its counts: in memory, for a bounded number of clients.

Its own storage in memory keeps every address of the last minutes and starts a thread a hundred
times a second to look through all of them. This one forgets as it goes. Imported only once there is
something to count.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from limits.storage import Storage

MOST_CLIENTS = 50_000
"""Clients whose minute is remembered, some 15 MB."""


class BoundedStorage(Storage):
    """Counts of windows that begin with a client's first request.

    Where there are too many, the window that began first is forgotten: nobody is kept out by it.

    Args:
        most: Windows.
        clock: Seconds; not the time of day, which may jump.
    """

    STORAGE_SCHEME = ["bounded-memory"]  # noqa: RUF012  the library's own way to name it

    def __init__(
        self, most: int = MOST_CLIENTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self.clock = clock
        # in the order in which they began
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong here: nothing."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counts `amount` more in the window of `key`, which lasts `expiry` seconds."""
        now = self.clock()
        count, ends = self._windows.get(key, (0, 0.0))
        if ends <= now:
            self._windows.pop(key, None)
            count, ends = 0, now + expiry
            if len(self._windows) >= self._most:
                self._windows.popitem(last=False)
        self._windows[key] = (count + amount, ends)
        return count + amount

    def get(self, key: str) -> int:
        """What was counted in the window of `key`."""
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > self.clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window of `key` ends, by the clock."""
        return max(self._windows.get(key, (0, 0.0))[1], self.clock())

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forgets everything; how many windows that were."""
        forgotten = len(self._windows)
        self._windows.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forgets one window."""
        self._windows.pop(key, None)
