"""Search by words: what is found, in which order, page by page, whatever the words hold."""

from __future__ import annotations

import base64
import logging
import os
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Literal

import pytest
from asking import AppClient
from drawing import write_table
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from stored import add_product, find_any

from vitrina import Shop
from vitrina.errors import NotFound, QueryError, ShopError
from vitrina.search.answers import TextAnswer, describe_category
from vitrina.search.query import MAX_QUERY, MAX_WORDS
from vitrina.search.synonyms import read_synonyms
from vitrina.search.text import TextSearch
from vitrina.store.bulk import mark_gone
from vitrina.store.categories import add_category, named_categories, update_category
from vitrina.store.database import Database, migrate, open_database
from vitrina.store.fulltext import reindex_products
from vitrina.store.product_search import ALL_GOODS, Filters

NAMES = {
    "1": "Автоматический выключатель ВА47-29 2P 16А",
    "2": "Автомат BA47-29M 25A",  # Latin letters
    "3": "Лампа светодиодная E27 60 Вт тёплая",
    "4": "Лампы накаливания Е14 40Вт",
    "5": "Кабель ВВГнг 3х2,5 100 м",
    "6": "Кабель ВВГнг 3x25",
    "7": "Розетка белая 220В",
    "8": "Зарядка USB-C с wi-fi",
    "9": "Болт 10мм",
    "10": "Шланг 10 мм",
    "11": "Столешница дубовая",
    "12": "Стол кухонный",
    "13": "Автомат ВА 47 29",
    "14": "Table lamp",
    "15": "Table lamps of glass",
}


Good = dict[str, object]


def add_goods(
    connection: Connection, *goods: Good, slug: str = "goods", name: str = "Товары"
) -> None:
    category = named_categories(connection, [slug]).get(slug)
    category = category or add_category(connection, slug=slug, path=name, name=name)
    ids = [add_product(connection, category.id, **good) for good in goods]  # type: ignore[arg-type]
    reindex_products(connection, ids)


def product(sku: str, name: str, **more: object) -> Good:
    return {"sku": sku, "name": name, "price_minor": 100} | more


def ask(
    search: TextSearch,
    words: str = "",
    limit: int = 100,
    filters: Filters = ALL_GOODS,
    cursor: str | None = None,
) -> TextAnswer:
    return search.search(words, language="ru", limit=limit, filters=filters, cursor=cursor)


def skus(answer: TextAnswer) -> list[str]:
    return [product.sku for product in answer.products]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> TextSearch:
    """The goods of `NAMES`; only for reading."""
    database = migrate(tmp_path_factory.mktemp("named") / "vitrina.db")
    with database.writing() as connection:
        add_goods(connection, *(product(sku, name) for sku, name in NAMES.items()))
    return TextSearch(database)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return migrate(tmp_path / "vitrina.db")


# What is found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("лампа", {"3", "4"}),
        ("ЛАМПАМИ", {"3", "4"}),
        ("лам", {"3", "4"}),
        ("lamp", {"14", "15"}),
        ("lamps", {"14", "15"}),
        ("тёплая лампа", {"3"}),
        ("теплые лампы", {"3"}),
        ("лампа для дома тёплая", {"3"}),
        ("тёплая лам", {"3"}),
        ("ВА47-29", {"1", "2", "13"}),
        ("BA47-29", {"1", "2", "13"}),
        ("ва 47 29", {"1", "2", "13"}),
        ("va4729", {"1", "2", "13"}),
        ("ва47", {"1", "2", "13"}),
        ("ва47-29 16а", {"1"}),
        ("10 мм", {"9", "10"}),
        ("10мм", {"9", "10"}),
        ("10 mm", {"9", "10"}),
        ("60w", {"3"}),
        ("е27", {"3"}),
        ("e 27", {"3"}),
        ("3 x 2.5", {"5"}),
        ("3х25", {"6"}),
        ("wifi", {"8"}),
        ("usb c", {"8"}),
        ("usbc", {"8"}),
        ("стол", {"11", "12"}),
        ("товары лампа", {"3", "4"}),
        ("слон", set()),
        ("!", set()),
    ],
)
def test_words_find(named: TextSearch, words: str, expected: set[str]) -> None:
    answer = ask(named, words)
    assert set(skus(answer)) == expected
    assert (answer.total, answer.corrected) == (len(expected), None)


