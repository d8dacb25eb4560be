"""PostgreSQL where SQLite has nothing like it: addresses, refusals, restarts, pgvector, months.

The tests of the store, of search, imports and events run on both (tests/databases.py). A server of
PostgreSQL is started here in any case.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import databases
import httpx
import numpy as np
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, drawn_photo, write_table
from sqlalchemy import update
from stored import add_product, photo
from test_imports import loaded
from tiny_network import publish_tiny, tiny_info, write_tiny

from vitrina import Shop
from vitrina.bundle import Bundle, goods_array, write_bundle
from vitrina.database_url import DatabaseUrl
from vitrina.errors import DatabaseAway, MissingExtra, ShopError, ShopVersion
from vitrina.events.kept import find_query, forget_before, keep
from vitrina.search.going_live import go_live
from vitrina.search.nearest import NearestGoods, open_nearest
from vitrina.search.stored_nearest import NearestInDatabase, StoredNearest
from vitrina.search.stored_vectors import store_vectors
from vitrina.search.vectors import open_vectors
from vitrina.serving.app import create_app
from vitrina.store.bulk import mark_gone
from vitrina.store.categories import add_category
from vitrina.store.database import driver, migrate, open_database
from vitrina.store.fulltext import IndexedText, index_products
from vitrina.store.index_terms import IndexTerms, quoted
from vitrina.store.postgres import nearest as nearest_module
from vitrina.store.postgres import vectors as vectors_module
from vitrina.store.postgres.connection import translated
from vitrina.store.postgres.statements import tsquery, tsvector
from vitrina.store.reading import open_for_reading
from vitrina.store.schema import PRODUCTS
from vitrina.store.server_database import ServerDatabase
from vitrina.words import stem

SIZE = 8
DAY_MS = 86_400_000


@pytest.fixture
def url(tmp_path: Path) -> DatabaseUrl:
    """A database without anything in it."""
    return databases.place_for(tmp_path / "own.db")


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
        assert open_tables(url) == set()
    finally:
        run(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def open_tables(url: DatabaseUrl) -> set[str]:
    with url.connect() as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in rows}


def test_no_goods_yet(url: DatabaseUrl) -> None:
    with pytest.raises(ShopVersion, match="no goods yet") as refusal:
        open_for_reading(url)
    assert "vitrina import" in refusal.value.hint
    assert open_tables(url) == set()
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
    assert open_tables(url) == set()


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
    assert {"queries_2025_11", "events_2025_12"} <= open_tables(url)
    with database.reading() as connection:
        found = find_query(connection, str(old["id"]))
        assert found is not None
        assert found.events == 1
    with database.writing() as connection:
        moment = int(str(new["asked"])) - DAY_MS
        assert forget_before(connection, moment) == 1  # a month at once
        assert forget_before(connection, moment) == 1  # then what is left, one by one
        assert forget_before(connection, moment) == 0
    assert "queries_2025_11" not in open_tables(url)
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


# Vectors


def towards(angle: float) -> np.ndarray:
    vector = np.zeros(SIZE, dtype=np.float32)
    vector[0], vector[1] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return vector


def stocked(place: Path, url: DatabaseUrl, goods: int = 60) -> Bundle:
    """Goods at random angles, some sold out, gone, or without an embedding; a bundle of them."""
    random = np.random.default_rng(3)
    vectors: dict[str, np.ndarray] = {}
    with migrate(url).writing() as connection:
        categories = [
            add_category(connection, slug=slug, path=slug, name=slug).id
            for slug in ("lamps", "sockets", "cables")
        ]
        gone = []
        for number in range(goods):
            pictures = [f"{number:02}{place}".ljust(64, "0") for place in range(number % 3)]
            for picture in pictures:
                if number % 7:
                    vectors[picture] = towards(random.uniform(-90, 90))
            product = add_product(
                connection, categories[number % 3], f"s{number}", [photo(one) for one in pictures],
                in_stock=number % 4 > 0,
            )  # fmt: skip
            gone += [product] * (number % 11 == 0)
        mark_gone(connection, gone, datetime(2026, 1, 1))
    names = sorted(vectors)
    return write_bundle(
        place / "bundles",
        tiny_info("tiny-1", embedding_size=SIZE),
        b"no network",
        goods_array(names, np.stack([vectors[name] for name in names])),
    )


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("shortened", [False, True])
def test_pgvector_answers_as_exact_search_does(
    url: DatabaseUrl, tmp_path: Path, graph: bool, shortened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if graph:
        monkeypatch.setattr(vectors_module, "GRAPH_FROM", 1)
        monkeypatch.setattr(nearest_module, "EXACT_UP_TO", 1)
    if shortened:
        monkeypatch.setattr("vitrina.search.vector_index.INDEX_DIMENSIONS", 3)
    bundle = stocked(tmp_path, url)
    database = open_for_reading(url)
    stored = open_nearest(bundle, database)
    assert isinstance(stored, NearestInDatabase)
    with database.asking() as connection:
        assert isinstance(stored.chosen(connection), NearestGoods)  # nothing is stored yet
    added = store_vectors(url, bundle, open_vectors(bundle))
    assert added > 30
    assert store_vectors(url, bundle, open_vectors(bundle)) == 0
    stored.refresh()
    with database.asking() as connection:
        assert isinstance(stored.chosen(connection), StoredNearest)
    exact = NearestGoods(bundle, database)
    assert stored.categories() == exact.categories() == {"lamps", "sockets", "cables"}
    some = np.arange(1, 40, dtype=np.int64)
    with database.asking() as connection:
        for angle in (-70, 0, 45):
            for asked in (
                {"categories": ["lamps"], "limit": 5},
                {"categories": ["lamps", "cables"], "limit": 100},
                {"categories": None, "limit": 10},
                {"categories": None, "limit": 100, "within": some},
                {"categories": None, "limit": 8, "favour": {"lamps": 0.0, "cables": -0.4}},
                {"categories": ["none"], "limit": 5},
            ):
                given: dict[str, Any] = {"language": "ru", **asked}
                one = stored.rank(connection, towards(angle), **given)
                other = exact.rank(connection, towards(angle), **given)
                assert [found.sku for found in one] == [found.sku for found in other], asked
                for found, same in zip(one, other, strict=True):
                    if same.similarity is None:
                        assert found.similarity is None
                    else:
                        assert found.similarity == pytest.approx(same.similarity, abs=2e-3)


def test_stock_moves_and_departures_are_seen_at_once(url: DatabaseUrl, tmp_path: Path) -> None:
    bundle = stocked(tmp_path, url)
    store_vectors(url, bundle, open_vectors(bundle))
    database = open_for_reading(url)
    stored = open_nearest(bundle, database)

    def found() -> list[str]:
        with database.asking() as connection:
            answer = stored.rank(connection, towards(0), ["lamps"], 3, language="ru")
        return [one.sku for one in answer]

    first, second, third = found()
    with open_database(url).writing() as connection:
        goods = update(PRODUCTS)
        connection.execute(goods.where(PRODUCTS.c.sku == first).values(in_stock=False))
        connection.execute(goods.where(PRODUCTS.c.sku == third).values(gone_since=datetime.now()))
    now = found()
    assert now[0] == second
    assert {first, third}.isdisjoint(now)
    with open_database(url).writing() as connection:
        sockets = update(PRODUCTS).where(PRODUCTS.c.sku == second).values(category_id=2)
        connection.execute(sockets)
    assert second not in found()
    store_vectors(url, bundle, open_vectors(bundle))
    with database.asking() as connection:
        answer = stored.rank(connection, towards(0), ["sockets"], 100, language="ru")
    assert second in [one.sku for one in answer]


def test_a_bundle_that_is_deleted_takes_its_table_along(url: DatabaseUrl, tmp_path: Path) -> None:
    bundle = stocked(tmp_path, url)
    store_vectors(url, bundle, open_vectors(bundle))
    made = {name for name in open_tables(url) if name.startswith("vectors_")}
    shutil.move(bundle.folder, bundle.folder.parent / "tiny-2")
    other = write_bundle(
        tmp_path / "bundles", tiny_info("tiny-3", embedding_size=SIZE), b"another", bundle_goods()
    )
    shutil.rmtree(bundle.folder.parent / "tiny-2")
    store_vectors(url, other, open_vectors(other))
    left = {name for name in open_tables(url) if name.startswith("vectors_")}
    assert len(made) == len(left) == 1
    assert made != left


def bundle_goods() -> Any:
    return goods_array(["0" * 64], towards(0)[None])


# A server that goes away


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that a test may stop, and its address."""
    if "://" not in databases.WANTED:
        databases.server_url()  # which says where the package keeps its lock
    pgserver = pytest.importorskip("pgserver")
    place = tmp_path_factory.mktemp("own")
    for folder in (place, *place.parents[:3]):
        folder.chmod(0o755)
    server = pgserver.get_server(str(place / "data"), cleanup_mode="stop")
    yield server
    server.cleanup()


