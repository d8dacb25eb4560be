"""One child process that decodes HEIC and AVIF, as its parent sees it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina import errors
from vitrina.errors import Busy, PhotoError

if TYPE_CHECKING:
    from vitrina.photos.kinds import Kind
    from vitrina.photos.limits import Limits

_START_SECONDS = 30.0
_RETRY_SECONDS = 60
_PIECE = 1 << 18
_TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds: what Linux counts a process's time in."""

_OWN_SHARE = 0.5
"""Part of its time that a child must have worked before its photo is to blame for an end of it."""


def _environment() -> dict[str, str]:
    """What the child needs to find its modules; the server's own holds what is not for it."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class Fault(Exception):
    """A child that gives no answer; its text says why."""


class Starved(Fault):
    """One that gives none because the processor was with others: no photo is to blame."""


class Child:
    """One child process, ready for photos; used by one thread at a time.

    Args:
        max_memory: Of its address space, bytes.
        seconds: After which the process ends by itself where its parent is gone.

    Attributes:
        photos: That it was handed so far.

    Raises:
        Busy: it does not start.
    """

    def __init__(self, max_memory: int, seconds: float) -> None:
        from vitrina.photos import child as protocol

        self.photos = 0
        self._latest = time.monotonic() + _START_SECONDS
        self._worked_before = self._may_work = 0.0
        self._extensions = 0
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
            self._receive()  # that it is ready
        except BaseException as fault:
            self.stop()
            if not isinstance(fault, Fault):
                raise
            raise Busy(
                "The decoder of HEIC and AVIF photos does not start.",
                hint="Send the photo as a JPEG.",
                retry_after=_RETRY_SECONDS,
            ) from fault

    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def ask(
        self,
        content: bytes,
        kind: Kind,
        limits: Limits,
        seconds: float,
        extensions: int = 0,
        longest: int = 0,
    ) -> bytes | PhotoError:
        """The picture made small, or why there is none.

        Args:
            content: Of the file.
            kind: Its format.
            limits: What is refused.
            seconds: Longest time for it.
            extensions: How often it is given the same time once more where others kept the
                processor from it.
            longest: Its longer side as WebP, pixels; 0 for the square that networks see.

        Raises:
            Fault: the child crashed, or answers nothing in time; it must be stopped.
        """
        self.photos += 1
        self._latest, self._extensions = time.monotonic() + seconds, extensions
        self._worked_before, self._may_work = self._look()[0], seconds
        mark = next(mark for mark, name in self._protocol.KINDS.items() if name == kind)
        head = self._protocol.REQUEST.pack(mark, limits.max_pixels, longest, len(content))
        for part in (head, content):
            left = memoryview(part)
            while left:
                self._wait(self._to, select.POLLOUT)
                try:
                    left = left[os.write(self._to, left[:_PIECE]) :]
                except BrokenPipeError:
                    raise self._ended() from None
        outcome, told = self._receive()
        if outcome == self._protocol.DECODED:
            return told
        reason = json.loads(told)
        error: PhotoError = getattr(errors, reason["kind"])(reason["message"], hint=reason["hint"])
        return error

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._read(self._protocol.ANSWER.size)
        outcome, length = self._protocol.ANSWER.unpack(head)
        return outcome, self._read(length)

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            self._wait(self._from, select.POLLIN)
            part = os.read(self._from, size)
            if not part:
                raise self._ended()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(max(0.0, self._latest - time.monotonic()) * 1e3):
            worked, waits = self._look()
            if waits or worked - self._worked_before >= _OWN_SHARE * self._may_work - _TICK:
                raise Fault("decoding it takes too long")
            if not self._extensions:
                raise Starved("the processor is busy with other work")
            self._extensions -= 1
            self._latest += self._may_work

    def _look(self) -> tuple[float, bool]:
        """Seconds of the processor that it had, and whether it waits for something else than that.

        Where the system does not tell, it is taken to wait: the photo then has had its time.
        """
        try:
            told = Path(f"/proc/{self._process.pid}/stat").read_bytes().rpartition(b")")[2].split()
            return (int(told[11]) + int(told[12])) * _TICK, told[0] in (b"S", b"Z")
        except (OSError, ValueError, IndexError):
            return 0.0, True

    def _ended(self) -> Fault:
        self._process.kill()
        status = self._process.wait()
        if status == self._protocol.OUT_OF_MEMORY:
            return Fault("decoding it takes too much memory")
        return Fault("its decoder crashed on it")
