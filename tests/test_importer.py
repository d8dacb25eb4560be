"""Import: what comes in, what is refused and told, what a second import changes."""

from __future__ import annotations

import csv
import errno
import hashlib
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from drawing import draw_folders, drawn_photo, write_table
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from stored import find_any

from vitrina import Shop
from vitrina.catalogue.importer import ImportReport, import_catalogue
from vitrina.errors import FeedError, ShopError
from vitrina.progress import Progress
from vitrina.store.categories import list_categories
from vitrina.store.database import driver, open_database
from vitrina.store.products import list_photos
from vitrina.store.schema import IMPORTS, PHOTOS, PRODUCTS
from vitrina.store.shown import find_product

HEADER = ("sku", "name", "category", "image", "price")


def import_rows(shop: Shop, folder: Path, *rows: tuple[str, ...]) -> ImportReport:
    return shop.import_catalogue(write_table(folder / "goods.csv", [HEADER, *rows]))


def product(shop: Shop, sku: str) -> SimpleNamespace:
    with open_database(shop.folder.database).reading() as connection:
        assert find_product(driver(connection), sku) is not None
        return find_any(connection, sku)


def slugs(shop: Shop) -> dict[str, str]:
    with open_database(shop.folder.database).reading() as connection:
        return {category.name: category.slug for category, _ in list_categories(connection)}


def test_folders(empty_shop: Shop, tmp_path: Path) -> None:
    goods = draw_folders(tmp_path / "goods", products=2, pictures=2)
    report = empty_shop.import_catalogue(goods)
    assert (report.products, report.photos, report.categories) == (6, 12, 3)
    assert (report.refusals, report.refused_file) == ([], None)
    assert slugs(empty_shop) == {"Кабели": "kabeli", "Лампы": "lampy", "Розетки": "rozetki"}
    lamp = product(empty_shop, "Лампы/p1")
    assert (lamp.name, lamp.currency, lamp.price_minor, lamp.in_stock) == (
        "Лампы p1", "RUB", None, True,
    )  # fmt: skip
    for number, photo in enumerate(lamp.photos):
        stored = empty_shop.folder.photo(photo.sha256, photo.suffix)
        assert stored.read_bytes() == (goods / "Лампы" / "p1" / f"{number}.png").read_bytes()
        assert (photo.position, photo.suffix, photo.width, photo.height) == (number, ".png", 96, 72)


def test_import_is_written_down(empty_shop: Shop, goods_folder: Path) -> None:
    empty_shop.import_catalogue(goods_folder)
    with open_database(empty_shop.folder.database).reading() as connection:
        entry = connection.execute(select(IMPORTS)).one()
    assert (entry.source, entry.products, entry.photos, entry.refused) == (
        str(goods_folder), 9, 9, 0,
    )  # fmt: skip


def test_table(shop: Shop) -> None:
    lamp = product(shop, "lampy-1")
    assert (lamp.name, lamp.name_en, lamp.price_minor) == (
        "Лампы модель 1", "Lamps model 1", 20_050,
    )  # fmt: skip
    assert lamp.url == "https://shop.test/lampy/1"
    assert (lamp.category.slug, lamp.category.name_en, lamp.category.search_text) == (
        "lamps", "Lamps", "лампа",
    )  # fmt: skip
    assert len(product(shop, "lampy-0").photos) == 2
    assert not product(shop, "lampy-3").in_stock
    # no English name: the Russian one becomes the slug
    assert product(shop, "kabeli-0").category.slug == "kabeli"


