"""`POST /v1/events` and what is kept of queries: once, in any order, without a word about whom."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, drawn_photo
from test_api_photo import LAMP, refused

from vitrina import Shop
from vitrina.errors import Busy, QueryUnknown
from vitrina.events.kept import keep
from vitrina.events.recorder import EVENTS_OF_A_QUERY, Recorder
from vitrina.events.sent import SentEvent
from vitrina.events.visitors import hashed_visitor, shop_secret
from vitrina.serving.app import ShopApp, create_app
from vitrina.store.server_database import ServerDatabase

VISITOR = "browser-0123456789"


@pytest.fixture
def app(published_shop: Shop) -> ShopApp:
    return create_app(published_shop.folder)


@pytest.fixture
def asking(app: ShopApp) -> Iterator[AppClient]:
    with AppClient(app) as client:
        yield client
    app.recorder.close()


def send(client: AppClient, query_id: str, *events: dict[str, object], **more: object) -> Any:
    body = {"query_id": query_id, "events": list(events), **more}
    return client.request("POST", "/v1/events", json=body)


def event(number: int, kind: str = "click", **more: object) -> dict[str, object]:
    return {"id": f"event-{number}", "kind": kind, **more}


def rows(app: ShopApp, table: str) -> list[dict[str, Any]]:
    """All that is kept in a table, once everything has been written."""
    assert app.recorder.flush()
    with ServerDatabase(app.shop.folder.server_database).reading() as connection:
        asked = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in asked.description]  # type: ignore[attr-defined]
        return [dict(zip(names, row, strict=True)) for row in asked]


# Queries


def test_an_answered_photo_is_kept_without_the_photo(app: ShopApp, asking: AppClient) -> None:
    before = time.time_ns() // 1_000_000
    answer = asking.send_photo(LAMP).json()
    (kept,) = rows(app, "queries")
    assert kept.pop("id") == answer["query_id"]
    assert before <= kept.pop("asked") <= time.time_ns() // 1_000_000
    assert kept == {
        "search": "photo",
        "bundle": "tiny-1",
        "decision": "category",
        "category": "lamps",
        "confidence": answer["category"]["confidence"],
        "milliseconds": answer["timings_ms"]["total"],
        "visitor": None,
        "experiment": None,
        "assigned": None,
        "infer_ms": answer["timings_ms"]["infer"],
    }


def test_of_an_unsure_answer_the_likeliest_category_is_kept(
    app: ShopApp, asking: AppClient
) -> None:
    answer = asking.send_photo(drawn_photo((130, 115, 60))).json()
    assert answer["decision"] == "unsure"
    (kept,) = rows(app, "queries")
    assert (kept["decision"], kept["category"]) == ("unsure", answer["alternatives"][0]["id"])


def test_refused_photos_are_no_queries(app: ShopApp, asking: AppClient) -> None:
    refused(asking.send_photo(b"none"), 415, "photo_type")
    asking.send_photo(LAMP)
    assert len(rows(app, "queries")) == 1


def test_nothing_is_kept_where_the_shop_does_not_want_it(published_shop: Shop) -> None:
    toml = published_shop.folder.toml
    toml.write_text(f"{toml.read_text('utf-8')}\nevents = false\n", "utf-8")
    app = create_app(Shop.open(published_shop.folder.root).folder)
    with AppClient(app) as client:
        query_id = client.send_photo(LAMP).json()["query_id"]
        refused(send(client, query_id, event(1)), 404, "query_unknown")
        assert words(client) is None
    assert not rows(app, "queries")


# Searches by words


def words(client: AppClient, q: str = "СЕКРЕТ лампа", **more: object) -> Any:
    answer = client.get("/v1/search", params={"q": q, **more})
    assert answer.status_code == 200
    return answer.json()["query_id"]


def test_a_search_by_words_is_kept_without_the_words(app: ShopApp, asking: AppClient) -> None:
    before = time.time_ns() // 1_000_000
    found, nothing = words(asking, "лампа"), words(asking, "СЕКРЕТНЫЙ")
    kept = {row.pop("id"): row for row in rows(app, "queries")}
    assert [kept[one].pop("decision") for one in (found, nothing)] == ["found", "nothing"]
    for row in kept.values():
        assert before <= row.pop("asked") <= time.time_ns() // 1_000_000
        assert 0 < row.pop("milliseconds") < 10_000
        assert row.pop("search") == "text"
        assert set(row.values()) == {None}
    path = app.shop.folder.server_database
    content = path.read_bytes() if isinstance(path, Path) else repr(rows(app, "queries")).encode()
    assert "секретн" not in content.decode("utf-8", "replace").casefold()


def test_what_is_no_search_by_words(app: ShopApp, asking: AppClient) -> None:
    assert words(asking, "") is None
    assert words(asking, "  ", category="lamps") is None
    assert words(asking, "лампа", counted="false") is None
    first = asking.get("/v1/search", params={"q": "лампа", "limit": 2}).json()
    assert words(asking, "лампа", limit=2, cursor=first["next_cursor"]) is None
    asking.get("/?q=лампа")  # a browser that shows this page to somebody says so itself
    refused(asking.get("/v1/search", params={"q": "x" * 500}), 400, "query")
    assert [row["id"] for row in rows(app, "queries")] == [first["query_id"]]


@pytest.mark.parametrize("written_between", [True, False])
def test_events_of_a_search_by_words(
    app: ShopApp, asking: AppClient, written_between: bool
) -> None:
    by_photo, by_words = asking.send_photo(LAMP).json()["query_id"], words(asking)
    for query_id in (by_photo, by_words):
        if written_between:
            assert app.recorder.flush()
        for _ in range(2):
            sent = send(asking, query_id, event(1, "order", value=5), visitor=VISITOR)
            assert sent.status_code == 202
    refused(send(asking, by_words, event(2), visitor="another-browser-99"), 403, "query_foreign")
    kept = {row["query_id"]: row for row in rows(app, "events")}
    assert {one: row["search"] for one, row in kept.items()} == {
        by_photo: "photo",
        by_words: "text",
    }
    asked = {row["id"]: row["asked"] for row in rows(app, "queries")}
    assert {one: row["asked"] for one, row in kept.items()} == asked


def test_one_client_cannot_fill_the_disk_with_searches(published_shop: Shop) -> None:
    toml = published_shop.folder.toml
    toml.write_text(f"{toml.read_text('utf-8')}\nevents_per_minute = 3\n", "utf-8")
    app = create_app(Shop.open(published_shop.folder.root).folder)
    with AppClient(app, address="203.0.113.7") as client:
        deadline = time.monotonic() + 10
        while words(client) is not None:  # the first loads what counts
            assert time.monotonic() < deadline
        assert client.get("/v1/search", params={"q": "лампа"}).json()["total"] > 0


# Events


def test_events_are_kept(app: ShopApp, asking: AppClient) -> None:
    query_id = asking.send_photo(LAMP).json()["query_id"]
    answer = send(
        asking,
        query_id,
        event(1, "chip", category="sockets"),
        event(2, "click", sku="lampy-1", position=3),
        event(3, "cart", sku="lampy-1"),
        event(4, "order", value="1290.50"),
        event(5, "order", value=7, currency="USD"),
        event(6, "wrong"),
    )
    assert (answer.status_code, answer.json()) == (202, {"status": "taken", "events": 6})
    kept = {row.pop("id"): row for row in rows(app, "events")}
    assert {row.pop("query_id") for row in kept.values()} == {query_id}
    shown = [
        tuple(kept[f"event-{n}"][name] for name in ("kind", "category", "sku", "position"))
        for n in (1, 2, 3)
    ]
    assert shown == [
        ("chip", "sockets", None, None),
        ("click", None, "lampy-1", 3),
        ("cart", None, "lampy-1", None),
    ]
    orders = [(kept[f"event-{n}"]["value_minor"], kept[f"event-{n}"]["currency"]) for n in (4, 5)]
    assert orders == [(129050, "RUB"), (700, "USD")]
    counted = asking.get("/metrics").text
    assert 'vitrina_events_total{kind="order"} 2.0' in counted


@pytest.mark.parametrize("written_between", [True, False])
def test_the_same_event_twice_is_one(
    app: ShopApp, asking: AppClient, written_between: bool
) -> None:
    query_id = asking.send_photo(LAMP).json()["query_id"]
    for _ in range(2):
        assert send(asking, query_id, event(1, "order", value=5)).status_code == 202
        if written_between:
            assert app.recorder.flush()
    send(asking, query_id, event(1, "order", value=900), event(1))
    assert [row["value_minor"] for row in rows(app, "events")] == [500]


def test_an_event_id_counts_within_its_query(app: ShopApp, asking: AppClient) -> None:
    """Otherwise one who guesses a shop's order numbers could use them up."""
    for _ in range(2):
        send(asking, asking.send_photo(LAMP).json()["query_id"], event(1, "order", value=5))
    assert len(rows(app, "events")) == 2


