"""Categories, products and pictures as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from stored import add_product, find_any, photo

from vitrina.store.bulk import mark_gone, replace_photos
from vitrina.store.categories import (
    add_category,
    all_categories,
    delete_category,
    list_categories,
    named_categories,
    update_category,
)
from vitrina.store.database import driver, migrate
from vitrina.store.products import list_photos
from vitrina.store.shown import find_product, picture_suffix, shown_products


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with migrate(tmp_path / "vitrina.db").writing() as opened:
        yield opened


def add_lamps(connection: Connection) -> int:
    return add_category(connection, slug="lampy", path="Лампы", name="Лампы").id


def test_what_shoppers_see_of_a_product(connection: Connection) -> None:
    number = add_product(
        connection,
        add_lamps(connection),
        "1",
        [photo("a" * 64), photo("b" * 64)],
        name="Лампа",
        name_en="Lamp",
        price_minor=12345,
        url="https://shop.test/1",
    )
    product = find_product(driver(connection), "1")
    assert product is not None
    assert (product.id, product.name, product.name_en) == (number, "Лампа", "Lamp")
    assert (product.price_minor, product.currency, product.url) == (
        12345, "RUB", "https://shop.test/1",
    )  # fmt: skip
    assert product.in_stock is True
    assert product.picture == "a" * 64
    assert shown_products(driver(connection), [number, 99]) == {number: product}
    assert shown_products(driver(connection), []) == {}


def test_what_is_gone_or_never_was_is_not_shown(connection: Connection) -> None:
    number = add_product(connection, add_lamps(connection), "1")
    bare = find_product(driver(connection), "1")
    assert bare is not None
    assert bare.picture is None
    mark_gone(connection, [number], datetime(2026, 1, 1))
    assert find_product(driver(connection), "1") is None
    assert find_product(driver(connection), "2") is None
    assert shown_products(driver(connection), [number]) == {}


def test_pictures_are_replaced(connection: Connection) -> None:
    number = add_product(connection, add_lamps(connection), "1", [photo("a"), photo("b")])
    replace_photos(connection, {number: {0: photo("b", suffix=".png")}})
    assert [one.sha256 for one in find_any(connection, "1").photos] == ["b"]
    assert picture_suffix(driver(connection), "a") is None
    assert picture_suffix(driver(connection), "b") == ".png"


def test_a_category_is_what_it_was_told_last(connection: Connection) -> None:
    lamps = add_category(
        connection, slug="a", path="Свет / Лампы", name="Лампы", name_en="Lamps", search_text="свет"
    )
    assert (lamps.name_en, lamps.search_text, lamps.search_text_edited) == ("Lamps", "свет", False)
    cables = add_category(connection, slug="c", path="Кабели", name="Кабели")
    assert (cables.search_text, cables.parent_id, cables.name_en) == ("Кабели", None, None)
    changed = replace(lamps, parent_id=cables.id, search_text="лампа", search_text_edited=True)
    update_category(connection, changed)
    assert named_categories(connection, ["a", "none such"]) == {"a": changed}
    assert sorted(all_categories(connection), key=lambda one: one.id) == [changed, cables]
    delete_category(connection, lamps.id)
    assert all_categories(connection) == [cables]


def test_a_category_that_others_are_part_of_stays(connection: Connection) -> None:
    above = add_category(connection, slug="a", path="Свет", name="Свет")
    add_category(connection, slug="b", path="Свет / Лампы", name="Лампы", parent_id=above.id)
    with pytest.raises(IntegrityError):
        delete_category(connection, above.id)


def test_goods_are_counted_where_they_are(connection: Connection) -> None:
    lamps = add_lamps(connection)
    add_category(connection, slug="c", path="Кабели", name="Кабели")
    numbers = [add_product(connection, lamps, sku) for sku in "123"]
    mark_gone(connection, numbers[:1], datetime(2026, 1, 1))
    counted = [(category.slug, count) for category, count in list_categories(connection)]
    assert counted == [("c", 0), ("lampy", 2)]


def test_photos_in_a_stable_order(connection: Connection) -> None:
    lamps = add_lamps(connection)
    first = add_category(connection, slug="aaa", path="Первые", name="Первые").id
    add_product(connection, lamps, "z", [photo("1"), photo("0")])
    add_product(connection, lamps, "a", [photo("2", split="test")])
    number = add_product(connection, first, "m", [photo("3", suffix=".png")])
    gone = add_product(connection, first, "gone", [photo("4")])
    mark_gone(connection, [gone], datetime(2026, 1, 1))
    listed = list_photos(connection)
    assert [(one.category, one.sku, one.sha256) for one in listed] == [
        ("aaa", "m", "3"),
        ("lampy", "a", "2"),
        ("lampy", "z", "1"),
        ("lampy", "z", "0"),
    ]
    assert (listed[0].product, listed[0].suffix, listed[0].split) == (number, ".png", None)
    assert (listed[1].split, listed[1].width, listed[1].height) == ("test", 50, 50)
