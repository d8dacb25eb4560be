"""Where a shop's PostgreSQL is, and the one way to connect to it.

psycopg is loaded by the first connection: a shop in SQLite files never pays for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vitrina.errors import DatabaseAway, MissingExtra, ShopError

if TYPE_CHECKING:
    import psycopg

PATIENCE_S = 5.0
"""Seconds that a connection may take, and that a writer waits for another one."""

_SCHEMES = ("postgresql://", "postgres://")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_PASSWORD = re.compile(r"(://[^/@:]*):[^/@]*@|(password=)[^&\s]*")
_OLDEST_SERVER = 150000


@dataclass(frozen=True)
class DatabaseUrl:
    """A PostgreSQL database, and the schema in it that is the shop's.

    Attributes:
        url: As libpq takes it, postgresql://user:password@host:port/database.
        schema: Whose tables are the shop's; several shops may share one database.
    """

    url: str
    schema: str = "public"

    def exists(self) -> bool:
        """Whether the shop has tables there.

        Raises:
            ShopError: the database cannot be asked.
        """
        with self.connect() as connection:
            found = connection.execute("SELECT to_regclass(%s)", (f'"{self.schema}".products',))
            return found.fetchone() != (None,)

    def __str__(self) -> str:
        shown = _without_password(self.url)
        return shown if self.schema == "public" else f"{shown} (schema {self.schema})"

    def __repr__(self) -> str:
        return f"DatabaseUrl({self})"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new connection that commits each statement by itself until it is told to begin.

        Raises:
            MissingExtra: psycopg is not installed.
            DatabaseAway: nothing answers there now.
            ShopError: the address is none, or who asks is not let in.
        """
        self._require_address()
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra(
                "The shop's database is PostgreSQL, whose driver is not installed.",
                hint='Install it with `pip install "vitrina[postgres]"`.',
            ) from error
        try:
            connection = psycopg.connect(
                self.url,
                autocommit=True,
                connect_timeout=int(PATIENCE_S),
                application_name="vitrina",
                # a server that is gone without a word is noticed within half a minute
                keepalives_idle=10, keepalives_interval=5, keepalives_count=3,
            )  # fmt: skip
        except psycopg.Error as error:
            raise self.told(error) from error
        if connection.info.server_version < _OLDEST_SERVER:
            found = connection.info.server_version // 10000
            connection.close()
            raise ShopError(
                f"{self} is PostgreSQL {found}; 15 or newer is expected.",
                hint="Bring the server up to date, or name another one in VITRINA_DATABASE_URL.",
            )
        # as a statement: poolers refuse it among the options of a connection
        connection.execute(f'SET search_path TO "{self.schema}", public')
        return connection

    def count_rows(self, table: str) -> int | None:
        """How many rows a table of the shop's has; 0 where there is none, None if nobody tells."""
        import psycopg

        try:
            with self.connect() as connection:
                found = connection.execute("SELECT to_regclass(%s)", (f'"{self.schema}".{table}',))
                if found.fetchone() == (None,):
                    return 0
                counting = f'SELECT count(*) FROM "{self.schema}".{table}'  # noqa: S608 - names of ours
                ((count,),) = connection.execute(counting.encode())
                return int(count)
        except (psycopg.Error, ShopError):
            return None

    def told(self, error: Exception) -> ShopError:
        """What is told of an error of the driver, and what mends it."""
        import psycopg

        said = _without_password(" ".join(str(error).split()))[:300] or type(error).__name__
        state = getattr(error, "sqlstate", None) or ""
        if isinstance(error, psycopg.ProgrammingError) and not state:
            return self._no_address(said)
        # an error of a connection that was never made has no state of its own
        for marks, hint in _REFUSED:
            if state in marks or (not state and any(mark in said for mark in marks)):
                return ShopError(f"The database {self} lets nobody in: {said}.", hint=hint)
        if not state or state[:2] in ("08", "57", "53", "55"):
            return DatabaseAway(
                f"The database {self} does not answer now: {said}.",
                hint="Look whether the server runs and can be reached from here; what was not "
                "written is written again by itself.",
            )
        return ShopError(
            f"The database {self} cannot be used: {said}.",
            hint="Look at the log of the PostgreSQL server.",
        )

    def _require_address(self) -> None:
        if not self.url.startswith(_SCHEMES):
            raise self._no_address("it does not begin with postgresql://")
        if not _SCHEMA.fullmatch(self.schema):
            raise ShopError(
                f"{self.schema[:80]!r} is no name of a schema; expected lower-case Latin letters, "
                "digits and underlines, 63 at most.",
                hint="Mend database_schema in shop.toml, or VITRINA_DATABASE_SCHEMA.",
            )

    def _no_address(self, why: str) -> ShopError:
        return ShopError(
            f"{self} is no address of a PostgreSQL database: {why}.",
            hint="Write VITRINA_DATABASE_URL as postgresql://user:password@host:5432/database.",
        )


def _without_password(address: str) -> str:
    def hidden(found: re.Match[str]) -> str:
        return f"{found[1]}:***@" if found[1] else f"{found[2]}***"

    return _PASSWORD.sub(hidden, address)


_REFUSED = (
    (
        ("28P01", "28000", "password authentication failed", "no pg_hba.conf entry",
         "no password supplied", "role \""),
        "Look at the user and the password in VITRINA_DATABASE_URL, and whether the server's "
        "pg_hba.conf lets this machine in.",
    ),
    (
        ("3D000", "\" does not exist"),
        "Make the database with `createdb`, or look at its name in VITRINA_DATABASE_URL.",
    ),
    (
        ("42501",),
        "Let this user make tables there: GRANT CREATE ON DATABASE and ON SCHEMA.",
    ),
)  # fmt: skip
"""SQLSTATEs, or words of libpq where a connection was refused before there was one; the hint."""
