"""Children that decode, ready before they are needed.

A child takes a third of a second to start, several on a busy machine. So only the first photo waits
for that: a child that has to go, because it is old or a photo took it along, gets a successor
started beside the photos.
"""

from __future__ import annotations

import threading
import time

from vitrina.errors import Busy
from vitrina.photos.child_process import Child

PHOTOS_PER_CHILD = 200
"""After so many a child is replaced: what its libraries leak does not add up."""


class Children:
    """Those that decode nothing just now, and those that are being started.

    May be used from several threads.

    Args:
        max_memory: Address space of each, bytes.
        seconds: Longest time for one photo, all in all.
        patience: Seconds that a photo waits for a child to be started.
    """

    def __init__(self, max_memory: int, seconds: float, patience: float) -> None:
        self._max_memory = max_memory
        self._seconds = seconds
        self._patience = patience
        self._changed = threading.Condition()
        self._idle: list[Child] = []
        self._wanted = self._starting = 0
        self._closings = 0
        self._failure: Busy | None = None

    def take(self) -> Child:
        """One that is nobody else's until it is given back, or stopped.

        Raises:
            Busy: none can be started, or not in time.
        """
        latest = time.monotonic() + self._patience
        with self._changed:
            self._wanted += 1
            self._failure = None
            try:
                while True:
                    while self._idle:
                        child = self._idle.pop()
                        if child.is_alive():
                            return child
                        child.stop()  # somebody else ended it: no photo is to blame
                    if self._starting < self._wanted:
                        self._start()
                    in_time = self._changed.wait(latest - time.monotonic())
                    if self._failure is not None or not in_time:
                        raise self._failure or Busy(
                            "The decoder of HEIC and AVIF photos is being started.",
                            hint="Send the photo again in some seconds, or as a JPEG.",
                        )
            finally:
                self._wanted -= 1

    def give_back(self, child: Child) -> None:
        """Takes one back after its photo."""
        with self._changed:
            old = child.photos >= PHOTOS_PER_CHILD
            if old and self._idle:
                child.stop()
                return
            # the younger ones stand behind, and are taken first
            self._idle.insert(0 if old else len(self._idle), child)
            if old and not self._starting:
                self._start()
            self._changed.notify()

    def replace(self) -> None:
        """Has one started beside; to be called after one was stopped."""
        with self._changed:
            if not self._idle and not self._starting:
                self._start()

    def close(self) -> None:
        """Ends those that decode nothing, and those that are being started when they are ready."""
        with self._changed:
            self._closings += 1
            while self._idle:
                self._idle.pop().stop()

    def _start(self) -> None:
        self._starting += 1
        # daemon: one that is being started must not hold up the end of the process
        threading.Thread(
            target=self._start_one, args=(self._closings,), name="start-decoder", daemon=True
        ).start()

    def _start_one(self, closings: int) -> None:
        child: Child | None = None
        failure: Busy | None = None
        try:
            child = Child(self._max_memory, self._seconds)
        except Busy as error:
            failure = error
        except OSError as error:  # no process, or no pipe, can be had
            failure = Busy(
                f"The decoder of HEIC and AVIF photos does not start: {error.strerror}.",
                hint="Send the photo as a JPEG.",
            )
        with self._changed:
            self._starting -= 1
            self._failure = failure
            if child is not None and closings != self._closings:
                child.stop()
            elif child is not None:
                for old in [one for one in self._idle if one.photos >= PHOTOS_PER_CHILD]:
                    self._idle.remove(old)
                    old.stop()
                self._idle.append(child)
            self._changed.notify_all()
