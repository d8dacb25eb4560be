"""The second import and later ones: only what changed changes, what left the feed is gone."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from drawing import drawn_photo, write_table
from feed_writing import write, yml, yml_offer
from sqlalchemy import Engine, event, select, text
from stored import find_any

from vitrina import Shop
from vitrina.catalogue.importer import ImportReport, import_catalogue
from vitrina.catalogue.refusals import SHOWN
from vitrina.errors import FeedError
from vitrina.store.bulk import stored_addresses, stored_products
from vitrina.store.categories import all_categories, list_categories, named_categories
from vitrina.store.database import driver, open_database
from vitrina.store.products import PhotoRecord, list_photos
from vitrina.store.remote_photos import save_fetched
from vitrina.store.schema import IMPORTS
from vitrina.store.shown import find_product

Rows = list[tuple[Any, ...]]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


def bring(shop: Shop, feed: Path, *offers: str, **options: Any) -> ImportReport:
    """Imports a YML feed with these offers, without fetching any picture."""
    return import_catalogue(shop.folder, write(feed, yml(*offers, **options)))


def offers(*numbers: int, **elements: str) -> list[str]:
    return [yml_offer(f"{number}", **elements) for number in numbers]


def shown(shop: Shop) -> list[str]:
    """Articles that a shopper finds by words."""
    return sorted(product.sku for product in shop.search_text("", limit=100).products)


def content(shop: Shop) -> dict[str, Rows]:
    """Everything that the database holds of goods."""
    with open_database(shop.folder.database).reading() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
            for table in ("categories", "products", "photos", "remote_photos", "imports")
        }


def category_names(shop: Shop) -> dict[str, tuple[str, int]]:
    """Slug and number of goods by path."""
    with open_database(shop.folder.database).reading() as connection:
        return {entry.path: (entry.slug, count) for entry, count in list_categories(connection)}


def test_unchanged_file_is_not_read_again(empty_shop: Shop, feed: Path) -> None:
    bad = yml_offer("bad", price="дорого")
    first = bring(empty_shop, feed, *offers(1, 2), bad, *offers(1))
    assert not first.is_unchanged
    before = content(empty_shop)
    second = import_catalogue(empty_shop.folder, feed)
    assert second.is_unchanged
    assert content(empty_shop) == before
    for name in ("products", "photos", "categories", "refused", "refusals", "refused_file"):
        assert getattr(second, name) == getattr(first, name), name
    assert (second.added, second.changed, second.gone) == (0, 0, 0)
    # the list of refused rows was deleted: it is written again
    assert first.refused_file is not None
    first.refused_file.unlink()
    third = import_catalogue(empty_shop.folder, feed)
    assert (third.is_unchanged, third.refused, third.changed) == (False, 2, 0)


def test_file_is_read_again_after_another_source_changed_its_goods(
    empty_shop: Shop, feed: Path, tmp_path: Path
) -> None:
    bring(empty_shop, feed, *offers(1, 2))
    rows = [("sku", "name", "category", "price"), ("1", "Лампа", "Лампы", "5")]
    empty_shop.import_catalogue(write_table(tmp_path / "prices.csv", rows))
    report = import_catalogue(empty_shop.folder, feed)
    assert (report.is_unchanged, report.changed, report.gone) == (False, 1, 0)
    assert import_catalogue(empty_shop.folder, feed).is_unchanged


def test_settings_decide_too(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1, currencyId=""))
    toml = empty_shop.folder.toml
    toml.write_text(toml.read_text(encoding="utf-8") + '\ncurrency = "USD"\n', encoding="utf-8")
    again = Shop.open(empty_shop.folder.root)
    assert again.import_catalogue(feed).changed == 1
    assert again.search_text("").products[0].currency == "USD"


def test_only_changed_rows_are_written(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1, 2, 3))
    before = {row[1]: row for row in content(empty_shop)["products"]}
    report = bring(empty_shop, feed, *offers(1), *offers(2, price="5"), *offers(3, 4))
    assert (report.products, report.added, report.changed, report.gone) == (4, 1, 1, 0)
    after = {row[1]: row for row in content(empty_shop)["products"]}
    assert {sku for sku, row in before.items() if row != after[sku]} == {"2"}
    assert after["2"][0] == before["2"][0]
    # where a row stands does not matter
    report = bring(empty_shop, feed, *offers(4, 3), *offers(2, price="5"), *offers(1))
    assert (report.added, report.changed, report.is_unchanged) == (0, 0, False)


def test_goods_that_left_are_gone_and_come_back(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1, 2, 3))
    report = bring(empty_shop, feed, *offers(1, 2))
    assert (report.products, report.gone) == (2, 1)
    assert shown(empty_shop) == ["1", "2"]
    with open_database(empty_shop.folder.database).reading() as connection:
        assert find_product(driver(connection), "3") is None
        gone = find_any(connection, "3")
        assert gone.gone_since is not None
        assert gone.name == "Лампа"
        since = gone.gone_since
    # it does not go twice
    assert bring(empty_shop, feed, *offers(2)).gone == 1
    with open_database(empty_shop.folder.database).reading() as connection:
        assert find_any(connection, "3").gone_since == since
    report = bring(empty_shop, feed, *offers(1, 2, 3))
    assert (report.added, report.changed, report.gone) == (0, 2, 0)
    assert shown(empty_shop) == ["1", "2", "3"]
    with open_database(empty_shop.folder.database).reading() as connection:
        assert find_any(connection, "3").gone_since is None


def test_refused_row_keeps_its_good(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1, 2, 3))
    report = bring(
        empty_shop, feed, *offers(1), *offers(2, price="дорого"), *offers(3, categoryId="77")
    )
    assert (report.products, report.refused, report.gone) == (1, 2, 0)
    assert shown(empty_shop) == ["1", "2", "3"]


def test_truncated_feed_marks_nothing(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(*range(2000)))
    before = content(empty_shop)
    whole = feed.read_bytes().replace(b"1290.50", b"1.50")
    feed.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(FeedError, match="breaks off"):
        empty_shop.import_catalogue(feed)
    assert content(empty_shop) == before
    assert not list(empty_shop.folder.imports.iterdir())


def test_sources_do_not_mark_each_others_goods(
    empty_shop: Shop, feed: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.xml"
    bring(empty_shop, feed, *offers(1, 2))
    assert bring(empty_shop, other, *offers(2, 3)).gone == 0
    # what the first feed brought stays its own, though another has it, too
    assert bring(empty_shop, other, *offers(3)).gone == 0
    assert shown(empty_shop) == ["1", "2", "3"]
    bring(empty_shop, other, *offers(2, 3))
    assert bring(empty_shop, feed, *offers(1)).gone == 1
    assert shown(empty_shop) == ["1", "3"]
    # the first gave it up: the other one has it from now on
    assert bring(empty_shop, other, *offers(2, 3), *offers(4)).added == 1
    assert shown(empty_shop) == ["1", "2", "3", "4"]
    assert bring(empty_shop, other, *offers(4)).gone == 2


def test_named_source_is_the_same_whatever_its_file(empty_shop: Shop, tmp_path: Path) -> None:
    monday = write(tmp_path / "monday.xml", yml(*offers(1, 2)))
    tuesday = write(tmp_path / "tuesday.xml", yml(*offers(2)))
    import_catalogue(empty_shop.folder, monday, name="main")
    assert import_catalogue(empty_shop.folder, tuesday, name="main").gone == 1
    assert shown(empty_shop) == ["2"]


def test_pictures_that_changed_are_taken_anew(empty_shop: Shop, tmp_path: Path) -> None:
    def picture(seed: int) -> None:
        (tmp_path / "a.png").write_bytes(drawn_photo(seed=seed))

    def has() -> list[str]:
        with open_database(empty_shop.folder.database).reading() as connection:
            return [photo.sha256 for photo in list_photos(connection)]

    rows = [("sku", "name", "category", "image"), ("1", "Лампа", "Лампы", "a.png")]
    table = write_table(tmp_path / "goods.csv", rows)
    picture(1)
    empty_shop.import_catalogue(table)
    assert empty_shop.import_catalogue(table).changed == 0
    before = has()
    picture(2)
    os.utime(tmp_path / "a.png", ns=(1, 1))
    report = empty_shop.import_catalogue(table)
    assert (report.changed, report.photos, report.is_unchanged) == (1, 1, False)
    assert has() != before
    (tmp_path / "a.png").unlink()
    # refused, and refused again the next time: the old picture stays
    for _ in range(2):
        report = empty_shop.import_catalogue(table)
        assert (report.refused, report.photos) == (2, 1)


def addresses(shop: Shop, sku: str) -> dict[int, tuple[str, str | None]]:
    with open_database(shop.folder.database).reading() as connection:
        number = stored_products(connection, [sku])[sku].id
        found = stored_addresses(connection, [number])[number]
    return {position: (one.address, one.sha256) for position, one in sorted(found.items())}


def photos(shop: Shop, sku: str) -> list[tuple[int, str]]:
    with open_database(shop.folder.database).reading() as connection:
        product = find_any(connection, sku)
    return [(photo.position, photo.sha256[0]) for photo in product.photos]


def test_addresses_of_pictures(empty_shop: Shop, feed: Path) -> None:
    site = "https://shop.test"

    def fetched(name: str, content: str) -> None:
        photo = PhotoRecord(content * 64, ".jpg", 20, 20)
        with open_database(empty_shop.folder.database).writing() as connection:
            save_fetched(connection, f"{site}/{name}", photo)

    report = bring(empty_shop, feed, yml_offer(picture=f"{site}/a</picture><picture>{site}/b"))
    assert (report.addresses, report.photos, report.refused) == (2, 0, 0)
    assert addresses(empty_shop, "1") == {0: (f"{site}/a", None), 1: (f"{site}/b", None)}
    fetched("a", "a")
    fetched("b", "b")
    # another price leaves the pictures as they are
    pictures = f"{site}/a</picture><picture>{site}/b"
    report = bring(empty_shop, feed, yml_offer(price="5", picture=pictures))
    assert (report.changed, report.photos) == (1, 2)
    assert photos(empty_shop, "1") == [(0, "a"), (1, "b")]
    # what was fetched moves with its address; a new one shows what stood there until it comes
    pictures = f"{site}/b</picture><picture>{site}/c"
    bring(empty_shop, feed, yml_offer(picture=pictures))
    assert addresses(empty_shop, "1") == {0: (f"{site}/b", "b" * 64), 1: (f"{site}/c", None)}
    assert photos(empty_shop, "1") == [(0, "b")]
    bring(empty_shop, feed, yml_offer(picture=f"{site}/d"))
    assert photos(empty_shop, "1") == [(0, "b")]
    fetched("d", "d")
    assert photos(empty_shop, "1") == [(0, "d")]
    bring(empty_shop, feed, yml_offer())
    assert (photos(empty_shop, "1"), addresses(empty_shop, "1")) == ([], {})
    bring(empty_shop, feed, yml_offer(picture=f"{site}/" + "x" * 3000))
    assert addresses(empty_shop, "1") == {}


def test_local_and_remote_pictures_of_one_product(empty_shop: Shop, feed: Path) -> None:
    (feed.parent / "a.png").write_bytes(drawn_photo())
    offer = yml_offer(picture="https://shop.test/b.jpg</picture><picture>a.png")
    report = bring(empty_shop, feed, offer)
    assert (report.photos, report.addresses) == (1, 1)
    assert [position for position, _ in photos(empty_shop, "1")] == [1]
    assert bring(empty_shop, feed, offer).changed == 0


def test_tree_of_categories(empty_shop: Shop, feed: Path) -> None:
    tree = (("1", "", "Дом"), ("2", "1", "Лампы"), ("3", "", "Сад"), ("4", "3", "Лампы"),
            ("5", "", "Пусто"))  # fmt: skip
    rows = offers(1, 2, categoryId="2") + offers(3, categoryId="4")
    bring(empty_shop, feed, *rows, categories=tree)
    assert category_names(empty_shop) == {
        "Дом": ("dom", 0),
        "Дом / Лампы": ("lampy", 2),
        "Сад": ("sad", 0),
        "Сад / Лампы": ("sad-lampy", 1),
    }
    with open_database(empty_shop.folder.database).reading() as connection:
        (leaf,) = named_categories(connection, ["sad-lampy"]).values()
        (parent,) = (one for one in all_categories(connection) if one.id == leaf.parent_id)
        assert (leaf.name, leaf.search_text, parent.path) == ("Лампы", "Лампы", "Сад")
    # a parent goes with the last of its goods
    bring(empty_shop, feed, *offers(1, 2, 3, categoryId="2"), categories=tree)
    assert set(category_names(empty_shop)) == {"Дом", "Дом / Лампы"}


def test_gone_goods_are_not_counted_but_keep_their_category(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1), *offers(2, categoryId="3"))
    bring(empty_shop, feed, *offers(1))
    assert category_names(empty_shop)["Розетки"] == ("rozetki", 0)
    bring(empty_shop, feed, *offers(1), *offers(2, categoryId="3"))
    assert category_names(empty_shop)["Розетки"] == ("rozetki", 1)


def test_renamed_parent_renames_all_below_it(empty_shop: Shop, feed: Path) -> None:
    tree = (("1", "", "Свет"), ("2", "1", "Лампы"), ("3", "1", "Люстры"), ("4", "", "Прочее"))
    rows = offers(1, 2, 9, categoryId="2") + offers(3, 4, categoryId="3")
    bring(empty_shop, feed, *rows, *offers(5, categoryId="4"), categories=tree)
    before = category_names(empty_shop)
    bring(empty_shop, feed, *offers(1, 2, categoryId="2"), *rows[3:],
          *offers(5, categoryId="4"), categories=tree)  # fmt: skip
    renamed = (("1", "", "Освещение"), *tree[1:])
    rows = offers(1, 2, categoryId="2") + offers(3, 4, categoryId="3")
    bring(empty_shop, feed, *rows, *offers(5, categoryId="4"), categories=renamed)
    after = category_names(empty_shop)
    assert {path: slug for path, (slug, _) in after.items()} == {
        path.replace("Свет", "Освещение"): slug for path, (slug, _) in before.items()
    }
    # what was gone went along
    with open_database(empty_shop.folder.database).reading() as connection:
        assert find_any(connection, "9").category.path == "Освещение / Лампы"


def test_flat_category_that_moved_into_a_tree_keeps_its_slug(shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category"), *((f"lampy-{n}", "Лампа", "Свет / Лампы")
            for n in range(4))]  # fmt: skip
    shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    names = category_names(shop)
    assert names["Свет / Лампы"] == ("lamps", 4)
    assert "Лампы" not in names


def test_what_the_merchant_wrote_is_not_overwritten(shop: Shop, tmp_path: Path) -> None:
    shop.set_search_texts({"lamps": "светильник"})

    def words() -> tuple[str, bool]:
        with open_database(shop.folder.database).reading() as connection:
            lamps = named_categories(connection, ["lamps"])["lamps"]
            return lamps.search_text, lamps.search_text_edited

    header = ("sku", "name", "category", "search_text")
    rows = [header, *((f"lampy-{n}", "Новая", "Лампы", "лампочка") for n in range(4))]
    shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    assert words() == ("светильник", True)
    rows = [header, *((f"lampy-{n}", "Новая", "Фонари", "фонарь") for n in range(4))]
    shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    assert words() == ("светильник", True)


def test_new_search_text_finds_goods_whose_rows_did_not_change(
    shop: Shop, catalogue_table: Path, tmp_path: Path
) -> None:
    rows = [("sku", "name", "category", "search_text"), ("new", "x", "Лампы", "люминофор")]
    shop.import_catalogue(write_table(tmp_path / "more.csv", rows))
    assert shop.search_text("люминофор").total == 5


def test_many_refusals_stay_out_of_memory(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category"), ("1", "Лампа", "Лампы")]
    rows += [(f"bad-{n}", "", "Лампы") for n in range(3 * SHOWN)]
    report = empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    assert (report.products, report.refused, len(report.refusals)) == (1, 3 * SHOWN, SHOWN)
    assert report.refused_file is not None
    listed = list(csv.reader(report.refused_file.read_text("utf-8-sig").splitlines()))
    assert len(listed) == 3 * SHOWN + 1
    assert listed[-1] == [f"{3 * SHOWN + 2}", "name", "", "the cell is empty"]


def test_failed_import_leaves_no_list(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category"), ("1", "Лампа", "Лампы"), ("2", "", "")]
    table = write_table(tmp_path / "goods.csv", rows)

    def fail(*_: object) -> None:
        raise OSError("no space")

    empty_shop.import_catalogue(table)
    (kept,) = empty_shop.folder.imports.iterdir()
    table.write_bytes(table.read_bytes() + "3,Лампа,Лампы\r\n".encode())
    event.listen(Engine, "commit", fail)
    try:
        with pytest.raises(Exception, match="no space"):
            empty_shop.import_catalogue(table)
    finally:
        event.remove(Engine, "commit", fail)
    assert list(empty_shop.folder.imports.iterdir()) == [kept]
    assert shown(empty_shop) == ["1"]


def test_import_says_what_it_did(empty_shop: Shop, feed: Path) -> None:
    bring(empty_shop, feed, *offers(1, 2, 3))
    bring(empty_shop, feed, *offers(1), *offers(2, price="5"), *offers(4))
    with open_database(empty_shop.folder.database).reading() as connection:
        entries = connection.execute(select(IMPORTS).order_by(IMPORTS.c.id)).all()
    assert [(one.products, one.added, one.changed, one.gone) for one in entries] == [
        (3, 3, 0, 0),
        (3, 1, 1, 1),
    ]
    assert entries[0].fingerprint != entries[1].fingerprint
