"""Takes the pictures that README and docs show, from the demo shop that `make demo` made.

    python docs/take_pictures.py [SHOP]

It works on a copy of the shop: a password is set there, doubtful photos are kept, two models are
compared, and some hundred shoppers are made up, who photograph the demo's goods or search for them
by words. Needs Chromium
(`chromium` on the PATH, or named in CHROMIUM) and Pillow.
"""

from __future__ import annotations

import functools
import io
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

HERE = Path(__file__).parent
DEMO = HERE.parent / "demo"
PASSWORD = "four words of no song"
NEEDED = ("bundles", "imports", "photos", "report", "vitrina.db")
LANGUAGES = {"ru": "ru-RU", "en": "en-GB"}
SHOPPERS, WORDS, DAYS = 420, 560, 30
DAY_MS = 86_400_000

WIDGET_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>-</title><style>
body {{ margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #222; }}
header {{ padding: 20px 24px; background: #24324a; color: #fff; font-size: 22px; }}
form {{ padding: 24px; }} input {{ box-sizing: border-box; width: 100%; height: 48px;
padding: 0 14px; border: 1px solid #9aa3b2; border-radius: 8px; font: inherit; }}</style>
<header>{name}</header><form><input name="search" placeholder="{hint}"></form>
<script src="{server}/widget.js" data-input="input[name=search]"></script></html>"""
WIDGET_WORDS = {
    "ru": ("Магазин", "Поиск по каталогу", "Выбрать снимок", "Найти"),
    "en": ("A shop", "Search the catalogue", "Choose a picture", "Search"),
}


def main(given: Path) -> None:
    """Copies the shop, lets shoppers come, writes docs/images/*.webp."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        shop, pages = Path(scratch) / "shop", Path(scratch) / "pages"
        pages.mkdir()
        copy(given, shop)
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with elsewhere(pages) as foreign:
            with served(shop, foreign) as server:
                sure, unsure = (first(server, wanted) for wanted in ("category", "unsure"))
                shoppers(server, shop)
                searchers(server)
            spread(shop / "server.db")
            with served(shop, foreign) as server:
                take_shop(chromium, server, sure)
                for language in LANGUAGES:
                    # the report speaks one language
                    vitrina("report", "--language", language, "--shop", str(shop))
                    take_screens(chromium, server, language)
            # the other model would be sure of another photo
            vitrina("ab", "stop", "--shop", str(shop))
            with served(shop, foreign) as server:
                for language in LANGUAGES:
                    take_widget(chromium, server, foreign, pages, language, unsure)
        chromium.close()


def vitrina(*arguments: str, said: str = "") -> None:
    """Runs a command to its end."""
    command = [sys.executable, "-m", "vitrina", *arguments]
    subprocess.run(command, input=said, text=True, check=True, stdout=subprocess.DEVNULL)


def copy(given: Path, shop: Path) -> None:
    """What serving needs of the demo shop, with its screens and its comparison switched on."""
    shop.mkdir()
    for name in NEEDED:
        take = shutil.copytree if (given / name).is_dir() else shutil.copy
        take(given / name, shop / name)
    toml = (given / "shop.toml").read_text("utf-8")
    (shop / "shop.toml").write_text(f"{toml}\nreview_photos = true\n", "utf-8")
    vitrina("admin", "password", "--shop", str(shop), said=f"{PASSWORD}\n")
    active = (shop / "bundles" / "active").read_text("utf-8").split()[0]
    other = next(one.name for one in (shop / "bundles").glob("*-mobilenet_v2*"))
    if other == active:
        other = next(
            one.name for one in (shop / "bundles").iterdir() if one.is_dir() and one.name != active
        )
    vitrina("ab", "start", other, "--shop", str(shop))


@contextmanager
def served(shop: Path, foreign: str) -> Iterator[str]:
    """The shop's address while its server runs."""
    server = subprocess.Popen(
        [sys.executable, "-m", "vitrina", "serve", "--port", "0", "--shop", str(shop)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"VITRINA_CORS_ORIGINS": foreign, "VITRINA_PHOTOS_PER_MINUTE": "0"},
    )
    try:
        assert server.stderr is not None
        (address,) = re.findall(r"http://\S+?:\d+", server.stderr.readline())
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def elsewhere(folder: Path) -> Iterator[str]:
    """Another origin, whose pages lie in `folder`."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def first(server: str, wanted: str) -> Path:
    """The first photo by phone that is answered so; sockets come first."""
    for photo in sorted((DEMO / "phone").glob("*.jpg"), key=lambda one: "sockets" not in one.name):
        answer = httpx.post(
            f"{server}/v1/search/photo",
            content=photo.read_bytes(),
            headers={"Content-Type": "image/jpeg"},
        ).json()
        if answer["decision"] == wanted and answer["alternatives"]:
            return photo
    raise SystemExit(f"No photo of demo/phone is answered {wanted}.")


def shoppers(server: str, shop: Path) -> None:
    """Photographs goods, presses chips, opens products, orders."""
    chance = random.Random(3)
    by_phone = sorted((DEMO / "phone").glob("*.jpg"))
    of_shop = sorted(one for one in (shop / "photos").rglob("*") if one.is_file())
    for number in range(SHOPPERS):
        photo = chance.choice(by_phone if chance.random() < 0.2 else of_shop)
        visitor = f"visitor-{number:012}"
        answer = httpx.post(
            f"{server}/v1/search/photo",
            params={"visitor": visitor},
            content=photo.read_bytes(),
            headers={"Content-Type": "image/webp" if photo.suffix == ".webp" else "image/jpeg"},
        ).json()
        events: list[dict[str, Any]] = []
        if answer["decision"] == "unsure" and chance.random() < 0.6:
            chosen = answer["alternatives"][0]["id"]
            events.append({"id": "chip", "kind": "chip", "category": chosen})
        if chance.random() < (0.55 if answer["decision"] == "category" else 0.2):
            events += bought(answer["products"][0], chance)
        tell(server, answer, visitor, events)


def searchers(server: str) -> None:
    """Searches by words, some of them for what there is not, opens products, orders."""
    chance = random.Random(5)
    names = [one["name"] for one in httpx.get(f"{server}/v1/categories").json()["categories"]]
    for number in range(WORDS):
        words = chance.choice([*names, "самокат"])
        answer = httpx.get(f"{server}/v1/search", params={"q": words}).json()
        if answer["products"] and chance.random() < 0.4:
            tell(server, answer, f"searcher-{number:012}", bought(answer["products"][0], chance))


def bought(product: dict[str, Any], chance: random.Random) -> list[dict[str, Any]]:
    """A product is opened, sometimes put into the cart, sometimes ordered."""
    events: list[dict[str, Any]] = [
        {"id": "click", "kind": "click", "sku": product["sku"], "position": 1}
    ]
    if chance.random() < 0.3:
        events.append({"id": "cart", "kind": "cart", "sku": product["sku"]})
    if chance.random() < 0.15:
        order = {"id": "order", "kind": "order", "value": product["price"]}
        events.append(order | {"currency": product["currency"]})
    return events


def tell(server: str, answer: dict[str, Any], visitor: str, events: list[dict[str, Any]]) -> None:
    """Sends what a shopper did with an answer."""
    body = {"query_id": answer["query_id"], "visitor": visitor, "events": events}
    if events:
        httpx.post(f"{server}/v1/events", json=body).raise_for_status()


def spread(database: Path) -> None:
    """Lays what came within a minute over the last weeks."""
    chance = random.Random(4)
    connection = sqlite3.connect(database)
    queries = [one for (one,) in connection.execute("SELECT id FROM queries")]
    for query in queries:
        back = int((DAYS - 1) * DAY_MS * (1 - chance.random() ** 0.7))
        for table, column, name in (
            ("queries", "asked", "id"), ("events", "asked", "query_id"),
            ("events", "received", "query_id"), ("reviews", "asked", "query_id"),
        ):  # fmt: skip
            connection.execute(
                f"UPDATE {table} SET {column} = {column} - ? WHERE {name} = ?",
                (back, query),
            )
    connection.commit()
    connection.close()


def take_shop(chromium: Browser, server: str, photo: Path) -> None:
    """The shop's own page on a computer and on a telephone."""
    for name, width, height in (("shop-page", 1280, 860), ("shop-page-phone", 390, 844)):
        page = open_page(chromium, "ru", width, height)
        page.goto(server)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Фото", exact=True).click()
        chooser.value.set_files(photo)
        page.locator("#goods .card img").first.wait_for()
        save(page, name)
        page.close()


def take_screens(chromium: Browser, server: str, language: str) -> None:
    """The merchant's screens."""
    page = open_page(chromium, language, 1120, 900)
    page.goto(f"{server}/admin/?period=month")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.goto(f"{server}/admin/?period=month")
    save(page, "admin-overview", language)
    save(page, "admin-words", language, of=page.locator("section[aria-labelledby=beside]"))
    page.goto(f"{server}/admin/review")
    save(page, "admin-review", language)
    page.goto(f"{server}/admin/models")
    save(page, "admin-ab", language, of=page.locator("section[aria-labelledby=ab]"))
    page.set_viewport_size({"width": 1120, "height": 620})
    page.goto(f"{server}/admin/report")
    save(page, "admin-report", language)
    page.close()


def take_widget(
    chromium: Browser, server: str, foreign: str, pages: Path, language: str, photo: Path
) -> None:
    """The widget in another shop's page, asking back."""
    name, hint, choose, find = WIDGET_WORDS[language]
    page_file = pages / f"{language}.html"
    page_file.write_text(
        WIDGET_PAGE.format(lang=language, server=server, name=name, hint=hint), "utf-8"
    )
    page = open_page(chromium, language, 390, 720)
    page.goto(f"{foreign}/{page_file.name}")
    page.locator("vitrina-photo .open").click()
    dialog = page.locator("vitrina-photo dialog")
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name=choose, exact=True).click()
    chooser.value.set_files(photo)
    dialog.get_by_role("button", name=find, exact=True).click()
    page.locator("vitrina-photo .chip").first.wait_for()
    save(page, "widget-chips", language)
    page.close()


def open_page(chromium: Browser, language: str, width: int, height: int) -> Page:
    """A window of that size, whose browser wants that language."""
    return chromium.new_page(
        viewport={"width": width, "height": height}, locale=LANGUAGES[language]
    )


def save(page: Page, name: str, language: str = "", of: Locator | None = None) -> None:
    """Writes what is shown, or a part of the page; the Russian one has `.ru` in its name."""
    page.wait_for_load_state("networkidle")
    if of is not None:
        of.evaluate("(part) => { part.style.padding = '24px'; }")
    picture = Image.open(io.BytesIO((of or page).screenshot()))
    file = f"{name}{'.ru' if language == 'ru' else ''}.webp"
    picture.save(HERE / "images" / file, quality=80, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "build" / "demo-shop")
