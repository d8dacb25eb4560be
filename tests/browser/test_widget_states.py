"""What can go wrong between the widget and its server, and how a shopper gets on."""

from __future__ import annotations

import socket

import pytest
from conftest import Watch
from embedded import TEXTS, OpenEmbedded
from embedding import PhotoServer
from playwright.sync_api import expect
from shopper import MakePhoto

pytestmark = pytest.mark.browser

RU = TEXTS["ru"]
NO_ANSWER = "vitrina-photo: is {} in the cors_origins of {}?"


@pytest.mark.parametrize(
    ("status", "code", "sentence", "passing"),
    [
        (503, "busy", "busy", True),
        (503, "deadline", "busy", True),
        (503, "stopping", "busy", True),
        (503, "no_bundle", "no_bundle", False),
        (503, "bundle_damaged", "no_bundle", False),
        (429, "rate", "rate", True),
        (415, "photo_type", "photo_type", False),
        (413, "photo_too_large", "photo_too_large", False),
        (422, "photo_dimensions", "photo_dimensions", False),
        (422, "photo_damaged", "photo_damaged", False),
        (408, "upload_slow", "unreachable", True),
        (500, "internal", "internal", True),
        (500, "of_tomorrow", "internal", True),
        # a proxy that says nothing in particular
        (502, "", "busy", True),
        (413, "", "photo_too_large", False),
        (422, "", "photo_damaged", False),
        (404, "", "internal", True),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(
    embed: OpenEmbedded,
    photo: MakePhoto,
    watch: Watch,
    status: int,
    code: str,
    sentence: str,
    passing: bool,
) -> None:
    watch.refusals_expected = True
    # every other one in the other language, to hold both without asking twice as long
    language = "ru" if status % 2 else "en"
    texts = TEXTS[language]
    shop = embed(tags=['data-input="#search" data-crop="off"'], language=language)
    shop.photo_server.refusals.append((status, code, 0))
    shop.give(photo("mugs"), "paste", shop.field)
    expect(shop.dialog.get_by_role("alert")).to_have_text(texts[f"error_{sentence}"])
    retry = shop.dialog.get_by_role("button", name=texts["retry"])
    expect(retry).to_have_count(int(passing))
    if passing:
        expect(retry).to_be_focused()
        retry.click()
    else:
        expect(shop.dialog.get_by_role("button", name=texts["other"])).to_be_focused()
        shop.give(photo("mugs"), "paste", shop.dialog)
    shop.expect_searched("кружка" if language == "ru" else "mug")


def test_who_is_told_to_wait_sees_the_seconds(
    embed: OpenEmbedded, photo: MakePhoto, watch: Watch
) -> None:
    watch.refusals_expected = True
    shop = embed()
    shop.page.clock.install()
    shop.photo_server.refusals.append((503, "busy", 3))
    shop.search(photo("mugs"))
    retry = shop.view.locator(".first")
    expect(retry).to_have_text(RU["retry_in"].replace("{seconds}", "3"))
    expect(retry).to_be_disabled()
    expect(shop.dialog.get_by_role("button", name=RU["other"])).to_be_focused()
    shop.page.clock.run_for(1500)
    expect(retry).to_have_text(RU["retry_in"].replace("{seconds}", "2"))
    shop.page.clock.run_for(2000)
    expect(retry).to_have_text(RU["retry"])
    retry.click()
    shop.page.clock.resume()
    shop.expect_searched("кружка")
    assert len(shop.photo_server.arrived) == 2


def test_a_server_that_is_off(embed: OpenEmbedded, photo: MakePhoto, watch: Watch) -> None:
    watch.refusals_expected = True
    # bound and not listening: nobody else can be there
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        shop = embed(tags=[f'data-input="#search" data-server="{server}"'], also=server)
        shop.search(photo("mugs"))
        expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_unreachable"])
    assert watch.complaints == [NO_ANSWER.format(shop.shop.address, server)]
    watch.complaints.clear()
    # the shop's own search is as it was
    shop.press(RU["words"])
    shop.page.keyboard.type("кружка")
    shop.page.keyboard.press("Enter")
    shop.expect_searched("кружка")


def test_without_a_connection(embed: OpenEmbedded, photo: MakePhoto, watch: Watch) -> None:
    watch.refusals_expected = True
    shop = embed()
    shop.page.context.set_offline(True)
    shop.search(photo("mugs"))
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_offline"])
    shop.page.context.set_offline(False)
    shop.press(RU["retry"])
    shop.expect_searched("кружка")


def test_a_page_that_the_server_does_not_let_in(
    embed: OpenEmbedded, photo: MakePhoto, watch: Watch
) -> None:
    shop = embed()
    elsewhere = shop.shop.address.replace("127.0.0.1", "localhost")
    shop = embed(address=elsewhere)
    shop.search(photo("mugs"))
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_unreachable"])
    # the shop's owner reads here what to set
    server = f"{shop.photo_server.address}/"
    assert NO_ANSWER.format(elsewhere, server) in watch.complaints
    assert all("CORS" in one or "cors" in one or "ERR_FAILED" in one for one in watch.complaints)
    watch.complaints.clear()


def test_an_answer_that_breaks_off(embed: OpenEmbedded, photo: MakePhoto, watch: Watch) -> None:
    shop = embed()
    shop.page.route(
        "**/v1/search/photo*",
        lambda route: route.fulfill(
            body='{"products": [', headers={"Access-Control-Allow-Origin": "*"}
        ),
    )
    shop.search(photo("mugs"))
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_unreachable"])
    watch.complaints.clear()


def test_a_server_that_never_answers_is_given_up(
    embed: OpenEmbedded, photo: MakePhoto, stalled: PhotoServer
) -> None:
    shop = embed()
    shop.page.clock.install()
    shop.search(photo("slow"))
    expect(shop.view.get_by_role("progressbar")).to_be_visible()
    assert stalled.working.wait(15)
    shop.page.clock.run_for(46_000)
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_unreachable"])
    assert stalled.abandoned.wait(15)


def test_a_search_can_be_cancelled(
    embed: OpenEmbedded, photo: MakePhoto, stalled: PhotoServer
) -> None:
    shop = embed()
    shop.search(photo("slow"))
    expect(shop.view).to_contain_text(RU["searching"])
    expect(shop.dialog.get_by_role("button", name=RU["cancel"])).to_be_focused()
    assert stalled.working.wait(15)
    shop.press(RU["cancel"])
    assert stalled.abandoned.wait(15), "the server was left to work on it"
    expect(shop.view.locator(".stage")).to_be_visible()
    expect(shop.dialog.get_by_role("status")).to_have_text(RU["cancelled"])


def test_closing_the_dialog_ends_the_search(
    embed: OpenEmbedded, photo: MakePhoto, stalled: PhotoServer
) -> None:
    shop = embed()
    shop.search(photo("slow"))
    expect(shop.view.get_by_role("progressbar")).to_be_visible()
    assert stalled.working.wait(15)
    shop.page.keyboard.press("Escape")
    assert stalled.abandoned.wait(15)
    expect(shop.dialog).to_be_hidden()
    expect(shop.button).to_be_focused()


def test_a_newer_photo_takes_the_place_of_a_slow_one(
    embed: OpenEmbedded, photo: MakePhoto, stalled: PhotoServer
) -> None:
    shop = embed()
    shop.search(photo("slow"))
    expect(shop.view.get_by_role("progressbar")).to_be_visible()
    assert stalled.working.wait(15)
    shop.give(photo("mugs"), "paste", shop.dialog)
    shop.press(RU["find"])
    shop.expect_searched("кружка")
    assert stalled.abandoned.wait(15)


def test_goods_of_a_chip_that_do_not_come(
    embed: OpenEmbedded, photo: MakePhoto, watch: Watch
) -> None:
    watch.refusals_expected = True
    shop = embed(tags=['data-input="#search" data-results="panel"'])
    shop.search(photo("mugs"))
    expect(shop.view.locator(".goods > li")).to_have_count(12)
    shop.photo_server.refusals.append((503, "busy", 0))
    shop.press("Стулья")
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_busy"])
    shop.press(RU["retry"])
    expect(shop.view.locator("h3")).to_have_text("Стулья")
    # what the photo brought is still there, without asking again
    shop.press("Кружки")
    expect(shop.view.locator(".goods > li .name").first).to_contain_text("Кружки Polka 6")
    assert len(shop.photo_server.arrived) == 1


@pytest.fixture
def stalled(origins: tuple[PhotoServer, object]) -> PhotoServer:
    """The photo server: it tells when a browser has gone from what it never answers."""
    return origins[0]
