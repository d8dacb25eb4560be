"""Opening the shop's database: connection, pragmas, migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from vitrina.errors import ShopError, ShopVersion
from vitrina.store.schema import REVISION

Sessions = sessionmaker[Session]

_HINTS = {
    sqlite3.SQLITE_BUSY: "Another program has it open and locked: close it, then try again.",
    sqlite3.SQLITE_LOCKED: "Another program has it open and locked: close it, then try again.",
    sqlite3.SQLITE_CORRUPT: "Restore the file from a backup, or move it away and import again.",
    sqlite3.SQLITE_FULL: "Make room on the disk.",
}
_ACCESS = "Let this user read and write the file and its folder: reading, too, keeps notes there."


def open_database(path: Path) -> Sessions:
    """Sessions on the database at `path`, whose schema must be this version's.

    Raises:
        ShopVersion: the file is missing, is no database, or has another schema.
        ShopError: it cannot be read: locked, damaged, not permitted.
    """
    if not path.exists():
        raise ShopVersion(
            f"The shop has no goods yet: there is no {path}.",
            hint="Bring them in with `vitrina import`.",
        )
    found = _revision(path)
    if found != REVISION:
        raise ShopVersion(
            f"{path} is {f'a database of schema {found}' if found else 'no database of Vitrina'}; "
            f"this version expects schema {REVISION}.",
            hint="`vitrina import` brings a database of an older version up to date; one of a "
            "newer version needs that version.",
        )
    return sessionmaker(_engine(path), expire_on_commit=False)


def migrate(path: Path) -> Sessions:
    """Makes the database, or brings an older one up to date, then opens it.

    Raises:
        ShopVersion: the file is no database, or was written by a newer version.
        ShopError: it cannot be written: locked, damaged, not permitted, no space.
    """
    if _revision(path) == REVISION:
        return open_database(path)
    # Alembic is loaded only where there is something to do: the server never pays for it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = _engine(path)
    _hold_ddl(engine)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            assert lost is None, lost
    except CommandError as error:
        raise ShopVersion(
            f"The database {path} was written by a newer version of Vitrina: {error}.",
            hint="Install that version.",
        ) from error
    except DatabaseError as error:
        if _code(error) not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise _unusable(path, error) from error
        raise ShopVersion(
            f"{path} cannot be used as the shop's database: {error.orig}.",
            hint="Restore the file from a backup, or move it away and import again.",
        ) from error
    finally:
        engine.dispose()
    return open_database(path)


def _engine(path: Path) -> Engine:
    # not written as one address: the folder's name may hold what is special there
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        # Readers go on while an import writes; FULL keeps acknowledged imports on power loss. Only
        # asking for what is set already works where nothing can be written.
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 5000")

    return engine


def _hold_ddl(engine: Engine) -> None:
    """Makes a transaction on `engine` hold statements that change the schema, too.

    Python's driver begins none before them by itself: a killed migration would leave half a schema.
    A table that others point at is changed by making it anew, which SQLite lets nobody do while it
    watches over foreign keys: `migrate` looks at them at the end.
    """

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = OFF")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _code(error: DatabaseError) -> int:
    """SQLite's primary result code; its extended ones say more in the higher bits."""
    return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _unusable(path: Path, error: DatabaseError) -> ShopError:
    return ShopError(
        f"The database {path} cannot be opened: {error.orig}.",
        hint=_HINTS.get(_code(error), _ACCESS),
    )


def _revision(path: Path) -> str | None:
    """Which schema the database has; None where it is none of Vitrina's, or not even a database."""
    if not path.exists():
        return None
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            found: str | None = connection.execute(
                text("SELECT version_num FROM alembic_version")
            ).scalar()
            return found
    except DatabaseError as error:
        # an error without a code of its own: there is no such table
        if _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            return None
        raise _unusable(path, error) from error
    finally:
        engine.dispose()
