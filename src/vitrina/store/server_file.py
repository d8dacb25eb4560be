"""`server.db`: the file that a running server writes, made when something is to be kept first."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vitrina.errors import ShopError, ShopVersion
from vitrina.store.reading import unusable
from vitrina.store.server_schema import SERVER_REVISION, TABLES

_PATIENCE_S = 5.0
_NO_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


class ServerFile:
    """Opened for each piece of work; may be used from several threads and processes.

    It keeps a rollback journal, no log of the kind that readers never wait for: what is written
    here are small batches, and the fault of SQLite before 3.51.3, which damages such logs, cannot
    reach it.

    Args:
        path: Of the file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prepared = False
        self._preparing = threading.Lock()

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self._path.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose questions all are answered as of one moment.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the file, or it is no database.
            ShopError: it cannot be opened or read.
        """
        with self._open("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the file, or it is no database.
            ShopError: it cannot be opened or written.
        """
        with self._open("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _open(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            self._prepare()
            connection = self._connect()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()  # which takes back what was not committed
        except sqlite3.DatabaseError as error:
            if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
                raise  # a statement of ours is wrong
            raise self._told(error) from error

    def _prepare(self) -> None:
        """Makes the tables of a new file, or brings those of an older one up to date."""
        with self._preparing:
            if self._prepared and self._path.exists():
                return
            if not self._path.exists():
                try:
                    self._path.touch(mode=0o600)
                except OSError as error:
                    raise ShopError(
                        f"The file {self._path.name} cannot be made: {error.strerror}.",
                        hint="Let the server write to the shop's folder, and look for space on "
                        "the disk.",
                    ) from error
            found = self._make_or_look()
            if found != SERVER_REVISION:
                _migrate(self._path)
            self._prepared = True

    def _make_or_look(self) -> str | None:
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if not tables:
                # without Alembic, which takes longer to load than all else that a server does
                for statement in TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(
                    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
                )
                connection.execute("INSERT INTO alembic_version VALUES (?)", (SERVER_REVISION,))
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("COMMIT")
            return None if found is None else str(found[0])
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE_S,
            isolation_level=None,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _told(self, error: sqlite3.DatabaseError) -> ShopError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NO_DATABASE:
            return unusable(self._path, error)
        return ShopVersion(
            f"{self._path.name} cannot be used for what the server keeps: {error}.",
            hint="Move the file away: a new one is made. Its figures and passwords are lost then.",
        )


def _migrate(path: Path) -> None:
    from sqlalchemy import URL, NullPool, create_engine

    from vitrina.store.upgrading import upgrade

    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    with engine.begin() as connection:
        upgrade(connection, "server_migrations", path.name)
