"""What plain SQL is asked through: Python's own SQLite connections, and PostgreSQL's made alike.

Statements are written once, as both understand them, with `?` or `:name` where values stand. The
few that differ stand in `store.dialect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Values = Sequence[Any] | Mapping[str, Any]


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Any:
        """The next row; None behind the last."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """Some of the next rows; none behind the last."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class PlainConnection(Protocol):
    """A connection as `sqlite3.Connection` is one; what ends a transaction is the database's."""

    def execute(self, statement: str, values: Values = ..., /) -> Rows:
        """Asks or changes something."""

    def executemany(self, statement: str, values: Iterable[Values], /) -> Rows:
        """Changes something for each of many values."""


class DatabaseReader(Protocol):
    """The shop's database, to read from; may be used from several threads."""

    def asking(self) -> AbstractContextManager[PlainConnection]:
        """A connection that cannot change anything, for questions in plain SQL.

        All that it reads is of one moment, that of its first question, whoever writes meanwhile.

        Raises:
            sqlite3.Error: the file cannot be opened or read.
            DatabaseAway: the server does not answer now.
            ShopError: it answers, but not as it should.
        """

    def close(self) -> None:
        """Closes the connections that nobody uses; the next question opens one again."""

    def revision(self) -> str | None:
        """Which schema the database has; None where there is none of Vitrina's.

        Raises:
            ShopError: it cannot be read.
        """

    def require_revision(self) -> None:
        """Makes sure that there is a database with this version's schema.

        Raises:
            ShopVersion: it is missing, is no database, or has another schema.
            ShopError: it cannot be read.
        """


class WrittenDatabase(Protocol):
    """What a server writes to; may be used from several threads and processes."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""

    def reading(self) -> AbstractContextManager[PlainConnection]:
        """A connection whose questions all are answered as of one moment.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the database, or it is none.
            ShopError: it cannot be opened or read.
        """

    def writing(self) -> AbstractContextManager[PlainConnection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the database, or it is none.
            ShopError: it cannot be opened or written.
        """
