"""What the merchant decides is done as a whole, can be taken back, and outlives imports."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from drawing import COLOURS, drawn_photo, write_table
from sqlalchemy import select
from stored import find_any

from vitrina import Shop
from vitrina.catalogue.corrections import COLUMNS, Correction, read_corrections, write_corrections
from vitrina.dataset import build_dataset
from vitrina.errors import CorrectionsError, FeedError, ShopBusy, ShopVersion
from vitrina.journal import writing
from vitrina.progress import SILENT
from vitrina.store.database import open_database
from vitrina.store.schema import CORRECTIONS


def table(place: Path, *rows: tuple[str, ...]) -> Path:
    return write_table(place / "corrections.csv", [COLUMNS, *rows])


def category_of(shop: Shop, sku: str) -> str:
    with open_database(shop.folder.database).reading() as connection:
        return str(find_any(connection, sku).category.slug)


def photos_of(shop: Shop, sku: str) -> list[str]:
    with open_database(shop.folder.database).reading() as connection:
        return [photo.sha256 for photo in find_any(connection, sku).photos]


def learned(shop: Shop) -> set[str]:
    with open_database(shop.folder.database).reading() as connection:
        return {sample.sha256 for sample in build_dataset(connection, seed=0).samples}


def noted(shop: Shop) -> list[tuple[str, str, str]]:
    with open_database(shop.folder.database).reading() as connection:
        rows = connection.execute(select(CORRECTIONS).order_by(CORRECTIONS.c.id))
        return [(row.action, row.sku, row.sha256) for row in rows]


def test_a_product_is_moved_and_found_by_its_new_category(shop: Shop, tmp_path: Path) -> None:
    before = shop.search_text("розетка", limit=50).total
    file = table(tmp_path, ("move", "lampy-1", "", "Лампы", "Розетки", ""))
    applied = shop.apply_corrections(file)
    assert (applied.moved, applied.skipped) == (1, 0)
    assert category_of(shop, "lampy-1") == "sockets"
    found = shop.search_text("розетка", limit=50)
    assert found.total == before + 1
    assert "lampy-1" in {product.sku for product in found.products}


def test_categories_are_named_by_path_or_slug(shop: Shop, tmp_path: Path) -> None:
    shop.apply_corrections(table(tmp_path, ("move", "lampy-1", "", "lamps", "sockets", "")))
    assert category_of(shop, "lampy-1") == "sockets"


def test_a_photo_is_left_out_of_training_and_taken_back(shop: Shop, tmp_path: Path) -> None:
    sha, other = photos_of(shop, "lampy-0")
    assert sha in learned(shop)
    file = f"photos/{sha[:2]}/{sha}.jpg"
    applied = shop.apply_corrections(table(tmp_path, ("drop photo", "lampy-0", file, "", "", "")))
    assert applied.dropped == 1
    assert sha not in learned(shop)
    assert other in learned(shop)
    assert photos_of(shop, "lampy-0") == [sha, other]  # shoppers still see it
    restored = shop.apply_corrections(
        table(tmp_path, ("restore photo", "lampy-0", sha, "", "", ""))
    )
    assert restored.restored == 1
    assert sha in learned(shop)
    assert noted(shop) == []


def test_everything_is_taken_back_by_the_table_of_opposites(shop: Shop, tmp_path: Path) -> None:
    (sha,) = photos_of(shop, "kabeli-1")
    before = learned(shop)
    applied = shop.apply_corrections(
        table(
            tmp_path,
            ("move", "lampy-1", "", "Лампы", "Розетки", ""),
            ("drop photo", "kabeli-1", sha, "", "", ""),
            ("keep", "kabeli-1", sha, "", "", ""),
            ("", "rozetki-1", "", "", "", "nothing is said"),
        )
    )
    assert (applied.moved, applied.dropped, applied.kept, applied.skipped) == (1, 1, 1, 1)
    assert len(noted(shop)) == 3
    assert applied.undo is not None
    undone = shop.apply_corrections(applied.undo)
    assert (undone.moved, undone.restored, undone.asked) == (1, 1, 1)
    assert category_of(shop, "lampy-1") == "lamps"
    assert learned(shop) == before
    assert noted(shop) == []
    assert undone.undo is not None
    shop.apply_corrections(undone.undo)
    assert category_of(shop, "lampy-1") == "sockets"


def test_applied_twice_changes_nothing_more(shop: Shop, tmp_path: Path) -> None:
    sha = photos_of(shop, "kabeli-1")[0]
    rows = (
        ("move", "lampy-1", "", "Лампы", "Розетки", ""),
        ("drop photo", "kabeli-1", sha, "", "", ""),
    )
    shop.apply_corrections(table(tmp_path, *rows))
    again = shop.apply_corrections(table(tmp_path, *rows))
    assert (again.moved, again.dropped, again.skipped, again.undo) == (0, 0, 2, None)


WRONG = {
    "none of": ("fix", "lampy-1", "", "Лампы", "Розетки", ""),
    "no product 'lampy-9'": ("move", "lampy-9", "", "Лампы", "Розетки", ""),
    "is 'Розетки' meant": ("move", "lampy-1", "", "Лампы", "Розетка", ""),
    "is in 'Лампы', not in 'Кабели'": ("move", "lampy-1", "", "Кабели", "Розетки", ""),
    "has no photo 'x.jpg'": ("drop photo", "lampy-1", "x.jpg", "", "", ""),
    "has no photo 'f": ("keep", "lampy-1", "f" * 64, "", "", ""),
}


@pytest.mark.parametrize("reason", WRONG)
def test_one_wrong_row_and_nothing_is_done(shop: Shop, tmp_path: Path, reason: str) -> None:
    good = ("move", "kabeli-1", "", "Кабели", "Розетки", "")
    with pytest.raises(CorrectionsError, match="nothing was changed") as caught:
        shop.apply_corrections(table(tmp_path, good, WRONG[reason]))
    assert "line 3: " in caught.value.message
    assert reason in caught.value.message
    assert category_of(shop, "kabeli-1") == "kabeli"
    assert noted(shop) == []
    assert not list(shop.folder.check.glob("undo-*"))


def test_two_rows_about_one_thing(shop: Shop, tmp_path: Path) -> None:
    rows = [("move", "lampy-1", "", "Лампы", to, "") for to in ("Розетки", "Кабели")]
    with pytest.raises(CorrectionsError, match="line 2 says something of lampy-1 already"):
        shop.apply_corrections(table(tmp_path, *rows))


def test_not_a_table(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError, match="There is no file"):
        shop.apply_corrections(tmp_path / "missing.csv")
    with pytest.raises(CorrectionsError, match="has no column article"):
        shop.apply_corrections(write_table(tmp_path / "other.csv", [("action", "sku")]))
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(CorrectionsError, match="has no column"):
        shop.apply_corrections(tmp_path / "empty.csv")
    (tmp_path / "torn.csv").write_text(",".join(COLUMNS) + '\nmove,"lampy-1')
    with pytest.raises(FeedError, match="breaks off"):
        shop.apply_corrections(tmp_path / "torn.csv")


def test_a_shop_without_goods(empty_shop: Shop, tmp_path: Path) -> None:
    file = table(tmp_path, ("move", "lampy-1", "", "Лампы", "Розетки", ""))
    with pytest.raises(ShopVersion, match="no goods yet"):
        empty_shop.apply_corrections(file)
    assert not empty_shop.folder.database.exists()


def test_a_busy_shop(shop: Shop, tmp_path: Path) -> None:
    file = table(tmp_path, ("move", "lampy-1", "", "Лампы", "Розетки", ""))
    with writing(shop.folder, "import", SILENT), pytest.raises(ShopBusy):
        shop.apply_corrections(file)


def test_a_spreadsheet_saves_it_differently(shop: Shop, tmp_path: Path) -> None:
    rows = [
        tuple(name.title() for name in COLUMNS),
        ("move", "lampy-1", "", "Лампы", "Розетки", "причина"),
    ]
    file = write_table(tmp_path / "saved.csv", rows, delimiter=";", encoding="cp1251")
    assert shop.apply_corrections(file).moved == 1


def test_formulas_are_written_harmlessly_and_read_back(tmp_path: Path) -> None:
    rows = [Correction("keep", "=HYPERLINK(1)", "-x.jpg", "@a", "+b", "=1+1")]
    write_corrections(tmp_path / "c.csv", rows)
    with (tmp_path / "c.csv").open(encoding="utf-8-sig", newline="") as file:
        _, cells = csv.reader(file)
    assert all(cell[0] == "'" for cell in cells[1:])
    (read,) = read_corrections(tmp_path / "c.csv")
    assert (read.article, read.photo, read.from_category) == ("=HYPERLINK(1)", "-x.jpg", "@a")


def feed(place: Path, name: str = "Лампа", category: str = "Лампы") -> Path:
    """A table of two categories; what it says of the first product is given."""
    rows = [("sku", "name", "category", "image"), ("one", name, category, "one.png")]
    for number, (slug, colour) in enumerate(COLOURS.items()):
        (place / f"{slug}.png").write_bytes(drawn_photo(colour, seed=number))
        rows.append((slug, slug, "Розетки" if number else "Лампы", f"{slug}.png"))
    (place / "one.png").write_bytes(drawn_photo(seed=9))
    return write_table(place / "goods.csv", rows)


def test_a_move_outlives_imports_of_the_same_feed(empty_shop: Shop, tmp_path: Path) -> None:
    empty_shop.import_catalogue(feed(tmp_path))
    move = table(tmp_path, ("move", "one", "", "Лампы", "Розетки", ""))
    empty_shop.apply_corrections(move)
    for name in ("Лампа", "Лампа новая", "Лампа ещё новее"):
        empty_shop.import_catalogue(feed(tmp_path, name))
        assert category_of(empty_shop, "one") == "rozetki"
    with open_database(empty_shop.folder.database).reading() as connection:
        product = find_any(connection, "one")
        assert product.name == "Лампа ещё новее"  # all else is the feed's


def test_a_feed_that_says_something_new_is_followed(empty_shop: Shop, tmp_path: Path) -> None:
    empty_shop.import_catalogue(feed(tmp_path))
    empty_shop.apply_corrections(table(tmp_path, ("move", "one", "", "Лампы", "Розетки", "")))
    empty_shop.import_catalogue(feed(tmp_path, category="Кабели"))
    assert category_of(empty_shop, "one") == "kabeli"
    # and may be corrected once more, from where it is now
    empty_shop.apply_corrections(table(tmp_path, ("move", "one", "", "Кабели", "Лампы", "")))
    empty_shop.import_catalogue(feed(tmp_path, "Другое имя", category="Кабели"))
    assert category_of(empty_shop, "one") == "lampy"


def test_a_category_that_was_moved_empty_stays_corrected(empty_shop: Shop, tmp_path: Path) -> None:
    empty_shop.import_catalogue(feed(tmp_path, category="Кабели"))
    empty_shop.apply_corrections(table(tmp_path, ("move", "one", "", "Кабели", "Лампы", "")))
    for name in ("раз", "два", "три"):
        empty_shop.import_catalogue(feed(tmp_path, name, category="Кабели"))
        assert category_of(empty_shop, "one") == "lampy"


def test_a_dropped_photo_stays_dropped_after_imports(empty_shop: Shop, tmp_path: Path) -> None:
    empty_shop.import_catalogue(feed(tmp_path))
    (sha,) = photos_of(empty_shop, "one")
    empty_shop.apply_corrections(table(tmp_path, ("drop photo", "one", sha, "", "", "")))
    empty_shop.import_catalogue(feed(tmp_path, "Другое имя"))
    assert photos_of(empty_shop, "one") == [sha]
    assert ("drop photo", "one", sha) in noted(empty_shop)
    assert all(sha != photo.sha256 for f in empty_shop.check().findings for photo in f.photos)
