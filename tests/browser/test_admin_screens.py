"""The merchant's screens in a real browser, without JavaScript: sign in, look, change, leave."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from admin_shop import PASSWORD, prepare, serve
from axe_playwright_python.sync_playwright import Axe
from conftest import Watch
from drawing import drawn_photo
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from shopper import choose

from vitrina import Shop
from vitrina.admin.texts import texts

pytestmark = pytest.mark.browser

RU = texts("ru")
OpenScreens = Callable[..., Page]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, _published: Path) -> Iterator[str]:
    place = tmp_path_factory.mktemp("admin")
    shop = Shop.open(shutil.copytree(_published, place / "shop"))
    prepare(shop)
    server = serve(shop, place / "scratch")
    yield server.address
    server.stop()
    assert "Traceback" not in "".join(server.said)


@pytest.fixture
def screens(browser: Browser, address: str, watch: Watch) -> Iterator[OpenScreens]:
    """Opens a screen in a fresh browser profile that runs no scripts."""
    contexts: list[BrowserContext] = []

    def open_it(
        path: str = "/admin/", width: int = 1280, locale: str = "ru-RU", script: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=800),
            locale=locale,
            base_url=address,
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", watch.hear)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert watch.complaints == []


def sign_in(page: Page) -> None:
    page.get_by_label(RU["login_password"]).fill(PASSWORD)
    page.get_by_role("button", name=RU["login_button"]).click()


def value_of(page: Page, name: str) -> str:
    figure = page.locator(".figure").filter(has=page.get_by_text(name, exact=True))
    return figure.locator(".value").first.inner_text()


def test_first_sign_in_and_overview(screens: OpenScreens) -> None:
    page = screens("/admin/")
    expect(page).to_have_url(re.compile(r"/admin/login\?next="))
    expect(page.get_by_label(RU["login_name"])).to_have_value("admin")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(RU["title_overview"])
    week = int(value_of(page, RU["figure_searches"]))
    assert week >= 7 * 20
    page.get_by_role("link", name=RU["period_month"]).click()
    expect(page.get_by_role("link", name=RU["period_month"])).to_have_attribute(
        "aria-current", "true"
    )
    month = int(value_of(page, RU["figure_searches"]).replace("\N{NO-BREAK SPACE}", ""))
    assert month > 3 * week
    assert "₽" in value_of(page, RU["figure_value"])
    assert re.search(r"\d+ и \d+ мс", value_of(page, RU["figure_answer"]))
    expect(page.locator(".chart rect").first).to_be_visible()
    page.get_by_text(RU["chart_table"]).click()
    expect(page.get_by_role("table").first).to_be_visible()


def test_a_chip_on_the_shops_page_is_counted(screens: OpenScreens, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(drawn_photo((130, 115, 60), kind="JPEG"))  # between two categories
    page = screens("/admin/?period=day")
    sign_in(page)
    before = [value_of(page, RU[name]) for name in ("figure_searches", "figure_chips")]
    shop = screens("/", script=True)
    choose(shop, photo)
    with shop.expect_response("**/v1/search?*"):
        shop.locator("#suggestions .chip").first.click()

    def counts() -> list[int]:
        page.reload()
        shown = [value_of(page, RU[name]) for name in ("figure_searches", "figure_chips")]
        return [
            int(now.split()[0]) - int(old.split()[0])
            for now, old in zip(shown, before, strict=True)
        ]

    for _ in range(50):
        if counts() == [1, 1]:
            return
        page.wait_for_timeout(100)
    assert counts() == [1, 1]


def test_a_wrong_password_in_a_browser(screens: OpenScreens, watch: Watch) -> None:
    watch.refusals_expected = True
    page = screens("/admin/models")
    page.get_by_label(RU["login_password"]).fill("something else")
    page.get_by_role("button", name=RU["login_button"]).click()
    expect(page.get_by_role("alert")).to_have_text(RU["login_wrong"])
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(RU["title_models"])


def test_another_sites_page_changes_nothing(screens: OpenScreens, watch: Watch) -> None:
    watch.refusals_expected = True
    page = screens("/admin/models")
    sign_in(page)
    button = page.get_by_role("button", name=RU["activate_named"].format(version="tiny-2"))
    token = button.locator("xpath=..").locator("input[type=hidden]")
    # more than any other site could know: what only a page of this server is told
    field = token.evaluate("one => one.outerHTML")
    form = f"""<form method="post" action="{page.url}/activate">{field}
        <button name="version" value="tiny-2">free goods</button></form>"""
    page.context.route("http://evil.test/", lambda route: route.fulfill(
        body=form, content_type="text/html"))  # fmt: skip
    other = page.context.new_page()
    other.goto("http://evil.test/")
    other.get_by_role("button").click()
    expect(other.locator("main")).to_contain_text(RU["say_refused"])
    page.reload()
    expect(page.locator('tr[data-version="tiny-1"]')).to_contain_text(RU["active"])


def test_two_browsers_edit_the_same_category(screens: OpenScreens, watch: Watch) -> None:
    watch.refusals_expected = True
    pages = [screens("/admin/catalogue"), screens("/admin/catalogue")]
    for page in pages:
        sign_in(page)
        page.get_by_role("link", name=RU["edit_named"].format(name="Лампы")).click()
    first, second = pages
    field = RU["column_search_text"]
    first.get_by_label(field).fill("лампочка")
    second.get_by_label(field).fill("светильник")
    first.get_by_role("button", name=RU["save"]).click()
    expect(first.get_by_role("status")).to_have_text(RU["saved"])
    second.get_by_role("button", name=RU["save"]).click()
    expect(second.get_by_role("alert")).to_have_text(RU["edit_conflict"])
    expect(second.locator("#text-now")).to_have_text("лампочка")
    expect(second.locator("#text-yours")).to_have_text("светильник")
    expect(second.get_by_label(field)).to_have_value("светильник")
    second.get_by_role("button", name=RU["save_mine"]).click()
    expect(second.get_by_role("status")).to_have_text(RU["saved"])
    expect(second.locator("tr.fresh")).to_contain_text("светильник")
    second.get_by_role("link", name=RU["title_log"]).click()
    expect(second.get_by_role("row").nth(1)).to_contain_text("'лампочка' → 'светильник'")


def test_signing_out(screens: OpenScreens) -> None:
    page = screens("/admin/settings")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(RU["title_settings"])
    page.get_by_role("button", name=RU["logout"]).click()
    expect(page).to_have_url(re.compile("/admin/login$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/admin/login"))


def test_another_language_stays(screens: OpenScreens) -> None:
    page = screens("/admin/log")
    sign_in(page)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log")
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")


@pytest.mark.parametrize("width", [360, 1280])
def test_screens_off_the_way_are_usable(screens: OpenScreens, watch: Watch, width: int) -> None:
    """Nothing sticks out, nothing is too small to press, axe finds nothing."""
    watch.refusals_expected = True
    page = screens("/admin/", width=width, script=True)
    sign_in(page)
    for place in ("catalogue/categories/lamps", "nothing"):
        page.goto(f"/admin/{place}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