def test_every_beginning_of_a_word_finds_it(named: TextSearch) -> None:
    for length in range(2, len("светодиодная") + 1):
        assert "3" in skus(ask(named, "светодиодная"[:length])), length


@pytest.mark.parametrize(
    ("typed", "corrected", "expected"),
    [
        ("ламапа", "лампа", {"3", "4"}),
        ("розтека", "розетка", {"7"}),
        ("столешинца", "столешница", {"11"}),
        ("лампа на столешинца", "лампа на столешница", {"3", "4", "11"}),
        ("светодоидная ламапа", "светодиодная лампа", {"3"}),
        ("kfvgf", "лампа", {"3", "4"}),
        ("kfvgs", "лампы", {"3", "4"}),
        ("дфьз", "lamp", {"14", "15"}),
        ("rf,tkm 3х25", "кабель 3х25", {"6"}),
        ("DF47-29", "ва47-29", {"1", "2", "13"}),
    ],
)
def test_slips_are_mended(
    named: TextSearch, typed: str, corrected: str, expected: set[str]
) -> None:
    answer = ask(named, typed)
    assert (answer.corrected, set(skus(answer))) == (corrected, expected)


@pytest.mark.parametrize("typed", ["лмп", "слон", "ва47-28", "xyzzy", "12345"])
def test_what_is_near_to_nothing_stays(named: TextSearch, typed: str) -> None:
    assert ask(named, typed).corrected is None


def test_of_equally_near_words_the_commoner_is_meant(database: Database) -> None:
    with database.writing() as connection:
        add_goods(connection, product("1", "точка"), product("2", "почка"), product("3", "почка"))
    assert ask(TextSearch(database), "ночка").corrected == "почка"


def test_words_of_new_goods_are_known_at_once(database: Database) -> None:
    search = TextSearch(database)
    with database.writing() as connection:
        add_goods(connection, product("1", "лампа"))
    assert ask(search, "розтека").corrected is None
    with database.writing() as connection:
        add_goods(connection, product("2", "розетка"))
    assert skus(ask(search, "розтека")) == ["2"]


def test_where_nothing_matches_all_words_most_are_enough(named: TextSearch) -> None:
    assert set(skus(ask(named, "тёплая лампа слон"))) == {"3"}
    assert set(skus(ask(named, "стол розетка"))) == {"7", "12"}


def test_filters_do_not_loosen_the_words(named: TextSearch) -> None:
    assert ask(named, "лампа", filters=Filters(price_from=5)).total == 0


def test_what_is_gone_is_not_found(database: Database) -> None:
    with database.writing() as connection:
        away = product("2", "лампа", gone_since=datetime(2026, 1, 1))
        add_goods(connection, product("1", "лампа"), away)
    search = TextSearch(database)
    for words in ("лампа", "лам", "ламапа", "", "2"):
        assert "2" not in skus(ask(search, words))
    assert ask(search).total == ask(search, "лампа").total == 1
    with pytest.raises(NotFound):
        search.product("2", "ru")


def test_goods_of_a_description_alone(database: Database) -> None:
    with database.writing() as connection:
        add_goods(connection, product("1", "стол", description="<p>Для <b>ламп</b> и книг</p>"))
    search = TextSearch(database)
    assert skus(ask(search, "лампа")) == ["1"]
    assert skus(ask(search, "b")) == []


# Order


def test_an_article_asked_for_comes_first_even_out_of_stock(database: Database) -> None:
    with database.writing() as connection:
        add_goods(
            connection,
            product("1", "Держатель для АВ-10"),
            product("2", "АВ-10 АВ-10 АВ-10"),
            product("3", "Нечто", vendor_code="АВ-10", in_stock=False),
            product("AB10-x", "АВ-10"),
        )
    search = TextSearch(database)
    for words in ("АВ-10", "ab10", "ав 10"):
        answer = ask(search, words)
        assert skus(answer)[0] == "3"
        assert answer.total == 4


