"""A/B on the page of models: begun, shown in both languages, ended."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from asking import AppClient
from test_admin import PASSWORD, form_token, noted, post, sign_in, wait_until
from test_experiment import fill
from tiny_network import write_tiny

from vitrina import Shop
from vitrina.admin import accounts
from vitrina.admin.texts import texts
from vitrina.experiment.definition import begin, end, read_experiment
from vitrina.serving.app import ShopApp, create_app
from vitrina.store.server_database import ServerDatabase


@pytest.fixture
def app(published_shop: Shop) -> ShopApp:
    """tiny-1 is active, tiny-2 lies beside it."""
    write_tiny(published_shop.folder, version="tiny-2")
    accounts.set_password(ServerDatabase(published_shop.folder.server_database), "admin", PASSWORD)
    return create_app(published_shop.folder)


@pytest.fixture
def signed_in(app: ShopApp) -> Iterator[AppClient]:
    with AppClient(app) as client:
        sign_in(client)
        yield client


def models(client: AppClient, language: str = "en") -> str:
    page = client.get("/admin/models", headers={"Accept-Language": language})
    assert page.status_code == 200
    return " ".join(html.unescape(page.text).split())


def test_it_is_begun_and_ended(signed_in: AppClient, app: ShopApp) -> None:
    bundles = app.shop.folder.bundles
    assert texts("en")["heading_ab_start"] in models(signed_in)
    form = form_token(signed_in) | {"version": "tiny-2", "share": "0.25", "criterion": "order"}
    assert post(signed_in, "/admin/models/ab", form).status_code == 303
    wait_until(lambda: read_experiment(bundles) is not None)
    began = read_experiment(bundles)
    assert began is not None
    assert (began.second, began.share, began.criterion) == ("tiny-2", 0.25, "order")
    wait_until(lambda: texts("en")["work_ab_done"].format(target="tiny-2") in models(signed_in))
    page = models(signed_in)
    assert "B answers 25% of the visitors, A the others." in page
    assert texts("en")["heading_ab_start"] not in page
    stale = form_token(signed_in) | {"experiment": "0" * 32}
    assert post(signed_in, "/admin/models/ab/stop", stale).status_code == 404
    form = form_token(signed_in) | {"experiment": began.id}
    assert post(signed_in, "/admin/models/ab/stop", form).status_code == 303
    assert not read_experiment(bundles).is_running  # type: ignore[union-attr]
    assert noted(ServerDatabase(app.shop.folder.server_database))[-2:] == [
        ("admin", "ab"),
        ("admin", "ab_stop"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "tiny-9"},
        {"version": "../tiny-2"},
        {"share": "0.9"},
        {"share": "--help"},
        {"criterion": "money"},
    ],
)
def test_what_the_form_does_not_offer_begins_nothing(
    signed_in: AppClient, app: ShopApp, wrong: dict[str, str]
) -> None:
    form = form_token(signed_in) | {"version": "tiny-2"} | wrong
    assert post(signed_in, "/admin/models/ab", form).status_code == 404
    assert read_experiment(app.shop.folder.bundles) is None


@pytest.mark.parametrize("language", ["ru", "en"])
def test_both_bundles_stand_side_by_side(
    signed_in: AppClient, app: ShopApp, published_shop: Shop, language: str
) -> None:
    t = texts(language)
    names = {"first": "A", "second": "B"}
    begin(published_shop.folder.bundles, "tiny-2")
    assert t["ab_open"] in models(signed_in, language)
    fill(published_shop, (0.3, 0.5), slow=(0, 0.2), failed=(0, 0.005))
    page = models(signed_in, language)
    assert t["ab_second_slower_now"].format(**names) in page
    space = "\N{NO-BREAK SPACE}" if language == "ru" else ""
    for row, first, second in (
        ("ab_order", "180 · 30{p}0{s}%", "300 · 50{p}0{s}%"),
        ("ab_slow", "0 · 0{p}0{s}%", "120 · 20{p}0{s}%"),
        ("ab_failed", "0 · 0{p}0{s}%", "3 · 0{p}5{s}%"),
    ):
        cells = page.split(f"<td>{t[row]}</td>")[1].split("</tr>")[0]
        for cell in (first, second):
            shown = cell.format(p="," if language == "ru" else ".", s=space)
            assert " ".join(shown.split()) in cells
    assert t["figure_inference"] in page
    end(published_shop.folder.bundles, "second_slower")
    assert t["ab_second_slower"].format(**names) in models(signed_in, language)


def test_a_server_that_cannot_load_the_other_says_so(
    signed_in: AppClient, app: ShopApp, published_shop: Shop
) -> None:
    bundles = published_shop.folder.bundles
    begin(bundles, "tiny-2")
    (bundles / "tiny-2" / "model.onnx").write_bytes(b"torn")
    app.shop.served.look_at_experiment()
    said = texts("en")["ab_refused"].format(first="A", second="B")
    assert said in models(signed_in)
    end(bundles)
    app.shop.served.look_at_experiment()
    assert said not in models(signed_in)


def test_a_split_that_is_wrong_is_told(signed_in: AppClient, published_shop: Shop) -> None:
    begin(published_shop.folder.bundles, "tiny-2", share=0.1)
    fill(published_shop, (0.3, 0.3), (600, 600))
    assert texts("en")["ab_lopsided"].format(share="10%") in models(signed_in)
