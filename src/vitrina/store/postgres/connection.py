"""A PostgreSQL connection that is asked as SQLite's are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import StrDumper, TextLoader

from vitrina.store.connection import Values

_PLACES = re.compile(r"'[^']*'|::|\?|:([a-z_]+)|%")

Below = psycopg.Connection[tuple[Any, ...]]


class _Number(Loader):
    """Sums of whole numbers are whole numbers, as in SQLite."""

    def load(self, data: Any) -> int | float:
        written = bytes(data).decode()
        return int(written) if written.lstrip("-").isdigit() else float(written)


class _PlainText(StrDumper):
    """PostgreSQL has no NUL in its texts: what has one equals nothing that is kept."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\x00", "\ufffd"))


class PostgresConnection:
    """Asks a connection of psycopg's in the words of `store.connection`.

    Args:
        below: Whose transaction the caller begins and ends.
    """

    def __init__(self, below: Below) -> None:
        self.below = below

    def execute(self, statement: str, values: Values = (), /) -> psycopg.Cursor[tuple[Any, ...]]:
        """Asks or changes something."""
        cursor = self.below.cursor()
        return cursor.execute(translated(statement), values)

    def executemany(
        self, statement: str, values: Iterable[Values], /
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Changes something for each of many values, in one go."""
        cursor = self.below.cursor()
        cursor.executemany(translated(statement), list(values))
        return cursor


def prepare(below: Below, *, moments_as_text: bool = True) -> None:
    """Has a connection give what SQLite would: moments as text, sums as numbers.

    Args:
        below: A new one.
        moments_as_text: Not for SQLAlchemy, which reads them itself.
    """
    adapters = below.adapters
    adapters.register_loader("numeric", _Number)
    if moments_as_text:
        adapters.register_loader("timestamp", TextLoader)
    adapters.register_dumper(str, _PlainText)


@lru_cache(maxsize=1000)
def translated(statement: str) -> bytes:
    """A statement with `?` and `:name` as psycopg wants them."""

    def place(found: re.Match[str]) -> str:
        if found[1]:
            return f"%({found[1]})s"
        return {"?": "%s", "%": "%%"}.get(found[0], found[0].replace("%", "%%"))

    return _PLACES.sub(place, statement).encode()
