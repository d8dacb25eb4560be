"""What the shop's page tells of its shoppers: which search, which chip, which product."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import OpenShop
from playwright.sync_api import Page, expect
from shopper import MakePhoto, choose, expect_address
from stand_in import StandIn

pytestmark = pytest.mark.browser


def wait_for(page: Page, true: Callable[[], bool]) -> None:
    """Beacons come when the browser likes."""
    for _ in range(150):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError


def told(batch: dict[str, Any]) -> dict[str, Any]:
    """The one event of a batch, without what is random."""
    (event,) = batch["events"]
    assert re.fullmatch("[0-9a-f]{32}", event.pop("id"))
    assert batch["query_id"] == "q-1"
    assert isinstance(event, dict)
    return event


def test_chips_and_clicks_after_a_photo(
    open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn
) -> None:
    page = open_shop()
    choose(page, photo("sneakers"))
    chips = page.locator("#suggestions .chip")
    chips.nth(0).click()  # the one that is chosen already
    chips.nth(2).click()
    expect(chips.nth(2)).to_have_attribute("aria-pressed", "true")
    wait_for(page, lambda: len(stand_in.events) == 1)
    page.locator("#goods .card").nth(1).get_by_role("link").click()
    expect_address(page, "/goods/lamps-1")
    wait_for(page, lambda: len(stand_in.events) == 2)
    chip, click = stand_in.events
    assert told(chip) == {"kind": "chip", "category": "lamps"}
    assert told(click) == {"kind": "click", "sku": "lamps-1", "position": 2}
    assert chip["visitor"] == click["visitor"]
    assert re.fullmatch("[0-9a-f]{32}", chip["visitor"])


def test_two_browsers_are_two(open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn) -> None:
    for number in (1, 2):
        page = open_shop()
        choose(page, photo("unsure"))
        page.locator("#suggestions .chip").nth(1).click()
        wait_for(page, lambda number=number: len(stand_in.events) == number)  # type: ignore[misc]
    first, second = (batch["visitor"] for batch in stand_in.events)
    assert first != second


def test_a_search_by_words_is_one_until_others_are_typed(
    open_shop: OpenShop, stand_in: StandIn
) -> None:
    page = open_shop()
    box, cards = page.get_by_role("searchbox"), page.locator("#goods .card")
    box.fill("кружка")
    box.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «кружка»")
    page.locator("#more").click()
    expect(cards).to_have_count(30)
    page.get_by_label("Только в наличии").check()
    page.get_by_role("button", name="Показать", exact=True).click()
    expect_address(page, "/?q=%D0%BA%D1%80%D1%83%D0%B6%D0%BA%D0%B0&in_stock=1")
    expect(cards).to_have_count(23)
    cards.nth(1).get_by_role("link").click()
    expect_address(page, "/goods/mugs-1")
    page.go_back()
    page.reload()
    cards.nth(0).get_by_role("link").click()
    wait_for(page, lambda: len(stand_in.events) == 2)
    page.go_back()
    box.fill("лампа")
    box.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «лампа»")
    cards.nth(2).get_by_role("link").click()
    wait_for(page, lambda: len(stand_in.events) == 3)
    assert stand_in.searches == ["кружка", "лампа"]
    assert [batch["query_id"] for batch in stand_in.events] == ["words-1", "words-1", "words-2"]
    shown = [batch["events"][0] for batch in stand_in.events]
    assert [(one["kind"], one["sku"], one["position"]) for one in shown] == [
        ("click", "mugs-1", 2),
        ("click", "mugs-0", 1),
        ("click", "lamps-2", 3),
    ]


def test_a_page_of_results_that_the_server_wrote_is_counted_where_it_is_looked_at(
    open_shop: OpenShop, stand_in: StandIn
) -> None:
    page = open_shop("/?q=кружка", java_script_enabled=False)
    expect(page.locator("#goods .card")).to_have_count(24)
    assert stand_in.searches == []
    page = open_shop("/?q=кружка")
    wait_for(page, lambda: bool(page.evaluate("history.state?.query")))
    page.reload()
    page.locator("#goods .card").first.get_by_role("link").click()
    wait_for(page, lambda: len(stand_in.events) == 1)
    assert stand_in.searches == ["кружка"]
    assert stand_in.events[0]["query_id"] == "words-1"


def test_what_a_photo_found_is_no_search_by_words(
    open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn
) -> None:
    page = open_shop()
    choose(page, photo("sneakers"))
    page.locator("#suggestions .chip").nth(2).click()
    expect(page.locator("#results-heading")).to_have_text("Настольные лампы")
    page.locator("#goods .card").first.get_by_role("link").click()
    wait_for(page, lambda: len(stand_in.events) == 2)
    assert {batch["query_id"] for batch in stand_in.events} == {"q-1"}
    assert stand_in.searches == []


def test_without_a_search_nothing_is_told(open_shop: OpenShop, stand_in: StandIn) -> None:
    page = open_shop("/?category=mugs")
    page.locator("#goods .card").nth(1).get_by_role("link").click()
    expect_address(page, "/goods/mugs-1")
    page.wait_for_timeout(300)
    assert stand_in.events == []