def test_photo_with_a_wrong_suffix_is_stored_as_what_it_is(
    empty_shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(drawn_photo(kind="WEBP"))
    import_rows(empty_shop, tmp_path, ("1", "Лампа", "Лампы", "a.jpg", ""))
    assert product(empty_shop, "1").photos[0].suffix == ".webp"


def test_refused_pictures(empty_shop: Shop, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    (catalogue / "good.png").write_bytes(drawn_photo())
    (catalogue / "gif.png").write_bytes(b"GIF89a")
    (catalogue / "empty.png").write_bytes(b"")
    (catalogue / "tiny.png").write_bytes(drawn_photo(size=(12, 12)))
    (tmp_path / "outside.png").write_bytes(drawn_photo(seed=5))
    (catalogue / "link.png").symlink_to(tmp_path / "outside.png")
    refused = {
        "gif.png": "a GIF picture",
        "empty.png": "0 bytes",
        "tiny.png": "at least 16",
        "missing.png": "no such file",
        "../outside.png": "outside the catalogue's folder",
        "link.png": "outside the catalogue's folder",
        str(tmp_path / "outside.png"): "outside the catalogue's folder",
        ".": "no such file",
        "a\x00b.png": "no such file",
        "x" * 300: "no such file",
    }
    rows = [("1", "Лампа", "Лампы", "|".join(["good.png", *refused]), "")]
    report = import_rows(empty_shop, catalogue, *rows)
    assert (report.products, report.photos) == (1, 1)
    assert {refusal.value: refusal.line for refusal in report.refusals} == {
        value[:200]: "2" for value in refused
    }
    for refusal in report.refusals:
        (expected,) = (why for value, why in refused.items() if value[:200] == refusal.value)
        assert refusal.field == "image"
        assert expected in refusal.reason, refusal
    assert len(list(empty_shop.folder.photos.rglob("*.*"))) == 1


def test_report_of_refused_rows(empty_shop: Shop, tmp_path: Path) -> None:
    report = import_rows(
        empty_shop,
        tmp_path,
        ("1", "Лампа", "Лампы", "", "100"),
        ("2", "Лампа", "", "", ""),
        ("3", "Лампа; «Ёлка»", "Лампы", "нет.png", ""),
        ("4", "Лампа", "Лампы", "", "дорого"),
        ("1", "Двойник", "Лампы", "", ""),
    )
    assert (report.products, len(report.refusals)) == (2, 4)
    assert report.refused_file is not None
    assert report.refused_file.parent == empty_shop.folder.imports
    text = report.refused_file.read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    header, *rows = csv.reader(text.removeprefix("\ufeff").splitlines())
    assert header == ["line", "field", "value", "reason"]
    assert sorted(rows) == [
        ["3", "category", "", "the cell is empty"],
        ["4", "image", "нет.png", "there is no such file"],
        ["5", "price", "дорого", "not a number such as 1234.50"],
        ["6", "sku", "1", "stands already in line 2"],
    ]
    assert product(empty_shop, "1").name == "Лампа"


@pytest.mark.parametrize("rows", [[], [("", "", "")], [("1", "x", "")]])
def test_nothing_to_import(shop: Shop, tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    with pytest.raises(FeedError, match=f"gave no product: {len(rows) and any(rows[0]):d} rows"):
        import_rows(shop, tmp_path, *rows)
    assert shop.search_text("").total == 12
    assert list(shop.folder.imports.iterdir()) == []


def test_second_import_updates(shop: Shop, tmp_path: Path) -> None:
    before = slugs(shop)
    number = product(shop, "lampy-1").id
    (tmp_path / "new.png").write_bytes(drawn_photo(seed=77))
    report = import_rows(
        shop,
        tmp_path,
        ("lampy-1", "Лампа новая", "Лампы", "new.png", "5"),
        ("new", "Выключатель", "Выключатели", "", ""),
    )
    assert (report.products, report.categories) == (2, 2)
    lamp = product(shop, "lampy-1")
    assert (lamp.id, lamp.name, lamp.price_minor, len(lamp.photos)) == (
        number,
        "Лампа новая",
        500,
        1,
    )
    assert slugs(shop) == before | {"Выключатели": "vykliuchateli"}
    assert shop.search_text("").total == 13


def test_price_list_changes_only_what_it_has(shop: Shop, tmp_path: Path) -> None:
    before = product(shop, "lampy-1")
    rows = [("sku", "name", "category", "price"), ("lampy-1", "Лампа", "Лампы", "99")]
    report = shop.import_catalogue(write_table(tmp_path / "prices.csv", rows))
    after = product(shop, "lampy-1")
    assert (after.name, after.price_minor) == ("Лампа", 9_900)
    assert after.name_en == before.name_en == "Lamps model 1"
    assert after.url == before.url == "https://shop.test/lampy/1"
    assert [photo.id for photo in after.photos] == [photo.id for photo in before.photos]
    assert (report.photos, after.category.name_en, after.category.search_text) == (
        1, "Lamps", "лампа",
    )  # fmt: skip
    # nor does a list without stock put back what is sold out
    rows[1] = ("lampy-3", "Лампа", "Лампы", "99")
    shop.import_catalogue(write_table(tmp_path / "prices.csv", rows))
    assert not product(shop, "lampy-3").in_stock


def test_empty_cells_clear(shop: Shop, tmp_path: Path) -> None:
    header = ("sku", "name", "category", "price", "url", "name_en", "in_stock", "image")
    row = ("lampy-3", "Лампа", "Лампы", "", "", "", "", "")
    shop.import_catalogue(write_table(tmp_path / "goods.csv", [header, row]))
    lamp = product(shop, "lampy-3")
    assert (lamp.price_minor, lamp.url, lamp.name_en, lamp.in_stock, lamp.photos) == (
        None, None, None, True, [],
    )  # fmt: skip


def test_folders_keep_prices(empty_shop: Shop, goods_folder: Path, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "price"), ("Лампы/p0", "Лампа", "Лампы", "99")]
    empty_shop.import_catalogue(write_table(tmp_path / "prices.csv", rows))
    empty_shop.import_catalogue(goods_folder)
    lamp = product(empty_shop, "Лампы/p0")
    assert (lamp.price_minor, len(lamp.photos)) == (9_900, 1)


def test_old_pictures_stay_where_all_new_ones_are_refused(shop: Shop, tmp_path: Path) -> None:
    before = [photo.id for photo in product(shop, "lampy-1").photos]
    report = import_rows(
        shop,
        tmp_path,
        ("lampy-1", "Лампа", "Лампы", "missing.png", "5"),
        ("new", "Лампа", "Лампы", "missing.png", "5"),
    )
    assert [photo.id for photo in product(shop, "lampy-1").photos] == before
    assert report.photos == 1
    assert [(refusal.line, refusal.value) for refusal in report.refusals] == [
        ("2", "missing.png"),
        ("2", "lampy-1"),
        ("3", "missing.png"),
    ]
    assert "old ones stay" in report.refusals[1].reason


def test_full_disk_ends_the_import(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(drawn_photo(seed=90))
    row = ("lampy-1", "Лампа", "Лампы", "a.png", "5")
    full = OSError(errno.ENOSPC, "No space left on device")
    table = write_table(tmp_path / "goods.csv", [HEADER, row, ("2", "", "", "", "")])
    for place in ("pathlib.Path.write_bytes", "vitrina.atomic.flush_file"):
        with mock.patch(place, side_effect=full), pytest.raises(ShopError, match="No space") as why:
            shop.import_catalogue(table)
        assert "Make room" in why.value.hint
        assert product(shop, "lampy-1").price_minor == 20_050


def test_full_disk_of_the_database(shop: Shop, tmp_path: Path) -> None:
    def run_full(*_: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk is full"))

    with (
        mock.patch("vitrina.catalogue.batch_writer.update_products", run_full),
        pytest.raises(ShopError, match="could not be written: disk is full"),
    ):
        import_rows(shop, tmp_path, ("lampy-1", "Лампа", "Лампы", "", "5"))


def test_source_that_cannot_be_read_is_no_fault_of_the_shop(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(drawn_photo(seed=90))
    denied = PermissionError(errno.EACCES, "Permission denied")
    with mock.patch("pathlib.Path.read_bytes", side_effect=denied):
        report = import_rows(shop, tmp_path, ("lampy-1", "Лампа", "Лампы", "a.png", "5"))
    assert "Permission denied" in report.refusals[0].reason
    with (
        mock.patch("vitrina.catalogue.feeds.delimited._encoding", side_effect=denied),
        pytest.raises(FeedError, match=r"goods\.csv cannot be read"),
    ):
        import_rows(shop, tmp_path, ("lampy-1", "Лампа", "Лампы", "", "5"))


def test_renamed_category_keeps_its_slug(shop: Shop, tmp_path: Path) -> None:
    renamed = [(f"lampy-{n}", "Лампа", "Светильники", "", "") for n in range(4)]
    import_rows(shop, tmp_path, *renamed)
    assert slugs(shop) == {"Светильники": "lamps", "Кабели": "kabeli", "Розетки": "sockets"}
    assert product(shop, "lampy-0").category.name_en == "Lamps"


def test_category_without_goods_goes(shop: Shop, tmp_path: Path) -> None:
    # spread over two, or into one that was there: no new name for the old one
    spread = [(f"lampy-{n}", "Лампа", f"Новые {n % 2}", "", "") for n in range(4)]
    merged = [(f"kabeli-{n}", "Кабель", "Розетки", "", "") for n in range(4)]
    import_rows(shop, tmp_path, *spread, *merged)
    assert slugs(shop) == {"Новые 0": "novye-0", "Новые 1": "novye-1", "Розетки": "sockets"}


def test_few_goods_do_not_rename(shop: Shop, tmp_path: Path) -> None:
    moved = [(f"lampy-{n}", "Лампа", "Разное", "", "") for n in range(4)]
    others = [(f"other-{n}", "Вещь", "Разное", "", "") for n in range(5)]
    import_rows(shop, tmp_path, *moved, *others)
    assert slugs(shop)["Разное"] == "raznoe"
    assert "Лампы" not in slugs(shop)


def test_same_import_twice_changes_nothing(shop: Shop, catalogue_table: Path) -> None:
    def state() -> tuple[list[tuple[object, ...]], list[str]]:
        with open_database(shop.folder.database).reading() as connection:
            rows = [tuple(row) for row in connection.execute(select(PHOTOS))]
            rows += [tuple(row) for row in connection.execute(select(PRODUCTS))]
        return rows, sorted(str(path) for path in shop.folder.photos.rglob("*"))

    before = state()
    shop.import_catalogue(catalogue_table)
    assert state() == before


def test_damaged_stored_photo_is_copied_anew(shop: Shop, catalogue_table: Path) -> None:
    photo = product(shop, "lampy-1").photos[0]
    stored = shop.folder.photo(photo.sha256, photo.suffix)
    stored.write_bytes(stored.read_bytes()[:100])
    shop.import_catalogue(catalogue_table)
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == photo.sha256


def test_slugs_of_equal_and_wordless_names(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [
        (str(n), "x", name, "", "") for n, name in enumerate(("Лампы", "лампы", "Lampy", "★", "…"))
    ]
    import_rows(empty_shop, tmp_path, *rows)
    given = slugs(empty_shop)
    assert set(given) == {"Лампы", "лампы", "Lampy", "★", "…"}
    assert sorted(given.values()) == ["category", "category-2", "lampy", "lampy-2", "lampy-3"]


def splits(shop: Shop) -> dict[str, str | None]:
    with open_database(shop.folder.database).reading() as connection:
        return {photo.sku: photo.split for photo in list_photos(connection)}


def test_split_beside_the_pictures(empty_shop: Shop, tmp_path: Path) -> None:
    draw_folders(tmp_path / "goods", products=2)
    (tmp_path / "goods" / "split.tsv").write_text(
        "file\tsplit\nЛампы/p0.png\ttrain\nЛампы/p1.png\ttest\n", encoding="utf-8"
    )
    assert empty_shop.import_catalogue(tmp_path / "goods").split_photos == 2
    assert splits(empty_shop) == {
        "Кабели/p0": None,
        "Кабели/p1": None,
        "Лампы/p0": "train",
        "Лампы/p1": "test",
        "Розетки/p0": None,
        "Розетки/p1": None,
    }


def test_split_that_was_named(empty_shop: Shop, goods_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("file,split\nЛампы/p0.png,test\n", encoding="utf-8")
    with pytest.raises(FeedError, match="no split file"):
        empty_shop.import_catalogue(goods_folder, split=tmp_path / "other.csv")
    empty_shop.import_catalogue(goods_folder, split=tmp_path / "mine.csv")
    assert splits(empty_shop)["Лампы/p0"] == "test"
    # a later import without it takes the split away again
    empty_shop.import_catalogue(goods_folder)
    assert splits(empty_shop)["Лампы/p0"] is None


@pytest.mark.parametrize("lines", ["", "goods/Лампы/p0.png,test\n"])
def test_named_split_that_fits_nothing(
    shop: Shop, goods_folder: Path, tmp_path: Path, lines: str
) -> None:
    (tmp_path / "mine.csv").write_text(f"file,split\n{lines}", encoding="utf-8")
    with pytest.raises(FeedError, match=r"mine\.csv names none") as refusal:
        shop.import_catalogue(goods_folder, split=tmp_path / "mine.csv")
    assert "such as 'Кабели/p0.png'" in refusal.value.hint
    assert shop.search_text("").total == 12


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_found_split_that_fits_nothing(empty_shop: Shop, tmp_path: Path) -> None:
    draw_folders(tmp_path / "goods", products=1)
    split = tmp_path / "goods" / "split.tsv"
    split.write_text("file\tsplit\nLamps/p0.png\ttest\n", encoding="utf-8")
    heard = Heard()
    report = import_catalogue(empty_shop.folder, tmp_path / "goods", progress=heard)
    assert report.split_photos == 0
    assert any("split.tsv names none" in line and "Lamps/p0.png" in line for line in heard.said)
    split.unlink()
    assert empty_shop.import_catalogue(tmp_path / "goods").split_photos is None


def test_split_of_another_spelling(empty_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "й.png").write_bytes(drawn_photo())
    (tmp_path / "split.tsv").write_text("file\tsplit\n.\\и\u0306.png\ttest\n", encoding="utf-8")
    report = import_rows(empty_shop, tmp_path, ("1", "Лампа", "Лампы", "./й.png", ""))
    assert report.split_photos == 1
    assert splits(empty_shop) == {"1": "test"}


def test_wrong_split_file_changes_nothing(shop: Shop, goods_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("file,split\nЛампы/p0.png,dev\n", encoding="utf-8")
    with pytest.raises(FeedError, match="expected train or test"):
        shop.import_catalogue(goods_folder, split=tmp_path / "split.csv")
    assert shop.search_text("").total == 12
