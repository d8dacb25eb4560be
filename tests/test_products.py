"""Categories, products and pictures as they are stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from vitrina.store.database import migrate
from vitrina.store.products import (
    PhotoRecord,
    ProductRecord,
    find_photo,
    find_product,
    list_categories,
    list_photos,
    save_category,
    save_product,
)


def record(sku: str, name: str = "Лампа", **more: object) -> ProductRecord:
    values: dict[str, object] = {"price_minor": 100, "currency": "RUB"} | more
    return ProductRecord(sku=sku, name=name, **values)  # type: ignore[arg-type]


def fill(session: Session, *records: ProductRecord, slug: str = "lampy") -> None:
    category = save_category(
        session, slug=slug, name=f"К-{slug}", name_en=None, search_text="что-то"
    )
    for one in records:
        save_product(session, category, one)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return migrate(tmp_path / "vitrina.db")()


def test_saving_again_replaces(session: Session) -> None:
    one, two = (PhotoRecord(letter * 64, ".jpg", 20, 20) for letter in "ab")
    fill(session, record("1", "Старая", photos=(one, two)))
    number = find_product(session, "1").id  # type: ignore[union-attr]
    fill(session, record("1", "Новая", photos=(two,), price_minor=None, in_stock=False))
    product = find_product(session, "1")
    assert product is not None
    assert (product.id, product.name, product.price_minor) == (number, "Новая", None)
    assert [photo.sha256 for photo in product.photos] == ["b" * 64]
    assert find_photo(session, "a" * 64) is None
    assert find_photo(session, "b" * 64) is not None
    assert find_product(session, "2") is None


def test_saving_again_keeps_what_it_is_told_to(session: Session) -> None:
    shot = PhotoRecord("a" * 64, ".jpg", 20, 20)
    category = save_category(session, slug="a", name="Лампы", name_en=None, search_text=None)
    rich = record("1", name_en="Lamp", url="https://shop.test/1", in_stock=False, photos=(shot,))
    save_product(session, category, rich)
    keep = {"name_en", "url", "in_stock", "photos"}
    product = save_product(session, category, record("1", "Новая", price_minor=7), keep)
    assert (product.name, product.price_minor) == ("Новая", 7)
    assert (product.name_en, product.url, product.in_stock) == (
        "Lamp",
        "https://shop.test/1",
        False,
    )
    assert [photo.sha256 for photo in product.photos] == ["a" * 64]
    # there is nothing to keep of a new one
    assert save_product(session, category, record("2", url="x"), keep).url == "x"


def test_category_keeps_what_is_not_given(session: Session) -> None:
    save_category(session, slug="a", name="Лампы", name_en="Lamps", search_text="лампа")
    again = save_category(session, slug="b", name="Лампы", name_en=None, search_text=None)
    assert (again.slug, again.name_en, again.search_text) == ("a", "Lamps", "лампа")
    other = save_category(session, slug="c", name="Кабели", name_en=None, search_text=None)
    assert other.search_text == "Кабели"
    assert [(entry.slug, count) for entry, count in list_categories(session)] == [
        ("c", 0),
        ("a", 0),
    ]


def test_photos_in_a_stable_order(session: Session) -> None:
    shots = [PhotoRecord(f"{n}" * 64, ".jpg", 20, 20) for n in range(4)]
    fill(session, record("z", photos=(shots[1], shots[0])), record("a", photos=(shots[2],)))
    fill(session, record("m", photos=(shots[3],)), slug="aaa")
    listed = [(c.slug, p.sku, photo.sha256[0]) for photo, p, c in list_photos(session)]
    assert listed == [
        ("aaa", "m", "3"),
        ("lampy", "a", "2"),
        ("lampy", "z", "1"),
        ("lampy", "z", "0"),
    ]
