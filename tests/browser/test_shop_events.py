"""What the shop's page tells of its shoppers: which chip, which product, of which answer."""

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


def test_without_a_photo_nothing_is_told(open_shop: OpenShop, stand_in: StandIn) -> None:
    page = open_shop("/?category=mugs")
    page.locator("#goods .card").nth(1).get_by_role("link").click()
    expect_address(page, "/goods/mugs-1")
    page.wait_for_timeout(300)
    assert stand_in.events == []