def stop(server: Any) -> None:
    os.kill(server.get_pid(), signal.SIGINT)  # "fast": who is connected is cut off
    until = time.monotonic() + 20
    while (Path(server.pgdata) / "postmaster.pid").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_while_the_database_is_restarted(
    own_server: Any, tmp_path: Path, catalogue_table: Path
) -> None:
    """Only 503 with Retry-After, nothing wrong and nothing lost; then as before."""
    shop = Shop.create(tmp_path / "shop", database_url=own_server.get_uri())
    shop.import_catalogue(catalogue_table)
    publish_tiny(shop.folder)
    lamp = drawn_photo(COLOURS["lampy"])
    app = create_app(shop.folder)
    with AppClient(app) as client:
        before = client.send_photo(lamp).json()
        assert client.get("/v1/search").json()["total"] == 12
        assert app.recorder.flush()
        stop(own_server)
        for answer in (client.get("/v1/search"), client.send_photo(lamp), client.get("/readyz")):
            assert answer.status_code == 503, answer.text
            assert answer.json()["code"] == "database_away"
            assert int(answer.headers["Retry-After"]) > 0
        event = {"id": "1", "kind": "click"}
        body = {"query_id": before["query_id"], "events": [event]}
        refused = client.request("POST", "/v1/events", json=body)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert client.get("/healthz").status_code == 200
        own_server.ensure_postgres_running()
        after = client.send_photo(lamp).json()
        assert after["products"] == before["products"]
        assert client.get("/v1/search").json()["total"] == 12
        assert client.request("POST", "/v1/events", json=body).status_code == 202
        assert app.recorder.flush()
    with ServerDatabase(shop.folder.server_database).reading() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
        (kept,) = connection.execute("SELECT count(*) FROM queries").fetchone()
    assert kept == 2


