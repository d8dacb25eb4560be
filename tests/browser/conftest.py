"""Chromium, a page that watches itself, and a shop to visit."""

from __future__ import annotations

import io
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

import pytest
import uvicorn
from embedded import Embedded, OpenEmbedded
from embedding import PageOptions, PhotoServer, two_origins
from embedding import Shop as EmbeddingShop
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from stand_in import COLOURS, StandIn, create_stand_in

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture(scope="session")
def shop_url(stand_in: StandIn) -> Iterator[str]:
    """The address of a running shop."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Once the listener exists the system accepts connections: there is no start to wait for.
    config = uvicorn.Config(create_stand_in(stand_in), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()
    listener.close()


# Not for the whole session: while it lives, Playwright keeps an event loop running in this thread,
# and the tests that come after could not start one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail("needs Chromium: apt-get install chromium, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What a page complained about while a test used it."""

    complaints: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps errors and warnings: a broken Content-Security-Policy is among them."""
        # Chromium reports every 4xx and 5xx; a test that asks for one says so.
        expected = self.refusals_expected and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)


OpenShop = Callable[..., Page]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def open_shop(
    browser: Browser, shop_url: str, stand_in: StandIn, watch: Watch
) -> Iterator[OpenShop]:
    """Opens the shop in a fresh browser profile; fails the test if the page complained."""
    contexts: list[BrowserContext] = []
    stand_in.reset()

    def open_it(
        path: str = "/",
        width: int = 1280,
        height: int = 800,
        phone: bool = False,
        **options: object,
    ) -> Page:
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=height),
            locale=str(options.pop("locale", "ru-RU")),
            has_touch=phone,
            is_mobile=phone,
            base_url=shop_url,
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", watch.hear)
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        # From the start: switched on only when a test waits for a file chooser, the interception
        # can come after the key press that opens it, and the chooser is then lost.
        page.on("filechooser", lambda _: None)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert watch.complaints == []


@pytest.fixture(scope="session")
def origins() -> Iterator[tuple[PhotoServer, EmbeddingShop]]:
    """A photo server, and a shop of another origin."""
    with two_origins() as running:
        yield running


@pytest.fixture
def embed(
    browser: Browser, origins: tuple[PhotoServer, EmbeddingShop], watch: Watch
) -> Iterator[OpenEmbedded]:
    """Opens a page that embeds the widget; fails the test if the page complained."""
    photo_server, shop = origins
    photo_server.reset()
    shop.reset()
    contexts: list[BrowserContext] = []

    def open_it(
        width: int = 1280,
        phone: bool = False,
        address: str = "",
        **page_options: Unpack[PageOptions],
    ) -> Embedded:
        shop.show(**page_options)
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=740 if phone else 800),
            locale="ru-RU",
            has_touch=phone,
            is_mobile=phone,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", watch.hear)
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        page.on("filechooser", lambda _: None)  # from the start, as above
        page.goto(address or shop.address)
        return Embedded(page, photo_server, shop)

    yield open_it
    for context in contexts:
        context.close()
    assert watch.complaints == []


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Makes the photo that brings a certain answer (see `stand_in.COLOURS`)."""

    def make(meaning: str, size: tuple[int, int] = (400, 300), orientation: int = 1) -> Path:
        image = Image.new("RGB", size, (250, 250, 250))
        left, top = size[0] // 8, size[1] // 8
        image.paste(COLOURS[meaning], (left, top, size[0] - left, size[1] - top))
        exif = Image.Exif()
        exif[0x0112] = orientation
        out = io.BytesIO()
        image.save(out, "JPEG", quality=90, exif=exif)
        path = tmp_path / f"{meaning}.jpg"
        path.write_bytes(out.getvalue())
        return path

    return make
