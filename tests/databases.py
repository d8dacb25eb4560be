"""The same tests on PostgreSQL: VITRINA_TEST_DATABASE=postgres gives every shop a database there.

A server of PostgreSQL is started for each process of the tests, by the package pgserver; an address
instead of the word names one that runs. A path of a database stands for a database of that server
then, so that tests need not know.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest

from vitrina.database_url import DatabaseUrl

WANTED = os.environ.get("VITRINA_TEST_DATABASE", "")
"""Empty for SQLite, else "postgres" or the address of a server."""

_made: dict[str, str] = {}


@cache
def server_url() -> str:
    """Address of a server where databases may be made; started with the first question."""
    if "://" in WANTED:
        return WANTED
    place = Path(tempfile.mkdtemp(prefix="vitrina-pg-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)  # after the server is stopped
    place.chmod(0o755)  # another user runs the server where these tests are run by root
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver")

        server = pgserver.get_server(str(place / "data"), cleanup_mode="stop")
    url = str(server.get_uri())
    with DatabaseUrl(url).connect() as connection:
        for faster in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {faster} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
    return url


def url_of(name: str) -> str:
    """Address of one of its databases."""
    return re.sub(r"(://[^/]*)/[^?]*", rf"\1/{name}", server_url(), count=1)


def make_database(name: str, template: str = "template1") -> str:
    """Makes a database, as a copy of another one; returns its address."""
    with DatabaseUrl(server_url()).connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (template,)
        )
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    _made[name] = url_of(name)
    return _made[name]


def drop_databases(but: set[str]) -> None:
    """Drops what was made since."""
    gone = [name for name in _made if name not in but]
    if gone:
        with DatabaseUrl(server_url()).connect() as connection, suppress(Exception):
            for name in gone:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
                del _made[name]


def databases() -> set[str]:
    """Names of those there are."""
    return set(_made)


def name_for(path: Path) -> str:
    """The database that a path stands for."""
    return f"t{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}"


def place_for(path: Path) -> DatabaseUrl:
    """The same, made where it is not there yet."""
    name = name_for(path)
    return DatabaseUrl(_made.get(name) or make_database(name))


def copy_shop(source: Path, target: Path) -> Path:
    """A shop once more, with what its database has."""
    shutil.copytree(source, target)
    if WANTED:
        old, new = name_for(source / "vitrina.db"), name_for(target / "vitrina.db")
        make_database(new, old)
        toml = target / "shop.toml"
        toml.write_text(toml.read_text("utf-8").replace(old, new), "utf-8")
    return target


def stand_in() -> None:
    """Has paths of databases stand for databases of the server, from now on."""
    import vitrina.store.database
    import vitrina.store.reading
    import vitrina.store.server_database
    from vitrina.folder import ShopFolder

    def placed(asked: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(asked)
        def ask(place: Path | DatabaseUrl) -> Any:
            return asked(place_for(place) if isinstance(place, Path) else place)

        return ask

    for module, names in (
        (vitrina.store.database, ("migrate", "open_database")),
        (vitrina.store.reading, ("open_for_reading",)),
    ):
        for name in names:
            setattr(module, name, placed(getattr(module, name)))
    server = vitrina.store.server_database.ServerDatabase
    begin = server.__init__

    def made_for(self: Any, place: Path | DatabaseUrl) -> None:
        begin(self, place_for(place) if isinstance(place, Path) else place)

    server.__init__ = made_for  # type: ignore[method-assign]
    create = ShopFolder.create.__func__  # type: ignore[attr-defined]

    def create_with(cls: type[ShopFolder], root: Path, **settings: object) -> ShopFolder:
        given = {"database_url": url_of(name_for(root.resolve() / "vitrina.db"))} | settings
        folder: ShopFolder = create(cls, root, **given)
        place_for(folder.root / "vitrina.db")
        return folder

    ShopFolder.create = classmethod(create_with)  # type: ignore[assignment, method-assign]


def open_tables(url: DatabaseUrl) -> set[str]:
    """Names of the tables of the schema public."""
    with url.connect() as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in rows}
