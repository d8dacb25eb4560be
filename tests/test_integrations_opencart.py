"""The OpenCart extension, as its archive is, in a stand-in of both versions."""

from __future__ import annotations

import re
import shlex
import sqlite3
import zipfile
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from drawing import COLOURS, drawn_photo
from platforms.archives import build_module
from platforms.php_shop import PhpShop, imported

from vitrina.catalogue.fetched_import import import_and_fetch
from vitrina.folder import ShopFolder

pytestmark = pytest.mark.php

PAGE = (
    '<!doctype html>\n<body>\n<input type="text" name="search">\n<footer>Лавка</footer>\n'
    "%s</body></html>\n"
)
ROUTES = {
    "3": ("extension/module/vitrina", "extension/module/vitrina/install"),
    "4": ("extension/vitrina/module/vitrina", "extension/vitrina/module/vitrina.install"),
}
TABLES = """
CREATE TABLE oc_setting (code TEXT, `key` TEXT, value TEXT);
CREATE TABLE oc_event (code TEXT, `trigger` TEXT, action TEXT, status INT);
CREATE TABLE oc_product (
  product_id INTEGER PRIMARY KEY, model TEXT, image TEXT, price REAL, quantity INT, status INT,
  manufacturer_id INT, tax_class_id INT, date_available TEXT, date_modified TEXT);
CREATE TABLE oc_product_description (product_id INT, language_id INT, name TEXT, description TEXT);
CREATE TABLE oc_product_to_store (product_id INT, store_id INT);
CREATE TABLE oc_product_to_category (product_id INT, category_id INT);
CREATE TABLE oc_product_image (product_id INT, image TEXT, sort_order INT);
CREATE TABLE oc_product_special (product_id INT, price REAL);
CREATE TABLE oc_manufacturer (manufacturer_id INT, name TEXT);
CREATE TABLE oc_category (category_id INT, parent_id INT, status INT);
CREATE TABLE oc_category_description (category_id INT, language_id INT, name TEXT);
CREATE INDEX described ON oc_product_description (product_id);
INSERT INTO oc_category VALUES (1, 0, 1), (2, 1, 0), (3, 2, 1);
INSERT INTO oc_category_description VALUES
  (1, 1, 'Свет &amp; тепло'), (1, 2, 'Light'), (2, 1, 'Лампы'), (3, 1, 'Настольные');
INSERT INTO oc_manufacturer VALUES (7, 'Завод &quot;Свет&quot;');
"""


class OpenCart(PhpShop):
    """A shop of one version, into which the extension was unpacked as that version does."""

    version = ""

    @property
    def route(self) -> str:
        return ROUTES[self.version][0]

    def sql(self, statement: str, *rows: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.state / "shop.sqlite") as database:
            for row in rows:
                database.execute(statement, row)
            return [] if rows else database.execute(statement).fetchall()

    def add(self, number: int, **more: Any) -> None:
        """One product; texts are kept with entities, as OpenCart does."""
        values = {
            "name": f"Лампа {number}", "description": "", "image": "", "price": 100.0,
            "quantity": 1, "status": 1, "model": "", "maker": 0, "tax": 0, "from": "2020-01-01",
            "categories": (2,), "pictures": (), "store": 0,
        } | more  # fmt: skip
        self.sql(
            "INSERT INTO oc_product VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '2026-01-01')",
            (number, values["model"], values["image"], values["price"], values["quantity"],
             values["status"], values["maker"], values["tax"], values["from"]),
        )  # fmt: skip
        text = (escape(values["name"]), escape(values["description"]))
        self.sql("INSERT INTO oc_product_description VALUES (?, 1, ?, ?)", (number, *text))
        self.sql("INSERT INTO oc_product_description VALUES (?, 2, 'Lamp', '')", (number,))
        self.sql("INSERT INTO oc_product_to_store VALUES (?, ?)", (number, values["store"]))
        for category in values["categories"]:
            self.sql("INSERT INTO oc_product_to_category VALUES (?, ?)", (number, category))
        for order, picture in enumerate(values["pictures"]):
            row = (number, picture, -order)
            self.sql("INSERT INTO oc_product_image VALUES (?, ?, ?)", row)

    def add_many(self, count: int) -> None:
        with sqlite3.connect(self.state / "shop.sqlite") as database:
            database.executescript(f"""
                CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (
                  SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n;
                INSERT INTO oc_product SELECT i, 'M' || i, 'l/' || i || '.jpg', i, 1, 1, 7, 9,
                  '2020-01-01', '2026-01-01' FROM numbers;
                INSERT INTO oc_product_description SELECT i, 1, 'Лампа ' || i,
                  replace(hex(zeroblob(60)), '0', 'свет ') FROM numbers;
                INSERT INTO oc_product_to_store SELECT i, 0 FROM numbers;
                INSERT INTO oc_product_to_category SELECT i, 2 FROM numbers;
                INSERT INTO oc_product_image SELECT i, 'b/' || i || '.jpg', 1 FROM numbers;
            """)

    def admin(self, route: str, method: str = "GET", **more: Any) -> httpx.Response:
        path = f"/admin/index.php?route={route}&user_token=let-me-in"
        return self.ask(path, method, **more)

    def settings_page(self) -> str:
        answer = self.admin(self.route)
        assert answer.status_code == 200
        return answer.text

    def save(self, **fields: str) -> httpx.Response:
        """Sends the settings form to where the page says."""
        (action,) = re.findall(r'<form action="([^"]+)" method="post"', self.settings_page())
        return self.ask(unescape(action).removeprefix(self.address), "POST", data=fields)

    def feed_address(self) -> str:
        """What the settings page gives to `vitrina import`."""
        (command,) = re.findall(r"<code>(vitrina import .*?)</code>", self.settings_page())
        (_, _, address) = shlex.split(unescape(command))
        return str(address)

    def feed(self) -> bytes:
        answer = self.ask(self.feed_address())
        assert answer.status_code == 200
        return answer.content


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, made = build_module().build(tmp_path_factory.mktemp("dist"))
    return Path(made)


