"""The schema, its migrations, and databases of other versions."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import OperationalError
from stored import add_product, photo

import vitrina.store.database
from vitrina.errors import ShopError, ShopVersion
from vitrina.store.categories import add_category, all_categories
from vitrina.store.database import migrate, open_database
from vitrina.store.products import PhotoRecord
from vitrina.store.revision import REVISION
from vitrina.store.schema import CATEGORIES, METADATA, PHOTOS, PRODUCTS
from vitrina.store.shown import CategoryRecord, ShownProduct


def script() -> ScriptDirectory:
    config = Config()
    place = Path(vitrina.store.database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(place))
    return ScriptDirectory.from_config(config)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Not of the indexes of words and embeddings, which each database has in its own way."""
    others = ("product_texts", "product_terms", "vector_tables")
    return kind != "table" or not (name or "").startswith(others)


def test_migrations_make_the_schema(tmp_path: Path) -> None:
    with migrate(tmp_path / "vitrina.db").reading() as connection:
        options = {"compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_revision_is_the_newest_migration() -> None:
    assert script().get_heads() == [REVISION]


def test_downgrade_and_upgrade(tmp_path: Path) -> None:
    from alembic import command

    path = tmp_path / "vitrina.db"
    config = Config()
    config.set_main_option("script_location", script().dir)
    with migrate(path).writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with pytest.raises(ShopVersion, match=r"no database of Vitrina|no goods yet"):
        open_database(path)
    with migrate(path).reading() as connection:
        assert count(connection) == 0


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(PRODUCTS)) or 0


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from vitrina.store.database import migrate

made = 0

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *more):
    global made
    made += statement.strip().startswith("CREATE TABLE")
    if made == 4:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(Path(sys.argv[1]))
"""


@pytest.mark.sqlite
@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX systems do")
def test_killed_migration_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert path.exists()
    with pytest.raises(ShopVersion):
        open_database(path)
    with migrate(path).reading() as connection:
        assert count(connection) == 0
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


@pytest.mark.sqlite
def test_locked_database_is_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    migrate(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("DELETE FROM imports")
    other.execute("COMMIT")  # in this mode the lock stays
    try:
        for opened in (open_database, migrate):
            with pytest.raises(ShopError, match="locked") as refusal:
                opened(path)
            assert not isinstance(refusal.value, ShopVersion)
            assert "close it" in refusal.value.hint
    finally:
        other.close()
    assert open_database(path)


@pytest.mark.sqlite
def test_torn_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    migrate(path)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(ShopError, match="malformed") as refusal:
        open_database(path)
    assert "backup" in refusal.value.hint


@pytest.mark.sqlite
def test_folder_where_a_database_should_be(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    path.mkdir()
    with pytest.raises(ShopError, match="cannot be opened") as refusal:
        open_database(path)
    assert "Let this user read" in refusal.value.hint


def test_migrating_twice_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    with migrate(path).writing() as connection:
        add_category(connection, slug="lampy", path="Лампы", name="Лампы")
    with migrate(path).reading() as connection:
        assert [category.name for category in all_categories(connection)] == ["Лампы"]


@pytest.mark.sqlite
def test_existing_database_is_opened_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    migrate(path)
    program = (
        "import sys; from pathlib import Path; from vitrina.store.database import migrate\n"
        "migrate(Path(sys.argv[1])); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)


@pytest.mark.sqlite
def test_missing_database(tmp_path: Path) -> None:
    with pytest.raises(ShopVersion, match="no goods yet") as refusal:
        open_database(tmp_path / "vitrina.db")
    assert "vitrina import" in refusal.value.hint
    assert not (tmp_path / "vitrina.db").exists()


@pytest.mark.sqlite
@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vitrina.db").write_bytes(content)
    with pytest.raises(ShopVersion):
        open_database(tmp_path / "vitrina.db")


@pytest.mark.sqlite
def test_damaged_database_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    path.write_bytes(content := b"no database at all" * 100)
    with pytest.raises(ShopVersion, match="cannot be used as the shop's database") as refusal:
        migrate(path)
    assert "backup" in refusal.value.hint
    assert path.read_bytes() == content


@pytest.mark.sqlite
@pytest.mark.parametrize("version", ["0000", "9999"])
def test_other_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "vitrina.db"
    with migrate(path).writing() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    with pytest.raises(ShopVersion, match=version):
        open_database(path)
    with pytest.raises(ShopVersion, match="newer version"):
        migrate(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(version,)]
    connection.close()


@pytest.mark.sqlite
def test_pragmas(tmp_path: Path) -> None:
    database = migrate(tmp_path / "vitrina.db")
    names = ("foreign_keys", "journal_mode", "synchronous", "busy_timeout")
    with database.writing() as connection:
        read = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}
    assert read == {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
    }


@pytest.mark.sqlite
def test_readers_cannot_write(tmp_path: Path) -> None:
    database = migrate(tmp_path / "vitrina.db")
    for change in (insert(CATEGORIES).values(slug="a"), delete(PRODUCTS)):
        with (
            database.reading() as connection,
            pytest.raises(OperationalError, match="readonly database"),
        ):
            connection.execute(change)


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    database = migrate(tmp_path / "vitrina.db")
    with database.writing() as writer:
        lamps = add_category(writer, slug="lampy", path="Лампы", name="Лампы")
    with database.reading() as reader:
        before = all_categories(reader)
        with database.writing() as writer:
            add_product(writer, lamps.id, "1")
            writer.execute(update(CATEGORIES).values(name="Свет"))
        assert count(reader) == 0
        assert all_categories(reader) == before
    with database.reading() as reader:
        assert count(reader) == 1
        assert [category.name for category in all_categories(reader)] == ["Свет"]


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    database = migrate(tmp_path / "vitrina.db")

    def fails() -> None:
        with database.writing() as connection:
            add_category(connection, slug="lampy", path="Лампы", name="Лампы")
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        fails()
    with database.reading() as connection:
        assert all_categories(connection) == []


@pytest.mark.sqlite
def test_what_was_written_is_in_the_one_file(tmp_path: Path) -> None:
    database = migrate(tmp_path / "vitrina.db")
    with database.writing() as connection:
        add_category(connection, slug="lampy", path="Лампы", name="Лампы")
    assert [file.name for file in tmp_path.iterdir()] == ["vitrina.db"]
    with database.reading() as connection:
        assert len(all_categories(connection)) == 1


def test_photos_go_with_their_product(tmp_path: Path) -> None:
    with migrate(tmp_path / "vitrina.db").writing() as connection:
        lamps = add_category(connection, slug="lampy", path="Лампы", name="Лампы")
        add_product(connection, lamps.id, "1", [photo("a")])
        photos = select(func.count()).select_from(PHOTOS)
        assert connection.scalar(photos) == 1
        connection.execute(delete(PRODUCTS))
        assert connection.scalar(photos) == 0


def test_records_have_the_columns_of_their_tables() -> None:
    def names(record: type) -> list[str]:
        return [field.name for field in fields(record)]

    assert names(CategoryRecord) == CATEGORIES.c.keys()
    assert set(names(PhotoRecord)) < set(PHOTOS.c.keys())
    assert set(names(ShownProduct)) - {"picture"} < set(PRODUCTS.c.keys())
