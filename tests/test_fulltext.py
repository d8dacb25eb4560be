"""The full-text index: what each good is found by, and that the index follows the goods."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select, update
from stored import add_product

import vitrina.store.database
from vitrina.store.bulk import mark_gone
from vitrina.store.categories import add_category, update_category
from vitrina.store.database import Database, driver, migrate
from vitrina.store.dialect import dialect_named
from vitrina.store.fulltext import (
    IndexedText,
    index_products,
    rebuild,
    reindex_category,
    reindex_products,
    remove_products,
)
from vitrina.store.index_terms import IndexTerms, quoted
from vitrina.store.product_terms import index_terms
from vitrina.store.schema import PRODUCTS
from vitrina.store.shown import CategoryRecord


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return migrate(tmp_path / "vitrina.db")


def add_lamps(connection: Connection) -> CategoryRecord:
    return add_category(
        connection, slug="a", path="Свет / Лампы", name="Лампы", search_text="лампа"
    )


def add_goods(connection: Connection, category: CategoryRecord, *names: str) -> list[int]:
    return [
        add_product(connection, category.id, f"s-{n}", name=name) for n, name in enumerate(names)
    ]


def found(connection: Connection, term: str) -> list[int]:
    return matching(connection, quoted(term))


def matching(connection: Connection, expression: str) -> list[int]:
    said = dialect_named(connection.dialect.name)
    rows = driver(connection).execute(said.matching, (said.expression(expression),))
    return sorted(number for (number,) in rows)


def generation(connection: Connection) -> int:
    return IndexTerms(driver(connection)).generation()


def test_terms_of_a_name() -> None:
    terms = index_terms("Лампы ВА47-29, 10 мм")
    assert {"лампы", "!ламп", "#ba4729", "#va4729", "#ba47", "29", "#10mm", "10"} <= set(terms)
    assert "лампы" not in index_terms("Лампы", words=False)


@pytest.mark.parametrize("name", ["ва 47-29", "ва 47 29", "ВА47-29", "BA47-29", "ва47 29"])
def test_an_article_in_a_name_has_one_term_however_it_is_written(name: str) -> None:
    terms = set(index_terms(f"Автомат {name} белый"))
    assert "#ba4729" in terms or {"#ba47", "29"} <= terms


def test_every_text_of_a_good_is_found(database: Database) -> None:
    with database.writing() as connection:
        index_products(
            connection,
            [
                IndexedText(
                    7, "Ёлка", "Fir", ("SKU-77", "ВА1"), "Фирма", ("Праздник",), "<p>Зелёная</p>"
                ),
                IndexedText(8, "Другое"),
            ],
        )
        for term in ("елка", "!fir", "=sku77", "#sku77", "=ba1", "!фирм", "!праздник", "!зелен"):
            assert found(connection, term) == [7], term
        assert found(connection, "!друг") == [8]
        # tags are no words
        assert found(connection, "!p") == []


def test_indexing_again_replaces_and_removing_removes(database: Database) -> None:
    with database.writing() as connection:
        first = generation(connection)
        index_products(connection, [IndexedText(1, "Старая"), IndexedText(2, "Старая")])
        index_products(connection, [IndexedText(1, "Новая")])
        assert (found(connection, "!стар"), found(connection, "!нов")) == ([2], [1])
        remove_products(connection, [2, 99])
        assert found(connection, "!стар") == []
        assert generation(connection) == first + 3


def test_any_number_of_goods_at_once(database: Database) -> None:
    with database.writing() as connection:
        index_products(connection, (IndexedText(n, f"Товар {n}") for n in range(1, 1203)))
        assert len(found(connection, "!товар")) == 1202
        assert found(connection, "1202") == [1202]


def test_reading_goods_again_follows_the_database(database: Database) -> None:
    with database.writing() as connection:
        one, two = add_goods(connection, add_lamps(connection), "Север", "Юг")
        reindex_products(connection, [one, two])
        assert found(connection, "!лампы") == []
        assert found(connection, "!ламп") == [one, two]
        connection.execute(update(PRODUCTS).where(PRODUCTS.c.id == one).values(name="Восток"))
        mark_gone(connection, [two], datetime(2026, 1, 1))
        reindex_products(connection, [one, two])
        assert (found(connection, "!восток"), found(connection, "!юг")) == ([one], [])


def test_a_category_takes_the_goods_below_it_along(database: Database) -> None:
    with database.writing() as connection:
        lamps = add_lamps(connection)
        (good,) = add_goods(connection, lamps, "Север")
        above = add_category(connection, slug="b", path="Свет", name="Свет")
        update_category(connection, replace(lamps, parent_id=above.id, path="Сияние / Лампы"))
        reindex_category(connection, above.id)
        assert found(connection, "!сиян") == [good]


def test_a_ring_of_parents_ends(database: Database) -> None:
    with database.writing() as connection:
        lamps = add_lamps(connection)
        (good,) = add_goods(connection, lamps, "Север")
        update_category(connection, replace(lamps, parent_id=lamps.id))
        reindex_category(connection, lamps.id)
        assert found(connection, "!север") == [good]


def test_migrating_a_shop_with_goods_indexes_them(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    config = Config()
    place = Path(vitrina.store.database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(place))
    with migrate(path).writing() as connection:
        goods = add_goods(connection, add_lamps(connection), "Север", "Юг")
        mark_gone(connection, goods[1:], datetime(2026, 1, 1))
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    with migrate(path).reading() as connection:
        assert (found(connection, "!север"), found(connection, "!юг")) == (goods[:1], [])
        assert connection.scalar(select(func.count()).select_from(PRODUCTS)) == 2


def test_rebuilding_forgets_what_is_not_there(database: Database) -> None:
    with database.writing() as connection:
        index_products(connection, [IndexedText(99, "Призрак")])
        add_goods(connection, add_lamps(connection), "Север")
        rebuild(connection)
        assert (found(connection, "!призрак"), found(connection, "!север")) == ([], [1])


def test_words_of_the_index_are_words(database: Database) -> None:
    with database.writing() as connection:
        goods = [IndexedText(1, "Лампа ВА47-29 10 мм"), IndexedText(2, "Лампа", articles=("x-1",))]
        index_products(connection, goods)
        assert IndexTerms(driver(connection)).words() == {"лампа": 2, "x": 1}


def test_who_matches_most(database: Database) -> None:
    with database.writing() as connection:
        goods = ("красная лампа", "белая лампа", "красный кабель", "стол")
        index_products(connection, [IndexedText(n, name) for n, name in enumerate(goods, 1)])
        terms = IndexTerms(driver(connection))
        wanted = [quoted(f"!{one}") for one in ("красн", "ламп", "нет")]
        most = terms.most_of(wanted)
        assert most == '("!красн" AND "!ламп")'
        either = terms.most_of([quoted("!бел"), quoted("!стол"), quoted("!кабел")])
        assert either is not None
        assert matching(connection, either) == [2, 3, 4]
        assert terms.most_of([quoted("!нет")]) is None
        assert terms.most_of([]) is None


def test_unknown_marks_cannot_come_from_a_text() -> None:
    for name in ("!ламп", "#ba4729", "=x", '"x" OR "y"'):
        assert not {"!", "#", "=", '"'} & {
            term[0] for term in index_terms(name) if term[1:] and term[0] not in "!#"
        }
