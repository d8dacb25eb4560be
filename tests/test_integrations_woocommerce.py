"""The WooCommerce plugin, as its archive is, in a stand-in of WordPress: settings, tag, feed."""

from __future__ import annotations

import re
import shlex
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from drawing import COLOURS, drawn_photo
from platforms.archives import build_module
from platforms.php_shop import PhpShop, imported

from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.fetched_import import import_and_fetch
from vitrina.catalogue.rows import FeedRow
from vitrina.errors import FeedError
from vitrina.folder import ShopFolder

pytestmark = pytest.mark.php

PAGE = (
    '<!doctype html>\n<html lang="ru">\n<body>\n'
    '<form role="search"><input type="search" name="s"></form>\n%s</body>\n</html>\n'
)
OWNER = ["manage_woocommerce"]
CATEGORIES = [
    {"term_id": 1, "parent": 0, "name": "Свет &amp; тепло"},
    {"term_id": 2, "parent": 1, "name": "Лампы"},
    {"term_id": 3, "parent": 2, "name": "Настольные"},
]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin's main file, unpacked as WordPress does."""
    folder = tmp_path_factory.mktemp("plugins")
    archive, _ = build_module().build(folder / "dist")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder / "vitrina-woocommerce" / "vitrina-woocommerce.php"


@pytest.fixture(scope="module")
def platform(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhpShop]:
    """A WordPress with the plugin in it."""
    state = tmp_path_factory.mktemp("wordpress")
    with PhpShop("wordpress.php", state, PLUGIN=str(plugin)) as running:
        yield running


@pytest.fixture
def shop(platform: PhpShop) -> PhpShop:
    """The plugin just activated, in a shop without goods whose owner asks."""
    platform.forget()
    stock(platform, [])
    return platform


def stock(shop: PhpShop, goods: list[dict[str, Any]], **more: Any) -> None:
    """What the shop sells."""
    values = {"categories": CATEGORIES, "capabilities": OWNER, "goods": goods} | more
    shop.keep("shop", values)


