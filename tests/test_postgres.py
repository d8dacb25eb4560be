"""PostgreSQL where SQLite has nothing like it: addresses, refusals, months, terms.

The tests of the store, of search, imports and events run on both (tests/databases.py). A server of
PostgreSQL is started here in any case.
"""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import databases
import pytest
from test_imports import loaded

from vitrina.database_url import DatabaseUrl
from vitrina.errors import DatabaseAway, MissingExtra, ShopError, ShopVersion
from vitrina.events.kept import find_query, forget_before, keep
from vitrina.store.categories import add_category
from vitrina.store.database import driver, migrate, open_database
from vitrina.store.fulltext import IndexedText, index_products
from vitrina.store.index_terms import IndexTerms, quoted
from vitrina.store.postgres.connection import translated
from vitrina.store.postgres.statements import tsquery, tsvector
from vitrina.store.reading import open_for_reading
from vitrina.store.server_database import ServerDatabase
from vitrina.words import stem

DAY_MS = 86_400_000


def run(url: DatabaseUrl, *statements: str) -> None:
    with url.connect() as connection:
        for statement in statements:
            connection.execute(statement.encode())


# Addresses and refusals


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        ("mysql://shop@db/shop", "no address", "postgresql://user:password@host:5432/database"),
        ("postgresql://shop:secret@[::1/shop", "no address", "postgresql://user"),
        ("postgresql://shop:secret@localhost/shop?no_such=1", "no address", "postgresql://user"),
    ],
)
def test_what_is_no_address(address: str, message: str, hint: str) -> None:
    with pytest.raises(ShopError, match=message) as refusal:
        DatabaseUrl(address).connect()
    assert hint in refusal.value.hint
    assert "secret" not in refusal.value.message


def test_a_schema_that_is_none() -> None:
    with pytest.raises(ShopError, match="no name of a schema"):
        DatabaseUrl("postgresql://localhost/shop", 'a"; DROP').connect()


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"postgresql://shop:secret@127.0.0.1:{taken.getsockname()[1]}/shop"
        with pytest.raises(DatabaseAway, match="does not answer now") as refusal:
            DatabaseUrl(address).connect()
    assert "secret" not in str(refusal.value)
    assert "Look whether the server runs" in refusal.value.hint


def test_a_database_that_is_not_there(url: DatabaseUrl) -> None:
    with pytest.raises(ShopError, match="lets nobody in") as refusal:
        DatabaseUrl(databases.url_of("none_such")).connect()
    assert "createdb" in refusal.value.hint
    assert not isinstance(refusal.value, DatabaseAway)


def test_a_user_who_may_not_make_tables(url: DatabaseUrl) -> None:
    name = f"guest_{url.url.partition('?')[0][-8:]}"
    run(url, f"CREATE ROLE {name} LOGIN", "CREATE EXTENSION IF NOT EXISTS vector")
    try:
        guest = DatabaseUrl(url.url.replace("postgres:@", f"{name}:@"))
        with pytest.raises(ShopError, match="permission denied") as refusal:
            migrate(guest)
        assert "GRANT CREATE" in refusal.value.hint
    finally:
        run(url, f"DROP ROLE {name}")


def test_a_server_without_pgvector(url: DatabaseUrl) -> None:
    name = f"plain_{url.url.partition('?')[0][-8:]}"
    run(url, f"CREATE ROLE {name} LOGIN", f"GRANT CREATE ON SCHEMA public TO {name}")
    try:  # who may not load it is told the same as who has none
        with pytest.raises(ShopError, match="no extension pgvector") as refusal:
            migrate(DatabaseUrl(url.url.replace("postgres:@", f"{name}:@")))
        assert "CREATE EXTENSION vector" in refusal.value.hint
        assert databases.open_tables(url) == set()
    finally:
        run(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_no_goods_yet(url: DatabaseUrl) -> None:
    with pytest.raises(ShopVersion, match="no goods yet") as refusal:
        open_for_reading(url)
    assert "vitrina import" in refusal.value.hint
    assert databases.open_tables(url) == set()
    assert not url.exists()


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_another_version(url: DatabaseUrl, version: str) -> None:
    migrate(url)
    assert url.exists()
    run(url, f"UPDATE alembic_version SET version_num = '{version}'")
    with pytest.raises(ShopVersion, match=version):
        open_for_reading(url)
    with pytest.raises(ShopVersion, match="newer version") as refusal:
        migrate(url)
    assert "Install that version" in refusal.value.hint


def test_server_tables_of_a_newer_version(url: DatabaseUrl) -> None:
    with ServerDatabase(url).writing():
        pass
    run(url, "UPDATE server_version SET version_num = '9999'")
    with pytest.raises(ShopVersion, match="newer version"), ServerDatabase(url).reading():
        pass


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtra) as refusal:
        DatabaseUrl("postgresql://localhost/shop").connect()
    assert "vitrina[postgres]" in refusal.value.hint


def test_sqlite_loads_none_of_it() -> None:
    names = loaded(
        "import vitrina.serving.app, vitrina.search.text, vitrina.events.kept, vitrina.admin.app"
    )
    assert "vitrina.store.reading" in names
    assert not [name for name in names if name.startswith(("psycopg", "vitrina.store.postgres"))]


