"""Goods that come after publishing are embedded without training, and what is cut off goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, drawn_photo, write_table
from sqlalchemy import insert

from vitrina import Shop
from vitrina.bundle import active_bundle
from vitrina.encoder import Encoder
from vitrina.goods_encoder import encode_goods, farther
from vitrina.search import new_goods
from vitrina.search.new_goods import embed_new_goods
from vitrina.search.vectors import append_segment, open_vectors, segment_files
from vitrina.store.database import open_database
from vitrina.store.products import list_photos
from vitrina.store.schema import PHOTOS


def late_goods(place: Path, *skus: str, colour: str = "lampy", damaged: str = "") -> Path:
    rows = [("sku", "name", "category", "image")]
    for number, sku in enumerate(skus):
        picture = drawn_photo(COLOURS[colour], seed=500 + number)
        (place / f"{sku}.png").write_bytes(picture)
        rows.append((sku, f"Лампа {sku}", "Лампы", f"{sku}.png"))
    return write_table(place / "late.csv", rows)


def embedded(shop: Shop) -> set[str]:
    names = open_vectors(active_bundle(shop.folder.bundles)).names()
    return {name.decode() for name in names} - {""}


def photos(shop: Shop) -> set[str]:
    with open_database(shop.folder.database).reading() as connection:
        return {photo.sha256 for photo in list_photos(connection)}


def test_an_import_embeds_what_it_brought(published_shop: Shop, tmp_path: Path) -> None:
    before = photos(published_shop)
    published_shop.import_catalogue(late_goods(tmp_path, "late-1", "late-2"))
    new = photos(published_shop) - before
    assert len(new) == 2
    assert embedded(published_shop) == before | new
    answer = published_shop.search_photo(drawn_photo(seed=500), limit=100)
    found = {product.sku: product.similarity for product in answer.products}
    assert found["late-1"] is not None
    assert found["late-1"] > 0.9


def test_an_open_shop_sees_its_own_import(published_shop: Shop, tmp_path: Path) -> None:
    photo = drawn_photo(seed=500)
    first = published_shop.search_photo(photo, limit=100)
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    second = published_shop.search_photo(photo, limit=100)
    assert {p.sku for p in second.products} - {p.sku for p in first.products} == {"late"}


def test_nothing_is_done_twice(published_shop: Shop, tmp_path: Path) -> None:
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    bundle = active_bundle(published_shop.folder.bundles)
    files = segment_files(bundle)
    assert len(files) == 1
    assert embed_new_goods(published_shop.folder) == 0
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    assert segment_files(bundle) == files


def test_nothing_published_is_no_fault(shop: Shop) -> None:
    assert embed_new_goods(shop.folder) == 0


def test_a_damaged_bundle_is_told_and_stops_no_import(published_shop: Shop, tmp_path: Path) -> None:
    bundle = active_bundle(published_shop.folder.bundles)
    bundle.model.write_bytes(b"damaged")
    report = published_shop.import_catalogue(late_goods(tmp_path, "late"))
    assert report.products == 1
    assert not segment_files(bundle)


def test_what_was_cut_off_goes_on(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    monkeypatch.setattr(new_goods, "_KEPT_TOGETHER", 2)
    monkeypatch.setattr(new_goods, "_AT_ONCE", 2)
    real, kept = append_segment, []

    def once(*args: object) -> Path:
        if kept:
            raise Killed
        kept.append(args)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(new_goods, "append_segment", once)
    with pytest.raises(Killed):
        published_shop.import_catalogue(late_goods(tmp_path, "l1", "l2", "l3", "l4", "l5"))
    monkeypatch.setattr(new_goods, "append_segment", real)
    missing = photos(published_shop) - embedded(published_shop)
    assert len(missing) == 3
    assert embed_new_goods(Shop.open(published_shop.folder.root).folder) == 3
    assert embedded(published_shop) == photos(published_shop)


def test_a_damaged_embedding_is_made_again(published_shop: Shop, tmp_path: Path) -> None:
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    bundle = active_bundle(published_shop.folder.bundles)
    (file,) = segment_files(bundle)
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    assert embed_new_goods(published_shop.folder) == 1
    assert embedded(published_shop) == photos(published_shop)


def test_a_picture_that_cannot_be_read_is_left_out(published_shop: Shop) -> None:
    lost = "f" * 64
    with open_database(published_shop.folder.database).writing() as connection:
        row = {"product_id": 1, "position": 9, "sha256": lost, "width": 9, "height": 9}
        connection.execute(insert(PHOTOS).values(suffix=".jpg", **row))
    assert embed_new_goods(published_shop.folder) == 0
    assert embedded(published_shop) == photos(published_shop) - {lost}


def test_many_small_imports_are_merged(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_goods, "_MOST_SEGMENTS", 2)
    for number in range(3):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "late.png").write_bytes(drawn_photo(seed=700 + number))
        rows = [("sku", "name", "category", "image"), (f"l{number}", "Л", "Лампы", "late.png")]
        published_shop.import_catalogue(write_table(place / "late.csv", rows))
    assert len(segment_files(active_bundle(published_shop.folder.bundles))) == 1
    assert embedded(published_shop) == photos(published_shop)


def test_a_large_shop_gets_an_index(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_goods, "EXACT_UP_TO", 5)
    bundle = active_bundle(published_shop.folder.bundles)
    info = new_goods.refresh_index(bundle, open_vectors(bundle))
    assert info is not None
    assert info.rows == len(open_vectors(bundle))
    # a few more do not have it built anew
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    assert new_goods.refresh_index(bundle, open_vectors(bundle)) == info
    monkeypatch.setattr(new_goods, "_OUTSIDE_INDEX", 0)
    newer = new_goods.refresh_index(bundle, open_vectors(bundle))
    assert newer is not None
    assert newer.rows == info.rows + 1


def test_words_and_filters_choose_among_the_nearest(published_shop: Shop) -> None:
    photo = drawn_photo(COLOURS["lampy"], seed=1, kind="JPEG")
    answer = published_shop.search_photo(photo, words="модель 2")
    assert answer.category is not None
    assert answer.category.id == "lamps"
    assert [product.sku for product in answer.products] == ["lampy-2"]
    cheap = published_shop.search_photo(photo, price_to=250)
    assert {product.sku for product in cheap.products} == {"lampy-1"}
    stocked = published_shop.search_photo(photo, in_stock=True)
    assert {product.sku for product in stocked.products} == {"lampy-0", "lampy-1", "lampy-2"}
    # where the category has no such goods, the shop's others are better than none
    others = published_shop.search_photo(photo, category="sockets")
    assert {product.sku.split("-")[0] for product in others.products} == {"rozetki"}
    assert published_shop.search_photo(photo, words="ничего такого").products == ()


def test_goods_are_seen_near_and_far(published_shop: Shop) -> None:
    encoder = Encoder(active_bundle(published_shop.folder.bundles).model, threads=1)
    pixels = np.full((224, 224, 3), (200, 60, 40), dtype=np.uint8)
    pixels[60:160, 60:160] = (50, 80, 190)
    view = farther(pixels)
    assert (view[0, 0] == (200, 60, 40)).all()
    assert (view[112, 112] == (50, 80, 190)).all()
    blue = (view[..., 2] > 150).sum()
    assert 0.3 < blue / (100 * 100) < 0.42
    whole = encode_goods(encoder, pixels)
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-5)
    parts = [encoder.encode(each).embedding for each in (pixels, view)]
    assert min(whole @ part for part in parts) >= parts[0] @ parts[1] - 1e-6