def test_events_may_come_in_any_order(app: ShopApp, asking: AppClient) -> None:
    first, second = (asking.send_photo(LAMP).json()["query_id"] for _ in range(2))
    for query_id, number, kind in ((second, 2, "order"), (first, 3, "cart"), (second, 1, "chip")):
        assert send(asking, query_id, event(number, kind)).status_code == 202
    assert len(rows(app, "events")) == 3


def test_queries_of_nobody(asking: AppClient) -> None:
    asking.send_photo(LAMP)
    for unknown in ("0" * 32, "x", "../../etc/passwd", "' OR 1=1 --", "фото", "0" * 64):
        refused(send(asking, unknown, event(1)), 404, "query_unknown")


def test_another_visitor_is_refused(app: ShopApp, asking: AppClient) -> None:
    query_id = asking.send_photo(LAMP).json()["query_id"]
    assert send(asking, query_id, event(1), visitor=VISITOR).status_code == 202
    for _ in range(2):  # before it is written, and after
        foreign = send(asking, query_id, event(2), visitor="another-browser-99")
        refused(foreign, 403, "query_foreign")
        app.recorder.flush()
    assert send(asking, query_id, event(3), visitor=VISITOR).status_code == 202
    # a shop's own server knows the query alone
    assert send(asking, query_id, event(4)).status_code == 202
    assert len(rows(app, "events")) == 3