@pytest.fixture(scope="module", params=["3", "4"])
def platform(
    archive: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[OpenCart]:
    """An OpenCart into which the extension was unpacked."""
    folder = tmp_path_factory.mktemp("opencart")
    root = folder / "shop"
    with zipfile.ZipFile(archive) as file:
        if request.param == "3":  # only upload/, into the shop
            names = [name for name in file.namelist() if name.startswith("upload/")]
            file.extractall(folder, names)
            (folder / "upload").rename(root)
        else:  # all of it, into a folder of the archive's name
            file.extractall(root / "extension" / archive.name.removesuffix(".ocmod.zip"))
    running = OpenCart("opencart.php", folder / "state", OPENCART=request.param, SHOP=str(root))
    running.version = request.param
    with running:
        yield running


@pytest.fixture
def shop(platform: OpenCart) -> OpenCart:
    """The extension just installed, in a shop without goods."""
    platform.forget()
    with sqlite3.connect(platform.state / "shop.sqlite") as database:
        database.executescript(TABLES)
    platform.keep("shop", {"permissions": [f"modify {platform.route}"]})
    platform.admin(ROUTES[platform.version][1])
    return platform


def test_unconfigured_shop_prints_nothing(shop: OpenCart) -> None:
    assert shop.ask("/").text == PAGE % ""
    shop.save(enabled="1", server="")
    assert shop.ask("/").text == PAGE % ""
    shop.save(server="https://photo.shop.example")
    assert shop.ask("/").text == PAGE % ""


def test_configured_shop_prints_one_tag(shop: OpenCart) -> None:
    saved = shop.save(enabled="1", server="https://photo.shop.example", results="panel")
    assert saved.status_code == 302
    assert "Настройки поиска по фото сохранены." in shop.ask(saved.headers["location"]).text
    assert "Настройки поиска по фото сохранены." not in shop.settings_page()
    assert shop.ask("/").text == PAGE % (
        '<script src="https://photo.shop.example/widget.js" data-results="panel" defer></script>\n'
    )
    shop.save(enabled="1", server="http://photo.shop.example:8000/", input="#q", language="ru")
    assert shop.ask("/").text == PAGE % (
        '<script src="http://photo.shop.example:8000/widget.js" data-input="#q" data-lang="ru"'
        " defer></script>\n"
    )
    shop.keep("shop", shop.kept("shop") | {"https": True})
    assert shop.ask("/").text == PAGE % ""


def test_hostile_settings_stay_text(shop: OpenCart) -> None:
    hostile = 'input[name="s"]\'"><script>alert(1)</script>&amp;\n\\'
    kept = hostile.replace("\n", " ")
    shop.save(enabled="1", server="https://p.example", input=hostile, results="<b>", language="<b>")
    page = shop.ask("/").text
    (attribute,) = re.findall(r'data-input="([^"]*)"', page)
    # the form's own entities are undone, and only those: "&amp;" was typed
    assert unescape(attribute) == kept
    assert page.count("<script") == 1
    assert "<b>" not in page
    settings = shop.settings_page()
    (value,) = re.findall(r'name="input" value="([^"]*)"', settings)
    assert unescape(value) == kept
    assert "<script" not in settings


def test_wrong_address_changes_nothing_and_is_told(shop: OpenCart) -> None:
    shop.save(enabled="1", server="https://p.example")
    for address in ("p.example", "javascript:alert(1)", 'https://p.example/"x', "https://a@b"):
        answer = shop.save(enabled="1", server=address)
        assert "https://photo.shop.example." in answer.text
    assert 'src="https://p.example/widget.js"' in shop.ask("/").text


def test_settings_are_for_those_with_the_permission(shop: OpenCart) -> None:
    shop.save(enabled="1", server="https://p.example")
    shop.keep("shop", {"permissions": [f"modify {shop.route}/other"]})
    answer = shop.save(enabled="1", server="https://evil.example")
    assert "Вам нельзя менять эти настройки." in answer.text
    assert 'src="https://p.example/widget.js"' in shop.ask("/").text
    assert shop.ask(f"/admin/index.php?route={shop.route}").status_code == 403


def test_settings_page_speaks_english_too(shop: OpenCart) -> None:
    shop.keep("shop", {"language": "en-gb"})
    page = shop.settings_page()
    assert "Address of the photo server" in page
    assert not re.search("[а-яё]", page.replace("русский", ""))
    assert not re.search(r"(?:text|entry|help|button|error)_\w+", page)


def test_feed_is_for_those_who_know_its_address(shop: OpenCart) -> None:
    shop.add(1)
    address = shop.feed_address()
    path, _, token = address.removeprefix(shop.address).rpartition("=")
    assert re.fullmatch("[0-9a-f]{40}", token)
    for wrong in ("", token[:-1], token[:-1] + "x", token + "0", "&token[]=" + token):
        answer = shop.ask(f"{path}={wrong}")
        assert (answer.status_code, answer.text) == (404, "")
    shop.save(enabled="1", server="https://p.example")
    assert shop.feed_address() == address
    shop.save(new_token="1")
    assert shop.ask(address).status_code == 404
    assert shop.feed()
    shop.sql("DELETE FROM oc_setting WHERE code = 'module_vitrina'")
    assert shop.ask(f"{path}=").status_code == 404


def test_footer_is_no_page(shop: OpenCart) -> None:
    shop.save(enabled="1", server="https://p.example")
    route = {"3": "extension/module/vitrina/footer", "4": "extension/vitrina/footer"}[shop.version]
    assert shop.ask(f"/index.php?route={route}").text == ""


def test_goods_arrive_as_the_shop_shows_them(shop: OpenCart, tmp_path: Path) -> None:
    shop.add(
        1, name='Лампа & "абажур"', price=1075.5, tax=9, categories=(1, 3, 2), maker=7, model="A&1",
        image="catalog/лампа 1.jpg", pictures=("b/2.jpg", "b/1.jpg"), description="<p>Светит</p>",
    )  # fmt: skip
    shop.add(2, quantity=0)
    shop.sql("INSERT INTO oc_product_special VALUES (?, ?)", (2, 90.0))
    shop.add(3, status=0)
    shop.add(4, **{"from": "2999-01-01"})
    shop.add(5, store=1)
    goods = imported(shop.feed(), tmp_path)
    assert sorted(goods) == ["1", "2"]
    lamp = goods["1"]
    assert (lamp.name, lamp.description) == ('Лампа & "абажур"', "Светит")
    assert lamp.category == ("Свет & тепло", "Лампы", "Настольные")
    assert (lamp.price_minor, lamp.currency) == (129_060, "RUB")
    assert (lamp.vendor, lamp.vendor_code) == ('Завод "Свет"', "A&1")
    assert lamp.url
    assert re.fullmatch(
        rf"{shop.address}/index\.php\?route=product/product(&language=ru-ru)?&product_id=1",
        lamp.url,
    )
    assert lamp.images == (
        f"{shop.address}/image/catalog/%D0%BB%D0%B0%D0%BC%D0%BF%D0%B0%201.jpg",
        f"{shop.address}/image/b/1.jpg",
        f"{shop.address}/image/b/2.jpg",
    )
    assert (goods["2"].price_minor, goods["2"].in_stock) == (9000, False)
    # a shop that shows prices only to those it knows gives none away
    shop.keep("shop", shop.kept("shop") | {"config": {"config_customer_price": 1}})
    assert imported(shop.feed(), tmp_path)["1"].price_minor is None


def test_hostile_texts_stay_text(shop: OpenCart, tmp_path: Path) -> None:
    names = [
        "Лампа <script>alert(1)</script> «Ночь»", "Лампа ]]> & <!-- --> &nbsp;<b>жирная</b>",
        "Лам\x08па \x1b[31m\x7f\ufffe ночь\u2028", "💡🔦 лампа 👩‍👩‍👧", "л" * 5000,
        "</offer></offers><offer id='7'>",
    ]  # fmt: skip
    for number, name in enumerate(names, 1):
        shop.add(number, name=name + " конец", model="]]>" * 200)
    million = escape("<p>Ы&lt;</p>") * 40_000
    shop.sql("UPDATE oc_product_description SET description = ? WHERE product_id = 1", (million,))
    broken = "CAST(x'D09BD0B0D0BCD0BFD0B0FFFE20EDA0BD' AS TEXT)"
    shop.sql(f"UPDATE oc_product_description SET name = {broken} WHERE product_id = 6")
    read = imported(shop.feed(), tmp_path)
    assert list(read) == [str(number) for number in range(1, 7)]
    assert read["1"].name == "Лампа «Ночь» конец"
    assert len(read["1"].description or "") > 3000
    assert read["2"].name.startswith("Лампа ]]> &")
    assert read["3"].name == "Лампа [31m ночь конец"
    assert read["4"].name == "💡🔦 лампа 👩‍👩‍👧 конец"
    assert set(read["5"].name) == {"л"}
    assert read["6"].name.startswith("Лампа\ufffd")


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 400])
def test_every_page_is_given_out_once(shop: OpenCart, tmp_path: Path, count: int) -> None:
    shop.add_many(count) if count else None
    assert list(imported(shop.feed(), tmp_path)) == [str(n + 1) for n in range(count)]


