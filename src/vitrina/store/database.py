"""Opening the shop's database: connection, pragmas, migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from vitrina.errors import ShopVersion
from vitrina.store.schema import REVISION

Sessions = sessionmaker[Session]


def open_database(path: Path) -> Sessions:
    """Sessions on the database at `path`, whose schema must be this version's.

    Raises:
        ShopVersion: the file is missing, is no database, or has another schema.
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
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ShopVersion(
            f"The database {path} was written by a newer version of Vitrina: {error}.",
            hint="Install that version.",
        ) from error
    except DatabaseError as error:
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
        # readers go on while an import writes; FULL keeps acknowledged imports on power loss
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 5000")

    return engine


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            found: str | None = connection.execute(
                text("SELECT version_num FROM alembic_version")
            ).scalar()
            return found
    except DatabaseError:
        return None
    finally:
        engine.dispose()
