"""The shop's page beyond photos: words, pages of goods, history, languages, and who can use it."""

from __future__ import annotations

import pytest
from conftest import OpenShop, Watch
from playwright.sync_api import Page, expect
from shopper import RU, MakePhoto, choose, expect_category
from stand_in import GOODS_PER_SHELF

from vitrina.storefront.texts import texts

pytestmark = pytest.mark.browser

EN = texts("en")

# Words, categories, pages, history


def test_words_and_enter(open_shop: OpenShop) -> None:
    page = open_shop()
    expect(page.get_by_text(RU["hint_home"])).to_be_visible()
    page.locator("#q").fill("  настольная   лампа ")
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «настольная лампа»")
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    expect(page.locator("#shelves")).to_be_hidden()
    assert page.evaluate("new URLSearchParams(location.search).get('q')") == "настольная лампа"
    page.locator("#q").fill("слон")
    page.get_by_role("button", name=RU["search_button"], exact=True).click()
    expect(page.locator("#results-heading")).to_have_text(RU["empty"])
    expect(page.get_by_text(RU["empty_help"])).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Найдено: 0")
    expect(page.locator("#shelves")).to_be_visible()


@pytest.mark.parametrize("start", ["/?category=mugs", "/"])
def test_more_goods_page_by_page(open_shop: OpenShop, start: str) -> None:
    page = open_shop(start)
    if start == "/":
        page.get_by_role("link", name="Кружки 30").click()
    more = page.get_by_role("link", name=RU["more"])
    expect(page.locator("#goods .card")).to_have_count(24)
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#goods .card")).to_have_count(GOODS_PER_SHELF)
    expect(more).to_be_hidden()
    expect(page.locator("#goods .card").nth(24).get_by_role("link")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {GOODS_PER_SHELF}")


def test_the_back_button_goes_back_through_photos_and_words(
    open_shop: OpenShop, photo: MakePhoto
) -> None:
    page = open_shop()
    choose(page, photo("unsure"))
    expect(page.get_by_text(RU["suggest_unsure"])).to_be_visible()
    choose(page, photo("sneakers"))
    expect_category(page, "sneakers", "Кеды", "кеды")
    page.locator("#suggestions .chip").nth(1).click()
    expect_category(page, "mugs", "Кружки", "кружка")
    page.locator("#q").fill("ваза")
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «ваза»")
    expect(page.locator("#thumbnail")).to_be_hidden()

    page.go_back()
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.locator("#thumbnail")).to_be_visible()
    page.go_back()
    expect_category(page, "sneakers", "Кеды", "кеды")
    expect(page.locator("#goods .card").first).to_have_attribute("data-sku", "sneakers-5")
    page.go_back()
    expect(page.get_by_text(RU["suggest_unsure"])).to_be_visible()
    expect(page.locator("#q")).to_have_value("")
    page.go_back()
    expect(page.get_by_text(RU["hint_home"])).to_be_visible()
    expect(page.locator("#thumbnail")).to_be_hidden()
    page.go_forward()
    page.go_forward()
    expect_category(page, "sneakers", "Кеды", "кеды")


def test_an_address_can_be_sent_to_a_friend(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("mugs"))
    expect_category(page, "mugs", "Кружки", "кружка")
    page.reload()
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.locator("#thumbnail")).to_be_hidden()


def test_without_scripts_words_still_find(open_shop: OpenShop) -> None:
    page = open_shop(java_script_enabled=False)
    expect(page.locator("#photo-button")).to_be_hidden()
    page.locator("#q").fill("лампа")
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «лампа»")
    expect(page.locator("#goods .card")).to_have_count(24)
    page.get_by_role("link", name=RU["more"]).click()
    expect(page.locator("#goods .card")).to_have_count(GOODS_PER_SHELF - 24)


# Everybody


