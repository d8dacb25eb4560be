"""Bringing a database up to date with Alembic, which is loaded where there is something to do."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, String
from sqlalchemy.ext.compiler import compiles

from vitrina.errors import ShopVersion

_alone = threading.Lock()
"""Alembic keeps what it works on where all threads see it."""


@compiles(String, "postgresql")
def _unbounded(_type: String, _compiler: object, **_options: object) -> str:
    """As in SQLite, which holds nobody to a text's length: what is too long is refused before."""
    return "VARCHAR"


def upgrade(
    connection: Connection, migrations: str, place: object, schema: str | None = None
) -> None:
    """Runs the migrations that a database does not have yet.

    Args:
        connection: A transaction; the caller commits.
        migrations: Name of their folder beside this module.
        place: Of the database, for what is told.
        schema: Of the tables, in PostgreSQL.

    Raises:
        ShopVersion: a newer version of Vitrina wrote the database.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / migrations))
    config.attributes.update(connection=connection, schema=schema)
    try:
        with _alone:
            command.upgrade(config, "head")
    except CommandError as error:
        raise ShopVersion(
            f"The database {place} was written by a newer version of Vitrina: {error}.",
            hint="Install that version.",
        ) from error
