"""Many photos at once: what the application answers while its slots are taken."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from drawing import COLOURS, drawn_photo, drawn_picture
from heif_making import heic
from starlette.types import ASGIApp, Message
from test_api_photo import LAMP, refused

from vitrina import Shop
from vitrina.photos import decode
from vitrina.search.engine import PhotoSearch
from vitrina.serving import photo_api
from vitrina.serving.app import create_app


class Decoding:
    """Decodes when it is allowed to, and remembers how many it began."""

    def __init__(self) -> None:
        self.begun = 0
        self.allowed = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:
            self.begun += 1
        assert self.allowed.wait(30)
        return decode(*arguments)


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> Decoding:
    held = Decoding()
    monkeypatch.setattr(photo_api, "decode", held)
    return held


class Sender:
    """One client on a connection of its own, by hand: what it sends, and when it leaves."""

    def __init__(self, app: ASGIApp, photo: bytes = LAMP, kind: str = "image/jpeg") -> None:
        self.told: list[Message] = []
        self.asked = 0
        self.left = asyncio.Event()
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._photo = photo
        headers = {"content-type": kind, "content-length": str(len(photo)), "host": "shop.test"}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/v1/search/photo", "raw_path": b"/v1/search/photo",
            "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Message:
        self.asked += 1
        leaving = asyncio.create_task(self.left.wait())
        coming = asyncio.create_task(self._messages.get())
        await asyncio.wait((leaving, coming), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if coming.done():
            return coming.result()
        coming.cancel()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.told.append(message)

    def send(self, length: int | None = None, *, more: bool = False) -> Sender:
        body = self._photo[:length]
        self._photo = self._photo[len(body) :]
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": more})
        return self

    async def answer(self) -> httpx.Response:
        await asyncio.wait_for(self.task, 30)
        start, body = self.told
        return httpx.Response(start["status"], headers=start["headers"], content=body["body"])


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def application(shop: Shop, **settings: object) -> Any:
    text = "\n".join(f"{name} = {value}" for name, value in settings.items())
    toml = shop.folder.toml
    toml.write_text(f"{toml.read_text('utf-8')}\n{text}\n", "utf-8")
    return create_app(Shop.open(shop.folder.root).folder)


@asynccontextmanager
async def asking(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test", timeout=30
    ) as client:
        yield client


def test_what_is_too_much_is_refused_before_its_body_is_read(
    published_shop: Shop, decoding: Decoding
) -> None:
    async def test() -> None:
        app = application(published_shop, slots=2, queue=1, deadline_seconds=60)
        taken = [Sender(app).send() for _ in range(3)]
        await until(lambda: decoding.begun == 2 and taken[2].asked == 2)
        late = Sender(app)
        answer = await late.answer()
        refused(answer, 503, "busy")
        assert late.asked == 0
        assert int(answer.headers["retry-after"]) >= 1
        # so that nobody needs to read the body for the sake of the next request
        assert answer.headers["connection"] == "close"
        decoding.allowed.set()
        for sender in taken:
            answer = await sender.answer()
            assert answer.status_code == 200
            assert "connection" not in answer.headers
        assert (await Sender(app).send().answer()).status_code == 200

    run(test())


def test_refusing_takes_next_to_no_time(published_shop: Shop, decoding: Decoding) -> None:
    async def test() -> None:
        app = application(published_shop, slots=1, queue=0, deadline_seconds=60)
        taken = Sender(app).send()
        await until(lambda: decoding.begun == 1)
        await Sender(app).answer()
        began = time.process_time()
        for _ in range(200):
            assert (await Sender(app).answer()).status_code == 503
        assert (time.process_time() - began) / 200 < 0.005
        decoding.allowed.set()
        await taken.answer()

    run(test())


def test_a_client_that_leaves_the_queue_costs_nothing(
    published_shop: Shop, decoding: Decoding
) -> None:
    async def test() -> None:
        app = application(published_shop, slots=1, queue=5, deadline_seconds=60)
        first, second, third = (Sender(app).send() for _ in range(3))
        await until(lambda: decoding.begun == 1 and third.asked == 2)
        second.left.set()
        await until(second.task.done)
        decoding.allowed.set()
        for sender in (first, third):
            assert (await sender.answer()).status_code == 200
        assert decoding.begun == 2

    run(test())


def test_a_client_that_leaves_while_its_photo_is_decoded_is_not_searched_for(
    published_shop: Shop, decoding: Decoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    search = PhotoSearch.search

    def noted(self: PhotoSearch, *arguments: Any, **options: Any) -> Any:
        searched.append(threading.get_ident())
        return search(self, *arguments, **options)

    monkeypatch.setattr(PhotoSearch, "search", noted)

    async def test() -> None:
        app = application(published_shop, slots=1, deadline_seconds=60)
        leaving = Sender(app).send()
        await until(lambda: decoding.begun == 1)
        leaving.left.set()
        await asyncio.sleep(0.01)
        decoding.allowed.set()
        await until(leaving.task.done)
        assert searched == []
        assert (await Sender(app).send().answer()).status_code == 200
        assert len(searched) == 1

    run(test())


def test_a_client_that_leaves_while_it_sends_frees_its_memory(
    published_shop: Shop, decoding: Decoding
) -> None:
    async def test() -> None:
        app = application(published_shop, slots=1, queue=0, deadline_seconds=60)
        decoding.allowed.set()
        for _ in range(5):
            sender = Sender(app).send(100, more=True)
            await until(lambda sender=sender: sender.asked == 2)  # type: ignore[misc]
            sender.left.set()
            await until(sender.task.done)
        assert (await Sender(app).send().answer()).status_code == 200

    run(test())


def test_who_waits_past_the_deadline_is_told(published_shop: Shop, decoding: Decoding) -> None:
    async def test() -> None:
        app = application(published_shop, slots=1, queue=5, deadline_seconds=0.2)
        first, second = (Sender(app).send() for _ in range(2))
        answer = await second.answer()
        refused(answer, 503, "deadline")
        assert int(answer.headers["retry-after"]) >= 1
        decoding.allowed.set()
        assert (await first.answer()).status_code == 200

    run(test())


def test_words_and_health_are_answered_while_all_slots_are_taken(
    published_shop: Shop, decoding: Decoding
) -> None:
    async def test() -> None:
        app = application(published_shop, slots=2, queue=2, deadline_seconds=60)
        taken = [Sender(app).send() for _ in range(4)]
        await until(lambda: decoding.begun == 2)
        async with asking(app) as client:
            for address in ("/v1/search?q=лампа", "/v1/categories", "/", "/healthz"):
                assert (await client.get(address)).status_code == 200
        decoding.allowed.set()
        assert [(await sender.answer()).status_code for sender in taken] == [200] * 4

    run(test())


def test_a_crowd_of_other_requests_is_bounded_too(
    published_shop: Shop, decoding: Decoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.search.text import TextSearch

    held, begun = threading.Event(), []

    def slow(*_arguments: object) -> list[object]:
        begun.append(threading.get_ident())
        assert held.wait(30)
        return []

    monkeypatch.setattr(TextSearch, "categories", slow)
    decoding.allowed.set()

    async def test() -> None:
        app = application(published_shop)
        async with asking(app) as client:
            crowd = [asyncio.create_task(client.get("/v1/categories")) for _ in range(400)]
            await until(lambda: sum(one.done() for one in crowd) >= 100)
            assert len(begun) <= 8
            # photos have threads of their own, and health needs none
            assert (await client.get("/healthz")).status_code == 200
            assert (await Sender(app).send().answer()).status_code == 200
            held.set()
            answers = await asyncio.gather(*crowd)
            turned_away = [one for one in answers if one.status_code != 200]
            for answer in turned_away:
                refused(answer, 503, "busy")
            assert 100 <= len(turned_away) < 400
            assert (await client.get("/v1/categories")).status_code == 200

    run(test())


def test_photos_held_in_memory_together_are_bounded(
    published_shop: Shop, decoding: Decoding
) -> None:
    """The largest that is still arriving makes room, so that small ones get through."""

    async def test() -> None:
        app = application(
            published_shop, max_photo_mb=0.1, upload_memory_mb=0.3, deadline_seconds=60, queue=50
        )
        decoding.allowed.set()
        photo = LAMP + bytes(100_000 - len(LAMP))
        slow = [Sender(app, photo).send(90_000, more=True) for _ in range(4)]
        await until(lambda: sum(sender.task.done() for sender in slow) == 1)
        small = [await Sender(app).send().answer() for _ in range(20)]
        assert [answer.status_code for answer in small] == [200] * 20
        medium = drawn_photo(COLOURS["lampy"], kind="JPEG") + bytes(60_000)
        assert (await Sender(app, medium).send().answer()).status_code == 200
        statuses = []
        for sender in slow:
            if not sender.task.done():
                sender.send()
            statuses.append((await sender.answer()).status_code)
        assert sorted(statuses) == [200, 200, 503, 503]

    run(test())


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=B"])
def test_a_body_that_pauses_for_too_long_is_cut_off(published_shop: Shop, kind: str) -> None:
    async def test() -> None:
        app = application(published_shop, upload_idle_seconds=0.2)
        body = LAMP if kind == "image/jpeg" else b"--B\r\nContent-Disposition: form-data"
        sender = Sender(app, body, kind).send(10, more=True)
        answer = await sender.answer()
        refused(answer, 408, "upload_slow")
        assert answer.headers["connection"] == "close"

    run(test())


def test_a_body_that_comes_byte_by_byte_is_cut_off(published_shop: Shop) -> None:
    async def test() -> None:
        app = application(published_shop, upload_seconds=0.5, upload_idle_seconds=0.4)
        sender = Sender(app)
        began = time.monotonic()
        while not sender.task.done():
            sender.send(1, more=True)
            await asyncio.sleep(0.02)
        refused(await sender.answer(), 408, "upload_slow")
        assert 0.4 < time.monotonic() - began < 10

    run(test())


def test_a_flood_of_heic_keeps_nobody_else_out(published_shop: Shop) -> None:
    photo = heic(drawn_picture(COLOURS["lampy"]))

    async def test() -> None:
        app = application(published_shop, slots=2, queue=8, deadline_seconds=60)
        assert (await Sender(app, photo, "image/heic").send().answer()).status_code == 200
        (child,) = app.shop.heavy._children._idle
        os.kill(child._process.pid, signal.SIGSTOP)  # so that the first of them takes its time
        flood = [Sender(app, photo, "image/heic").send() for _ in range(20)]
        await until(lambda: sum(sender.task.done() for sender in flood) == 15)
        for sender in flood:
            if sender.task.done():
                refused(await sender.answer(), 503, "busy")
        others = [Sender(app).send() for _ in range(5)]
        assert {(await sender.answer()).status_code for sender in others} == {200}
        os.kill(child._process.pid, signal.SIGCONT)
        answers = [await sender.answer() for sender in flood]
        assert [answer.status_code for answer in answers].count(200) == 5
        assert app.shop.heavy.replaced == 0  # the same child answered them all

    run(test())