def test_whole_names_before_descriptions_then_in_stock_then_better(database: Database) -> None:
    with database.writing() as connection:
        add_goods(
            connection,
            product("described", "Стол", description="под лампу"),
            product("sold out", "Лампа", in_stock=False),
            product("named", "Лампа"),
            product("long", "Подставка складная большая чёрная лампа"),
            product("made by", "Абажур", vendor="Лампа"),
        )
    found = skus(ask(TextSearch(database), "лампа"))
    assert found == ["named", "long", "made by", "sold out", "described"]


# Pages


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TextSearch:
    """57 goods in two categories, every third sold out, some matching by description alone."""
    database = migrate(tmp_path_factory.mktemp("many") / "vitrina.db")
    with database.writing() as connection:
        for slug, count in (("lampy", 38), ("kabeli", 19)):
            add_goods(
                connection,
                *(
                    product(
                        f"{slug}-{n}",
                        f"Товар {'новый ' * (n % 4)}{n}" if n % 5 else f"Нечто {n}",
                        description="товар",
                        in_stock=n % 3 > 0,
                    )
                    for n in range(count)
                ),
                slug=slug,
                name=slug,
            )
    return TextSearch(database)


def walk(search: TextSearch, words: str, limit: int, filters: Filters = ALL_GOODS) -> list[str]:
    seen, cursor = list[str](), None
    while True:
        page = ask(search, words, limit, filters, cursor)
        assert 0 < len(page.products) <= limit
        seen += skus(page)
        if not (cursor := page.next_cursor):
            assert len(seen) == page.total
            return seen


@pytest.mark.parametrize("limit", [1, 2, 7, 19, 20, 56, 57, 58])
@pytest.mark.parametrize("category", [None, "lampy"])
@pytest.mark.parametrize("words", ["", "товар"])
def test_pages_hold_everything_once(
    many: TextSearch, limit: int, category: str | None, words: str
) -> None:
    filters = Filters(category=category)
    seen = walk(many, words, limit, filters)
    assert len(seen) == len(set(seen)) == (38 if category else 57)
    assert seen == skus(ask(many, words, 100, filters))


def test_pages_hold_still_while_goods_come_and_go(database: Database) -> None:
    def lamps(*numbers: int) -> list[Good]:
        return [product(f"a-{n}", f"Лампа {'белая ' * n}", in_stock=n % 2 == 0) for n in numbers]

    with database.writing() as connection:
        add_goods(connection, *lamps(*range(8)))
    search = TextSearch(database)
    whole = skus(ask(search, "лампа"))
    first = ask(search, "лампа", 3)
    with database.writing() as connection:
        # what was on the page goes, too: its place is still known
        gone = find_any(connection, skus(first)[0]).id
        mark_gone(connection, [gone], datetime(2026, 1, 1))
        reindex_products(connection, [gone])
        add_goods(connection, *(product(f"b-{n}", "Кабель лампа " * 3) for n in range(40)))
    rest = skus(ask(search, "лампа", 100, cursor=first.next_cursor))
    assert [sku for sku in rest if sku.startswith("a")] == whole[3:]
    assert not set(rest) & set(skus(first))


def packed(*values: object) -> str:
    return base64.urlsafe_b64encode(struct.pack(">BBdQ", *values)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "1-5", "", " ", "A" * 23, "A" * 25, "A" * 28, "=" * 24, "ж" * 24, "\x00" * 24,
        "A" * 10_000, packed(3, 1, 0.0, 1), packed(0, 2, 0.0, 1), packed(0, 1, float("nan"), 1),
        packed(0, 1, float("inf"), 1), packed(0, 1, 0.0, 2**63),
    ],
)  # fmt: skip
def test_hostile_cursor(many: TextSearch, cursor: str) -> None:
    with pytest.raises(QueryError, match="cursor"):
        ask(many, "товар", cursor=cursor)