def good(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Лампа {number}", "price": "100", "categories": [2]} | more


def settings_page(shop: PhpShop) -> str:
    return shop.ask("/wp-admin/admin.php?page=vitrina").text


def save(shop: PhpShop, **fields: str) -> int:
    """Sends the settings form as the page holds it; how it was answered."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', settings_page(shop))
    data = dict(hidden) | {f"vitrina_settings[{name}]": text for name, text in fields.items()}
    return shop.ask("/wp-admin/options.php", "POST", data=data).status_code


def feed_address(shop: PhpShop) -> str:
    """What the settings page gives to `vitrina import`."""
    (command,) = re.findall(r"<code>(vitrina import .*?)</code>", settings_page(shop))
    (_, _, address) = shlex.split(unescape(command))
    assert address.startswith(f"{shop.address}/?vitrina_feed=")
    return str(address)


def fetch(shop: PhpShop) -> bytes:
    answer = shop.ask(feed_address(shop))
    assert answer.status_code == 200
    return answer.content


def test_unconfigured_shop_prints_nothing(shop: PhpShop) -> None:
    assert shop.ask("/").text == PAGE % ""
    assert save(shop, enabled="1", server="") == 302
    assert shop.ask("/").text == PAGE % ""
    assert save(shop, server="https://photo.shop.example") == 302
    assert shop.ask("/").text == PAGE % ""


def test_configured_shop_prints_one_tag(shop: PhpShop) -> None:
    save(shop, enabled="1", server=" https://Photo.shop.example:8443/photo/widget.js ")
    tag = '<script src="https://photo.shop.example:8443/photo/widget.js" defer></script>\n'
    assert shop.ask("/").text == PAGE % tag
    save(shop, enabled="1", server="https://p.example", input="#q", results="panel", language="en")
    assert shop.ask("/").text == PAGE % (
        '<script src="https://p.example/widget.js" data-input="#q" data-results="panel"'
        ' data-lang="en" defer></script>\n'
    )


def test_no_tag_that_browsers_would_block(shop: PhpShop) -> None:
    save(shop, enabled="1", server="http://photo.shop.example")
    assert "widget.js" in shop.ask("/").text
    assert "notice-error" not in settings_page(shop)
    stock(shop, [], https=True)
    assert shop.ask("/").text == PAGE % ""
    assert "notice-error" in settings_page(shop)


def test_hostile_settings_stay_text(shop: PhpShop) -> None:
    hostile = 'input[name="s"]\'"><script>alert(1)</script>\n\\'
    save(shop, enabled="1", server="https://p.example", input=hostile, language='"><b>')
    kept = 'input[name="s"]\'"><script>alert(1)</script> \\'
    tag = shop.ask("/").text
    (attribute,) = re.findall(r'data-input="([^"]*)"', tag)
    assert unescape(attribute) == kept
    assert tag.count("<script") == 1
    page = settings_page(shop)
    (value,) = re.findall(r'\[input\]"\s+value="([^"]*)"', page)
    assert unescape(value) == kept
    assert "<script" not in page
    assert "data-lang" not in tag


@pytest.mark.parametrize(
    "address",
    [
        "photo.shop.example", "javascript:alert(1)", "https://", "https://a b.example",
        'https://p.example/"onload="x', "https://user:secret@p.example", "https://p.example/?a=b",
    ],
)  # fmt: skip
def test_wrong_address_changes_nothing_and_is_told(shop: PhpShop, address: str) -> None:
    save(shop, enabled="1", server="https://p.example")
    save(shop, enabled="1", server=address)
    assert "https://photo.shop.example." in settings_page(shop)
    assert 'src="https://p.example/widget.js"' in shop.ask("/").text


def test_settings_are_the_owners_alone(shop: PhpShop) -> None:
    save(shop, enabled="1", server="https://p.example")
    data = {"option_page": "vitrina", "vitrina_settings[enabled]": "1"}
    assert shop.ask("/wp-admin/options.php", "POST", data=data).status_code == 403
    stock(shop, [], capabilities=["edit_posts"])
    assert shop.ask("/wp-admin/admin.php?page=vitrina").status_code == 403
    assert shop.ask("/wp-admin/options.php", "POST", data=data).status_code == 403
    assert 'src="https://p.example/widget.js"' in shop.ask("/").text


def test_feed_is_for_those_who_know_its_address(shop: PhpShop) -> None:
    stock(shop, [good(1)])
    assert shop.ask("/?vitrina_feed=").status_code == 404  # no address was made yet
    token = feed_address(shop).rpartition("=")[2]
    assert re.fullmatch("[0-9a-f]{40}", token)
    for wrong in ("", token[:-1], token[:-1] + "x", token + "0", token.upper() + "G"):
        answer = shop.ask(f"/?vitrina_feed={wrong}")
        assert (answer.status_code, answer.text) == (404, "")
    assert shop.ask(f"/?vitrina_feed[]={token}").status_code == 404
    save(shop, new_token="1")
    assert shop.ask(f"/?vitrina_feed={token}").status_code == 404
    assert fetch(shop)


def test_goods_arrive_as_the_shop_shows_them(shop: PhpShop, tmp_path: Path) -> None:
    stock(
        shop,
        [
            good(
                1, name="Лампа &amp; абажур", price="1075.5", categories=[1, 3, 2], image=11,
                gallery=[12, 11], sku="A-1", brand="Завод &quot;Свет&quot;",
                description="<p>Светит</p>[gallery id=1]", stock=True,
            ),
            good(2, price="", stock=False, categories=[9, 2], short_description="Короткое"),
            good(3, status="draft"),
            good(4, visibility="hidden"),
            good(5, post_password="secret"),
        ],
    )  # fmt: skip
    goods = imported(fetch(shop), tmp_path)
    assert sorted(goods) == ["1", "2"]
    lamp = goods["1"]
    assert lamp.name == "Лампа & абажур"
    assert lamp.category == ("Свет & тепло", "Лампы", "Настольные")
    assert (lamp.price_minor, lamp.currency) == (129_060, "RUB")
    assert lamp.url == f"{shop.address}/?p=1&x=1"
    uploads = f"{shop.address}/wp-content/uploads"
    assert lamp.images == (f"{uploads}/11.png", f"{uploads}/12.png")
    assert (lamp.vendor, lamp.vendor_code, lamp.description) == ('Завод "Свет"', "A-1", "Светит")
    assert lamp.in_stock
    assert (goods["2"].price_minor, goods["2"].in_stock) == (None, False)
    assert goods["2"].description == "Короткое"


def test_variations_are_goods_where_they_look_different(shop: PhpShop, tmp_path: Path) -> None:
    def variation(number: int, **more: Any) -> dict[str, Any]:
        return good(number, parent=10, categories=[], **more)

    stock(
        shop,
        [
            good(10, type="variable", children=[11, 12, 13, 14, 15, 16], image=1, price="50"),
            variation(11, name="Лампа 10 - S"),
            variation(12, name="Лампа 10 - красная, S", image=2, price="70", stock=False),
            variation(13, name="Лампа 10 - красная, M", image=2, price="60"),
            variation(14, name="Лампа 10 - синяя", image=3, price="80", stock=False),
            variation(15, image=4, status="private"),
            variation(16, image=1, price="40"),
        ],
    )
    goods = imported(fetch(shop), tmp_path)
    assert {sku: (row.name, row.price_minor, row.in_stock) for sku, row in goods.items()} == {
        "10": ("Лампа 10", 4800, True),
        "12": ("Лампа 10", 7200, True),
        "14": ("Лампа 10 - синяя", 9600, False),
    }
    assert {row.category for row in goods.values()} == {("Свет & тепло", "Лампы")}
    assert [row.images[0][-5:] for row in goods.values()] == ["1.png", "2.png", "3.png"]


def test_hostile_texts_stay_text(shop: PhpShop, tmp_path: Path) -> None:
    names = {
        "1": "Лампа <script>alert(1)</script> «Ночь»",
        "2": "Лампа ]]> & <!-- --> &nbsp;<b>жирная</b>",
        "3": "Лам\x00па\x08 \x1b[31m\x7f\ufffe ночь\u2028",
        "4": "💡🔦 лампа 👩‍👩‍👧",
        "5": "л" * 5000,
        "6": "</offer></offers><offer id='7'>",
    }
    goods = [good(int(number), name=name + " конец") for number, name in names.items()]
    for row in goods:
        row |= {"description": "<p>Ы&lt;</p>" * 2000, "sku": "]]>" * 200, "brand": "\x0b<i>"}
    goods[0]["description"] *= 40  # 1 MB
    stock(shop, goods, name="Лавка </name><offer> ]]>")
    read = imported(fetch(shop), tmp_path)
    assert list(read) == list(names)
    assert read["1"].name == "Лампа «Ночь» конец"
    assert read["2"].name.startswith("Лампа ]]> &")
    assert read["3"].name == "Лампа [31m ночь конец"
    assert read["4"].name == "💡🔦 лампа 👩‍👩‍👧 конец"
    assert set(read["5"].name) == {"л"}
    assert all(len(row.description or "") > 3000 for row in read.values())
    assert shop.peak < 32_000_000


def test_categories_in_a_circle_do_not_keep_goods_out(shop: PhpShop, tmp_path: Path) -> None:
    circle = [
        {"term_id": 1, "parent": 2, "name": "Курица"},
        {"term_id": 2, "parent": 1, "name": "Яйцо"},
    ]
    stock(shop, [good(1)], categories=circle)
    path = tmp_path / "feed.xml"
    path.write_bytes(fetch(shop))
    assert [row.sku for row in open_feed(path).rows if isinstance(row, FeedRow)] == ["1"]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250])
def test_every_page_is_given_out_once(shop: PhpShop, tmp_path: Path, count: int) -> None:
    stock(shop, [], count=count)
    assert list(imported(fetch(shop), tmp_path)) == [str(n + 1) for n in range(count)]


def test_memory_does_not_grow_with_the_goods(shop: PhpShop, tmp_path: Path) -> None:
    stock(shop, [], count=200)
    fetch(shop)
    few = shop.peak
    stock(shop, [], count=5000)
    goods = imported(fetch(shop), tmp_path)
    assert len(goods) == 5000
    assert shop.peak - few < 1_000_000, f"{few:,} bytes for 200 goods, {shop.peak:,} for 5,000"


def test_unchanged_feed_is_not_sent_again(shop: PhpShop) -> None:
    stock(shop, [good(1)])
    address = feed_address(shop)
    first = shop.ask(address)
    assert first.headers["content-type"] == "application/xml; charset=utf-8"
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["x-robots-tag"] == "noindex"
    known = {"If-None-Match": f'"other", {first.headers["etag"]}'}
    again = shop.ask(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    head = shop.ask(address, "HEAD")
    assert (head.status_code, head.headers["etag"]) == (200, first.headers["etag"])
    stock(shop, [good(1)], version=2)
    changed = shop.ask(address, headers=known)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_deleted_plugin_leaves_nothing(shop: PhpShop) -> None:
    save(shop, enabled="1", server="https://p.example")
    assert sorted(shop.kept("options")) == ["vitrina_feed_token", "vitrina_settings"]
    shop.ask("/uninstall")
    assert shop.kept("options") == []


def test_from_the_settings_page_into_vitrina(shop: PhpShop, tmp_path: Path) -> None:
    stock(shop, [good(number, image=number) for number in (1, 2, 3)])
    for number, colour in enumerate(COLOURS.values(), 1):
        picture = shop.state / "pictures" / f"{number}.png"
        picture.write_bytes(drawn_photo(colour, seed=number))
    address = feed_address(shop)
    refusing = ShopFolder.create(tmp_path / "refusing")
    with pytest.raises(FeedError, match="no public address"):
        import_and_fetch(refusing, address)
    folder = ShopFolder.create(tmp_path / "shop", fetch_from="anywhere")
    report = import_and_fetch(folder, address)
    assert (report.products, report.photos, report.categories) == (3, 3, 1)
    assert not report.refused
    assert import_and_fetch(folder, address).is_unchanged
    stock(shop, [good(1, image=1)], version=2)
    assert import_and_fetch(folder, address).gone == 2
