"""Search by words: every product once, in a stable order, whatever the words hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from vitrina.errors import QueryError
from vitrina.store.database import Sessions, migrate
from vitrina.store.products import (
    MAX_QUERY,
    PhotoRecord,
    ProductRecord,
    find_photo,
    find_product,
    list_categories,
    list_photos,
    save_category,
    save_product,
    search_products,
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


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    """57 products, every third sold out, in two categories."""
    sessions = migrate(tmp_path_factory.mktemp("many") / "vitrina.db")
    with sessions.begin() as session:
        for slug in ("lampy", "kabeli"):
            fill(
                session,
                *(
                    record(f"{slug}-{n}", f"Товар {n}", in_stock=n % 3 > 0)
                    for n in range(38 if slug == "lampy" else 19)
                ),
                slug=slug,
            )
    return sessions


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return migrate(tmp_path / "vitrina.db")()


def skus(session: Session, words: str, **more: object) -> list[str]:
    found = search_products(session, words=words, **more)  # type: ignore[arg-type]
    return [product.sku for product in found.products]


@pytest.mark.parametrize("limit", [1, 2, 7, 19, 20, 56, 57, 58])
@pytest.mark.parametrize("category", [None, "lampy"])
def test_pages_hold_everything_once(many: Sessions, limit: int, category: str | None) -> None:
    seen, cursor, pages = [], None, 0
    with many() as session:
        while pages == 0 or cursor:
            page = search_products(session, category=category, limit=limit, cursor=cursor)
            assert 0 < len(page.products) <= limit
            assert page.total == (38 if category else 57)
            seen += [(not product.in_stock, product.id) for product in page.products]
            cursor, pages = page.next_cursor, pages + 1
    assert len(seen) == (38 if category else 57)
    assert seen == sorted(set(seen))
    assert pages == -(-len(seen) // limit)


def test_pages_hold_still_while_goods_are_added(tmp_path: Path) -> None:
    with migrate(tmp_path / "vitrina.db").begin() as session:
        fill(session, *(record(f"a-{n}") for n in range(6)))
        first = search_products(session, limit=4)
        fill(session, record("b"), record("c"))
        second = search_products(session, limit=4, cursor=first.next_cursor)
        seen = [product.sku for page in (first, second) for product in page.products]
    assert seen == ["a-0", "a-1", "a-2", "a-3", "a-4", "a-5", "b", "c"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "1", "1-", "-1", "2-5", "1-٣", "1--1", "1-1e3", "1-" + "9" * 19, "0-1 OR 1=1", "1-\x00"],
)
def test_hostile_cursor(many: Sessions, cursor: str) -> None:
    with many() as session, pytest.raises(QueryError, match="cursor"):
        search_products(session, cursor=cursor)


def test_cursor_beyond_the_end(many: Sessions) -> None:
    with many() as session:
        page = search_products(session, cursor="0-" + "9" * 18)
    assert (list(page.products), page.next_cursor, page.total) == ([], None, 57)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("%", ["percent"]),
        ("_", ["under_score"]),
        ("/", ["sla/sh"]),
        ("\\", ["back\\slash"]),
        ("100%", ["percent"]),
        ("'", ["quote'"]),
        ('"', ['double"']),
        ("*", ["st*r"]),
        ("ЛАМПА north", ["plain"]),
        ("north лампа", ["plain"]),
        ("лампа south", []),
        ("'; DROP TABLE products; --", []),
        ("NEAR(a b)", []),
    ],
)
def test_words_are_literal(session: Session, words: str, expected: list[str]) -> None:
    fill(
        session,
        record("percent", "Скидка 100%"),
        *(record(sku, "x") for sku in ("under_score", "sla/sh", "back\\slash", "quote'")),
        record('double"', "x"),
        record("st*r", "x"),
        record("plain", "Лампа North"),
    )
    assert skus(session, words) == expected


def test_words_are_looked_for_everywhere(session: Session) -> None:
    category = save_category(
        session, slug="a", name="Люстры", name_en="Chandeliers", search_text="потолочный свет"
    )
    save_product(session, category, record("SKU-77", "Ёлка", name_en="Fir"))
    for words in (
        "sku-77",
        "ёлка",
        "ЁЛ",
        "fir",
        "люстр",
        "CHANDELIERS",
        "свет потолочный",
        "",
        " ",
    ):
        assert skus(session, words) == ["SKU-77"], words
    assert skus(session, "ель") == []
    assert skus(session, "", category="b") == []


def test_too_many_words(session: Session) -> None:
    assert skus(session, "x" * MAX_QUERY) == []
    assert skus(session, "x " * (MAX_QUERY // 2)) == []
    for words in ("x" * (MAX_QUERY + 1), "a\x00b", "лампа \ud800"):
        with pytest.raises(QueryError):
            search_products(session, words=words)


@settings(max_examples=150, deadline=None)
@given(words=st.text(max_size=MAX_QUERY), cursor=st.none() | st.text(max_size=12))
@example(words="%_\\/", cursor="1-1")
def test_any_words_and_cursor(many: Sessions, words: str, cursor: str | None) -> None:
    with many() as session:
        try:
            page = search_products(session, words=words, cursor=cursor)
        except QueryError:
            return
    assert page.total <= 57


def test_saving_again_replaces(session: Session) -> None:
    one, two = (PhotoRecord(letter * 64, ".jpg", 20, 20) for letter in "ab")
    fill(session, record("1", "Старая", photos=(one, two)))
    number = find_product(session, "1").id  # type: ignore[union-attr]
    fill(session, record("1", "Новая", photos=(two,), price_minor=None, in_stock=False))
    product = find_product(session, "1")
    assert product is not None
    assert (product.id, product.name, product.price_minor) == (number, "Новая", None)
    assert [photo.sha256 for photo in product.photos] == ["b" * 64]
    assert skus(session, "старая") == []
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
    assert skus(session, "новая lamp") == ["1"]
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