def tab_to(page: Page, selector: str) -> None:
    """Goes on by the Tab key until the keyboard is at `selector`, and sees that it shows."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(":focus").evaluate("(one, wanted) => one.matches(wanted)", selector):
            break
    expect(page.locator(selector)).to_be_focused()
    expect(page.locator(selector)).to_be_in_viewport()
    shown = "(one) => getComputedStyle(one).outlineStyle !== 'none'"
    ring = "(one) => getComputedStyle(one.parentElement).boxShadow !== 'none'"
    # The text box shows its focus on the frame around it, which also holds the thumbnail.
    assert page.locator(selector).evaluate(ring if selector == "#q" else shown)


def test_the_keyboard_alone_is_enough(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    tab_to(page, ".skip")
    tab_to(page, ".languages a")
    tab_to(page, "#q")
    page.keyboard.type("лампа")
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("По запросу «лампа»")
    expect(page).to_have_title("По запросу «лампа» · Лавка «Полка»")
    tab_to(page, ".submit")
    tab_to(page, "#photo-button")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photo("sneakers"))
    expect_category(page, "sneakers", "Кеды", "кеды")
    tab_to(page, '#suggestions [data-category="mugs"]')
    page.keyboard.press("Space")
    expect_category(page, "mugs", "Кружки", "кружка")
    tab_to(page, '[data-sku="mugs-0"] a')
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.locator("#photo-remove:focus").count():
            break
    page.keyboard.press("Enter")
    expect(page.locator("#thumbnail")).to_be_hidden()
    expect(page.locator("#photo-button")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    tab_to(page, '[data-sku="mugs-0"] a')
    page.keyboard.press("Enter")
    expect(page).to_have_title("mugs-0")


def test_a_category_link_leaves_the_keyboard_at_its_goods(open_shop: OpenShop) -> None:
    page = open_shop()
    tab_to(page, '#shelves [data-category="lamps"]')
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator('[data-sku="lamps-0"] a')).to_be_focused()


def test_english_throughout(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop(locale="en-GB")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_text(EN["hint_home"])).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Photo", exact=True).click()
    chooser.value.set_files(photo("mugs"))
    expect_category(page, "mugs", "Mugs", "mug")
    expect(page.get_by_role("status")).to_have_text("Shown for your photo: 24")
    expect(page.get_by_text(EN["suggest_other"])).to_be_visible()
    expect(page.locator('[data-sku="mugs-1"] .price')).to_have_text("₽1,721")


def test_the_language_switch_keeps_what_is_shown(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("mugs"))
    expect_category(page, "mugs", "Кружки", "кружка")
    page.get_by_role("link", name="English").click()
    expect_category(page, "mugs", "Mugs", "mug")
    assert page.url.endswith("/?lang=en&category=mugs")
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text("Results for “lamp”")
    assert page.url.endswith("/?lang=en&q=lamp")
    page.get_by_role("link", name="Русский").click()
    expect(page.locator("#results-heading")).to_have_text(RU["empty"])


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_screen(
    open_shop: OpenShop, photo: MakePhoto, watch: Watch, width: int
) -> None:
    watch.refusals_expected = True
    page = open_shop(width=width, height=740)
    narrow = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(narrow)
    for meaning in ("sneakers", "unsure", "unknown", "photo_damaged"):
        choose(page, photo(meaning))
        expect(page.locator("#progress")).to_be_hidden()
        expect(page.locator("#suggestions:visible, #problem:visible")).to_have_count(1)
        assert page.evaluate(narrow), meaning
    page.goto("/?q=" + "я" * 200)
    assert page.evaluate(narrow)


def test_cards_in_a_row_are_equally_high_and_nothing_jumps(open_shop: OpenShop) -> None:
    page = open_shop("/?category=mugs")
    cards = page.locator("#goods .card")
    tops = cards.evaluate_all("all => all.map((one) => one.getBoundingClientRect())")
    first_row = [one for one in tops if one["top"] == tops[0]["top"]]
    assert len(first_row) >= 4
    assert len({one["height"] for one in first_row}) == 1
    # Pictures have their place before they come: their frame is square whatever they are.
    frames = page.locator(".picture").evaluate_all(
        "all => all.map((one) => Math.abs(one.clientWidth - one.clientHeight))"
    )
    assert max(frames) <= 1


CONTRAST = """() => {
    const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) =>
        0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (one) => {
        for (let at = one; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if ((colour[3] ?? 1) === 1) return colour;
        }
        return [255, 255, 255];
    };
    const weak = [];
    for (const one of document.body.querySelectorAll("*")) {
        const says = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!says || !one.checkVisibility() || one.closest("script, svg")) continue;
        const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) weak.push(`${one.tagName}.${one.className} ${ratio.toFixed(2)}`);
    }
    return weak;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(
    open_shop: OpenShop, photo: MakePhoto, watch: Watch, scheme: str
) -> None:
    watch.refusals_expected = True
    page = open_shop(color_scheme=scheme, reduced_motion="reduce")
    assert page.evaluate(CONTRAST) == []
    for meaning in ("sneakers", "unknown", "photo_damaged"):
        choose(page, photo(meaning))
        expect(page.locator("#suggestions:visible, #problem:visible")).to_have_count(1)
        expect(page.locator("#progress")).to_be_hidden()
        assert page.evaluate(CONTRAST) == []
    picture = page.locator(".picture").first
    page.goto("/?category=mugs")
    expect(picture).to_have_css("background-color", "rgb(255, 255, 255)")


def test_who_dislikes_motion_sees_none(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop(reduced_motion="reduce")
    choose(page, photo("slow"))
    expect(page.locator("#progress")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    page.get_by_role("button", name=RU["cancel"]).click()
