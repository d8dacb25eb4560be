"""The shop's page and photos, in a real browser: every way in, every answer, every refusal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import OpenShop, Watch
from PIL import Image
from playwright.sync_api import Route, expect
from shopper import RU, MakePhoto, choose, expect_address, expect_category, send
from stand_in import GOODS_PER_SHELF, HOSTILE_NAME, StandIn

pytestmark = pytest.mark.browser

# A photo


def test_a_photo_names_its_category_and_shows_its_goods(
    open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn
) -> None:
    page = open_shop()
    expect(page.locator("#thumbnail")).to_be_hidden()
    choose(page, photo("sneakers"))
    expect_category(page, "sneakers", "Кеды", "кеды")
    expect(page.get_by_role("img", name=RU["photo_yours"])).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("По вашему фото показано: 24")
    expect(page.locator("#progress")).to_be_hidden()
    expect_address(page, "/?category=sneakers")
    # The goods stand in the order of the answer: the most alike first.
    expect(page.locator("#goods .card").first).to_have_attribute("data-sku", "sneakers-5")
    assert [(one.media_type, one.language) for one in stand_in.uploads] == [("image/jpeg", "ru")]


def test_a_card_says_what_a_shopper_asks(open_shop: OpenShop) -> None:
    page = open_shop("/?category=mugs")
    card = page.locator('[data-sku="mugs-1"]')
    expect(card.locator("h3")).to_have_text("Кружки Polka 2")
    expect(card.locator(".price")).to_have_text("1 721 ₽", use_inner_text=True)
    expect(card.get_by_text(RU["in_stock"])).to_be_visible()
    expect(page.locator('[data-sku="mugs-3"]').get_by_text(RU["out_of_stock"])).to_be_visible()
    box = card.locator(".picture").bounding_box()
    assert box
    assert abs(box["width"] - box["height"]) < 1
    card.get_by_role("link").click()
    expect_address(page, "/goods/mugs-1")


def test_a_chip_goes_into_the_box_and_its_goods_appear(
    open_shop: OpenShop, photo: MakePhoto
) -> None:
    page = open_shop()
    choose(page, photo("sneakers"))
    chips = page.locator("#suggestions .chip")
    expect(chips).to_have_text(["Кеды", "Кружки", "Настольные лампы", "Стулья"])
    expect(chips.nth(0)).to_have_attribute("aria-pressed", "true")
    chips.nth(2).click()
    expect_category(page, "lamps", "Настольные лампы", "настольная лампа")
    expect(chips.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(chips.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(chips.nth(2)).to_be_focused()
    expect(page.locator("#thumbnail")).to_be_visible()
    chips.nth(0).click()
    expect_category(page, "sneakers", "Кеды", "кеды")


def test_no_alternatives_no_chips(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("no_alternatives"))
    expect_category(page, "sneakers", "Кеды", "кеды")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_all_of_the_category_after_the_most_alike(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("sneakers"))
    page.get_by_role("link", name="Вся категория «Кеды»").click()
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    expect(page.locator("#goods .card").first).to_have_attribute("data-sku", "sneakers-0")
    expect(page.locator("#thumbnail")).to_be_hidden()


def test_unsure_fills_nothing_in_and_asks(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop("/?q=лампа")
    choose(page, photo("unsure"))
    expect(page.get_by_text(RU["suggest_unsure"])).to_be_visible()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#results-heading")).to_have_text(RU["heading_near"])
    chips = page.locator("#suggestions .chip")
    expect(chips).to_have_count(3)
    expect(page.locator('#suggestions [aria-pressed="true"]')).to_have_count(0)
    chips.nth(1).click()
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.get_by_text(RU["suggest_unsure"])).to_be_visible()


def test_unknown_is_said_and_words_are_offered(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("unknown"))
    expect(page.get_by_text(RU["unknown"])).to_be_visible()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#results-heading")).to_have_text(RU["heading_nearest"])
    expect(page.locator("#goods .card").first).to_be_visible()
    expect(page.locator("#suggestions .chip")).to_have_count(0)
    expect(page.locator("#shelves .chip").first).to_be_visible()
    page.get_by_role("button", name=RU["unknown_words"]).click()
    expect(page.locator("#q")).to_be_focused()


def test_a_photo_can_be_removed(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    choose(page, photo("sneakers"))
    expect_category(page, "sneakers", "Кеды", "кеды")
    page.get_by_role("button", name=RU["photo_remove"]).click()
    expect(page.get_by_role("status")).to_have_text(f"Найдено: {GOODS_PER_SHELF}")
    expect(page.locator("#thumbnail")).to_be_hidden()
    expect(page.locator("#suggestions")).to_be_hidden()
    expect_category(page, "sneakers", "Кеды", "кеды")


def test_a_photo_can_be_pasted(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    send(page, photo("mugs"), "paste")
    expect_category(page, "mugs", "Кружки", "кружка")


def test_a_photo_can_be_dropped(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop()
    send(page, photo("mugs"), "dragenter")
    expect(page.get_by_text(RU["drop_here"])).to_be_visible()
    send(page, photo("mugs"), "dragleave")
    expect(page.get_by_text(RU["drop_here"])).to_be_hidden()
    send(page, photo("mugs"), "dragover")
    expect(page.get_by_text(RU["drop_here"])).to_be_visible()
    send(page, photo("mugs"), "drop")
    expect(page.get_by_text(RU["drop_here"])).to_be_hidden()
    expect_category(page, "mugs", "Кружки", "кружка")


def test_on_a_phone_there_is_a_camera_to_choose(open_shop: OpenShop, photo: MakePhoto) -> None:
    page = open_shop(width=360, height=740, phone=True)
    button = page.get_by_role("button", name=RU["photo_button"], exact=True)
    expect(button).to_have_attribute("aria-expanded", "false")
    button.tap()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#photo-menu")).to_be_hidden()
    expect(button).to_be_focused()
    button.tap()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=RU["photo_camera"]).tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(photo("mugs"))
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.locator("#photo-menu")).to_be_hidden()


@pytest.mark.parametrize(
    ("size", "orientation", "arrives"),
    [
        ((2000, 1500), 1, (640, 480)),
        ((2000, 1500), 6, (480, 640)),
        ((1024, 600), 1, (640, 375)),
        ((500, 300), 1, (500, 300)),
    ],
)
def test_a_large_photo_is_made_smaller_first(
    open_shop: OpenShop,
    photo: MakePhoto,
    stand_in: StandIn,
    size: tuple[int, int],
    orientation: int,
    arrives: tuple[int, int],
) -> None:
    page = open_shop()
    choose(page, photo("mugs", size, orientation))
    expect_category(page, "mugs", "Кружки", "кружка")
    assert [(one.media_type, one.size) for one in stand_in.uploads] == [("image/jpeg", arrives)]


def test_twelve_megapixels_on_a_slow_line(
    open_shop: OpenShop, tmp_path: Path, stand_in: StandIn
) -> None:
    page = open_shop(width=360, phone=True)
    path = tmp_path / "photo.jpg"
    # hard to press: noise to the last pixel
    Image.effect_noise((4000, 3000), 90).convert("RGB").save(path, "JPEG", quality=90)
    assert path.stat().st_size > 4_000_000
    line = page.context.new_cdp_session(page)
    line.send(
        "Network.emulateNetworkConditions",
        # a telephone at the edge of its net: bytes a second, milliseconds
        {"offline": False, "latency": 300, "downloadThroughput": 50e3, "uploadThroughput": 50e3},
    )
    stand_in.answer = "mugs"
    with page.expect_file_chooser() as chooser:
        page.locator("#photo-button").tap()
        page.get_by_role("button", name=RU["photo_file"], exact=True).tap()
    chooser.value.set_files(path)
    expect(page.locator("#cancel")).to_be_visible()
    expect(page.locator("#progress")).to_be_visible()
    expect_category(page, "mugs", "Кружки", "кружка")
    (upload,) = stand_in.uploads
    assert upload.size == (640, 480)
    assert 20_000 < upload.bytes < 120_000


def test_what_the_browser_cannot_open_is_sent_as_it_is(
    open_shop: OpenShop, tmp_path: Path, stand_in: StandIn, watch: Watch
) -> None:
    watch.refusals_expected = True
    page = open_shop()
    file = tmp_path / "photo.heic"
    file.write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 2000)
    choose(page, file)
    expect(page.get_by_role("alert")).to_contain_text(RU["error_photo_type"])
    assert len(stand_in.uploads) == 1


def test_a_search_can_be_cancelled(
    open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn
) -> None:
    page = open_shop("/?category=mugs")
    choose(page, photo("slow"))
    expect(page.get_by_role("status")).to_have_text(RU["searching_photo"])
    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#thumbnail")).to_be_visible()
    page.get_by_role("button", name=RU["cancel"]).click()
    assert stand_in.abandoned.wait(15), "the server was left to work on it"
    expect(page.get_by_role("status")).to_have_text(RU["cancelled"])
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#thumbnail")).to_be_hidden()
    expect(page.locator("#photo-button")).to_be_focused()
    expect_category(page, "mugs", "Кружки", "кружка")


def test_a_newer_search_takes_the_place_of_a_slow_one(
    open_shop: OpenShop, photo: MakePhoto
) -> None:
    page = open_shop()
    choose(page, photo("slow"))
    expect(page.locator("#cancel")).to_be_visible()
    choose(page, photo("mugs"))
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.locator("#cancel")).to_be_hidden()


# What can go wrong


@pytest.mark.parametrize(
    "code", ["photo_too_large", "photo_type", "photo_dimensions", "photo_damaged", "no_bundle"]
)
def test_a_refused_photo_says_why_and_what_to_do(
    open_shop: OpenShop, photo: MakePhoto, watch: Watch, code: str
) -> None:
    watch.refusals_expected = True
    page = open_shop()
    choose(page, photo(code))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(RU[f"error_{code}"])
    # The same photo would be refused again.
    expect(alert.get_by_role("button")).to_be_hidden()
    expect(page.locator("#shelves .chip").first).to_be_visible()
    choose(page, photo("mugs"))
    expect_category(page, "mugs", "Кружки", "кружка")
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "content", "code"), [("a.jpg", b"", "photo_empty"), ("a.pdf", b"%PDF-", "photo_type")]
)
def test_what_is_no_photo_is_not_even_sent(
    open_shop: OpenShop, tmp_path: Path, stand_in: StandIn, name: str, content: bytes, code: str
) -> None:
    page = open_shop()
    (tmp_path / name).write_bytes(content)
    choose(page, tmp_path / name)
    expect(page.get_by_role("alert")).to_contain_text(RU[f"error_{code}"])
    assert stand_in.uploads == []


def test_busy_can_be_tried_again(
    open_shop: OpenShop, photo: MakePhoto, stand_in: StandIn, watch: Watch
) -> None:
    watch.refusals_expected = True
    stand_in.busy_times = 1
    page = open_shop()
    choose(page, photo("busy"))
    expect(page.get_by_role("alert")).to_contain_text(RU["error_busy"])
    page.get_by_role("button", name=RU["retry"]).click()
    expect_category(page, "sneakers", "Кеды", "кеды")
    expect(page.locator("#problem")).to_be_hidden()


def test_without_a_connection_the_page_says_so(
    open_shop: OpenShop, photo: MakePhoto, watch: Watch
) -> None:
    watch.refusals_expected = True
    page = open_shop()
    page.context.set_offline(True)
    choose(page, photo("mugs"))
    expect(page.get_by_role("alert")).to_contain_text(RU["error_offline"])
    page.context.set_offline(False)
    page.get_by_role("button", name=RU["retry"]).click()
    expect_category(page, "mugs", "Кружки", "кружка")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (413, "<h1>nginx</h1>", "photo_too_large"),
        (502, "<h1>nginx</h1>", "busy"),
        (500, '{"code": "eclipse"}', "internal"),
        (200, '{"products": [', "unreachable"),
    ],
)
def test_a_proxy_between_may_answer_as_it_likes(
    open_shop: OpenShop, photo: MakePhoto, watch: Watch, status: int, body: str, code: str
) -> None:
    watch.refusals_expected = True

    def answer(route: Route) -> None:
        route.fulfill(status=status, body=body, content_type="text/html")

    page = open_shop()
    page.route("**/v1/search/photo*", answer)
    choose(page, photo("mugs"))
    expect(page.get_by_role("alert")).to_contain_text(RU[f"error_{code}"])


def test_a_text_search_that_fails_can_be_tried_again(open_shop: OpenShop, watch: Watch) -> None:
    watch.refusals_expected = True
    page = open_shop()
    page.locator("#q").fill("беда")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(RU["error_busy"])
    expect(page.locator("#results")).to_be_hidden()
    page.locator("#q").fill("лампа")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#results-heading")).to_have_text("По запросу «лампа»")


def test_a_next_page_that_fails_leaves_the_goods(open_shop: OpenShop, watch: Watch) -> None:
    watch.refusals_expected = True
    page = open_shop("/?category=mugs")
    page.context.set_offline(True)
    page.get_by_role("link", name=RU["more"]).click()
    expect(page.get_by_role("alert")).to_contain_text(RU["error_offline"])
    expect(page.locator("#goods .card")).to_have_count(24)
    page.context.set_offline(False)
    page.get_by_role("button", name=RU["retry"]).click()
    expect(page.locator("#goods .card")).to_have_count(GOODS_PER_SHELF)
    expect(page.locator("#problem")).to_be_hidden()


def test_hostile_names_stay_text(open_shop: OpenShop) -> None:
    page = open_shop()
    card = page.locator('[data-sku="sneakers-1"]')
    page.get_by_role("link", name="Кеды 30").click()
    for _ in ("written by the script", "written by the server"):
        expect(card.locator("h3")).to_have_text(HOSTILE_NAME)
        expect(card.locator("h3 *")).to_have_count(0)
        # its address is a script, so its card leads to its own page here
        expect(card.locator("a")).to_have_attribute("href", "/product/sneakers-1")
        page.reload()
    query = '<img src=x onerror="alert(1)">'
    page.locator("#q").fill(query)
    page.keyboard.press("Enter")
    expect(page.locator("#results-heading")).to_have_text(f"По запросу «{query}»")
    expect(page.locator("#results-heading *")).to_have_count(0)
    expect(page).to_have_title(re.compile("Лавка «Полка»$"))


def test_goods_without_price_picture_or_page(open_shop: OpenShop) -> None:
    page = open_shop("/?category=sneakers")
    bare = page.locator('[data-sku="sneakers-2"]')
    expect(bare.get_by_text(RU["no_price"])).to_be_visible()
    expect(bare.locator("img")).to_have_count(0)
    other = page.locator('[data-sku="sneakers-4"]')
    expect(other.locator("a")).to_have_attribute("href", "/product/sneakers-4")
    expect(other.locator(".price")).to_have_text("1 234,50 ₽", use_inner_text=True)
