"""A shop that was trained for real, served by its real process, visited in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import databases
import pytest
from admin_shop import PASSWORD
from asking import LiveServer
from conftest import OpenShop
from figures import PRODUCTS, SHAPES, draw_shape
from playwright.sync_api import Browser, expect
from shopper import choose

from vitrina import Shop
from vitrina.admin import accounts
from vitrina.admin.texts import texts
from vitrina.store.server_database import ServerDatabase
from vitrina.training.run import Run

pytestmark = [pytest.mark.browser, pytest.mark.train]

RU = texts("ru")


@pytest.fixture(scope="module")
def served(trained: tuple[Shop, Run], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """That shop, in which nothing is published yet."""
    root = databases.copy_shop(trained[0].folder.root, tmp_path_factory.mktemp("served") / "shop")
    shop = Shop.open(root)
    shutil.rmtree(shop.folder.bundles)
    shop.folder.bundles.mkdir()
    return shop


@pytest.fixture(scope="module")
def shop_url(trained: tuple[Shop, Run], served: Shop, browser: Browser) -> Iterator[str]:
    """Its address, after the merchant has published the run on the screen of models."""
    copy, run = served.folder, trained[1]
    accounts.set_password(ServerDatabase(copy.server_database), "admin", PASSWORD)
    scratch = copy.root.parent / "scratch"
    scratch.mkdir()
    server = LiveServer(copy.root, scratch)
    context = browser.new_context(locale="ru-RU", base_url=server.address)
    page = context.new_page()
    page.goto("/admin/models")
    page.get_by_label(RU["login_password"]).fill(PASSWORD)
    page.get_by_role("button", name=RU["login_button"]).click()
    expect(page.get_by_text(RU["no_bundles"])).to_be_visible()
    page.get_by_role("button", name=RU["publish_named"].format(run=run.id)).click()
    # the page looks again by itself
    done = RU["work_publish_done"].format(target=run.id)
    expect(page.locator("#work")).to_contain_text(done, timeout=300_000)
    expect(page.locator("tr.fresh")).to_contain_text(RU["active"])
    context.close()
    yield server.address
    server.stop()


def test_a_photo_finds_the_goods_of_its_category(
    served: Shop, open_shop: OpenShop, tmp_path: Path
) -> None:
    shape, content = next(
        (answer.category.id, drawn)
        for seed in range(70_000, 70_040)
        for shown in SHAPES
        if (answer := served.search_photo(drawn := draw_shape(shown, seed))).category
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
