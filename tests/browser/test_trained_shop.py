"""A shop that was trained for real, served by its real process, visited in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import LiveServer
from conftest import OpenShop
from figures import PRODUCTS, SHAPES, draw_shape
from playwright.sync_api import expect
from shopper import choose

from vitrina import Shop
from vitrina.training.run import Run

pytestmark = [pytest.mark.browser, pytest.mark.train]


@pytest.fixture(scope="module")
def shop_url(trained: tuple[Shop, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    shop, run = trained
    shop.publish(run.id)
    server = LiveServer(shop.folder.root, tmp_path_factory.mktemp("served"))
    yield server.address
    server.stop()


def test_a_photo_finds_the_goods_of_its_category(
    trained: tuple[Shop, Run], open_shop: OpenShop, tmp_path: Path
) -> None:
    shop, _ = trained
    shape, content = next(
        (answer.category.id, drawn)
        for seed in range(70_000, 70_040)
        for shown in SHAPES
        if (answer := shop.search_photo(drawn := draw_shape(shown, seed))).category
        and answer.category.id == shown
    )
    photo = tmp_path / "photo.png"
    photo.write_bytes(content)
    page = open_shop()
    choose(page, photo)
    expect(page.locator("#q")).to_have_value(shape)
    expect(page.locator("#thumbnail")).to_be_visible()
    cards = page.locator("#goods .card")
    expect(cards).to_have_count(PRODUCTS)
    expect(page.locator(f'#goods .card[data-sku^="{shape}/"]')).to_have_count(PRODUCTS)
    picture = cards.first.locator("img")
    expect(picture).to_be_visible()
    # a picture that did not arrive has no width
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")


def test_words_find_the_same_goods_without_a_photo(open_shop: OpenShop) -> None:
    page = open_shop()
    page.locator("#q").fill("ring")
    page.locator("#q").press("Enter")
    expect(page.locator('#goods .card[data-sku^="ring/"]')).to_have_count(PRODUCTS)
