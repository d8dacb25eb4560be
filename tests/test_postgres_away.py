"""A PostgreSQL server that goes away under servers that answer shoppers, and comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import httpx
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, drawn_photo, write_table
from tiny_network import publish_tiny, write_tiny

from vitrina import Shop
from vitrina.search.going_live import go_live
from vitrina.serving.app import create_app
from vitrina.store.server_database import ServerDatabase


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
