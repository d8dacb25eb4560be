"""HEIC and AVIF, decoded in child processes that may crash, hang or run out of memory.

Their decoders are large, and memory faults are found in them every year. What goes wrong in one
costs the photo that did it and the start of a new child (docs/photos.md), not the server.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from types import TracebackType
from typing import TYPE_CHECKING

from vitrina import errors
from vitrina.errors import Busy, PhotoDamaged, PhotoError

if TYPE_CHECKING:
    from vitrina.photos.kinds import Kind
    from vitrina.photos.limits import Limits

SECONDS = 5.0
"""Longest time that one photo may take unless told otherwise."""

MAX_MEMORY = 1 << 30
"""Address space of a child, bytes: twice what the largest accepted photo was seen to take."""

PHOTOS_PER_CHILD = 200
"""After so many a child is replaced: what its libraries leak does not add up."""

_START_SECONDS = 30.0
_RETRY_SECONDS = 60
_PIECE = 1 << 18


class HeavyDecoder:
    """Children that decode; started when first needed, kept, replaced after faults.

    May be used from several threads, and is its own lane: at most `slots` photos are decoded at the
    same time, the others wait.

    Args:
        slots: Photos at the same time, a child each.
        seconds: Longest time for one photo; its child is killed then.
        wait_seconds: Longest time to wait for a child that is free; for ever where None.
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
        self._max_memory = max_memory
        self._free = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        # also where nobody closes it: a child must not be left behind
        self._finalizer = weakref.finalize(self, _stop_all, self._idle)

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
        with self._lock:
            _stop_all(self._idle)

    def decode(self, content: bytes, kind: Kind, limits: Limits) -> bytes:
        """The square that networks see, 224 x 224 x 3 bytes of RGB.

        Args:
            content: A file whose header was found acceptable.
            kind: Its format.
            limits: What is refused before decoding.

        Raises:
            PhotoError: the class that fits what is wrong; `PhotoDamaged` also where the photo took
                its child along.
            Busy: no child became free in time, or none can be started.
        """
        if not self._free.acquire(timeout=self._wait_seconds):
            raise Busy(
                f"As many {kind.upper()} photos as can be decoded at a time are being decoded.",
                hint="Send it again in a moment, or as a JPEG.",
                retry_after=max(1, round(self._seconds)),
            )
        try:
            return self._decode(content, kind, limits)
        finally:
            self._free.release()

    def _decode(self, content: bytes, kind: Kind, limits: Limits) -> bytes:
        child = self._take()
        with self._lock:
            self.photos += 1
        try:
            told = child.ask(content, kind, limits, self._seconds)
        except BaseException as fault:
            child.stop()
            if not isinstance(fault, _Fault):
                raise
            with self._lock:
                self.replaced += 1
            raise PhotoDamaged(
                f"The picture is damaged: {fault}.",
                hint="Save it as a JPEG and send that.",
            ) from fault
        if child.photos < PHOTOS_PER_CHILD:
            with self._lock:
                self._idle.append(child)
        else:
            child.stop()
        if isinstance(told, PhotoError):
            raise told
        return told

    def _take(self) -> _Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return _Child(self._max_memory, self._seconds)
            if child.is_alive():
                return child
            child.stop()  # somebody else ended it: no photo is to blame


def _stop_all(children: list[_Child]) -> None:
    while children:
        children.pop().stop()


def _environment() -> dict[str, str]:
    """What the child needs to find its modules; the server's own holds what is not for it."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class _Fault(Exception):
    """A child that gives no answer; its text says why."""


class _Child:
    """One child process, ready for photos."""

    def __init__(self, max_memory: int, seconds: float) -> None:
        from vitrina.photos import child as protocol

        self.photos = 0
        self._protocol = protocol
        # a new interpreter, not a fork: this process has threads, and a network in its memory
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", protocol.__name__, str(max_memory), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
            start_new_session=True,  # who interrupts the server at a terminal does not mean it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        try:
            self._receive(time.monotonic() + _START_SECONDS)  # that it is ready
        except BaseException as fault:
            self.stop()
            if not isinstance(fault, _Fault):
                raise
            raise Busy(
                "The decoder of HEIC and AVIF photos does not start.",
                hint="Send the photo as a JPEG.",
                retry_after=_RETRY_SECONDS,
            ) from fault

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def ask(self, content: bytes, kind: Kind, limits: Limits, seconds: float) -> bytes | PhotoError:
        """The square, or why there is none.

        Raises:
            _Fault: the child crashed, or answers nothing in time; it must be stopped.
        """
        self.photos += 1
        latest = time.monotonic() + seconds
        mark = next(mark for mark, name in self._protocol.KINDS.items() if name == kind)
        head = self._protocol.REQUEST.pack(mark, limits.max_pixels, len(content))
        for part in (head, content):
            left = memoryview(part)
            while left:
                self._wait(self._to, select.POLLOUT, latest)
                try:
                    left = left[os.write(self._to, left[:_PIECE]) :]
                except BrokenPipeError:
                    raise self._ended() from None
        outcome, told = self._receive(latest)
        if outcome == self._protocol.DECODED:
            return told
        reason = json.loads(told)
        error: PhotoError = getattr(errors, reason["kind"])(reason["message"], hint=reason["hint"])
        return error

    def _receive(self, latest: float) -> tuple[bytes, bytes]:
        head = self._read(self._protocol.ANSWER.size, latest)
        outcome, length = self._protocol.ANSWER.unpack(head)
        return outcome, self._read(length, latest)

    def _read(self, size: int, latest: float) -> bytes:
        parts = []
        while size:
            self._wait(self._from, select.POLLIN, latest)
            part = os.read(self._from, size)
            if not part:
                raise self._ended()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int, latest: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, latest - time.monotonic()) * 1e3):
            raise _Fault("decoding it takes too long")

    def _ended(self) -> _Fault:
        self._process.kill()
        status = self._process.wait()
        if status == self._protocol.OUT_OF_MEMORY:
            return _Fault("decoding it takes too much memory")
        return _Fault("its decoder crashed on it")