def test_cursor_beyond_the_end(many: TextSearch) -> None:
    page = ask(many, "товар", cursor=packed(2, 0, 1e300, 2**63 - 1))
    assert (skus(page), page.next_cursor, page.total) == ([], None, 57)


# Filters


@pytest.fixture
def tree(database: Database) -> TextSearch:
    """Light over lamps over bulbs, beside cables; one good each, and one without a price."""
    with database.writing() as connection:
        parents = {"lamps": "light", "bulbs": "lamps"}
        for place, slug in enumerate(("light", "lamps", "bulbs", "cables")):
            add_goods(
                connection,
                product(slug, "Товар", price_minor=(place + 1) * 1000 + 50, in_stock=place != 1),
                slug=slug,
                name=slug,
            )
            known = named_categories(connection, (slug, parents.get(slug, "")))
            if slug in parents:
                above = known[parents[slug]].id
                update_category(connection, replace(known[slug], parent_id=above))
        add_goods(connection, product("free", "Товар", price_minor=None), slug="cables")
    return TextSearch(database)


@pytest.mark.parametrize("words", ["", "товар"])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(category="light"), {"light", "lamps", "bulbs"}),
        (Filters(category="lamps"), {"lamps", "bulbs"}),
        (Filters(category="bulbs"), {"bulbs"}),
        (Filters(category="none such"), set()),
        (Filters(category="\x00"), set()),
        (Filters(in_stock=True), {"light", "bulbs", "cables", "free"}),
        (Filters(price_from=20.5), {"lamps", "bulbs", "cables"}),
        (Filters(price_from=Decimal("20.51")), {"bulbs", "cables"}),
        (Filters(price_to=Decimal("20.50")), {"light", "lamps"}),
        (Filters(price_from=20.495, price_to=20.505), {"lamps"}),
        (Filters(price_from=30, price_to=10), set()),
        (Filters("light", 15, 35, True), {"bulbs"}),
    ],
)
def test_filters(tree: TextSearch, words: str, filters: Filters, expected: set[str]) -> None:
    answer = ask(tree, words, filters=filters)
    assert (set(skus(answer)), answer.total) == (expected, len(expected))


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), 1e300, Decimal("sNaN")])
def test_no_price(tree: TextSearch, price: float) -> None:
    for filters in (Filters(price_from=price), Filters(price_to=price)):
        with pytest.raises(QueryError, match="no price"):
            ask(tree, filters=filters)


# Synonyms


def shop_with_synonyms(database: Database, path: Path, content: str | bytes) -> TextSearch:
    with database.writing() as connection:
        add_goods(
            connection,
            product("1", "Розетка белая"),
            product("2", "Outlet"),
            product("3", "Штепсельная синяя розетка"),
            product("4", "Лампа"),
        )
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TextSearch(database, path)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("outlet", {"1", "2", "3"}),
        ("розетками", {"1", "2", "3"}),
        ("штепсельные розетки", {"1", "2", "3"}),
        ("белый outlet", {"1"}),
        ("штепсельная", {"3"}),
        ("лампочка", {"4"}),
        ("источник света", {"4"}),
        ("истчоник света", {"4"}),
        ("прибор для освещения", {"4"}),
    ],
)
def test_synonyms(database: Database, tmp_path: Path, words: str, expected: set[str]) -> None:
    search = shop_with_synonyms(
        database,
        tmp_path / "synonyms.txt",
        "# remark\n\nрозетка, штепсельная розетка , Outlet\n"
        "лампочка, Лампа,источник света, прибор для освещения\n",
    )
    assert set(skus(ask(search, words))) == expected


def test_a_bad_line_is_named_and_breaks_nothing(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = "одно\nлампа, лампы\n,,\nб г д е ж з л, х\nлампочка, лампа\n\x00\ud7ff, ?\n"
    search = shop_with_synonyms(database, tmp_path / "synonyms.txt", content)
    with caplog.at_level(logging.WARNING, "vitrina.search"):
        assert skus(ask(search, "лампочка")) == ["4"]
        ask(search, "лампочка")
    told = [record.getMessage() for record in caplog.records]
    assert [message.split(":")[0] for message in told] == [
        f"synonyms.txt, line {n}" for n in (1, 2, 3, 4, 6)
    ]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe\x00", "no UTF-8"), (b"a, b\n" * 300_000, "larger")]
)
def test_a_file_that_cannot_be_read_breaks_nothing(
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
    reason: str,
) -> None:
    search = shop_with_synonyms(database, tmp_path / "synonyms.txt", content)
    assert skus(ask(search, "лампа")) == ["4"]
    assert reason in caplog.text


