"""What would spoil training is found before anybody trains."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from drawing import drawn_photo, encoded, write_table
from PIL import Image
from test_near_copies import CHANGES, drawn_goods

from vitrina import Shop
from vitrina.bundle import active_bundle
from vitrina.catalogue.check import FEW_PHOTOS, check_catalogue
from vitrina.decoded import decoded_dataset
from vitrina.errors import MissingExtra, ShopBusy, ShopVersion, WeightsNotFound
from vitrina.journal import writing
from vitrina.near_copies import Embeddings
from vitrina.pixels import PixelCache
from vitrina.progress import SILENT, Progress


def test_findings(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "image")]
    for number in range(FEW_PHOTOS):
        photo = drawn_photo(size=(160, 120), seed=number)
        (tmp_path / f"{number}.png").write_bytes(photo)
        rows.append((f"a{number}", "x", "Много", f"{number}.png"))
    (tmp_path / "small.png").write_bytes(drawn_photo(size=(99, 300)))
    rows += [("b1", "x", "Мало", "small.png"), ("b2", "x", "Мало", ""), ("c1", "x", "Пусто", "")]
    (tmp_path / "torn.png").write_bytes(drawn_photo(size=(300, 200))[:-300])
    rows.append(("d1", "x", "Порвано", "torn.png"))
    empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))

    report = empty_shop.check()
    assert (report.products, report.photos) == (14, 12)
    assert report.categories == {"malo": 1, "mnogo": 10, "porvano": 0, "pusto": 0}
    assert [(f.kind, f.category, f.product) for f in report.findings] == [
        ("unreadable", "porvano", "d1"),
        ("empty category", "porvano", ""),
        ("empty category", "pusto", ""),
        ("few photos", "malo", ""),
        ("no photo", "malo", ""),
        ("tiny", "malo", "b1"),
    ]
    assert report.kinds["empty category"] == 2
    details = {finding.kind: finding.detail for finding in report.findings}
    assert details["tiny"] == "99 x 300"
    assert details["no photo"] == "1 of 2 products"
    assert "damaged or breaks off" in details["unreadable"]


def test_nothing_is_wrong(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "image")]
    for number in range(FEW_PHOTOS):
        (tmp_path / f"{number}.png").write_bytes(drawn_photo(size=(160, 120), seed=number))
        rows.append((f"a{number}", "x", "Лампы", f"{number}.png"))
    empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    assert empty_shop.check().findings == []


def test_lost_picture_file(shop: Shop) -> None:
    for path in shop.folder.photos.rglob("*.jpg"):
        path.unlink()
        break
    assert shop.check().kinds["unreadable"] == 1


def import_pictures(shop: Shop, place: Path, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Goods with one picture each: article, category, the picture's bytes."""
    place.mkdir(exist_ok=True)
    lines = [("sku", "name", "category", "image")]
    for sku, category, content in rows:
        (place / f"{sku}.img").write_bytes(content)
        lines.append((sku, sku, category, f"{sku}.img"))
    shop.import_catalogue(write_table(place / "goods.csv", lines))


def goods(count: int, begin: int = 0) -> list[bytes]:
    return [encoded(drawn_goods(seed), "PNG") for seed in range(begin, begin + count)]


def planted_leak() -> list[tuple[str, str, bytes]]:
    """Twelve goods of two categories; changed copies of six of them stand under other products."""
    rows = [(f"own{n}", "Лампы" if n % 2 else "Розетки", one) for n, one in enumerate(goods(12))]
    for number, (name, change) in enumerate(CHANGES.items()):
        category = rows[number][1]
        rows.append((f"copy{number}", category, change(drawn_goods(number))))
        assert name
    return rows


def test_a_planted_leak_is_found_and_kept_on_one_side(empty_shop: Shop, tmp_path: Path) -> None:
    import_pictures(empty_shop, tmp_path / "goods", planted_leak())
    for seed in range(8):
        dataset = decoded_dataset(empty_shop.folder, seed, SILENT).dataset
        side = {sample.product: sample.split for sample in dataset.samples}
        assert len(side) == 12 + len(CHANGES)
        assert all(side[f"own{n}"] == side[f"copy{n}"] for n in range(len(CHANGES)))
        assert "test" in side.values()
    found = empty_shop.check(labels=False).of("copy in other product")
    assert {frozenset(photo.product for photo in finding.photos) for finding in found} == {
        frozenset((f"own{n}", f"copy{n}")) for n in range(len(CHANGES))
    }


