"""The merchant's whole way through the screens, on a telephone, a tablet and a computer."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from admin_shop import PASSWORD, prepare, serve
from axe_playwright_python.sync_playwright import Axe
from conftest import Watch
from drawing import draw_catalogue, drawn_photo
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tiny_network import publish_tiny

from vitrina import Shop
from vitrina.admin.texts import texts

pytestmark = pytest.mark.browser

RU = texts("ru")
DOUBTFUL = (130, 115, 60)
"""Between two categories."""

LONG_WORK = 60_000
"""Milliseconds that a command of its own process may take."""


class Served:
    """A shop with some weeks behind it, and the table that its goods come from."""

    def __init__(self, place: Path) -> None:
        self.table = draw_catalogue(place / "goods")
        self.shop = Shop.create(place / "shop", name="Электротовары", review_photos=True)
        self.shop.import_catalogue(self.table)
        publish_tiny(self.shop.folder)
        prepare(self.shop)
        self.shop.folder.report.mkdir()
        report = self.shop.folder.report / "index.html"
        report.write_text(
            "<!doctype html><html lang=ru><title>-</title><h1>Сравнение</h1>", "utf-8"
        )
        self.server = serve(self.shop, place / "scratch")
        self.address = self.server.address

    def add_rows(self, name: str) -> None:
        """One more product, and one whose picture is nowhere."""
        with self.table.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        good = dict(zip(header, rows[-1], strict=True)) | {"sku": f"new-{name}"}
        bad = good | {"sku": f"bad-{name}", "image": f"<img src=x onerror=alert({name})>.jpg"}
        with self.table.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(good.values()), list(bad.values())])

    def send_doubts(self, number: int) -> None:
        """Photos that the shop is not sure of."""
        for seed in range(number):
            content = drawn_photo(DOUBTFUL, seed=seed, kind="JPEG")
            headers = {"Content-Type": "image/jpeg"}
            answer = httpx.post(
                f"{self.address}/v1/search/photo", content=content, headers=headers, timeout=30
            )
            assert answer.json()["decision"] == "unsure"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("merchant")
    (place / "goods").mkdir()
    running = Served(place)
    yield running
    running.server.stop()
    assert "Traceback" not in "".join(running.server.said)


@pytest.fixture
def open_admin(browser: Browser, served: Served, watch: Watch) -> Iterator[Callable[[int], Page]]:
    def open_it(width: int) -> Page:
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=800), locale="ru-RU", base_url=served.address
        )
        page = context.new_page()
        page.on("console", watch.hear)
        page.goto("/admin/")
        return page

    yield open_it
    assert watch.complaints == []


def look(page: Page, width: int) -> None:
    """Nothing sticks out sideways; on the narrowest and the widest screen axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    if width != 768:
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def go(page: Page, key: str) -> None:
    """Opens a screen by the menu."""
    page.get_by_role("navigation", name=RU["menu"]).get_by_role("link", name=RU[key]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(RU[key])


def wait_for(page: Page, what: str, **values: str) -> None:
    """The page looks again by itself until the work has ended."""
    expect(page.locator("#work")).to_contain_text(RU[what].format(**values), timeout=LONG_WORK)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_whole_way_of_a_merchant(
    served: Served, open_admin: Callable[[int], Page], width: int
) -> None:
    served.add_rows(str(width))
    served.send_doubts(3)
    page = open_admin(width)
    look(page, width)
    page.get_by_label(RU["login_password"]).fill(PASSWORD)
    press(page, RU["login_button"])
    expect(page.get_by_role("heading", level=1)).to_have_text(RU["title_overview"])
    look(page, width)

    go(page, "title_catalogue")
    press(page, RU["import_again_named"].format(source=served.table))
    wait_for(page, "work_import_done", target=str(served.table))
    look(page, width)
    newest = page.locator("tr", has=page.locator(".source")).first
    expect(newest.get_by_role("link")).to_have_text(re.compile(r"^\d$"))  # refused
    newest.get_by_role("link").click()
    expect(page.locator("tbody")).to_contain_text(f"<img src=x onerror=alert({width})>")
    expect(page.locator("tbody img")).to_have_count(0)
    look(page, width)

    go(page, "title_review")
    expect(page.locator(".doubt")).to_have_count(3)
    look(page, width)
    page.locator(".doubt").first.get_by_role("combobox").select_option("lamps")
    page.locator(".doubt").first.get_by_role("button", name=RU["review_take"]).click()
    expect(page.locator(".doubt")).to_have_count(2)
    page.locator(".doubt").first.get_by_role("button", name=RU["review_delete"]).click()
    expect(page.locator(".doubt")).to_have_count(1)
    # not by one slip of a finger
    expect(page.get_by_role("button", name=RU["review_delete_now"])).to_be_hidden()
    page.get_by_text(RU["review_delete_all"].format(count=2)).click()
    press(page, RU["review_delete_now"])
    expect(page.get_by_text(RU["review_none"])).to_be_visible()
    assert not list(served.shop.folder.review.glob("*.jpg"))

    go(page, "title_models")
    look(page, width)
    page.get_by_role("link", name=RU["open_report"]).click()
    expect(page.get_by_role("heading", name="Сравнение")).to_be_visible()
    page.go_back()
    press(page, RU["activate_named"].format(version="tiny-2"))
    wait_for(page, "work_activate_done", target="tiny-2")
    expect(page.locator('tr[data-version="tiny-2"]')).to_contain_text(RU["active"])
    press(page, RU["rollback_to"].format(version="tiny-1"))
    wait_for(page, "work_rollback_done", target="tiny-1")
    expect(page.locator('tr[data-version="tiny-1"]')).to_contain_text(RU["active"])
    press(page, RU["ab_start"])
    wait_for(page, "work_ab_done", target="tiny-2")
    expect(page.locator("#compared")).to_be_visible()
    look(page, width)
    press(page, RU["ab_stop"])
    expect(page.get_by_text(RU["ab_stopped"].format(first="A", second="B"))).to_be_visible()

    go(page, "title_settings")
    look(page, width)
    go(page, "title_log")
    for done in ("import", "review", "review_delete", "activate", "rollback", "ab", "ab_stop"):
        expect(page.locator("td", has_text=RU[f"what_{done}"]).first).to_be_visible()
    look(page, width)
    press(page, RU["logout"])
    expect(page).to_have_url(re.compile("/admin/login$"))
    page.context.close()
