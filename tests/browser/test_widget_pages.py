"""The widget among what shops' pages are like: no form, two fields, old boxes, two tags."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Watch
from embedded import TEXTS, Embedded, OpenEmbedded
from embedding import PhotoServer
from playwright.sync_api import expect
from shopper import MakePhoto

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parents[2] / "integrations" / "plain-html"
RU = TEXTS["ru"]
TAG = 'data-input="input[name=search]"'
OLD = '<form action="/found"><input class="old" name="search"></form>'
BUSY = '<form action="/found"><input class="busy" name="search"></form>'
FORMLESS = """<div id="top"><label>Поиск <input name="search"></label></div>
<button id="go" type="button">Найти</button>"""


def insets(shop: Embedded) -> tuple[float, float]:
    """From the field's right edge to the button's, and from the button's left edge to the text."""
    field, button = shop.field.bounding_box(), shop.button.bounding_box()
    assert field
    assert button
    after = field["x"] + field["width"] - button["x"] - button["width"]
    padding = shop.field.evaluate("field => parseFloat(getComputedStyle(field).paddingRight)")
    return after, padding - after - button["width"]


@pytest.mark.parametrize(
    ("tags", "head_tags"),
    [
        ([TAG, TAG], []),
        ([TAG], [f"{TAG} defer"]),
        ([], [TAG, f"{TAG} async"]),
        ([], [""]),
    ],
)
def test_one_button_a_field_wherever_the_tag_stands_and_however_often(
    embed: OpenEmbedded, photo: MakePhoto, tags: list[str], head_tags: list[str]
) -> None:
    shop = embed(tags=tags, head_tags=head_tags)
    expect(shop.button).to_be_visible()
    shop.page.wait_for_load_state("load")
    # it would be there by the next frame
    shop.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    expect(shop.widgets).to_have_count(1)
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_two_fields_of_one_page_have_a_button_each(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(body=OLD + OLD.replace("old", "busy"))
    expect(shop.widgets).to_have_count(2)
    second = Embedded(shop.page, shop.photo_server, shop.shop)
    second.widget = shop.widgets.nth(1)
    second.button = second.widget.locator(".open")
    second.dialog = second.widget.locator("dialog")
    second.search(photo("unsure"))
    expect(shop.dialog).to_be_hidden()
    second.press("Кеды")
    shop.expect_searched("кеды")


def test_two_tags_may_want_different_things(embed: OpenEmbedded) -> None:
    body = OLD + '<form action="/found"><input class="busy" name="other"></form>'
    shop = embed(body=body, tags=[TAG, 'data-input="[name=other]" data-label="icon" data-lang=en'])
    expect(shop.widgets.nth(0).locator(".open")).to_have_text(RU["button"])
    expect(shop.widgets.nth(1).locator(".open span")).to_be_hidden()
    expect(shop.widgets.nth(1).get_by_role("button", name="Search by photo")).to_be_visible()


def test_nothing_is_left_in_the_page_but_the_element(embed: OpenEmbedded, photo: MakePhoto) -> None:
    names = "Object.getOwnPropertyNames(window)"
    shop = embed(tags=[])
    before = shop.page.evaluate(names)
    shop = embed()
    shop.search(photo("unsure"))
    expect(shop.view.locator(".chip")).to_have_count(3)
    assert set(shop.page.evaluate(names)) - set(before) == set()
    assert shop.page.evaluate("typeof customElements.get('vitrina-photo')") == "function"
    assert shop.page.evaluate("document.querySelectorAll('style').length") == 0


def test_a_field_that_comes_later_and_comes_again(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.page.evaluate("document.querySelector('form').remove()")
    expect(shop.widgets).to_have_count(0)
    shop.page.evaluate(
        """() => {
            const field = document.createElement("input");
            field.name = "search";
            document.querySelector("main").append(field);
        }"""
    )
    expect(shop.button).to_be_visible()
    # a page that draws its header anew
    shop.page.evaluate("document.querySelector('vitrina-photo').remove()")
    expect(shop.button).to_be_visible()
    expect(shop.widgets).to_have_count(1)


def test_a_field_that_was_hidden_gets_its_button_when_it_shows(embed: OpenEmbedded) -> None:
    shop = embed()
    shop.page.evaluate("document.querySelector('form').hidden = true")
    shop.page.evaluate("document.querySelector('form').style.display = 'none'")
    expect(shop.button).to_be_hidden()
    shop.page.evaluate("document.querySelector('form').style.display = ''")
    expect(shop.button).to_be_visible()


def test_a_closed_drawer_of_the_shop_closes_the_button_too(embed: OpenEmbedded) -> None:
    shop = embed()
    expect(shop.button).to_have_css("pointer-events", "auto")
    shop.page.evaluate("document.querySelector('header').style.pointerEvents = 'none'")
    expect(shop.button).to_have_css("pointer-events", "none")
    shop.page.evaluate("document.querySelector('header').style.visibility = 'hidden'")
    expect(shop.button).to_be_hidden()


def test_the_button_goes_where_the_field_goes(embed: OpenEmbedded) -> None:
    shop = embed()
    before = insets(shop)
    shop.page.evaluate(
        """() => {
            const news = document.createElement("p");
            news.textContent = "Сегодня доставка бесплатна.";
            document.querySelector("header").before(news);
        }"""
    )
    field = shop.field.bounding_box()
    assert field
    middle = field["y"] + field["height"] / 2
    shop.page.wait_for_function(
        """(middle) => {
            const { shadowRoot } = document.querySelector("vitrina-photo");
            const { top, bottom } = shadowRoot.querySelector("button").getBoundingClientRect();
            return Math.abs((top + bottom) / 2 - middle) < 1;
        }""",
        arg=middle,
    )
    assert insets(shop) == pytest.approx(before, abs=1)


def test_an_old_box_does_not_grow_and_text_does_not_run_under_the_button(
    embed: OpenEmbedded,
) -> None:
    shop = embed(body=OLD, tags=[])
    plain = shop.field.bounding_box()
    shop = embed(body=OLD)
    after, before_text = insets(shop)
    assert shop.field.bounding_box() == plain
    assert 0 < after < 8
    assert before_text >= 0


def test_a_page_that_takes_the_button_away_keeps_its_field_as_it_was(embed: OpenEmbedded) -> None:
    shop = embed(body=OLD)
    expect(shop.button).to_be_visible()
    shop.page.evaluate(
        """() => {
            window.taken = 0;
            const take = () => {
                const button = document.querySelector("vitrina-photo");
                if (button) window.taken += 1;
                button?.remove();
            };
            new MutationObserver(take).observe(document, { childList: true, subtree: true });
            take();
        }"""
    )
    shop.page.wait_for_function("() => window.taken === 10")
    shop.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    expect(shop.widgets).to_have_count(0)
    expect(shop.field).to_have_attribute("style", "")


def test_room_that_the_theme_keeps_for_its_icon_stays_free(embed: OpenEmbedded) -> None:
    shop = embed(body=BUSY)
    assert insets(shop)[0] == pytest.approx(49, abs=3)
    shop = embed(body=BUSY, tags=[f'{TAG} data-inset="10"'])
    assert insets(shop)[0] == pytest.approx(11, abs=3)


def test_the_button_may_stand_after_the_field(embed: OpenEmbedded) -> None:
    shop = embed(tags=[f'{TAG} data-place="after"'])
    field, button = shop.field.bounding_box(), shop.button.bounding_box()
    assert field
    assert button
    assert button["x"] >= field["x"] + field["width"]
    assert abs(button["y"] - field["y"]) < 12
    assert shop.field.get_attribute("style") is None


def test_rules_of_the_shop_do_not_reach_the_button(embed: OpenEmbedded) -> None:
    shop = embed(body=OLD)
    style = """(element) => {
        const { backgroundColor, float, margin } = getComputedStyle(element);
        return [backgroundColor, float, margin];
    }"""
    assert shop.field.evaluate(style) == ["rgb(255, 192, 203)", "left", "3px"]
    assert shop.widget.evaluate(style) == ["rgba(0, 0, 0, 0)", "none", "0px"]


def test_a_server_in_a_folder_of_a_host(
    embed: OpenEmbedded, photo: MakePhoto, origins: tuple[PhotoServer, object]
) -> None:
    server = f"{origins[0].address}/folder/"
    shop = embed(tags=[f'{TAG} data-server="{server}" data-results="panel"'])
    asked: list[str] = []
    # what the browser asks the shop for, its icon, is no matter
    shop.page.on(
        "request",
        lambda request: (
            None if request.url.startswith(shop.shop.address) else asked.append(request.url)
        ),
    )
    shop.search(photo("mugs"))
    picture = shop.view.locator("img").first
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    assert asked
    assert [url for url in asked if not url.startswith(server)] == []


def test_the_example_page_works(embed: OpenEmbedded, photo: MakePhoto, watch: Watch) -> None:
    shop = embed()
    page = (EXAMPLE / "index.html").read_text("utf-8")
    assert page.count("https://photo.shop.example") == 3
    shop.shop.page = page.replace("https://photo.shop.example", shop.photo_server.address).replace(
        "/search", "/found"
    )
    shop.shop.policy = "default-src * 'unsafe-inline'"  # its own is in it
    shop.page.reload()
    expect(shop.button).to_be_visible()
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")
    watch.complaints = [one for one in watch.complaints if "icon" not in one]


# How the shop searches


def test_without_a_form_the_enter_key_is_pressed(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(body=FORMLESS)
    shop.page.evaluate(
        """() => document.querySelector("#top").addEventListener("keydown", (event) => {
            const { value } = event.target;
            if (event.keyCode === 13) location = `/found?search=${encodeURIComponent(value)}`;
        })"""
    )
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_a_button_that_the_tag_names_is_pressed(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(body=FORMLESS, tags=[f'{TAG} data-submit="#go"'])
    shop.page.evaluate(
        """() => document.querySelector("#go").addEventListener("click", () => {
            const { value } = document.querySelector("input");
            location = `/found?search=${encodeURIComponent(value)}`;
        })"""
    )
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_an_address_that_the_tag_names_is_opened(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(body=FORMLESS, tags=[f'{TAG} data-search-url="/found?search={{text}}"'])
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_an_address_that_is_a_script_is_not(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(tags=[f'{TAG} data-search-url="javascript:document.title=1"'])
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_a_form_whose_field_is_named_submit(embed: OpenEmbedded, photo: MakePhoto) -> None:
    body = '<form action="/found"><input name="search"><input type="hidden" name="submit"></form>'
    shop = embed(body=body)
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


def test_inside_a_label_the_field_does_not_take_the_focus(embed: OpenEmbedded) -> None:
    shop = embed(body=FORMLESS)
    shop.button.click()
    expect(shop.dialog.get_by_role("button", name=RU["file"])).to_be_focused()


def test_a_framework_that_watches_the_value_sees_it_change(
    embed: OpenEmbedded, photo: MakePhoto
) -> None:
    shop = embed(body=OLD)
    # React keeps a setter of its own on the field, and takes what comes through it as known
    shop.page.evaluate(
        """() => {
            const field = document.querySelector("input");
            const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
            let known = field.value;
            Object.defineProperty(field, "value", {
                configurable: true,
                get: () => own.get.call(field),
                set: (value) => { known = value; own.set.call(field, value); },
            });
            field.form.addEventListener("submit", (event) => event.preventDefault());
            field.addEventListener("input", () => { document.title = `${known}|${field.value}`; });
        }"""
    )
    shop.search(photo("mugs"))
    expect(shop.page).to_have_title("|кружка")


def test_a_selector_that_is_none_breaks_nothing(embed: OpenEmbedded, watch: Watch) -> None:
    shop = embed(tags=['data-input="input[["'])
    expect(shop.widgets).to_have_count(0)
    assert watch.complaints == ['vitrina-photo: data-input="input[[" is no CSS selector.']
    watch.complaints.clear()


def test_a_programmer_may_place_the_element(embed: OpenEmbedded, photo: MakePhoto) -> None:
    body = OLD + '<vitrina-photo data-input=".old" data-place="after" data-lang="en">'
    shop = embed(body=body, tags=['data-input=".old"'])
    expect(shop.widgets).to_have_count(1)
    expect(shop.button).to_have_text("Photo")
