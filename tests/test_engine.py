"""A photo -> an answer: what fills the box, what is offered, which goods come first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, Colour, drawn_photo, write_table
from sqlalchemy import text
from tiny_network import publish_tiny, tiny_info, tiny_model

from vitrina import Shop
from vitrina.bundle import activate, goods_array, write_bundle
from vitrina.errors import BundleDamaged, NoBundle, PhotoDamaged
from vitrina.search.answers import PhotoAnswer
from vitrina.store.database import open_database

BETWEEN: Colour = (130, 115, 60)
"""As far from lamps as from sockets: no category is likely."""


def search(shop: Shop, colour: Colour = COLOURS["lampy"], **options: object) -> PhotoAnswer:
    photo = drawn_photo(colour, seed=1, kind="JPEG")
    return shop.search_photo(photo, **options)  # type: ignore[arg-type]


def test_sure(published_shop: Shop) -> None:
    answer = search(published_shop)
    assert answer.decision == "category"
    assert answer.category is not None
    assert (answer.category.id, answer.category.name) == ("lamps", "Лампы")
    assert answer.category.search_text == "лампа"
    assert 0.9 <= answer.category.confidence <= 1
    assert {guess.id for guess in answer.alternatives} == {"kabeli", "sockets"}
    assert [guess.confidence for guess in answer.alternatives] == sorted(
        (guess.confidence for guess in answer.alternatives), reverse=True
    )
    assert {product.sku for product in answer.products} == {f"lampy-{n}" for n in range(4)}


def test_unsure(published_shop: Shop) -> None:
    answer = search(published_shop, BETWEEN)
    assert (answer.decision, answer.category) == ("unsure", None)
    assert len(answer.alternatives) == 3
    assert sum(guess.confidence for guess in answer.alternatives) == pytest.approx(1, abs=1e-3)
    # goods of all that is offered
    assert {product.sku.split("-")[0] for product in answer.products} == set(COLOURS)


def test_in_stock_first_then_the_likest(published_shop: Shop) -> None:
    products = search(published_shop).products
    assert [product.in_stock for product in products] == [True, True, True, False]
    assert products[-1].sku == "lampy-3"
    similarities = [product.similarity for product in products[:3]]
    assert all(similarity is not None and similarity > 0.99 for similarity in similarities)
    assert similarities == sorted(similarities, reverse=True)  # type: ignore[type-var]


def test_limit(published_shop: Shop) -> None:
    assert len(search(published_shop, limit=2).products) == 2
    assert len(search(published_shop, BETWEEN, limit=100).products) == 12


def test_languages(published_shop: Shop) -> None:
    english = search(published_shop, language="en")
    assert english.category is not None
    assert (english.category.name, english.category.search_text) == ("Lamps", "Lamps")
    names = {product.sku: product.name for product in english.products}
    # where the catalogue has no English name, the shop's own stays
    assert names["lampy-0"] == "Лампы модель 0"
    assert names["lampy-1"] == "Lamps model 1"
    cables = search(published_shop, COLOURS["kabeli"], language="en").category
    assert cables is not None
    assert (cables.name, cables.search_text) == ("Кабели", "кабель")


def test_prices_and_pictures(published_shop: Shop) -> None:
    products = {product.sku: product for product in search(published_shop).products}
    assert products["lampy-0"].price is None
    assert (products["lampy-1"].price, products["lampy-1"].currency) == ("200.50", "RUB")
    assert products["lampy-1"].url == "https://shop.test/lampy/1"
    for product in products.values():
        assert product.image_url is not None
        sha256 = product.image_url.removeprefix("/photos/")
        assert published_shop.folder.photo(sha256, ".jpg").is_file()


def test_goods_that_came_after_publishing(published_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "late.png").write_bytes(drawn_photo(seed=50))
    rows = [
        ("sku", "name", "category", "image"),
        ("late", "Лампа поздняя", "Лампы", "late.png"),
        ("bare", "Лампа без фото", "Лампы", ""),
    ]
    published_shop.import_catalogue(write_table(tmp_path / "late.csv", rows))
    found = {product.sku: product for product in search(published_shop).products}
    assert len(found) == 6
    assert found["late"].similarity is not None
    assert found["late"].similarity > 0.9
    assert found["late"].image_url is not None
    assert (found["bare"].similarity, found["bare"].image_url) == (None, None)
    # unknown likeness comes after what is known, and before what cannot be bought
    assert list(found)[-2:] == ["bare", "lampy-3"]


def test_category_that_left_the_shop(published_shop: Shop) -> None:
    with open_database(published_shop.folder.database).writing() as connection:
        connection.execute(text("DELETE FROM products WHERE sku LIKE 'lampy%'"))
        connection.execute(text("DELETE FROM categories WHERE slug = 'lamps'"))
    answer = search(published_shop)
    assert (answer.decision, answer.category, answer.alternatives) == ("unknown", None, ())
    assert all(not product.sku.startswith("lampy") for product in answer.products)


def test_category_that_lost_its_goods(published_shop: Shop) -> None:
    with open_database(published_shop.folder.database).writing() as connection:
        connection.execute(text("DELETE FROM products WHERE sku LIKE 'lampy%'"))
    answer = search(published_shop)
    assert (answer.decision, answer.category, answer.alternatives) == ("unknown", None, ())


def test_renamed_category_still_fills_the_box(published_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category")]
    rows += [(f"lampy-{number}", "Светильник", "Светильники") for number in range(4)]
    published_shop.import_catalogue(write_table(tmp_path / "renamed.csv", rows))
    answer = search(published_shop)
    assert answer.category is not None
    assert (answer.category.id, answer.category.name) == ("lamps", "Светильники")
    assert len(answer.products) == 4


def test_empty_catalogue(published_shop: Shop) -> None:
    with open_database(published_shop.folder.database).writing() as connection:
        for table in ("photos", "products", "categories"):
            connection.execute(text(f"DELETE FROM {table}"))
    answer = search(published_shop)
    assert (answer.decision, answer.alternatives, answer.products) == ("unknown", (), ())


@pytest.mark.parametrize(("step", "decision"), [(0.0, "category"), (1e-7, "unsure")])
def test_threshold_is_compared_exactly(shop: Shop, step: float, decision: str) -> None:
    publish_tiny(shop.folder, version="first")
    confidence = exact_confidence(shop)
    assert round(confidence, 4) != confidence
    publish_tiny(shop.folder, version="second", changes={"fill_threshold": confidence + step})
    answer = search(Shop.open(shop.folder.root), (165, 90, 50))
    assert answer.decision == decision


def exact_confidence(shop: Shop) -> float:
    from vitrina.encoder import Encoder
    from vitrina.photos import decode

    encoder = Encoder(shop.folder.bundles / "first" / "model.onnx", threads=1)
    photo = drawn_photo((165, 90, 50), seed=1, kind="JPEG")
    return float(encoder.encode(decode(photo)).probabilities.max())


def test_nothing_published(shop: Shop) -> None:
    with pytest.raises(NoBundle):
        search(shop)


def test_photo_that_cannot_be_used(published_shop: Shop) -> None:
    with pytest.raises(PhotoDamaged):
        published_shop.search_photo(drawn_photo(size=(300, 300))[:400])


def test_network_of_other_categories(shop: Shop) -> None:
    publish_tiny(shop.folder, changes={"categories": ("a", "b")})
    with pytest.raises(BundleDamaged, match=r"knows 3 categories, bundle.json names 2"):
        search(shop)


def test_network_of_another_embedding(shop: Shop) -> None:
    publish_tiny(shop.folder, model=tiny_model(embedding_size=7))
    with pytest.raises(BundleDamaged, match="embedding"):
        search(shop)


def test_bundle_without_goods(shop: Shop) -> None:
    empty = goods_array([], np.empty((0, 4), dtype=np.float32))
    info = tiny_info()
    write_bundle(shop.folder.bundles, info, tiny_model(), empty)
    activate(shop.folder.bundles, info.version)
    products = search(shop).products
    assert [product.similarity for product in products] == [None] * 4
    assert [product.in_stock for product in products] == [True, True, True, False]
