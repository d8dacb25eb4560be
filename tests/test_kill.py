"""kill -9 anywhere in publish, import, rollback and a new index: old or new, never a mix.

Each kind of work is killed 50 times (the small kinds 15), half of them before one of the changes
that it makes, chosen at random, half of them after a random time. After each kill the shop is asked
in three ways: by a server that has been running all the time, by one that is just starting, and in
its files. Then the same command is given again and must come to its end. All the while another
thread asks the running server and holds every single answer against what it may be.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, NAMES, drawn_photo, write_table
from killed_work import PRELOADED, count_changes, go_back, import_feed, publish, reword, start
from test_journal import Told, told_next
from tiny_network import tiny_model, write_tiny

from vitrina import Shop
from vitrina.bundle import active_bundle, active_version, read_bundle
from vitrina.encoder import Encoder
from vitrina.goods_encoder import encode_goods
from vitrina.photos import decode
from vitrina.search.going_live import go_live
from vitrina.search.vectors import open_vectors
from vitrina.serving.app import create_app

KILLS, FEW_KILLS = 50, 15
PHOTO = drawn_photo(COLOURS["lampy"], seed=1, kind="JPEG")
JPEG = {"content-type": "image/jpeg"}

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Has all that the work needs loaded once, so that the kills meet the work itself."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(PRELOADED))
    return found


class Watched:
    """A running server and a thread that asks it without pause.

    Args:
        server: The process.
        check: Says of an answer to a photo, or to an empty search, what is wrong with it.
    """

    def __init__(self, server: LiveServer, check: Callable[[Answer], str]) -> None:
        self.server = server
        self.asked = 0
        self.faults: list[str] = []
        self._check = check
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self.server.address, timeout=30) as client:
            while not self._ended.wait(0.02):
                for answer in (photo_answer(client), client.get("/v1/search?limit=100")):
                    self.asked += 1
                    if answer.status_code != 200:
                        self.faults.append(f"{answer.status_code}: {answer.text}")
                    elif wrong := self._check(answer.json()):
                        self.faults.append(wrong)


@pytest.fixture
def server(published_shop: Shop, tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "tmp").mkdir()
    # patient: a machine that runs other things, too, is no reason to turn a photo away here
    running = LiveServer(published_shop.folder.root, tmp_path / "tmp", deadline_seconds=30)
    yield running
    said = running.stop()
    assert "Traceback" not in said


def photo_answer(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/search/photo?limit=100", content=PHOTO, headers=JPEG)


def killed_often(
    context: ForkServerContext,
    times: int,
    work: Callable[..., None],
    arguments: Callable[[int], tuple[Any, ...]],
    after: Callable[[int, bool], None],
) -> None:
    """Kills the same work again and again.

    Args:
        context: Makes the processes.
        times: How often.
        work: A function of `killed_work`.
        arguments: Of each round, -2 and -1 being those that measure how long it takes.
        after: Looks at what is left; told the round and whether the work was cut off.
    """
    points = random.Random(2026)
    changes = count_changes(context, work, *arguments(-2))
    after(-2, False)
    began = time.perf_counter()
    process = start(context, work, *arguments(-1))
    process.join()
    seconds = time.perf_counter() - began
    assert process.exitcode == 0
    after(-1, False)
    cut_off = 0
    for number in range(times):
        by_change = number % 2 == 0
        process = start(
            context,
            work,
            *arguments(number),
            die_at=points.randint(1, changes) if by_change else 0,
        )
        if not by_change:
            process.join(points.uniform(0, seconds))
            process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        cut_off += process.exitcode != 0
        after(number, process.exitcode != 0)
    # else the test would test nothing; a busy machine starts the work late
    assert cut_off > times // 5


def require_whole_database(shop: Shop) -> None:
    connection = sqlite3.connect(shop.folder.database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO product_texts (product_texts) VALUES ('integrity-check')")
    finally:
        connection.close()


def likeness(answer: Answer) -> dict[str, float | None]:
    return {product["sku"]: product["similarity"] for product in answer["products"]}


def test_publish(published_shop: Shop, server: LiveServer, context: ForkServerContext) -> None:
    shop, root = published_shop, str(published_shop.folder.root)
    mirrored = {"tiny-1": False}
    expected = {}
    for version, other in (("plain", False), ("dark", True)):
        mirrored[version] = other
        write_tiny(shop.folder, version=version, encoding=tiny_model(mirrored=other))
        go_live(shop.folder, version)
        with AppClient(create_app(shop.folder)) as client:
            answer = client.send_photo(PHOTO, query="?limit=100").json()
        assert answer["model"]["version"] == version
        expected[other] = likeness(answer)
    assert len(expected[True]) == len(expected[False]) == 4
    # a photo through one network compared with goods of the other would be seen
    assert abs(similarity_of_a_mix(shop) - next(iter(expected[True].values()))) > 0.05

    def fault_of(answer: Answer) -> str:
        if "model" not in answer:
            return "" if answer["total"] == 12 else f"{answer['total']} goods"
        version = answer["model"]["version"]
        right = expected[mirrored[version]]
        return "" if likeness(answer) == right else f"{version}: {likeness(answer)}, not {right}"

    def publication(number: int) -> tuple[str, str, bool]:
        version, other = f"b{number + 2:03}", number % 2 == 0
        mirrored[version] = other
        before.append(active_version(shop.folder.bundles) or "")
        return root, version, other

    def look(number: int, cut_off: bool) -> None:
        version = f"b{number + 2:03}"
        active = active_version(shop.folder.bundles)
        assert active in ((before[-1], version) if cut_off else (version,))
        for folder in shop.folder.bundles.glob("[!.]*/"):
            read_bundle(folder)
        with AppClient(create_app(shop.folder)) as client:
            assert client.get("/readyz").json() == {"status": "ready", "version": active}
            answer = client.send_photo(PHOTO, query="?limit=100").json()
        assert answer["model"]["version"] == active
        assert fault_of(answer) == ""
        # the same command again
        told = Told()
        again = Shop.open(shop.folder.root, progress=told)
        if not (shop.folder.bundles / version).exists():
            publish(root, version, mirrored[version])
        else:
            again.activate(version)
        assert active_version(shop.folder.bundles) == version
        assert not list(shop.folder.root.glob("**/.partial-*"))
        shutil.rmtree(shop.folder.bundles / before[-1])  # nobody goes back to it
        memory.append(server.memory_mb())

    before: list[str] = []
    memory: list[float] = []
    with Watched(server, fault_of) as watched:
        killed_often(context, KILLS, publish, publication, look)
    assert watched.faults == []
    assert watched.asked > KILLS
    wait_for(lambda: ready(server)["version"] == active_version(shop.folder.bundles))
    require_whole_database(shop)
    # what was served before is freed: switches, some fifty of them, leave nothing behind
    assert memory[-1] - memory[KILLS // 5] < 40


def similarity_of_a_mix(shop: Shop) -> float:
    pixels = decode(PHOTO)
    seen = []
    for other in (True, False):
        place = shop.folder.cache / "mix.onnx"
        place.write_bytes(tiny_model(mirrored=other))
        seen.append(Encoder(place, threads=1).encode(pixels).embedding)
    return float(seen[0] @ seen[1])


def ready(server: LiveServer) -> Answer:
    content: Answer = httpx.get(f"{server.address}/readyz").json()
    return content


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Feed:
    """A feed at one address, with two states that differ in every product.

    Args:
        place: Where it lies.
    """

    def __init__(self, place: Path) -> None:
        place.mkdir()
        self.table = place / "feed.csv"
        self.states: tuple[dict[str, Answer], ...] = ({}, {})
        self._rows: list[list[tuple[str, ...]]] = []
        for state in (0, 1):
            rows: list[tuple[str, ...]] = [("sku", "name", "category", "price", "image")]
            for slug, colour in COLOURS.items():
                for number in range(5):
                    if number == 3 + state:
                        continue  # each state lacks a product that the other has
                    newer = state if number == 1 else 0  # one picture of each category changes
                    picture = f"{slug}-{number}-{newer}.png"
                    content = drawn_photo(colour, seed=900 + 10 * number + newer)
                    (place / picture).write_bytes(content)
                    sku = f"fed-{slug}-{number}"
                    name = f"{NAMES[slug]} {('старая', 'новая')[state]} {number}"
                    price = f"{1000 * (state + 1) + number}.00"
                    rows.append((sku, name, NAMES[slug], price, picture))
                    self.states[state][sku] = {
                        "name": name,
                        "price": price,
                        "picture": hashlib.sha256(content).hexdigest(),
                    }
            self._rows.append(rows)

    def show(self, state: int) -> None:
        """Has the feed say what it says in that state."""
        write_table(self.table, self._rows[state])

    def state_of(self, answer: Answer) -> int | None:
        """Which of the states an answer of the catalogue shows; None where it is a mix."""
        found = {
            product["sku"]: {
                "name": product["name"],
                "price": product["price"],
                "picture": product["image_url"].rpartition("/")[2],
            }
            for product in answer["products"]
            if product["sku"].startswith("fed-")
        }
        return next((state for state in (0, 1) if found == self.states[state]), None)


def test_import(
    published_shop: Shop, server: LiveServer, context: ForkServerContext, tmp_path: Path
) -> None:
    shop, root = published_shop, str(published_shop.folder.root)
    feed = Feed(tmp_path / "feed")
    feed.show(1)
    shop.import_catalogue(feed.table)
    network = Encoder(active_bundle(shop.folder.bundles).model, threads=1)
    likenesses = possible_likenesses(network, feed)

    def fault_of(answer: Answer) -> str:
        if "total" in answer:
            return "" if feed.state_of(answer) is not None else f"a mix: {answer}"
        for product in answer["products"]:
            cosine = product["similarity"]
            if cosine is not None and not any(abs(cosine - one) < 2e-3 for one in likenesses):
                return f"{product['sku']} is {cosine} near, which no picture is"
        return ""

    def feeding(number: int) -> tuple[str, str]:
        feed.show(number % 2)
        return root, str(feed.table)

    def look(number: int, cut_off: bool) -> None:
        wanted = number % 2
        require_whole_database(shop)
        with AppClient(create_app(shop.folder)) as client:
            answer = client.get("/v1/search?limit=100").json()
            found = feed.state_of(answer)
            assert found is not None
            assert cut_off or found == wanted
            words = client.get(f"/v1/search?limit=100&q={('старая', 'новая')[found]}").json()
            assert words["total"] == len(feed.states[found])
            assert fault_of(client.send_photo(PHOTO, query="?limit=100").json()) == ""
            for product in answer["products"]:
                picture = client.get(product["image_url"]).content
                assert hashlib.sha256(picture).hexdigest() in product["image_url"]
        # the same command again
        shop.import_catalogue(feed.table)
        with AppClient(create_app(shop.folder)) as client:
            assert feed.state_of(client.get("/v1/search?limit=100").json()) == wanted
            found_by_photo = client.send_photo(PHOTO, query="?limit=100").json()["products"]
            assert len(found_by_photo) == 4 + 4
            assert None not in [product["similarity"] for product in found_by_photo]
        names = set(open_vectors(active_bundle(shop.folder.bundles)).names().tolist())
        assert {one["picture"].encode() for one in feed.states[wanted].values()} <= names
        assert not list(shop.folder.root.glob("**/.partial-*"))

    with Watched(server, fault_of) as watched:
        killed_often(context, KILLS, import_feed, feeding, look)
    assert watched.faults == []
    assert watched.asked > KILLS


def possible_likenesses(network: Encoder, feed: Feed) -> list[float]:
    """How near the photo is to each picture of lamps that the shop ever has."""
    asked = network.encode(decode(PHOTO)).embedding
    pictures = [path.read_bytes() for path in feed.table.parent.glob("lampy-*.png")]
    pictures += [
        drawn_photo(COLOURS["lampy"], seed=10 * product + number, kind="JPEG")
        for product in range(4)
        for number in range(2)
    ]
    seen = [decode(picture) for picture in pictures]
    embeddings = [network.encode(pixels).embedding for pixels in seen]
    embeddings += [encode_goods(network, pixels) for pixels in seen]
    return [float(cosine) for cosine in np.stack(embeddings) @ asked]


def test_rollback(published_shop: Shop, context: ForkServerContext) -> None:
    shop, root = published_shop, str(published_shop.folder.root)
    for version, other in (("plain", False), ("dark", True)):
        write_tiny(shop.folder, version=version, encoding=tiny_model(mirrored=other))
        go_live(shop.folder, version)

    def going(number: int) -> tuple[str, str | None]:
        go_live(shop.folder, "plain")
        go_live(shop.folder, "dark")
        return root, None if number % 3 else "plain"

    def look(number: int, cut_off: bool) -> None:
        active = active_version(shop.folder.bundles)
        assert active in (("dark", "plain") if cut_off else ("plain",))
        with AppClient(create_app(shop.folder)) as client:
            assert client.send_photo(PHOTO).json()["model"]["version"] == active
        if cut_off and (shop.folder.root / ".unfinished.json").exists():
            message = told_next(shop)
            assert "an earlier rollback" in message
            assert f"the bundle {active} " in message
            assert ("it had finished" in message) == (active == "plain")
        if active == "dark":
            assert shop.rollback().version == "plain"

    killed_often(context, FEW_KILLS, go_back, going, look)


def test_new_search_texts(published_shop: Shop, context: ForkServerContext) -> None:
    shop, root = published_shop, str(published_shop.folder.root)
    slugs = ("kabeli", "lamps", "sockets")

    def wording(number: int) -> tuple[str, dict[str, str]]:
        before.append(found_by())
        return root, dict.fromkeys(slugs, f"слово{number + 2}")

    def found_by() -> dict[str, int]:
        texts = {entry.search_text for entry in shop.search_texts()}
        return {text: shop.search_text(text).total for text in texts}

    def look(number: int, cut_off: bool) -> None:
        require_whole_database(shop)
        now = {f"слово{number + 2}": 12}
        assert found_by() in ([before[-1], now] if cut_off else [now])
        shop.set_search_texts(wording(number)[1])
        assert found_by() == now

    before: list[dict[str, int]] = []
    killed_often(context, FEW_KILLS, reword, wording, look)