def test_two_shops_share_a_database(url: DatabaseUrl) -> None:
    first, second = (DatabaseUrl(url.url, schema) for schema in ("one", "two"))
    with migrate(first).writing() as connection:
        add_category(connection, slug="lamps", path="Лампы", name="Лампы")
    with pytest.raises(ShopVersion, match="no goods yet"):
        open_database(second)
    with migrate(second).reading() as connection:
        rows = driver(connection).execute("SELECT count(*) FROM categories").fetchall()
    assert rows == [(0,)]
    assert databases.open_tables(url) == set()


def test_several_make_the_tables_at_the_same_time(url: DatabaseUrl) -> None:
    faults: list[BaseException] = []

    def make() -> None:
        try:
            migrate(url)
            with ServerDatabase(url).writing():
                pass
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


# One at a time


def test_who_waits_too_long_is_told(url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrina.store.postgres.database.PATIENCE_S", 0.2)
    database = migrate(url)
    with (
        database.writing(),
        pytest.raises(DatabaseAway, match="lock timeout"),
        open_database(url).writing(),
    ):
        pass


def test_what_reads_cannot_write(url: DatabaseUrl) -> None:
    migrate(url)
    with (
        pytest.raises(ShopError, match="read-only transaction"),
        open_for_reading(url).asking() as connection,
    ):
        connection.execute("DELETE FROM products")


# Months


def query(number: int, asked: datetime) -> dict[str, object]:
    return {
        "id": f"{number:032x}", "asked": int(asked.timestamp() * 1000), "bundle": "b",
        "decision": "category", "category": "lamps", "confidence": 0.9, "milliseconds": 5.0,
    }  # fmt: skip


def click(row: dict[str, object], number: int) -> dict[str, object]:
    return {
        "query_id": row["id"], "id": f"e{number}", "received": row["asked"], "kind": "click",
        "category": None, "sku": None, "position": None, "value_minor": None, "currency": None,
    }  # fmt: skip


def test_each_month_has_its_own_tables_and_leaves_with_them(url: DatabaseUrl) -> None:
    database = ServerDatabase(url)
    old, late, new = (
        query(number, datetime(2025, month, day, tzinfo=UTC))
        for number, month, day in ((1, 11, 30), (2, 12, 1), (3, 12, 31))
    )
    with database.writing() as connection:
        # the same event twice is one, whichever batch it comes in
        keep(connection, [old, late, new], [click(old, 1), click(old, 1), click(new, 1)], [])
        keep(connection, [old], [click(old, 1), click(new, 2)], [])
    assert {"queries_2025_11", "events_2025_12"} <= databases.open_tables(url)
    with database.reading() as connection:
        found = find_query(connection, str(old["id"]))
        assert found is not None
        assert found.events == 1
    with database.writing() as connection:
        moment = int(str(new["asked"])) - DAY_MS
        assert forget_before(connection, moment) == 1  # a month at once
        assert forget_before(connection, moment) == 1  # then what is left, one by one
        assert forget_before(connection, moment) == 0
    assert "queries_2025_11" not in databases.open_tables(url)
    with database.reading() as connection:
        assert connection.execute("SELECT query_id, id FROM events ORDER BY id").fetchall() == [
            (new["id"], "e1"), (new["id"], "e2"),
        ]  # fmt: skip


# Words


def test_statements_are_translated() -> None:
    statement = "SELECT '?:a%', x::int, 5 % 2 FROM t WHERE a = ? AND b = :name_of"
    expected = b"SELECT '?:a%%', x::int, 5 %% 2 FROM t WHERE a = %s AND b = %(name_of)s"
    assert translated(statement) == expected


def test_expressions_become_tsqueries() -> None:
    strong = '({name article category vendor} : ("!a" OR ("b" * AND "c"))) NOT ("=d")'
    assert tsquery(strong) == ("( ( '!a':ABC | ( 'b':*ABC & 'c':ABC ) ) ) & ! ( '=d' )")


def test_a_text_longer_than_a_tsvector_takes(url: DatabaseUrl) -> None:
    columns = dict.fromkeys(("article", "category", "vendor"), "") | {
        "name": "а " * 1000, "description": " ".join(f"б{n}" for n in range(20_000)),
    }  # fmt: skip
    with url.connect() as connection:
        found = connection.execute("SELECT length(%s::tsvector)", (tsvector(columns),)).fetchone()
    assert found == (20_001,)


def test_stems_are_those_of_the_servers_dictionaries(url: DatabaseUrl) -> None:
    russian = "лампы светильники розетками выключателя кабельный зеркальная удлинителей настольной"
    english = "led lamps switches extension cables mirrored running"
    words = f"{russian} {english}".split()
    with url.connect() as connection:
        for word in words:
            name = "english_stem" if word.isascii() else "russian_stem"
            row = connection.execute("SELECT ts_lexize(%s::regdictionary, %s)", (name, word))
            assert row.fetchone() == ([stem(word)],), word


def test_nul_is_in_no_text(url: DatabaseUrl) -> None:
    with migrate(url).writing() as connection:
        index_products(connection, [IndexedText(1, "Лампа")])
        asked = driver(connection)
        assert IndexTerms(asked).knows("лампа")
        assert asked.execute("SELECT ? = ?", ("a\x00", "a")).fetchone() == (False,)
        assert quoted("лампа")