class Shopper(threading.Thread):
    """Sends photos to one server, and an event for each answer, until it is told to stop."""

    def __init__(self, address: str, photo: bytes) -> None:
        super().__init__(daemon=True)
        self.address, self.photo = address, photo
        self.stopping = threading.Event()
        self.wrong: list[str] = []
        self.answered = self.turned_away = 0
        self.taken: set[str] = set()

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=30) as client:
            while not self.stopping.is_set():
                answer = client.post(
                    "/v1/search/photo", content=self.photo, headers={"content-type": "image/jpeg"}
                )
                if not self.is_answer(answer):
                    continue
                found = answer.json()
                if found["category"]["id"] != "lamps" or not found["products"]:
                    self.wrong.append(answer.text)
                self.answered += 1
                body = {"query_id": found["query_id"], "events": [{"id": "e", "kind": "click"}]}
                if self.is_answer(client.post("/v1/events", json=body)):
                    self.taken.add(found["query_id"])

    def is_answer(self, answer: httpx.Response) -> bool:
        if answer.status_code == 503 and "retry-after" in answer.headers:
            self.turned_away += 1
            time.sleep(0.1)
            return False
        if answer.status_code not in (200, 202):
            self.wrong.append(f"{answer.status_code} {answer.text}")
            return False
        return True


def test_three_servers_on_one_database(
    own_server: Any, tmp_path: Path, catalogue_table: Path
) -> None:
    """While a bundle is published, goods come, and the database is restarted."""
    root = tmp_path / "shop"
    free = {"photos_per_minute": 0, "requests_per_minute": 0, "events_per_minute": 0}
    shop = Shop.create(root, database_url=own_server.get_uri(), threads=1, **free)
    shop.import_catalogue(catalogue_table)
    publish_tiny(shop.folder)
    servers = []
    for number in range(3):
        (scratch := tmp_path / f"scratch-{number}").mkdir()
        servers.append(LiveServer(root, scratch))
    lamp = drawn_photo(COLOURS["lampy"], kind="JPEG")
    shoppers = [Shopper(server.address, lamp) for server in servers]
    for shopper in shoppers:
        shopper.start()
    time.sleep(2)
    write_tiny(shop.folder, version="tiny-2")
    go_live(shop.folder, "tiny-2")
    table = write_table(
        tmp_path / "late.csv", [("sku", "name", "category"), ("late", "Лампа", "Лампы")]
    )
    shop.import_catalogue(table)
    stop(own_server)
    time.sleep(1)
    own_server.ensure_postgres_running()
    time.sleep(3)
    before = [shopper.answered for shopper in shoppers]
    time.sleep(8)
    for shopper in shoppers:
        shopper.stopping.set()
        shopper.join(60)
    for server in servers:
        said = server.stop()
        assert "Traceback" not in said, said
    assert [shopper.wrong for shopper in shoppers] == [[], [], []]
    assert all(shopper.answered > had for shopper, had in zip(shoppers, before, strict=True))
    assert all(shopper.turned_away for shopper in shoppers)
    with ServerDatabase(shop.folder.server_database).reading() as connection:
        kept = [query_id for (query_id,) in connection.execute("SELECT query_id FROM events")]
        bundles = {name for (name,) in connection.execute("SELECT DISTINCT bundle FROM queries")}
    taken = set[str]().union(*(shopper.taken for shopper in shoppers))
    # whose answer was cut off on its way may have been taken nevertheless
    assert taken <= set(kept)
    assert len(kept) == len(set(kept))
    assert bundles == {"tiny-1", "tiny-2"}
