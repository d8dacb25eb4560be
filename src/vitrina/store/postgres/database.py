"""Writing to the shop in PostgreSQL: transactions and migrations, by SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from vitrina.database_url import PATIENCE_S, DatabaseUrl
from vitrina.store.postgres.connection import Below, PostgresConnection, prepare
from vitrina.store.postgres.reading import PostgresReader, is_ours
from vitrina.store.postgres.vectors import missing_extension
from vitrina.store.revision import REVISION
from vitrina.store.upgrading import upgrade

CATALOGUE_LOCK, SERVER_LOCK = 1, 2
"""Of those who write, one at a time, whichever machine they are on."""


class PostgresDatabase(PostgresReader):
    """The shop's database, to read and to change; may be used from several threads.

    Args:
        url: Where it is.
    """

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that cannot change anything, for questions that SQLAlchemy writes.

        Raises:
            ShopError: the database cannot be read.
        """
        with _telling(self.url), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            ShopError: the database cannot be written, or another one has been going on for more
                than five seconds.
        """
        with _telling(self.url), self._writers.begin() as connection:
            take_turn(connection, self.url, CATALOGUE_LOCK)
            yield connection

    @cached_property
    def _readers(self) -> Engine:
        def connect() -> Below:
            below = self._connect()
            below.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            below.read_only = True
            return below

        return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)

    @cached_property
    def _writers(self) -> Engine:
        return create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)

    def _connect(self) -> Below:
        below = self.url.connect()
        prepare(below, moments_as_text=False)
        below.autocommit = False
        return below


def migrate_postgres(url: DatabaseUrl) -> PostgresDatabase:
    """Makes the shop's tables, or brings older ones up to date, then opens the database.

    Raises:
        ShopVersion: a newer version wrote it.
        ShopError: it cannot be written, or lacks the extension pgvector.
    """
    database = PostgresDatabase(url)
    if database.revision() == REVISION:
        return database
    upgrade_tables(url, "migrations", CATALOGUE_LOCK)
    database.require_revision()
    return database


def upgrade_tables(url: DatabaseUrl, migrations: str, lock: int) -> None:
    """Runs the migrations of one folder; who comes at the same time waits for the other.

    Raises:
        ShopVersion: a newer version wrote the database.
        ShopError: it cannot be written, or lacks the extension pgvector.
    """
    with _telling(url), PostgresDatabase(url)._writers.begin() as connection:
        take_turn(connection, url, lock)
        # a schema that is there may be another user's, who lets this one only make tables in it
        named = {"schema": url.schema}
        there = text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
        if connection.scalar(there, named) is None:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{url.schema}"'))
        if migrations == "migrations":
            _require_extension(connection)
        upgrade(connection, migrations, url, url.schema)


def take_turn(connection: Connection, url: DatabaseUrl, lock: int) -> None:
    """Waits until nobody else writes; the transaction's end lets the next one in."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{int(PATIENCE_S * 1000)}ms'"))
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:schema), :lock)"),
        {"schema": f"vitrina {url.schema}", "lock": lock},
    )
    connection.execute(text("SET LOCAL lock_timeout = 0"))


def plain(below: Any) -> PostgresConnection:
    """A connection below SQLAlchemy's, to be asked in plain SQL."""
    assert isinstance(below, psycopg.Connection)
    return PostgresConnection(below)


def _require_extension(connection: Connection) -> None:
    if connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")):
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION vector WITH SCHEMA public"))
    except DBAPIError as error:
        raise missing_extension() from error


@contextmanager
def _telling(url: DatabaseUrl) -> Iterator[None]:
    """Says of what the server refuses, or no longer answers, what mends it."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error) and not is_ours(error.orig):
            raise url.told(error.orig) from error
        raise
    except psycopg.Error as error:
        if is_ours(error):
            raise
        raise url.told(error) from error
