"""What a running server reads and writes: `server.db`, or tables in the shop's PostgreSQL."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from vitrina.database_url import DatabaseUrl
from vitrina.store.connection import PlainConnection, WrittenDatabase


class ServerDatabase:
    """Opened for each piece of work; may be used from several threads and processes.

    Args:
        place: Of the file, which need not be there yet, or of the PostgreSQL database.
    """

    def __init__(self, place: Path | DatabaseUrl) -> None:
        self._kept: WrittenDatabase
        if isinstance(place, DatabaseUrl):
            from vitrina.store.postgres.server_tables import ServerTables

            self._kept = ServerTables(place)
        else:
            from vitrina.store.server_file import ServerFile

            self._kept = ServerFile(place)

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self._kept.exists

    def reading(self) -> AbstractContextManager[PlainConnection]:
        """A connection whose questions all are answered as of one moment.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the database, or it is none.
            ShopError: it cannot be opened or read.
        """
        return self._kept.reading()

    def writing(self) -> AbstractContextManager[PlainConnection]:
        """A transaction: all that it changed is kept at the end of the block, nothing on an error.

        Raises:
            ShopVersion: a newer version of Vitrina wrote the database, or it is none.
            ShopError: it cannot be opened or written.
        """
        return self._kept.writing()
