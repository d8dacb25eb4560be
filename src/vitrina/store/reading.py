"""Connections that cannot change the shop: what serves it reads through these alone.

They are Python's own, without SQLAlchemy, which is for what writes: loading it would be a quarter
of a server's start.

A connection that only reads never moves what was written from the log into the database, so no
process but the one that holds the shop's lock does. That, too, is what keeps the shop clear of a
fault in SQLite before 3.51.3, which needs two connections that write or move at the same moment.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vitrina.database_url import DatabaseUrl
from vitrina.errors import ShopError, ShopVersion
from vitrina.store.connection import DatabaseReader as DatabaseReader
from vitrina.store.revision import REVISION

_HINTS = {
    sqlite3.SQLITE_BUSY: "Another program has it open and locked: close it, then try again.",
    sqlite3.SQLITE_LOCKED: "Another program has it open and locked: close it, then try again.",
    sqlite3.SQLITE_CORRUPT: "Restore the file from a backup, or move it away and import again.",
    sqlite3.SQLITE_FULL: "Make room on the disk.",
}
_ACCESS = "Let this user read and write the file and its folder: reading, too, keeps notes there."

_PATIENCE_S = 2.0
"""Readers wait for nobody but a program that has the whole file locked."""

_MOST_KEPT = 16
"""Connections that wait for the next question; more are opened where more ask at once."""

_NO_PLACE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
)
"""What is said where there is no place for notes beside the file: no right, or no room."""


class ReadingConnection(sqlite3.Connection):
    """A connection that knows which file it has open.

    Attributes:
        as_it_lies: Whether it takes the file for one that nobody changes.
        file: What tells that file from another one at the same place.
    """

    as_it_lies = False
    file: tuple[object, ...] | None = None


class FileReader:
    """The shop's database in a file, to read from; may be used from several threads.

    On a disk that cannot be written, where SQLite finds no place for its notes, the file is read as
    it lies there. A file that is exchanged for another one is seen by the next question; one that
    is deleted goes on being read by those connections that have it open.

    Args:
        path: Of the file; it is opened by the first question.
        most_kept: Connections that wait for the next question; with 0 each is closed after its own.
    """

    def __init__(self, path: Path, *, most_kept: int = _MOST_KEPT) -> None:
        self._path = path
        self._kept: deque[ReadingConnection] = deque()
        self._most_kept = most_kept
        # also where nobody closes it
        weakref.finalize(self, _close_all, self._kept)

    @contextmanager
    def asking(self) -> Iterator[sqlite3.Connection]:
        """A connection that cannot change anything, for questions in plain SQL.

        All that it reads is of one moment, that of its first question, whoever writes meanwhile.

        Raises:
            sqlite3.Error: the file cannot be opened or read.
        """
        connection = self._take()
        try:
            # Python's driver begins nothing before a SELECT: each would see another moment
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")
        except BaseException:
            # whatever it is, the next question begins with a connection that nothing happened to
            connection.close()
            raise
        if len(self._kept) < self._most_kept:
            self._kept.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Closes the connections that nobody uses; the next question opens one again."""
        _close_all(self._kept)

    def revision(self) -> str | None:
        """Which schema the database has; None where there is none of Vitrina's.

        Raises:
            ShopError: it cannot be read: locked, damaged, not permitted.
        """
        if not self._path.exists():
            return None
        try:
            with self.asking() as connection:
                found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                return None if found is None else str(found[0])
        except sqlite3.DatabaseError as error:
            # an error without a code of its own: there is no such table
            if result_code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
                return None
            raise unusable(self._path, error) from error

    def require_revision(self) -> None:
        """Makes sure that there is a database with this version's schema.

        Raises:
            ShopVersion: the file is missing, is no database, or has another schema.
            ShopError: it cannot be read: locked, damaged, not permitted.
        """
        if not self._path.exists():
            raise ShopVersion(
                f"The shop has no goods yet: there is no {self._path}.",
                hint="Bring them in with `vitrina import`.",
            )
        found = self.revision()
        if found != REVISION:
            self.close()
            is_what = f"a database of schema {found}" if found else "no database of Vitrina"
            raise ShopVersion(
                f"{self._path} is {is_what}; this version expects schema {REVISION}.",
                hint="`vitrina import` brings a database of an older version up to date; one of a "
                "newer version needs that version.",
            )

    def _take(self) -> ReadingConnection:
        with suppress(IndexError):
            while True:
                connection = self._kept.pop()
                now = _identity(self._path, as_it_lies=connection.as_it_lies)
                if now is None or now == connection.file:
                    return connection
                connection.close()  # another file lies there now
        return open_connection(self._path)


def open_for_reading(place: Path | DatabaseUrl) -> DatabaseReader:
    """The database at `place`, whose schema must be this version's.

    Raises:
        ShopVersion: it is missing, is no database, or has another schema.
        ShopError: it cannot be read: locked, damaged, not permitted; no server answers.
    """
    database: DatabaseReader
    if isinstance(place, DatabaseUrl):
        from vitrina.store.postgres.reading import PostgresReader

        database = PostgresReader(place)
    else:
        database = FileReader(place)
    database.require_revision()
    return database


def _close_all(connections: deque[ReadingConnection]) -> None:
    with suppress(IndexError):
        while True:
            connections.pop().close()


def result_code(error: Exception) -> int:
    """SQLite's primary result code; its extended ones say more in the higher bits.

    Args:
        error: Of Python's driver, or SQLAlchemy's around one.
    """
    driver = getattr(error, "orig", error)
    return getattr(driver, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def unusable(path: Path, error: Exception) -> ShopError:
    """What is told of a database that cannot be used, and what mends it.

    Args:
        path: Of the file.
        error: As `result_code` takes it.
    """
    return ShopError(
        f"The database {path} cannot be opened: {getattr(error, 'orig', error)}.",
        hint=_HINTS.get(result_code(error), _ACCESS),
    )


def open_connection(path: Path) -> ReadingConnection:
    """A connection that cannot change the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    try:
        return _connect(path, as_it_lies=False)
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code not in _NO_PLACE or not path.exists() or _log_size(path):
            raise
    return _connect(path, as_it_lies=True)


def _connect(path: Path, *, as_it_lies: bool) -> ReadingConnection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{'immutable=1' if as_it_lies else 'mode=ro'}",
        uri=True,
        timeout=_PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
        factory=ReadingConnection,
    )
    try:
        connection.as_it_lies = as_it_lies
        connection.file = _identity(path, as_it_lies=as_it_lies)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()  # opens it for real
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: Path, *, as_it_lies: bool) -> tuple[object, ...] | None:
    """What tells the file from another one at its place; None where there is none.

    One that is read as it lies must not have changed at all.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    if not as_it_lies:
        return found.st_dev, found.st_ino
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, _log_size(path)


def _log_size(path: Path) -> int:
    """Bytes of what was written and not yet moved into the database."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0
