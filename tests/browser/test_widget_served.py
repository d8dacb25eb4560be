"""The widget with the real server: its process, its headers, its answers, on another origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import LiveServer
from conftest import Watch
from drawing import COLOURS, drawn_photo, drawn_picture
from embedded import TEXTS, OpenEmbedded
from embedding import PhotoServer
from embedding import Shop as EmbeddingShop
from heif_making import heic
from playwright.sync_api import expect
from shopper import choose

from vitrina import Shop

pytestmark = pytest.mark.browser

RU = TEXTS["ru"]


@pytest.fixture
def served(
    published_shop: Shop,
    origins: tuple[PhotoServer, EmbeddingShop],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """The shop behind the photo server that the page names; it lets the page in."""
    (tmp_path / "scratch").mkdir()
    photo_server, shop = origins
    server = LiveServer(published_shop.folder.root, tmp_path / "scratch", cors_origins=shop.address)
    monkeypatch.setattr(photo_server, "address", server.address)
    yield published_shop
    server.stop()


def test_a_photo_fills_the_field(served: Shop, embed: OpenEmbedded, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(drawn_photo(COLOURS["rozetki"], (1200, 900), seed=4, kind="JPEG"))
    shop = embed()
    shop.search(path)
    shop.expect_searched("розетка")


def test_heic_of_an_iphone_is_read_by_the_server(
    served: Shop, embed: OpenEmbedded, tmp_path: Path
) -> None:
    path = tmp_path / "IMG_0001.heic"
    path.write_bytes(heic(drawn_picture(COLOURS["rozetki"], (640, 480), seed=5)))
    shop = embed()
    shop.choose(path)
    shop.expect_searched("розетка")


def test_heic_of_an_iphone_on_the_shops_own_page(
    served: Shop, embed: OpenEmbedded, origins: tuple[PhotoServer, EmbeddingShop], tmp_path: Path
) -> None:
    path = tmp_path / "IMG_0001.heic"
    path.write_bytes(heic(drawn_picture(COLOURS["rozetki"], (640, 480), seed=5)))
    page = embed(address=origins[0].address).page
    choose(page, path)
    expect(page.locator("#q")).to_have_value("розетка")
    picture = page.locator("#goods .card img").first
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    assert picture.evaluate("image => new URL(image.currentSrc).pathname").endswith(
        ("/320", "/640")
    )


def test_the_panel_shows_goods_and_pictures(
    served: Shop, embed: OpenEmbedded, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(drawn_photo(COLOURS["lampy"], (1200, 900), seed=6, kind="JPEG"))
    shop = embed(tags=['data-input="#search" data-results="panel"'])
    shop.search(path)
    goods = shop.view.locator(".goods > li")
    expect(goods.first).to_be_visible()
    picture = goods.first.locator("img")
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")


def test_a_refusal_of_the_real_server_is_understood(
    served: Shop, embed: OpenEmbedded, tmp_path: Path, watch: Watch
) -> None:
    watch.refusals_expected = True
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(3000))
    shop = embed()
    shop.choose(path)
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_photo_damaged"])