def test_a_leak_in_a_given_split_is_told_and_kept(empty_shop: Shop, tmp_path: Path) -> None:
    rows = planted_leak()
    place = tmp_path / "goods"
    place.mkdir()
    splits = [(f"{sku}.img", "test" if sku.startswith("copy") else "train") for sku, _, _ in rows]
    write_table(place / "split.tsv", [("file", "split"), *splits], delimiter="\t")
    import_pictures(empty_shop, place, rows)
    dataset = decoded_dataset(empty_shop.folder, 0, SILENT).dataset
    assert {s.product for s in dataset.part("test")} == {f"copy{n}" for n in range(len(CHANGES))}
    assert any(
        notice.message.startswith(
            f"{len(CHANGES)} test photos have a near copy among the training photos"
        )
        for notice in dataset.notices
    )


def test_copies_in_other_categories(empty_shop: Shop, tmp_path: Path) -> None:
    one, two = drawn_goods(0), drawn_goods(1)
    import_pictures(
        empty_shop,
        tmp_path / "goods",
        [
            ("a", "Лампы", encoded(one, "PNG")),
            ("b", "Розетки", CHANGES["mirrored"](one)),
            ("c", "Лампы", encoded(two, "PNG")),
            ("d", "Кабели", encoded(two, "PNG")),
            ("e", "Кабели", CHANGES["cropped"](two)),
        ],
    )
    report = empty_shop.check(labels=False)
    found = {finding.photos[0].product: finding for finding in report.of("copy in other category")}
    assert {photo.product for photo in found["a"].photos} == {"a", "b"}
    assert found["a"].other == "rozetki"
    assert "nearly the same picture as b (rozetki)" in found["a"].detail
    assert {photo.product for photo in found["d"].photos} == {"c", "d", "e"}
    assert "and 1 more" in found["d"].detail
    assert report.copy_groups == 2
    assert report.of("copy in other product") == []


def test_blank_pictures(empty_shop: Shop, tmp_path: Path) -> None:
    nearly = Image.new("RGB", (200, 200), (240, 241, 240))
    nearly.putpixel((5, 5), (0, 0, 0))  # dust
    rows = [("blank", "Лампы", encoded(nearly, "PNG")), ("good", "Лампы", goods(1)[0])]
    rows.append(("dark", "Лампы", encoded(Image.new("RGB", (150, 150), (3, 2, 4)), "JPEG")))
    import_pictures(empty_shop, tmp_path / "goods", rows)
    report = empty_shop.check(labels=False)
    assert {finding.product for finding in report.of("blank")} == {"blank", "dark"}
    assert report.corrections is not None
    with report.corrections.open(encoding="utf-8-sig", newline="") as file:
        actions = {row["article"]: row["action"] for row in csv.DictReader(file)}
    assert actions == {"blank": "drop photo", "dark": "drop photo"}


def test_suggestions_can_be_applied_as_they_are(empty_shop: Shop, tmp_path: Path) -> None:
    blank = encoded(Image.new("RGB", (200, 200), (240,) * 3), "PNG")
    copies = [("x", "Лампы", goods(1)[0]), ("y", "Розетки", CHANGES["resized"](drawn_goods(0)))]
    import_pictures(empty_shop, tmp_path / "goods", [("blank", "Лампы", blank), *copies])
    report = empty_shop.check(labels=False)
    assert report.corrections is not None
    applied = empty_shop.apply_corrections(report.corrections)
    # which of the copies is in the wrong category, only people can see
    assert (applied.dropped, applied.moved, applied.skipped) == (1, 0, 2)
    again = empty_shop.check(labels=False)
    assert again.of("blank") == []
    assert len(again.of("copy in other category")) == 1


