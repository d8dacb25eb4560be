"""What a server writes about itself: one line an event, JSON for machines, plain for a terminal.

Lines are made of names, numbers and words of ours. Of a shopper there is never a byte of a photo, a
file's name, an address of a page, or what was searched for. Whatever a line holds, it stays one
line: control and formatting characters are escaped, so nobody can write lines of their own.

A thread of its own writes them. Who reads the lines slowly, or not at all, loses some of them and
is told how many, but never holds up an answer.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from vitrina.serving.log_lines import JsonLines, PlainLines, places_of

if TYPE_CHECKING:
    from typing import Protocol

    class LineStream(Protocol):
        """Where lines go."""

        def write(self, text: str, /) -> int:
            """Writes some."""

        def flush(self) -> None:
            """Keeps nothing back."""

        def isatty(self) -> bool:
            """Whether a person reads them."""


LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning"]

SERVER = logging.getLogger("vitrina.serving")
"""Every event of the server."""

_LOGGERS = ("vitrina", "uvicorn.error")
_MOST_WAITING = 10_000
_MOST_A_SECOND = 20
_LAST_WORDS_SECONDS = 2.0


def event(
    level: int,
    name: str,
    /,
    *,
    say: str = "",
    shown: Collection[str] = (),
    failure: BaseException | None = None,
    always: bool = False,
    **fields: object,
) -> None:
    """Writes one event.

    Args:
        level: Of `logging`.
        name: Which event, a word that does not change.
        say: The same for people, where the name alone says too little.
        shown: Fields that `say` consists of: lines for people do not repeat them, and JSON needs no
            sentence made of them.
        failure: What was raised; its kind and place are written, its message is not.
        always: Whether it is written at every level of the log.
        **fields: What else there is to say; what is None or "" is left out.
    """
    if not always and not SERVER.isEnabledFor(level):
        return
    told = {key: value for key, value in fields.items() if value not in (None, "")}
    extra = {"event": name, "fields": told, "shown": shown}
    raised = (type(failure), failure, failure.__traceback__) if failure else None
    record = SERVER.makeRecord(SERVER.name, level, "", 0, "%s", (say or name,), raised, extra=extra)
    SERVER.handle(record)


class Written:
    """What became of lines.

    Attributes:
        dropped: How many were not written: nobody took them fast enough, or the disk is full.
    """

    def __init__(self) -> None:
        self.dropped = 0


class Governor:
    """Keeps a flood of requests from becoming a flood of lines."""

    def __init__(self) -> None:
        self._second = -1
        self._written = 0
        self._omitted = 0

    def allows(self) -> tuple[bool, int]:
        """Whether a line may be written now, and how many were left out before it."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= _MOST_A_SECOND:
            self._omitted += 1
            return False, 0
        self._written += 1
        omitted, self._omitted = self._omitted, 0
        return True, omitted


def is_json(wanted: LogFormat, stream: LineStream) -> bool:
    """Whether lines are JSON: where nobody asked, on all that is no terminal."""
    return wanted == "json" or (wanted == "auto" and not stream.isatty())


class _Descriptor:
    """A file as the system knows it.

    Python waits at its end for the buffers and locks of `sys.stderr`: for ever, where a thread
    holds them that writes into a pipe that nobody reads. Here there are none.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, text: str, /) -> int:
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        while left:
            left = left[os.write(self._number, left) :]
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return os.isatty(self._number)


def stderr_lines() -> LineStream:
    """Standard error; what somebody has put in its place where it is no file."""
    try:
        return _Descriptor(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return sys.stderr


@contextmanager
def written_to(
    stream: LineStream,
    *,
    form: LogFormat = "auto",
    level: LogLevel = "info",
) -> Iterator[Written]:
    """Writes the server's events, and uvicorn's, while the block lasts.

    Args:
        stream: Where to.
        form: Of the lines.
        level: What is not written: anything below it.
    """
    # of the queues the one that a signal's handler may use in the middle of another's use
    waiting: SimpleQueue[Any] = SimpleQueue()
    written = Written()
    handler = _NeverWaiting(waiting, written)
    form_of_lines = JsonLines() if is_json(form, stream) else PlainLines()
    listener = _Listener(waiting, stream, form_of_lines, written)
    before = [(logger := logging.getLogger(name), logger.level) for name in _LOGGERS]
    listener.start()
    for logger, _ in before:
        logger.addHandler(handler)
        # uvicorn says at "info" what the events here say
        quiet = logger.name.startswith("uvicorn") and level == "info"
        logger.setLevel("WARNING" if quiet else level.upper())
    try:
        yield written
    finally:
        for logger, earlier in before:
            logger.removeHandler(handler)
            logger.setLevel(earlier)
        listener.stop()


class _NeverWaiting(QueueHandler):
    """Hands lines to the thread that writes them; counts those that it has no room for."""

    def __init__(self, waiting: SimpleQueue[Any], written: Written) -> None:
        super().__init__(waiting)
        self._waiting = waiting
        self._notices = Governor()
        self._written = written

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as it is: its formatter runs in this very process."""
        kind, _, trace = record.exc_info or (None, None, None)
        if kind is not None and trace is not None:
            # what is kept of a failure must not keep the photos that its frames hold
            record = copy(record)
            record.places, record.failure = places_of(trace), kind.__name__
            record.exc_info = None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Takes a record, or drops it."""
        if not hasattr(record, "event"):
            # uvicorn says something of each broken request
            allowed, omitted = self._notices.allows()
            if not allowed:
                return
            if omitted:
                record.fields = {"omitted_before": omitted}
        if self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put(record)
        else:
            self._written.dropped += 1


class _Listener(QueueListener):
    """Writes lines; ends in time also where nobody takes the last ones.

    It has no handler of `logging` behind it: all of those are waited for when Python ends.
    """

    def __init__(
        self,
        waiting: SimpleQueue[Any],
        stream: LineStream,
        form: logging.Formatter,
        written: Written,
    ) -> None:
        super().__init__(waiting)
        self._stream = stream
        self._form = form
        self._written = written

    def handle(self, record: logging.LogRecord) -> None:
        """Writes one line."""
        try:
            self._stream.write(self._form.format(record) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._written.dropped += 1  # a full disk, or a reader that is gone: serving goes on

    def stop(self) -> None:
        """Writes what waits, for as long as that may take."""
        thread, self._thread = self._thread, None
        self.enqueue_sentinel()
        if thread is not None:
            thread.join(_LAST_WORDS_SECONDS)
