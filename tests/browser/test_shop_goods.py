"""Filters, a product's own page, and what a page weighs."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import OpenShop, Watch
from playwright.sync_api import Page, expect
from shopper import RU, MakePhoto, choose
from stand_in import GOODS_PER_SHELF, HOSTILE_NAME, ODD_SKUS

pytestmark = pytest.mark.browser

IN_STOCK = GOODS_PER_SHELF - GOODS_PER_SHELF // 4
"""Every fourth product is sold out."""


def look(page: Page, width: int) -> None:
    """Nothing sticks out sideways, axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("script", [True, False])
def test_goods_are_left_out_and_come_back(open_shop: OpenShop, script: bool) -> None:
    page = open_shop("/?category=mugs", java_script_enabled=script)
    filters = page.get_by_role("form", name=RU["filters"])
    status = page.get_by_role("status")
    expect(status).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    expect(filters.locator("#filters-reset")).to_be_hidden()
    filters.get_by_label(RU["only_in_stock"]).check()
    filters.get_by_role("button", name=RU["filter"]).click()
    expect(status).to_have_text(f"Найдено: {IN_STOCK}")
    expect(page.get_by_text(RU["out_of_stock"], exact=True)).to_have_count(0)
    expect(page).to_have_url(re.compile("category=mugs.*in_stock=1"))
    filters.get_by_label(RU["price_max"]).fill("2000")
    filters.get_by_label(RU["price_max"]).press("Enter")
    expect(status).to_have_text("Найдено: 2")
    expect(filters.get_by_label(RU["only_in_stock"])).to_be_checked()
    filters.get_by_label(RU["price_max"]).fill("1")
    filters.get_by_role("button", name=RU["filter"]).click()
    expect(page.locator("#empty")).to_have_text(RU["empty_filtered"])
    page.go_back()
    expect(status).to_have_text("Найдено: 2")
    expect(filters.get_by_label(RU["price_max"])).to_have_value("2000")
    filters.get_by_role("link", name=RU["filter_reset"]).click()
    expect(status).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    expect(filters.get_by_label(RU["only_in_stock"])).not_to_be_checked()


def test_what_is_left_out_stays_so_on_the_next_page(open_shop: OpenShop) -> None:
    page = open_shop("/?q=кружка&price_min=1000")
    expect(page.locator("#goods .card")).to_have_count(24)
    page.get_by_role("link", name=RU["more"]).click()
    expect(page.locator("#goods .card")).to_have_count(GOODS_PER_SHELF - 1)


def test_a_photos_answer_has_no_filters_and_its_chips_have(
    open_shop: OpenShop, photo: MakePhoto
) -> None:
    page = open_shop("/?category=mugs")
    filters = page.locator("#filters")
    choose(page, photo("sneakers"))
    expect(page.locator("#results-heading")).to_have_text("Кеды")
    expect(filters).to_be_hidden()
    page.locator('#suggestions [data-category="mugs"]').click()
    expect(filters).to_be_visible()
    filters.get_by_label(RU["only_in_stock"]).check()
    filters.get_by_role("button", name=RU["filter"]).click()
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {IN_STOCK}")
    expect(page.locator("#thumbnail")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_product_without_a_page_elsewhere_has_one_here(open_shop: OpenShop, width: int) -> None:
    page = open_shop("/?category=sneakers", width=width)
    look(page, width)
    page.locator('[data-sku="sneakers-1"] a').click()
    expect(page).to_have_url(re.compile("/product/sneakers-1$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    expect(page.locator(".description")).to_have_text(HOSTILE_NAME)
    expect(page.locator(".goods .card")).to_have_count(6)
    expect(page.locator("main img").first).to_be_visible()
    look(page, width)
    page.get_by_role("link", name="Кеды", exact=True).click()
    expect(page.locator("#results-heading")).to_have_text("Кеды")


@pytest.mark.parametrize("script", [True, False])
def test_articles_that_no_address_likes_have_pages(open_shop: OpenShop, script: bool) -> None:
    page = open_shop("/?category=chairs&lang=ru", java_script_enabled=script)
    if script:  # cards that the browser writes
        page.get_by_role("searchbox").press("Enter")
        expect(page).to_have_url(re.compile("q="))
    shown = page.locator("#goods .card")
    expect(shown.first.locator("h3")).to_have_text(re.compile("^Стулья"))
    for sku in ODD_SKUS.values():
        address = page.evaluate(
            """(sku) => [...document.querySelectorAll("#goods .card")]
                .find((one) => one.dataset.sku === sku).querySelector("a").href""",
            sku,
        )
        there = page.context.new_page()
        there.goto(address)  # as the browser understands it
        expect(there.locator("main dd").first).to_have_text(sku, use_inner_text=True)
        there.get_by_role("link", name="English").click()
        expect(there.locator("html")).to_have_attribute("lang", "en")
        expect(there.locator("main dd").first).to_have_text(sku, use_inner_text=True)
        there.close()


def test_a_page_that_is_not_there(open_shop: OpenShop, watch: Watch) -> None:
    watch.refusals_expected = True
    page = open_shop("/product/none", width=360)
    expect(page.get_by_role("alert").locator("p")).to_have_text(RU["error_not_found"])
    look(page, 360)
    page.get_by_role("link", name="Кружки 30").click()
    expect(page.locator("#goods .card")).to_have_count(24)


@pytest.mark.parametrize("path", ["/", "/?category=mugs", "/product/mugs-1"])
def test_a_page_weighs_less_than_100_kb_without_its_pictures(
    open_shop: OpenShop, path: str
) -> None:
    page = open_shop(path)
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate(
        """["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
            .map((one) => [one.name, one.transferSize])"""
    )
    own = {name: size for name, size in loaded if "/photos/" not in name}
    assert any(name.endswith(".css") for name in own)
    # nothing comes from elsewhere
    origin = page.evaluate("location.origin")
    assert all(name.startswith(origin) for name in own), own
    assert 10_000 < sum(own.values()) < 100_000, own