def test_a_visitor_is_kept_as_a_hash(app: ShopApp, asking: AppClient) -> None:
    query_id = asking.send_photo(LAMP).json()["query_id"]
    send(asking, query_id, event(1), visitor=VISITOR)
    (kept,) = rows(app, "queries")
    secret = app.shop.folder.secret
    assert kept["visitor"] == hashed_visitor(shop_secret(secret), VISITOR)
    assert secret.stat().st_mode & 0o077 == 0
    path = app.shop.folder.server_database
    content = path.read_bytes() if isinstance(path, Path) else repr(rows(app, "queries")).encode()
    assert VISITOR.encode() not in content
    assert secret.read_bytes() not in content
    assert b"127.0.0.1" not in content


def test_an_older_query_is_known_after_a_restart(published_shop: Shop) -> None:
    first = create_app(published_shop.folder)
    with AppClient(first) as client:
        query_id = client.send_photo(LAMP).json()["query_id"]
    first.recorder.close()
    with AppClient(again := create_app(published_shop.folder)) as client:
        assert send(client, query_id, event(1)).status_code == 202
    assert len(rows(again, "events")) == 1


def test_a_query_has_not_any_number_of_events(app: ShopApp, asking: AppClient) -> None:
    query_id = asking.send_photo(LAMP).json()["query_id"]
    for batch in range(EVENTS_OF_A_QUERY // 20):
        events = (event(20 * batch + number) for number in range(20))
        assert send(asking, query_id, *events).status_code == 202
        if batch == 3:
            app.recorder.flush()
    refused(send(asking, query_id, event(999)), 422, "events_many")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"query_id": "q", "events": []}', b"\xff\xfe", b"[" * 9000,
        json.dumps({"query_id": "q", "events": [event(1)], "address": "x"}),
        json.dumps({"query_id": "q", "events": [event(n) for n in range(21)]}),
        json.dumps({"query_id": "q", "events": [event(1)], "visitor": "a b"}),
        json.dumps({"events": [event(1)]}),
        *(
            json.dumps({"query_id": "q", "events": [event(1) | wrong]})
            for wrong in (
                {"id": ""}, {"id": "x" * 65}, {"id": "<script>"}, {"id": 12345678},
                {"kind": "buy"}, {"kind": None}, {"sku": ""}, {"sku": "x" * 201},
                {"position": 0}, {"position": 10**12}, {"position": 1.5},
                {"value": -1}, {"value": "1e99"}, {"value": "0.001"}, {"value": "NaN"},
                {"value": 10**12}, {"currency": "rub"}, {"currency": "RUBLES"}, {"photo": "x"},
            )
        ),
        b'{"query_id": "q", "events": [{"id": "event-12", "kind": "click", "sku": "\\ud800"}]}',
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused(asking: AppClient, body: bytes | str) -> None:
    document = refused(asking.request("POST", "/v1/events", content=body), 422, "query")
    assert "openapi" in str(document["hint"])