def test_synonyms_are_read_again_when_they_changed(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    search = shop_with_synonyms(database, path, "люстра, лампа")
    assert skus(ask(search, "люстра")) == ["4"]
    path.write_text("бра, лампа", encoding="utf-8-sig")
    os.utime(path, ns=(1, 1))
    assert skus(ask(search, "люстра")) == []
    assert skus(ask(search, "бра")) == ["4"]
    path.unlink()
    assert skus(ask(search, "бра")) == []


def test_a_group_too_large_to_search_for_is_left_out() -> None:
    found = read_synonyms(", ".join(f"слово{chr(1072 + n % 32)}{n}" for n in range(31)))
    assert (dict(found.groups), len(found.faults)) == ({}, 1)


@given(st.text())
def test_any_file_of_synonyms(content: str) -> None:
    for phrases in read_synonyms(content).groups.values():
        assert len(phrases) > 1


# Whatever is typed


@settings(max_examples=200, deadline=None)
@given(
    words=st.text(max_size=MAX_QUERY)
    | st.lists(st.sampled_from([*"\"'*()-+:^{}_", "OR", "AND", "NOT", "NEAR", "товар", "ав 1"]))
    .map(" ".join)
    .filter(lambda words: len(words) <= MAX_QUERY),
    cursor=st.none() | st.text(max_size=30),
)
@example(words="%_\\/", cursor=None)
@example(words='name : "', cursor=None)
@example(words="NEAR(товар нечто, 5)", cursor=None)
@example(words="rowid", cursor=None)
def test_any_words_and_cursor(many: TextSearch, words: str, cursor: str | None) -> None:
    try:
        page = ask(many, words, cursor=cursor)
    except QueryError:
        return
    assert page.total <= 57


def test_operators_are_no_operators(named: TextSearch) -> None:
    assert set(skus(ask(named, "лампа NOT тёплая"))) == {"3"}
    assert ask(named, "'; DROP VIEW products; --").total == 0
    assert ask(named).total == len(NAMES)


@pytest.mark.parametrize(
    "words", ["x" * (MAX_QUERY + 1), "x" * 1_000_000, "a\x00b", "лампа \ud800", "x " * 500_000]
)
def test_no_text_to_look_for(named: TextSearch, words: str) -> None:
    with pytest.raises(QueryError, match="characters"):
        ask(named, words)


@pytest.mark.parametrize(
    "words",
    [
        "х " * 100, "1 " * 100, "а1 " * 66, "лмпа " * 40, "-".join("абвгд" * 19), "1" * 200,
        "лампа товары " * 15, "3х" * 100, "ё" * 200, "ва 47 " * 33,
    ],
)  # fmt: skip
def test_long_texts_are_answered_in_bounded_time(named: TextSearch, words: str) -> None:
    started = process_time()
    ask(named, words)
    assert process_time() - started < 3


def test_words_behind_the_last_that_counts_are_left_out(named: TextSearch) -> None:
    filling = ["лампа"] * MAX_WORDS
    assert skus(ask(named, " ".join([*filling, "стол"]))) == skus(ask(named, "лампа "))


def test_the_page_says_what_was_searched_instead(client: AppClient) -> None:
    page = client.get("/", params={"q": "<b>ламапы", "lang": "ru"}).text
    assert "показано по запросу «лампы»" in page
    assert "lampy-1" in page
    assert ' id="corrected" hidden' in client.get("/", params={"q": "лампы"}).text


# What a photo searches for


def texts(shop: Shop) -> dict[str, Sequence[object]]:
    return {one.id: (one.search_text, one.edited) for one in shop.search_texts()}


def test_a_merchants_search_text_is_found_and_kept(shop: Shop, catalogue_table: Path) -> None:
    assert shop.search_text("штепсель").total == 0
    shop.set_search_text("sockets", "  штепсельная \n розетка ")
    assert texts(shop)["sockets"] == ("штепсельная розетка", True)
    assert shop.search_text("штепсель").total == 4
    shop.import_catalogue(catalogue_table)
    assert texts(shop)["sockets"] == ("штепсельная розетка", True)
    shop.set_search_text("sockets", " ")
    assert texts(shop)["sockets"] == ("Розетки", False)
    assert shop.search_text("штепсель").total == 0


@pytest.mark.parametrize(
    ("text", "russian", "english"),
    [
        ("электрическая розетка", "электрическая розетка", "Sockets"),
        ("outlet 16 A", "outlet 16 A", "outlet 16 A"),
        ("розетка Schuko", "розетка Schuko", "Sockets"),
        ("", "Розетки", "Sockets"),
    ],
)
def test_what_fills_the_box_in_each_language(
    shop: Shop, text: str, russian: str, english: str
) -> None:
    shop.set_search_text("sockets", text)
    filled = {lang: box(shop, "sockets", lang) for lang in ("ru", "en")}
    assert filled == {"ru": russian, "en": english}
    # what is found by it is found in its language
    assert all(shop.search_text(words).total == 4 for words in filled.values())


def test_words_of_the_feed_fill_the_box_as_the_merchants_do(
    empty_shop: Shop, tmp_path: Path
) -> None:
    header = ("sku", "name", "category", "category_en", "search_text")
    rows = [
        header,
        ("1", "x", "Лампы", "Lamps", "LED E27"),
        ("2", "y", "Arduino", "Boards", ""),
        ("3", "z", "Кабели", "", "провод"),
    ]
    empty_shop.import_catalogue(write_table(tmp_path / "feed.csv", rows))
    assert [box(empty_shop, slug, "en") for slug in ("lamps", "boards", "kabeli")] == [
        "LED E27", "Boards", "провод",
    ]  # fmt: skip


def box(shop: Shop, category: str, language: Literal["ru", "en"]) -> str:
    """What a photo of the category puts into the search box."""
    with open_database(shop.folder.database).reading() as connection:
        named = named_categories(connection, [category])
    return describe_category(named[category], language, 0).search_text


def test_search_texts_are_changed_all_or_none(shop: Shop) -> None:
    before = texts(shop)
    with pytest.raises(NotFound, match="missing") as refusal:
        shop.set_search_texts({"lamps": "свет", "missing": "x"})
    assert "vitrina categories" in refusal.value.hint
    for text in ("x" * 201, "a\x00b", "\ud800"):
        with pytest.raises(QueryError, match="search text"):
            shop.set_search_texts({"sockets": "свет", "lamps": text})
    assert texts(shop) == before


def test_a_shop_without_goods_has_no_search_texts(empty_shop: Shop) -> None:
    with pytest.raises(ShopError, match="no goods yet"):
        empty_shop.search_texts()
    with pytest.raises(ShopError, match="no goods yet"):
        empty_shop.set_search_text("lamps", "x")


def test_the_command_lists_and_changes_search_texts(shop: Shop) -> None:
    import json

    from typer.testing import CliRunner

    from vitrina.cli.commands import app

    place = ["--shop", str(shop.folder.root)]
    told = CliRunner().invoke(app, ["categories", "--set", "lamps=свет = тепло", "--json", *place])
    listed = {one["id"]: one for one in json.loads(told.stdout)["categories"]}
    assert listed["lamps"]["search_text"] == "свет = тепло"
    assert (listed["lamps"]["edited"], listed["sockets"]["edited"]) == (True, False)
    assert [one["products"] for one in listed.values()] == [4, 4, 4]
    table = CliRunner().invoke(app, ["categories", *place]).stdout
    assert "свет = тепло" in table
    assert CliRunner().invoke(app, ["categories", "--set", "lamps", *place]).exit_code == 2