def test_memory_does_not_grow_with_the_goods(shop: OpenCart, tmp_path: Path) -> None:
    shop.add_many(5000)
    shop.sql("UPDATE oc_product SET status = 0 WHERE product_id > 400")
    shop.feed()
    few = shop.peak
    shop.sql("UPDATE oc_product SET status = 1")
    assert len(imported(shop.feed(), tmp_path)) == 5000
    assert shop.peak - few < 200_000, f"{few:,} bytes for 400 goods, {shop.peak:,} for 5,000"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE oc_product SET quantity = 0", "UPDATE oc_product SET price = 7",
        "UPDATE oc_product SET date_modified = '2026-02-02'", "DELETE FROM oc_product",
        "UPDATE oc_category_description SET name = 'Люстры'",
    ],
)  # fmt: skip
def test_unchanged_feed_is_not_sent_again(shop: OpenCart, change: str) -> None:
    shop.add(1)
    address = shop.feed_address()
    first = shop.ask(address)
    assert first.headers["content-type"] == "application/xml; charset=utf-8"
    known = {"If-None-Match": first.headers["etag"]}
    again = shop.ask(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert shop.ask(address, "HEAD").headers["etag"] == first.headers["etag"]
    shop.sql(change)
    assert shop.ask(address, headers=known).status_code == 200


def test_removed_extension_leaves_nothing(shop: OpenCart) -> None:
    shop.save(enabled="1", server="https://p.example")
    assert shop.sql("SELECT count(*) FROM oc_event") == [(1,)]
    shop.admin(ROUTES[shop.version][1].replace("install", "uninstall"))
    assert shop.sql("SELECT * FROM oc_event") == []
    assert shop.sql("SELECT * FROM oc_setting") == []
    assert shop.ask("/").text == PAGE % ""


def test_from_the_settings_page_into_vitrina(shop: OpenCart, tmp_path: Path) -> None:
    for number, colour in enumerate(COLOURS.values(), 1):
        shop.add(number, image=f"catalog/{number}.png")
        picture = shop.state / "pictures" / f"{number}.png"
        picture.write_bytes(drawn_photo(colour, seed=number))
    folder = ShopFolder.create(tmp_path / "vitrina", fetch_from="anywhere")
    report = import_and_fetch(folder, shop.feed_address())
    assert (report.products, report.photos, report.refused) == (3, 3, 0)
    assert import_and_fetch(folder, shop.feed_address()).is_unchanged
    shop.sql("UPDATE oc_product SET status = 0 WHERE product_id > 1")
    assert import_and_fetch(folder, shop.feed_address()).gone == 2