@pytest.mark.parametrize("chunked", [True, False])
def test_one_megabyte(asking: AppClient, chunked: bool) -> None:
    large = b" " * 1_000_000

    async def pieces() -> Any:
        for _ in range(100):
            yield large[:10_000]

    content = pieces() if chunked else large
    refused(asking.request("POST", "/v1/events", content=content), 413, "body_too_large")


def test_only_so_many_batches_a_minute(published_shop: Shop) -> None:
    toml = published_shop.folder.toml
    toml.write_text(f"{toml.read_text('utf-8')}\nevents_per_minute = 3\n", "utf-8")
    app = create_app(Shop.open(published_shop.folder.root).folder)
    with AppClient(app, address="203.0.113.7") as client:
        query_id = client.send_photo(LAMP).json()["query_id"]
        # the first loads what counts
        deadline = time.monotonic() + 10
        while (answer := send(client, query_id, event(1))).status_code == 202:
            assert time.monotonic() < deadline
        refused(answer, 429, "rate")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert client.send_photo(LAMP).status_code == 200


def test_other_methods_are_refused(asking: AppClient) -> None:
    refused(asking.get("/v1/events"), 405, "method")


def test_pages_of_named_origins_may_send(published_shop: Shop) -> None:
    toml = published_shop.folder.toml
    toml.write_text(f'{toml.read_text("utf-8")}\ncors_origins = ["https://shop.test"]\n', "utf-8")
    with AppClient(create_app(Shop.open(published_shop.folder.root).folder)) as client:
        asked = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "content-type"}  # fmt: skip
        allowed = client.request("OPTIONS", "/v1/events", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://shop.test"
        foreign = client.request("OPTIONS", "/v1/events", headers=asked | {"Origin": "https://x.y"})
        assert "access-control-allow-origin" not in foreign.headers
        answer = client.request(
            "POST", "/v1/events", content=b"{}", headers={"Origin": "https://shop.test"}
        )
        assert answer.status_code == 422
        assert answer.headers["access-control-allow-origin"] == "https://shop.test"


# What writes


def query(recorder: Recorder, number: int) -> str:
    query_id = f"{number:032x}"
    recorder.query_answered(
        query_id, bundle="b", decision="category", category="lamps", confidence=0.9,
        milliseconds=12.5,
    )  # fmt: skip
    return query_id


def click(number: int) -> SentEvent:
    return SentEvent(id=f"event-{number}", kind="click")


def test_what_does_not_fit_is_dropped_and_counted(published_shop: Shop) -> None:
    lost: list[int] = []
    recorder = Recorder(published_shop.folder, lost.append, most=3, every_s=600)
    for number in range(5):
        query(recorder, number)
    assert lost == [1, 1]
    assert recorder.words_answered(found=True, milliseconds=1) is None
    assert lost == [1, 1, 1]
    with pytest.raises(Busy):
        recorder.take(f"{0:032x}", None, [click(1)])
    with pytest.raises(QueryUnknown):
        recorder.take(f"{4:032x}", None, [click(1)])
    assert recorder.flush()
    recorder.take(f"{0:032x}", None, [click(1)])
    recorder.close()
    assert lost == [1, 1, 1, 1]


@pytest.mark.sqlite
def test_a_disk_that_cannot_be_written_loses_nothing_at_first(published_shop: Shop) -> None:
    lost: list[int] = []
    folder = published_shop.folder
    folder.server_database.mkdir()  # nothing can be opened there
    recorder = Recorder(folder, lost.append, every_s=600)
    query(recorder, 1)
    assert not recorder.flush()
    folder.server_database.rmdir()
    assert recorder.flush()
    recorder.close()
    assert lost == []


def test_one_row_does_not_keep_others_from_being_written(published_shop: Shop) -> None:
    lost: list[int] = []
    recorder = Recorder(published_shop.folder, lost.append, every_s=600)
    recorder.query_answered(
        "broken", bundle=object(), decision="x", category=None, confidence=None, milliseconds=1,  # type: ignore[arg-type]
    )  # fmt: skip
    recorder.flush()
    query(recorder, 1)
    assert recorder.flush()
    recorder.take(f"{1:032x}", None, [click(1)])
    recorder.close()
    assert lost == [1]


def test_what_is_older_is_forgotten(published_shop: Shop) -> None:
    recorder = Recorder(published_shop.folder, lambda _: None, every_s=600)
    old, new = query(recorder, 1), query(recorder, 2)
    for one in (old, new):
        recorder.take(one, None, [click(1)])
    recorder.flush()
    database = ServerDatabase(published_shop.folder.server_database)
    with database.writing() as connection:
        (asked,) = connection.execute("SELECT asked FROM queries WHERE id = ?", (old,)).fetchone()
        connection.execute("DELETE FROM events WHERE query_id = ?", (old,))
        connection.execute("DELETE FROM queries WHERE id = ?", (old,))
        long_ago = {"id": old, "asked": asked - 401 * 86_400_000, "bundle": "b", "category": None}
        long_ago |= {"decision": "unknown", "confidence": None, "milliseconds": 1.0}
        keep(connection, [long_ago], [], [])
    # an event that was taken before its query was forgotten must not stop those of others
    recorder.take(old, None, [click(2)])
    recorder.take(new, None, [click(2)])
    recorder._forget()
    assert recorder.flush()
    with database.reading() as connection:
        assert connection.execute("SELECT id FROM queries").fetchall() == [(new,)]
        kept = connection.execute("SELECT query_id, id FROM events ORDER BY id").fetchall()
    assert kept == [(new, "event-1"), (new, "event-2")]


def test_an_import_that_goes_on_holds_nothing_up(app: ShopApp, asking: AppClient) -> None:
    """It keeps the catalogue to itself for as long as it takes."""
    from vitrina.store.database import open_database

    with open_database(app.shop.folder.database).writing():
        query_id = asking.send_photo(LAMP).json()["query_id"]
        assert send(asking, query_id, event(1)).status_code == 202
        assert len(rows(app, "events")) == 1


def test_many_threads(published_shop: Shop) -> None:
    recorder = Recorder(published_shop.folder, lambda _: None, every_s=0.01)

    def work(thread: int) -> None:
        for number in range(30):
            recorder.take(
                query(recorder, 1000 * thread + number), "visitor-0123456789", [click(number)]
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    with ServerDatabase(published_shop.folder.server_database).reading() as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("queries", "events")
        ]
    assert counts == [120, 120]


def test_what_was_accepted_is_kept_when_the_server_is_stopped(
    published_shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()
    server = LiveServer(published_shop.folder.root, tmp_path / "scratch")
    with httpx.Client(base_url=server.address) as client:
        photo = client.post(
            "/v1/search/photo", content=LAMP, headers={"content-type": "image/jpeg"}
        )
        body = {"query_id": photo.json()["query_id"], "events": [event(1, "cart")]}
        assert client.post("/v1/events", json=body).status_code == 202
    server.stop()
    with ServerDatabase(published_shop.folder.server_database).reading() as connection:
        kept = connection.execute("SELECT query_id, kind FROM events").fetchall()
    assert kept == [(body["query_id"], "cart")]


def test_a_server_that_only_answers_photos_loads_nothing_of_it(published_shop: Shop) -> None:
    assert COLOURS  # the photo's path imports the recorder alone
    from test_imports import loaded

    names = loaded("import vitrina.serving.app")
    assert "vitrina.events.recorder" in names
    assert names.isdisjoint({"vitrina.events.kept", "vitrina.admin.app", "argon2", "limits"})
