"""Reading the shop in PostgreSQL: connections that cannot change anything, kept for the next."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.errors import InsufficientPrivilege

from vitrina.database_url import DatabaseUrl
from vitrina.errors import ShopVersion
from vitrina.store.postgres.connection import Below, PostgresConnection, prepare
from vitrina.store.revision import REVISION

_MOST_KEPT = 16
"""Connections that wait for the next question; more are opened where more ask at once."""

_ONE_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def is_ours(error: psycopg.Error) -> bool:
    """Whether a statement of ours is wrong; else the database is, or who asks it."""
    kinds = (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError)
    return isinstance(error, kinds) and not isinstance(error, InsufficientPrivilege)


class Connections:
    """Connections of one process that wait for the next piece of work.

    Args:
        url: Of the database.
        most_kept: With 0 each is closed after its work.
    """

    def __init__(self, url: DatabaseUrl, most_kept: int = _MOST_KEPT) -> None:
        self.url = url
        self._most_kept = most_kept
        self._kept: deque[Below] = deque()
        # also where nobody closes them
        weakref.finalize(self, _close_all, self._kept)

    @contextmanager
    def transaction(self, begin: str, end: str) -> Iterator[PostgresConnection]:
        """One piece of work; what waits may have been cut off meanwhile, and is not asked then.

        Raises:
            DatabaseAway: the server does not answer now.
            ShopError: it answers, but not as it should.
        """
        below = self._begun(begin)
        try:
            yield PostgresConnection(below)
            below.execute(end.encode())
        except BaseException as error:
            below.close()
            if isinstance(error, psycopg.Error) and not is_ours(error):
                raise self.url.told(error) from error
            raise
        if len(self._kept) < self._most_kept:
            self._kept.append(below)
        else:
            below.close()

    def close(self) -> None:
        """Closes those that wait."""
        _close_all(self._kept)

    def _begun(self, begin: str) -> Below:
        with suppress(IndexError):
            while True:
                below = self._kept.pop()
                try:
                    below.execute(begin.encode())
                except psycopg.Error:
                    below.close()
                else:
                    return below
        below = self.url.connect()
        try:
            prepare(below)
            below.execute(begin.encode())
        except psycopg.Error as error:
            below.close()
            raise self.url.told(error) from error
        return below


class PostgresReader:
    """The shop's database, to read from; may be used from several threads.

    Args:
        url: Where it is; it is opened by the first question.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        self.url = url
        self._connections = Connections(url)

    @contextmanager
    def asking(self) -> Iterator[PostgresConnection]:
        """A connection that cannot change anything; all that it reads is of one moment.

        Raises:
            DatabaseAway: the server does not answer now.
            ShopError: it answers, but not as it should.
        """
        with self._connections.transaction(_ONE_MOMENT, "ROLLBACK") as connection:
            yield connection

    def close(self) -> None:
        """Closes the connections that nobody uses; the next question opens one again."""
        self._connections.close()

    def revision(self) -> str | None:
        """Which schema the database has; None where there is none of Vitrina's.

        Raises:
            ShopError: it cannot be read.
        """
        with self.asking() as connection:
            return written_revision(connection, self.url, "alembic_version")

    def require_revision(self) -> None:
        """Makes sure that there is a database with this version's schema.

        Raises:
            ShopVersion: there are no tables yet, or those of another version.
            ShopError: it cannot be read.
        """
        found = self.revision()
        if found is None:
            raise ShopVersion(
                f"The shop has no goods yet: there are no tables of it in {self.url}.",
                hint="Bring them in with `vitrina import`.",
            )
        if found != REVISION:
            raise ShopVersion(
                f"{self.url} is a database of schema {found}; this version expects schema "
                f"{REVISION}.",
                hint="`vitrina import` brings a database of an older version up to date; one of a "
                "newer version needs that version.",
            )


def written_revision(connection: PostgresConnection, url: DatabaseUrl, table: str) -> str | None:
    """Which migration was the last; None where there was none."""
    name = f'"{url.schema}".{table}'
    (there,) = connection.execute("SELECT to_regclass(?)", (name,)).fetchone() or (None,)
    if there is None:
        return None
    row = connection.execute(f"SELECT version_num FROM {name}").fetchone()
    return None if row is None else str(row[0])


def _close_all(connections: deque[Below]) -> None:
    with suppress(IndexError):
        while True:
            connections.pop().close()
