"""The widget without a mouse, without eyes, in the dark, and in two languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Watch
from embedded import TEXTS, Embedded, OpenEmbedded
from playwright.sync_api import expect
from shopper import MakePhoto

pytestmark = pytest.mark.browser

RU, EN = TEXTS["ru"], TEXTS["en"]
PANEL = ('data-input="#search" data-results="panel"',)
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def expect_accessible(shop: Embedded, state: str) -> None:
    """No finding of axe, which has looked into the widget."""
    found: dict[str, Any] = (
        Axe()
        .run(shop.page, options={"runOnly": list(WCAG), "resultTypes": ["violations", "passes"]})
        .response
    )
    seen = [node["target"] for rule in found["passes"] for node in rule["nodes"] if node["target"]]
    assert any(isinstance(target[0], list) for target in seen), "nothing in a shadow root"
    problems = [
        (rule["id"], node["target"], node.get("failureSummary"))
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert problems == [], state


@pytest.mark.parametrize(
    ("width", "phone", "scheme", "language"),
    [
        (1280, False, "light", "ru"),
        (1280, False, "dark", "en"),
        (360, True, "light", "en"),
        (360, True, "dark", "ru"),
    ],
)
def test_axe_finds_nothing_in_any_state(
    embed: OpenEmbedded,
    photo: MakePhoto,
    watch: Watch,
    width: int,
    phone: bool,
    scheme: Any,
    language: str,
) -> None:
    watch.refusals_expected = True
    texts = TEXTS[language]
    shop = embed(width=width, phone=phone, language=language)
    shop.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    find = shop.dialog.get_by_role("button", name=texts["find"], exact=True)

    def give(meaning: str) -> None:
        shop.give(photo(meaning), "paste", shop.dialog)
        find.click()

    def refuse(status: int, code: str, after: int) -> None:
        shop.photo_server.refusals.append((status, code, after))
        give("mugs")

    states: dict[str, tuple[Callable[[], object], str]] = {
        "choose": (shop.button.click, ".choose"),
        "crop": (lambda: shop.give(photo("mugs"), "paste", shop.dialog), ".stage"),
        "busy": (lambda: give("slow"), ".bar"),
        "unsure": (lambda: give("unsure"), ".chip"),
        "unknown": (lambda: give("unknown"), ".ask"),
        "type": (lambda: refuse(415, "photo_type", 0), ".alert"),
        "wait": (lambda: refuse(503, "busy", 60), ".alert"),
    }
    expect(shop.button).to_be_visible()
    expect_accessible(shop, "closed")
    for state, (reach, sign) in states.items():
        reach()
        expect(shop.widget.locator(sign).first).to_be_visible()
        expect(shop.dialog).to_have_class(
            {"dark": f"{_view(state)} dark", "light": _view(state)}[scheme]
        )
        expect_accessible(shop, state)


def _view(state: str) -> str:
    return {"unsure": "ask", "unknown": "ask", "type": "failed", "wait": "failed"}.get(state, state)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "phone"), [(1280, False), (360, True)])
def test_axe_finds_nothing_in_the_panel(
    embed: OpenEmbedded, photo: MakePhoto, scheme: Any, width: int, phone: bool
) -> None:
    shop = embed(width=width, phone=phone, tags=PANEL)
    shop.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for meaning in ("sneakers", "unsure", "unknown"):
        shop.give(photo(meaning), "paste", shop.field)
        shop.press(RU["find"])
        expect(shop.view.locator(".goods > li")).not_to_have_count(0)
        expect_accessible(shop, meaning)
        shop.page.keyboard.press("Escape")


def test_axe_would_have_found_something(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.button.evaluate(
        "button => { button.ariaLabel = ''; button.title = ''; button.lastChild.remove(); }"
    )
    with pytest.raises(AssertionError, match="button-name"):
        expect_accessible(shop, "without a name")


# The keyboard


def test_the_whole_way_by_keyboard_alone(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    keys = shop.page.keyboard
    shop.field.focus()
    keys.press("Tab")
    expect(shop.button).to_be_focused()
    with shop.page.expect_file_chooser() as chooser:
        keys.press("Enter")
        expect(shop.dialog.get_by_role("button", name=RU["file"])).to_be_focused()
        keys.press("Enter")
    chooser.value.set_files(photo("unsure"))
    expect(shop.dialog.get_by_role("button", name=RU["find"])).to_be_focused()
    for edge in ("y1", "x1", "y0", "x0"):
        keys.press("Shift+Tab")
        slider = shop.dialog.get_by_role("slider", name=RU[f"cut_{edge}"])
        if not slider.evaluate("slider => slider === slider.getRootNode().activeElement"):
            break
    shop.dialog.get_by_role("slider", name=RU["cut_x0"]).focus()
    keys.press("ArrowRight")
    expect(shop.dialog.get_by_role("slider", name=RU["cut_x0"])).to_have_attribute(
        "aria-valuenow", "2"
    )
    shop.dialog.get_by_role("button", name=RU["find"]).focus()
    keys.press("Enter")
    expect(shop.view.locator(".lead")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    expect(shop.dialog.get_by_role("button", name="Кружки")).to_be_focused()
    keys.press("Enter")
    shop.expect_searched("кружка")


def test_the_keyboard_stays_in_the_dialog_and_returns(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.button.press("Enter")
    for _ in range(6):
        shop.page.keyboard.press("Tab")
        assert shop.page.evaluate("document.activeElement?.localName") in ("vitrina-photo", "body")
    shop.page.keyboard.press("Escape")
    expect(shop.dialog).to_be_hidden()
    expect(shop.button).to_be_focused()
    # the rest of the page is there again
    shop.page.keyboard.press("Tab")
    expect(shop.page.get_by_role("button", name="Найти", exact=True)).to_be_focused()


def test_a_press_beside_the_dialog_closes_it(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.button.click()
    shop.view.click()
    expect(shop.dialog).to_be_visible()
    shop.page.mouse.click(20, 700)
    expect(shop.dialog).to_be_hidden()


# What is read out


def test_the_button_and_the_dialog_say_what_they_are(embed: OpenEmbedded) -> None:
    shop = embed()
    button = shop.page.get_by_role("button", name=RU["title"])
    expect(button).to_have_attribute("aria-haspopup", "dialog")
    # the name holds what is seen, for those who say it aloud
    assert RU["button"].lower() in RU["title"].lower()
    assert EN["button"].lower() in EN["title"].lower()
    button.click()
    expect(shop.page.get_by_role("dialog", name=RU["title"])).to_be_visible()
    expect(shop.page.get_by_role("button", name=RU["close"])).to_be_visible()


def test_what_happens_is_told(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(tags=PANEL)
    status = shop.dialog.get_by_role("status")
    shop.search(photo("slow"))
    expect(status).to_have_text(RU["searching"])
    expect(shop.view.get_by_role("progressbar", name=RU["searching"])).to_be_visible()
    shop.press(RU["cancel"])
    expect(status).to_have_text(RU["cancelled"])
    shop.press(RU["other"])
    shop.search(photo("mugs"))
    expect(status).to_have_text(RU["shown"].replace("{count}", "12"))


@pytest.mark.parametrize(
    ("page", "tag", "spoken"),
    [("ru", "", "ru"), ("en", "", "en"), ("en-GB", "", "en"), ("kk", "", "en"), ("en", "ru", "ru")],
)
def test_it_speaks_the_language_of_the_page_unless_told(
    embed: OpenEmbedded, photo: MakePhoto, page: str, tag: str, spoken: str
) -> None:
    shop = embed(language=page, tags=[f'data-input="#search" data-lang="{tag}"'])
    expect(shop.button).to_have_text(TEXTS[spoken]["button"])
    expect(shop.button).to_have_attribute("lang", spoken)
    expect(shop.dialog).to_have_attribute("lang", spoken)
    shop.give(photo("mugs"), "paste", shop.field)
    shop.press(TEXTS[spoken]["find"])
    shop.expect_searched({"ru": "кружка", "en": "mug"}[spoken])


# What is seen


@pytest.mark.parametrize(
    ("theme", "scheme", "dark"),
    [
        ("auto", "dark", True),
        ("auto", "light", False),
        ("light", "dark", False),
        ("dark", "light", True),
        ("system", "dark", True),
    ],
)
def test_light_and_dark(embed: OpenEmbedded, theme: str, scheme: Any, dark: bool) -> None:
    shop = embed(tags=[f'data-input="#search" data-theme="{theme}"'])
    shop.page.emulate_media(color_scheme=scheme)
    shop.button.click()
    expect(shop.dialog).to_have_css(
        "background-color", "rgb(32, 31, 30)" if dark else "rgb(255, 255, 255)"
    )


def test_the_button_keeps_the_colour_of_the_field(embed: OpenEmbedded) -> None:
    shop = embed()
    for scheme, colour in (("light", "rgb(31, 35, 40)"), ("dark", "rgb(232, 234, 237)")):
        shop.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(shop.button).to_have_css("color", colour)
    # a page that is switched by hand
    shop.page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(".paper { --ink: rgb(1, 2, 3) }");
            document.adoptedStyleSheets = [sheet];
            document.documentElement.className = "paper";
        }"""
    )
    expect(shop.button).to_have_css("color", "rgb(1, 2, 3)")


