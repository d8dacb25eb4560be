"""The widget on a page of another origin, under the strictest policy: every way in and out."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from conftest import Watch
from embedded import TEXTS, OpenEmbedded
from playwright.sync_api import Page, expect
from shopper import MakePhoto

pytestmark = pytest.mark.browser

RU, EN = TEXTS["ru"], TEXTS["en"]
PANEL = ('data-input="input[name=search]" data-results="panel"',)


def box(page: Page, selector: str) -> dict[str, float]:
    """Where an element is, shadow roots included."""
    found = page.locator(selector).first.bounding_box()
    assert found
    return dict(found)


# The whole way


@pytest.mark.parametrize(("width", "phone"), [(360, True), (768, True), (1280, False)])
def test_a_photo_fills_the_shops_field_and_submits_its_form(
    embed: OpenEmbedded, photo: MakePhoto, width: int, phone: bool
) -> None:
    shop = embed(width=width, phone=phone)
    field, button = box(shop.page, "#search"), box(shop.page, "vitrina-photo .open")
    assert field["x"] < button["x"]
    assert button["x"] + button["width"] < field["x"] + field["width"]
    assert field["y"] < button["y"]
    assert button["y"] + button["height"] < field["y"] + field["height"]
    assert min(button["width"], button["height"]) >= 24
    shop.hear("vitrina:result")
    shop.search(photo("mugs"), by="gallery" if phone else "file")
    shop.expect_searched("кружка")
    # the form's own button, as the Enter key would press it
    assert parse_qs(shop.shop.searched[0])["by"] == ["button"]
    assert [one.query["lang"] for one in shop.photo_server.arrived] == ["ru"]
    assert shop.photo_server.preflights == 0


def test_on_a_phone_the_camera_comes_first(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(width=360, phone=True)
    shop.button.tap()
    expect(shop.dialog.get_by_role("button", name=RU["camera"])).to_be_focused()
    with shop.page.expect_file_chooser() as chooser:
        shop.dialog.get_by_role("button", name=RU["camera"]).tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(photo("mugs"))
    shop.dialog.get_by_role("button", name=RU["find"], exact=True).tap()
    shop.expect_searched("кружка")


@pytest.mark.parametrize("target", ["field", "dialog"])
def test_a_photo_can_be_pasted(embed: OpenEmbedded, photo: MakePhoto, target: str) -> None:
    shop = embed()
    if target == "dialog":
        shop.button.click()
    shop.give(photo("mugs"), "paste", shop.field if target == "field" else shop.dialog)
    shop.press(RU["find"])
    shop.expect_searched("кружка")


@pytest.mark.parametrize("target", ["field", "dialog"])
def test_a_photo_can_be_dropped(embed: OpenEmbedded, photo: MakePhoto, target: str) -> None:
    shop = embed()
    hint = shop.widget.get_by_text(RU["drop_here"])
    if target == "dialog":
        shop.button.click()
    to = shop.field if target == "field" else shop.dialog
    shop.give(photo("mugs"), "dragenter", to)
    if target == "field":
        expect(hint).to_be_visible()
        over, field = box(shop.page, "vitrina-photo .drop"), box(shop.page, "#search")
        assert all(abs(over[side] - field[side]) < 1 for side in field)
    shop.give(photo("mugs"), "drop", to)
    expect(hint).to_be_hidden()
    shop.press(RU["find"])
    shop.expect_searched("кружка")


def test_what_is_pasted_as_text_stays_text(embed: OpenEmbedded) -> None:
    shop = embed()
    prevented = shop.field.evaluate(
        """(field) => {
            const carried = new DataTransfer();
            carried.items.add(new File(["x"], "x.png", { type: "image/png" }));
            carried.setData("text/plain", "лампа");
            const flags = { clipboardData: carried, bubbles: true, cancelable: true };
            return !field.dispatchEvent(new ClipboardEvent("paste", flags));
        }"""
    )
    assert not prevented
    expect(shop.dialog).to_be_hidden()


def test_without_a_frame_the_photo_is_sent_at_once(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(tags=['data-input="#search" data-crop="off"'])
    shop.choose(photo("mugs"))
    shop.expect_searched("кружка")


# What the answer may be


def test_unsure_asks_and_the_choice_is_searched(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.search(photo("unsure"))
    expect(shop.view.locator(".lead")).to_have_text(RU["unsure"])
    expect(shop.view.locator(".lead")).to_be_focused()
    expect(shop.view.locator(".chip")).to_have_text(["Кеды", "Кружки", "Настольные лампы"])
    assert shop.shop.searched == []
    expect(shop.field).to_have_value("")
    shop.press("Кружки")
    shop.expect_searched("кружка")


def test_unknown_is_said_and_words_are_offered(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.search(photo("unknown"))
    expect(shop.view).to_contain_text(RU["unknown"])
    expect(shop.view.locator(".chip")).to_have_count(0)
    expect(shop.view.get_by_role("img", name=RU["photo"])).to_be_visible()
    shop.press(RU["words"])
    expect(shop.dialog).to_be_hidden()
    expect(shop.field).to_be_focused()
    expect(shop.field).to_have_value("")
    assert shop.shop.searched == []


def test_unknown_offers_another_frame(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.search(photo("unknown"))
    shop.press(RU["again"])
    expect(shop.view.locator(".stage")).to_be_visible()
    shop.press(RU["other"])
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")


@pytest.mark.parametrize(("width", "phone"), [(360, True), (768, True), (1280, False)])
def test_the_panel_shows_the_goods(
    embed: OpenEmbedded, photo: MakePhoto, width: int, phone: bool
) -> None:
    shop = embed(width=width, phone=phone, tags=PANEL)
    shop.search(photo("sneakers"), by="gallery" if phone else "file")
    goods = shop.view.locator(".goods > li")
    expect(goods).to_have_count(12)
    expect(shop.view.locator("h3")).to_have_text("Кеды")
    expect(shop.view.locator("[aria-pressed=true]")).to_have_text("Кеды")
    expect(goods.first.locator(".price")).to_have_text("4 645 ₽", use_inner_text=True)
    picture = goods.first.locator("img")
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    # nothing sticks out of the window
    assert shop.view.evaluate("body => body.scrollWidth <= body.clientWidth")
    assert box(shop.page, "vitrina-photo dialog")["width"] <= width
    shop.press("Стулья")
    expect(shop.view.locator("h3")).to_have_text("Стулья")
    expect(goods.first.locator(".name")).to_contain_text("Стулья")
    assert shop.shop.searched == []
    shop.press(RU["all"].replace("{name}", "Стулья"))
    shop.expect_searched("стул")


def test_a_card_of_the_panel_leads_to_the_shops_own_page(
    embed: OpenEmbedded, photo: MakePhoto
) -> None:
    shop = embed(tags=PANEL)
    shop.search(photo("mugs"))
    card = shop.view.locator(".goods a").first
    expect(card).to_have_attribute("href", f"{shop.shop.address}/goods/mugs-5")
    card.click()
    expect(shop.page).to_have_title("mugs-5")


def test_hostile_names_and_addresses_stay_harmless(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(tags=['data-input="#search" data-results="panel" data-limit="24"'])
    shop.search(photo("sneakers"))
    card = shop.view.locator(".goods > li", has_text="<img src=x")
    expect(card.locator(".name")).to_contain_text("<b>жирные</b> & {{ 7*7 }}")
    expect(card.locator(".name *")).to_have_count(0)
    # its address is a script, so it has none
    expect(card.locator("a")).to_have_count(0)
    expect(shop.page).to_have_title("Лавка")


def test_the_panel_says_what_is_nearest(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed(tags=PANEL, language="en")
    shop.button.click()
    with shop.page.expect_file_chooser() as chooser:
        shop.press(EN["file"])
    chooser.value.set_files(photo("unknown"))
    shop.press(EN["find"])
    expect(shop.view).to_contain_text(EN["unknown"])
    expect(shop.view.locator("h3")).to_have_text(EN["nearest"])
    expect(shop.view.locator(".goods > li").first).to_contain_text("Sneakers")
    expect(shop.view.locator(".price").first).to_have_text("₽990")


# What the shop hears


def test_the_shop_hears_and_may_take_over(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.hear("vitrina:result", "event.preventDefault()")
    shop.search(photo("mugs"))
    expect(shop.dialog).to_be_hidden()
    expect(shop.button).to_be_focused()
    (answer,) = shop.heard()
    assert (answer["decision"], answer["category"]["search_text"]) == ("category", "кружка")
    expect(shop.field).to_have_value("")
    assert shop.shop.searched == []


def test_the_shop_hears_a_choice(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.hear("vitrina:choice", "event.preventDefault()")
    shop.search(photo("unsure"))
    shop.press("Кружки")
    expect(shop.dialog).to_be_hidden()
    (choice,) = shop.heard()
    assert (choice["query_id"], choice["category"]["id"]) == ("q-1", "mugs")
    assert shop.shop.searched == []


def test_the_shop_hears_a_problem(embed: OpenEmbedded, photo: MakePhoto, watch: Watch) -> None:
    watch.refusals_expected = True
    shop = embed()
    shop.hear("vitrina:error")
    shop.photo_server.refusals.append((429, "rate", 7))
    shop.search(photo("mugs"))
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_rate"])
    assert shop.heard() == [{"code": "rate", "status": 429, "retryAfter": 7}]


def test_scripts_of_the_shop_hear_the_field_change_and_no_key_of_the_dialog(
    embed: OpenEmbedded, photo: MakePhoto
) -> None:
    shop = embed()
    shop.page.evaluate(
        """() => {
            window.seen = [];
            const field = document.getElementById("search");
            const form = field.form;
            for (const kind of ["input", "change"]) {
                field.addEventListener(kind, () => window.seen.push(`${kind} ${field.value}`));
            }
            for (const kind of ["keydown", "click", "submit"]) {
                form.addEventListener(kind, (event) => window.seen.push(kind));
            }
            form.addEventListener("submit", (event) => event.preventDefault());
        }"""
    )
    shop.button.focus()
    shop.page.keyboard.press("Enter")
    shop.choose(photo("mugs"))
    shop.page.evaluate("window.seen.length = 0")
    shop.page.keyboard.press("Tab")
    shop.page.keyboard.press("Shift+Tab")
    shop.press(RU["find"])
    expect(shop.dialog).to_be_hidden()
    # the last click is that on the form's own button
    assert shop.page.evaluate("window.seen") == [
        "input кружка",
        "change кружка",
        "click",
        "submit",
    ]
    # where the page stays, it says what happened, and the keyboard is in the field
    expect(shop.field).to_be_focused()
    told = shop.widget.get_by_role("status").first
    expect(told).to_have_text(RU["filled"].replace("{text}", "кружка"))