def test_what_was_kept_is_not_asked_again(empty_shop: Shop, tmp_path: Path) -> None:
    picture = drawn_goods(0)
    rows = [("x", "Лампы", encoded(picture, "PNG")), ("y", "Розетки", CHANGES["resized"](picture))]
    import_pictures(empty_shop, tmp_path / "goods", rows)
    report = empty_shop.check(labels=False)
    (finding,) = report.of("copy in other category")
    columns = ("action", "article", "photo", "from category", "to category")
    rows_kept = [("keep", photo.product, photo.sha256, "", "") for photo in finding.photos]
    file = write_table(tmp_path / "kept.csv", [columns, rows_kept[0]])
    empty_shop.apply_corrections(file)
    assert len(empty_shop.check(labels=False).of("copy in other category")) == 1  # half of it
    empty_shop.apply_corrections(write_table(tmp_path / "kept.csv", [columns, *rows_kept]))
    assert empty_shop.check(labels=False).of("copy in other category") == []


def colour_embeddings(names: Sequence[str], pixels: PixelCache, _: Progress) -> Embeddings:
    """Knows pictures by their strongest colour, and each a little differently."""
    found = {}
    for name in names:
        random = np.random.default_rng(int(name[:8], 16))
        vector = random.normal(scale=0.05, size=16).astype(np.float32)
        vector[pixels[name].mean(axis=(0, 1)).argmax()] += 1
        found[name] = vector / np.linalg.norm(vector)
    return found


def shop_with_wrong_labels(shop: Shop, place: Path) -> set[str]:
    """Forty red lamps and forty green sockets; two of each stand in the other category."""
    rows = []
    wrong = set()
    for category, colour in (("Лампы", (200, 60, 40)), ("Розетки", (60, 170, 80))):
        for number in range(40):
            other = {"Лампы": "Розетки", "Розетки": "Лампы"}[category]
            sku = f"{category}-{number}"
            shade = (colour[0] + number % 7, colour[1], colour[2] + number % 5)
            if number < 2:
                wrong.add(sku)
            rows.append(
                (sku, other if number < 2 else category, drawn_photo(shade, (160, 120), number))
            )
    import_pictures(shop, place, rows)
    return wrong


@pytest.mark.train
def test_wrong_labels_are_told_and_moved(empty_shop: Shop, tmp_path: Path) -> None:
    wrong = shop_with_wrong_labels(empty_shop, tmp_path / "goods")
    report = check_catalogue(empty_shop.folder, embed=colour_embeddings)
    assert report.labels_unchecked == ""
    found = report.of("suspected label")
    assert {finding.product for finding in found} == wrong
    assert report.corrections is not None
    assert empty_shop.apply_corrections(report.corrections).moved == len(wrong)
    again = check_catalogue(empty_shop.folder, embed=colour_embeddings)
    assert again.of("suspected label") == []


def test_labels_are_left_out_where_they_cannot_be_judged(empty_shop: Shop, tmp_path: Path) -> None:
    shop_with_wrong_labels(empty_shop, tmp_path / "goods")
    folder = empty_shop.folder

    def missing(error: Exception) -> Callable[..., Embeddings]:
        def fail(*_: object) -> Embeddings:
            raise error

        return fail

    without = check_catalogue(folder, embed=missing(MissingExtra("Not installed.")))
    assert without.labels_unchecked == "Not installed."
    assert without.of("suspected label") == []
    offline = check_catalogue(folder, embed=missing(WeightsNotFound("No weights.")))
    assert offline.labels_unchecked == "No weights."  # and nothing is served, either
    assert offline.page is not None
    assert "No weights." in offline.page.read_text("utf-8")
    assert "Nothing is published" in check_catalogue(folder).labels_unchecked
    assert check_catalogue(folder, labels=False).labels_unchecked


@pytest.mark.train
def test_the_served_network_stands_in(published_shop: Shop, tmp_path: Path) -> None:
    wrong = shop_with_wrong_labels(published_shop, tmp_path / "goods")
    known = {
        name.decode() for name in active_bundle(published_shop.folder.bundles).goods()["sha256"]
    }
    assert known
    report = check_catalogue(published_shop.folder)
    assert report.labels_unchecked == ""
    assert {finding.product for finding in report.of("suspected label")} == wrong


def test_no_goods_and_a_busy_shop(empty_shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(ShopVersion, match="no goods yet"):
        empty_shop.check()
    assert not empty_shop.folder.check.exists()
    with writing(empty_shop.folder, "import", SILENT), pytest.raises(ShopBusy):
        empty_shop.check()