def test_a_shop_that_has_no_dark_side_gets_a_light_dialog(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.page.emulate_media(color_scheme="dark")
    shop.page.evaluate("document.body.style.color = 'oklch(0.2 0.02 250)'")
    shop.button.click()
    expect(shop.dialog).to_have_css("background-color", "rgb(255, 255, 255)")


def test_the_shops_variables_and_parts_reach_the_widget(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(`
                :root { --vitrina-accent: rgb(200, 0, 60); }
                :root { --vitrina-on-accent: rgb(255, 255, 254); }
                vitrina-photo { --vitrina-radius: 3px; --vitrina-button-color: rgb(0, 0, 200); }
                vitrina-photo::part(primary) { letter-spacing: 1px; }`);
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    shop.button.click()
    primary = shop.view.locator(".first")
    expect(primary).to_have_css("background-color", "rgb(200, 0, 60)")
    expect(primary).to_have_css("color", "rgb(255, 255, 254)")
    expect(primary).to_have_css("border-radius", "3px")
    expect(primary).to_have_css("letter-spacing", "1px")
    expect(shop.button).to_have_css("color", "rgb(0, 0, 200)")


@pytest.mark.parametrize(("motion", "moves"), [("reduce", 0), ("no-preference", 1)])
def test_nothing_moves_for_those_who_do_not_want_it(
    embed: OpenEmbedded, photo: MakePhoto, motion: Any, moves: int
) -> None:
    shop = embed()
    shop.page.emulate_media(reduced_motion=motion)
    shop.search(photo("slow"))
    bar = shop.view.locator(".bar")
    expect(bar).to_be_visible()
    assert bar.evaluate("bar => bar.getAnimations({ subtree: true }).length") == moves
    assert shop.dialog.evaluate("dialog => dialog.getAnimations().length") <= moves


def test_targets_are_large_enough_for_a_finger(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(width=360, phone=True)
    shop.choose(photo("mugs"), by="gallery")
    for target in [
        shop.button,
        *shop.dialog.get_by_role("button").all(),
        *shop.dialog.get_by_role("slider").all(),
    ]:
        size = target.bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= 32
