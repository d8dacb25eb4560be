"""`server.db`: made without Alembic as its migrations would make it, and never half written."""

from __future__ import annotations

import re
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from test_imports import loaded

import vitrina.store.server_database
from vitrina.errors import ShopError, ShopVersion
from vitrina.store.server_database import ServerDatabase
from vitrina.store.server_schema import SERVER_REVISION


def config() -> Config:
    found = Config()
    place = Path(vitrina.store.server_database.__file__).parent / "server_migrations"
    found.set_main_option("script_location", str(place))
    return found


def described(path: Path) -> dict[str, object]:
    """Columns, keys and indexes of every table."""
    connection = sqlite3.connect(path)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    found: dict[str, object] = {}
    for (table,) in tables:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
        named = {
            name: connection.execute(f"PRAGMA index_info({name})").fetchall()
            for _, name, *_ in indexes
        }
        found[table] = (columns, keys, named)
    connection.close()
    return found


def upgraded(path: Path, to: str = "head") -> None:
    """What Alembic makes of a file."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        using = config()
        using.attributes["connection"] = connection
        command.upgrade(using, to)
    engine.dispose()


def test_migrations_make_the_schema(tmp_path: Path) -> None:
    upgraded(tmp_path / "migrated.db")
    with ServerDatabase(tmp_path / "made.db").writing():
        pass
    assert described(tmp_path / "made.db") == described(tmp_path / "migrated.db")


def test_revision_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [SERVER_REVISION]


def test_what_is_made_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with ServerDatabase(path).writing() as connection:
        connection.execute("INSERT INTO admins VALUES ('a', 'b', 1)")
    with ServerDatabase(path).reading() as connection:
        assert connection.execute("SELECT * FROM admins").fetchall() == [("a", "b", 1)]
    assert path.stat().st_mode & 0o077 == 0


def test_an_error_takes_everything_back(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "server.db")

    def fail() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO admins VALUES ('a', 'b', 1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM admins").fetchone() == (0,)


def test_a_newer_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with ServerDatabase(path).writing() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ShopVersion, match="newer version"), ServerDatabase(path).reading():
        pass


@pytest.mark.parametrize("content", [b"no database", b"\0" * 5000])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.db"
    path.write_bytes(content)
    with pytest.raises(ShopError, match=re.escape("server.db")), ServerDatabase(path).writing():
        pass
    assert path.read_bytes() == content


def test_a_file_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "server.db")
    with database.writing():
        pass
    (tmp_path / "server.db").unlink()
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM queries").fetchone() == (0,)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(ShopError, match="cannot be made"),
        ServerDatabase(tmp_path / "none" / "server.db").writing(),
    ):
        pass


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "server.db")

    def work(thread: int) -> None:
        for number in range(20):
            with database.writing() as connection:
                (count,) = connection.execute("SELECT count(*) FROM admins").fetchone()
                connection.execute(
                    "INSERT INTO admins VALUES (?, '', ?)", (f"{thread}-{number}", count)
                )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        counts = connection.execute("SELECT changed FROM admins ORDER BY changed").fetchall()
    assert [count for (count,) in counts] == list(range(60))


def test_a_new_file_needs_no_alembic(tmp_path: Path) -> None:
    names = loaded(
        "from pathlib import Path; from vitrina.store.server_database import ServerDatabase\n"
        f"with ServerDatabase(Path({str(tmp_path / 'server.db')!r})).writing(): pass"
    )
    assert "sqlite3" in names
    assert names.isdisjoint({"alembic", "sqlalchemy"})
