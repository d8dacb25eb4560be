"""Writing to the shop's database: transactions, pragmas, migrations."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from vitrina.database_url import DatabaseUrl
from vitrina.errors import ShopVersion
from vitrina.store.connection import DatabaseReader, PlainConnection
from vitrina.store.reading import FileReader, open_connection, result_code, unusable
from vitrina.store.revision import REVISION
from vitrina.store.upgrading import upgrade


class Database(DatabaseReader, Protocol):
    """The shop's database, to read and to change; may be used from several threads."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that cannot change anything, for questions that SQLAlchemy writes.

        All that it reads is of one moment, that of its first question, whoever writes meanwhile.
        """

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Another one may have to end first, for which it waits five seconds at most.
        """


class DatabaseFile(FileReader):
    """The shop's database in a file, to read and to change; may be used from several threads.

    Each connection is closed after its work: nobody is held up by one that waits for more, and who
    wrote last leaves all that was written in the one file, not in the log beside it.

    Args:
        path: Of the file; it is opened by the first question.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, most_kept=0)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that cannot change anything, for questions that SQLAlchemy writes.

        All that it reads is of one moment, that of its first question, whoever writes meanwhile.

        Raises:
            DatabaseError: the file cannot be opened or read.
        """
        return self._readers.connect()

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            OperationalError: another one has been going on for more than five seconds.
        """
        return self._writers.begin()

    @cached_property
    def _readers(self) -> Engine:
        # where the file lies is said by what opens it
        engine = create_engine(
            "sqlite://", creator=lambda: open_connection(self._path), poolclass=NullPool
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # Python's driver begins nothing before a SELECT: each would see another moment
            connection.exec_driver_sql("BEGIN")

        return engine

    @cached_property
    def _writers(self) -> Engine:
        return _engine(self._path, "PRAGMA foreign_keys = ON")


def open_database(place: Path | DatabaseUrl) -> Database:
    """The database at `place`, whose schema must be this version's.

    Raises:
        ShopVersion: it is missing, is no database, or has another schema.
        ShopError: it cannot be read: locked, damaged, not permitted; no server answers.
    """
    database: Database
    if isinstance(place, DatabaseUrl):
        from vitrina.store.postgres.database import PostgresDatabase

        database = PostgresDatabase(place)
    else:
        database = DatabaseFile(place)
    database.require_revision()
    return database


def migrate(place: Path | DatabaseUrl) -> Database:
    """Makes the database, or brings an older one up to date, then opens it.

    Raises:
        ShopVersion: it is no database, or was written by a newer version.
        ShopError: it cannot be written: locked, damaged, not permitted, no space; no server
            answers.
    """
    if isinstance(place, DatabaseUrl):
        from vitrina.store.postgres.database import migrate_postgres

        return migrate_postgres(place)
    path = place
    database = DatabaseFile(path)
    if database.revision() == REVISION:
        return database
    # A table that others point at is changed by making it anew, which SQLite lets nobody do while
    # it watches over foreign keys: they are looked at in the end.
    engine = _engine(path, "PRAGMA foreign_keys = OFF")
    try:
        with engine.begin() as connection:
            upgrade(connection, "migrations", path)
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            assert lost is None, lost
    except DatabaseError as error:
        if result_code(error) not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise unusable(path, error) from error
        raise ShopVersion(
            f"{path} cannot be used as the shop's database: {error.orig}.",
            hint="Restore the file from a backup, or move it away and import again.",
        ) from error
    return open_database(path)


def driver(connection: Connection) -> PlainConnection:
    """The connection of the driver's own below SQLAlchemy's: what `store.shown` asks."""
    if not connection.in_transaction():
        connection.begin()  # SQLAlchemy would do so before a statement of its own
    below = connection.connection.driver_connection
    if isinstance(below, sqlite3.Connection):
        return below
    from vitrina.store.postgres.database import plain

    return plain(below)


def _engine(path: Path, foreign_keys: str) -> Engine:
    # not written as one address: the folder's name may hold what is special there
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        # Python's driver would begin a transaction only before the first row is written: neither
        # what was read before nor changes of the schema would be held by it
        connection.isolation_level = None
        connection.execute(foreign_keys)
        # Readers go on while an import writes; FULL keeps acknowledged imports on power loss.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 5000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
