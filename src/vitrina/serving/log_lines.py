"""An event of the server as one line: JSON for machines, plain for a terminal."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from traceback import walk_tb
from types import TracebackType
from typing import Any

NOTICE = "notice"
"""What is said by others than `event`, such as uvicorn: a sentence, and who says it."""

_DEEPEST = 12


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and what the event says."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        content: dict[str, Any] = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", NOTICE),
        }
        if content["event"] == NOTICE:
            content["logger"] = record.name
        said = record.getMessage().strip()
        if said != content["event"] and not getattr(record, "shown", ()):
            content["message"] = said
        content.update(getattr(record, "fields", {}))
        content.update(_failure(record))
        return one_line(json.dumps(content, ensure_ascii=False, default=str))


class PlainLines(logging.Formatter):
    """A line for people: time of day, what happened, and its particulars."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {**getattr(record, "fields", {}), **_failure(record)}
        shown = getattr(record, "shown", ())
        particulars = " ".join(
            f"{name}={_short(value)}" for name, value in told.items() if name not in shown
        )
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        moment = _moment(record).astimezone().strftime("%H:%M:%S")
        said = record.getMessage().strip()
        return one_line(f"{moment} {level}{said}  {particulars}".rstrip())


def one_line(text: str) -> str:
    """`text` with all that does not print escaped, as JSON escapes it.

    That is line ends of every kind, control characters, marks that turn the direction of writing,
    and halves of characters.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _failure(record: logging.LogRecord) -> dict[str, str]:
    """What failed and where, without messages and values: they may hold what a shopper sent."""
    if record.exc_info and record.exc_info[2]:
        kind = record.exc_info[0]
        return {
            "failure": kind.__name__ if kind else "",
            "at": places_of(record.exc_info[2]),
        }
    if hasattr(record, "places"):
        return {"failure": getattr(record, "failure", ""), "at": record.places}
    return {}


def places_of(trace: TracebackType) -> str:
    """The innermost calls, "module:line function", the last one first; no path of the machine."""
    calls = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(trace)
    ]
    return " < ".join(reversed(calls[-_DEEPEST:]))


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _short(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
