"""What a running server reads and writes, in PostgreSQL: any number of servers share it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vitrina.database_url import PATIENCE_S, DatabaseUrl
from vitrina.errors import ShopVersion
from vitrina.store.postgres.connection import PostgresConnection
from vitrina.store.postgres.reading import Connections, written_revision
from vitrina.store.server_schema import SERVER_REVISION

_LOCK = 2
_MOST_KEPT = 4
_VERSIONS = "server_version"


class ServerTables:
    """May be used from several threads and processes, on any number of machines.

    Who writes has the tables to themselves for that moment, as with a file: batches are small.

    Args:
        url: Of the database, which need not have the tables yet.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url
        self._connections = Connections(url, _MOST_KEPT)
        self._prepared = False
        self._preparing = threading.Lock()

    @property
    def exists(self) -> bool:
        """True: tables are made by the first question."""
        return True

    @contextmanager
    def reading(self) -> Iterator[PostgresConnection]:
        """A connection whose questions all are answered as of one moment.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the tables.
            ShopError: the database cannot be read.
        """
        self._prepare()
        with self._connections.transaction(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "COMMIT"
        ) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[PostgresConnection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the tables.
            ShopError: the database cannot be written.
        """
        self._prepare()
        with self._connections.transaction("BEGIN", "COMMIT") as connection:
            connection.execute(f"SET LOCAL lock_timeout = '{int(PATIENCE_S * 1000)}ms'")
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtext(?), ?)",
                (f"vitrina {self._url.schema}", _LOCK),
            )
            yield connection

    def _prepare(self) -> None:
        """Makes the tables, or brings older ones up to date; once a process."""
        if self._prepared:
            return
        with self._preparing:
            with self._connections.transaction("BEGIN READ ONLY", "COMMIT") as connection:
                found = written_revision(connection, self._url, _VERSIONS)
            if found is None or found < SERVER_REVISION:
                from vitrina.store.postgres.database import upgrade_tables

                upgrade_tables(self._url, "server_migrations", _LOCK)
            elif found != SERVER_REVISION:
                raise ShopVersion(
                    f"The database {self._url} was written by a newer version of Vitrina: its "
                    f"server tables have schema {found}, this version expects {SERVER_REVISION}.",
                    hint="Install that version.",
                )
            self._prepared = True
