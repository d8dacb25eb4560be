"""HEIC and AVIF, decoded in child processes that may crash, hang or run out of memory.

Their decoders are large, and memory faults are found in them every year. What goes wrong in one
costs the photo that did it and the start of a new child (docs/photos.md), not the server.
"""

from __future__ import annotations

import threading
import weakref
from types import TracebackType
from typing import TYPE_CHECKING

from vitrina.errors import Busy, PhotoDamaged, PhotoError
from vitrina.photos.child_process import Fault, Starved
from vitrina.photos.children import Children

if TYPE_CHECKING:
    from vitrina.photos.kinds import Kind
    from vitrina.photos.limits import Limits

SECONDS = 5.0
"""Longest time that one photo may take unless told otherwise."""

MAX_MEMORY = 1 << 30
"""Address space of a child, bytes: twice what the largest accepted photo was seen to take."""

_START_SECONDS = 30.0
"""That whoever has time waits for a child to start; others wait for as long as for a photo, but
`_LEAST_START_SECONDS`."""
_LEAST_START_SECONDS = 5.0

_EXTENSIONS = 9
"""How often whoever has time gives a photo its time once more, where the machine has so much else
to do that the child did not get to work."""


class HeavyDecoder:
    """Children that decode; started when first needed, kept, replaced after faults.

    May be used from several threads, and is its own lane: at most `slots` photos are decoded at the
    same time, the others wait.

    Args:
        slots: Photos at the same time, a child each.
        seconds: Longest time for one photo; its child is killed then.
        wait_seconds: Longest time to wait for a child that is free; for ever where None, and then
            also for one that others keep from the processor.
        max_memory: Address space of a child, bytes.

    Attributes:
        photos: Photos that were handed to a child so far.
        replaced: Children that were replaced because a photo made them crash, hang or run out of
            memory.
    """

    def __init__(
        self,
        *,
        slots: int = 1,
        seconds: float = SECONDS,
        wait_seconds: float | None = None,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        self.photos = 0
        self.replaced = 0
        self._seconds = seconds
        self._wait_seconds = wait_seconds
        self._extensions = _EXTENSIONS if wait_seconds is None else 0
        self._free = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        patience = max(seconds, _LEAST_START_SECONDS)
        self._children = Children(
            max_memory,
            seconds * (1 + self._extensions),
            _START_SECONDS if wait_seconds is None else patience,
        )
        # also where nobody closes it: a child must not be left behind
        self._finalizer = weakref.finalize(self, self._children.close)

    def __enter__(self) -> HeavyDecoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the children that decode nothing; one is started again when needed."""
        self._children.close()

    def decode(self, content: bytes, kind: Kind, limits: Limits) -> bytes:
        """The square that networks see, 224 x 224 x 3 bytes of RGB.

        Args:
            content: A file whose header was found acceptable.
            kind: Its format.
            limits: What is refused before decoding.

        Raises:
            PhotoError: the class that fits what is wrong; `PhotoDamaged` also where the photo took
                its child along.
            Busy: no child became free in time, none can be started, or the machine has so much
                else to do that the child did not get to work.
        """
        return self._ask(content, kind, limits, 0)

    def shrink(self, content: bytes, kind: Kind, limits: Limits, longest: int) -> bytes:
        """The picture for people to look at, as `picture.shrink_picture` makes it.

        Args:
            content: A file whose header was found acceptable.
            kind: Its format.
            limits: What is refused before decoding.
            longest: Its longer side in the answer at most, pixels.

        Raises:
            PhotoError, Busy: as `decode`.
        """
        return self._ask(content, kind, limits, longest)

    def _ask(self, content: bytes, kind: Kind, limits: Limits, longest: int) -> bytes:
        if not self._free.acquire(timeout=self._wait_seconds):
            raise Busy(
                f"As many {kind.upper()} photos as can be decoded at a time are being decoded.",
                hint="Send it again in a moment, or as a JPEG.",
                retry_after=max(1, round(self._seconds)),
            )
        try:
            return self._decode(content, kind, limits, longest)
        finally:
            self._free.release()

    def _decode(self, content: bytes, kind: Kind, limits: Limits, longest: int) -> bytes:
        child = self._children.take()
        with self._lock:
            self.photos += 1
        try:
            told = child.ask(content, kind, limits, self._seconds, self._extensions, longest)
        except BaseException as fault:
            child.stop()
            self._children.replace()
            if isinstance(fault, Starved):
                raise Busy(
                    f"The server has too much to do to decode this photo: {fault}.",
                    hint="Send it again in some seconds, or as a JPEG.",
                    retry_after=max(1, round(self._seconds)),
                ) from fault
            if not isinstance(fault, Fault):
                raise
            with self._lock:
                self.replaced += 1
            raise PhotoDamaged(
                f"The picture is damaged: {fault}.",
                hint="Save it as a JPEG and send that.",
            ) from fault
        self._children.give_back(child)
        if isinstance(told, PhotoError):
            raise told
        return told
