"""The full-text index: what each good is found by, and that the index follows the goods."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

import vitrina.store.database
from vitrina.store.database import Sessions, migrate
from vitrina.store.fulltext import (
    IndexedText,
    index_products,
    index_terms,
    rebuild,
    reindex_category,
    reindex_products,
    remove_products,
)
from vitrina.store.index_terms import IndexTerms, quoted
from vitrina.store.schema import Category, Product, TextIndex


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return migrate(tmp_path / "vitrina.db")


def add_goods(session: Session, *names: str) -> list[Product]:
    category = Category(slug="a", path="Свет / Лампы", name="Лампы", search_text="лампа")
    goods = [
        Product(sku=f"s-{n}", name=name, category=category, currency="RUB", price_minor=1)
        for n, name in enumerate(names)
    ]
    session.add_all(goods)
    session.flush()
    return goods


def found(session: Session, term: str) -> list[int]:
    rows = session.execute(
        text("SELECT rowid FROM product_texts WHERE product_texts MATCH :e ORDER BY rowid"),
        {"e": quoted(term)},
    )
    return list(rows.scalars())


def generation(session: Session) -> int:
    return session.query(TextIndex.generation).scalar()


def test_terms_of_a_name() -> None:
    terms = index_terms("Лампы ВА47-29, 10 мм")
    assert {"лампы", "!ламп", "#ba4729", "#va4729", "#ba47", "29", "#10mm", "10"} <= set(terms)
    assert "лампы" not in index_terms("Лампы", words=False)


@pytest.mark.parametrize("name", ["ва 47-29", "ва 47 29", "ВА47-29", "BA47-29", "ва47 29"])
def test_an_article_in_a_name_has_one_term_however_it_is_written(name: str) -> None:
    terms = set(index_terms(f"Автомат {name} белый"))
    assert "#ba4729" in terms or {"#ba47", "29"} <= terms


def test_every_text_of_a_good_is_found(sessions: Sessions) -> None:
    with sessions() as session:
        index_products(
            session,
            [
                IndexedText(
                    7, "Ёлка", "Fir", ("SKU-77", "ВА1"), "Фирма", ("Праздник",), "<p>Зелёная</p>"
                ),
                IndexedText(8, "Другое"),
            ],
        )
        for term in ("елка", "!fir", "=sku77", "#sku77", "=ba1", "!фирм", "!праздник", "!зелен"):
            assert found(session, term) == [7], term
        assert found(session, "!друг") == [8]
        # tags are no words
        assert found(session, "!p") == []


def test_indexing_again_replaces_and_removing_removes(sessions: Sessions) -> None:
    with sessions() as session:
        first = generation(session)
        index_products(session, [IndexedText(1, "Старая"), IndexedText(2, "Старая")])
        index_products(session, [IndexedText(1, "Новая")])
        assert (found(session, "!стар"), found(session, "!нов")) == ([2], [1])
        remove_products(session, [2, 99])
        assert found(session, "!стар") == []
        assert generation(session) == first + 3


def test_any_number_of_goods_at_once(sessions: Sessions) -> None:
    with sessions() as session:
        index_products(session, (IndexedText(n, f"Товар {n}") for n in range(1, 1203)))
        assert len(found(session, "!товар")) == 1202
        assert found(session, "1202") == [1202]


def test_reading_goods_again_follows_the_database(sessions: Sessions) -> None:
    with sessions() as session:
        one, two = add_goods(session, "Север", "Юг")
        reindex_products(session, [one.id, two.id])
        assert found(session, "!лампы") == []
        assert found(session, "!ламп") == [one.id, two.id]
        one.name, two.gone_since = "Восток", datetime(2026, 1, 1)
        session.flush()
        reindex_products(session, [one.id, two.id])
        assert (found(session, "!восток"), found(session, "!юг")) == ([one.id], [])


def test_a_category_takes_the_goods_below_it_along(sessions: Sessions) -> None:
    with sessions() as session:
        (good,) = add_goods(session, "Север")
        above = Category(slug="b", path="Свет", name="Свет", search_text="свет")
        session.add(above)
        session.flush()
        good.category.parent_id = above.id
        good.category.path = "Сияние / Лампы"
        session.flush()
        reindex_category(session, above)
        assert found(session, "!сиян") == [good.id]


def test_a_ring_of_parents_ends(sessions: Sessions) -> None:
    with sessions() as session:
        (good,) = add_goods(session, "Север")
        good.category.parent_id = good.category.id
        session.flush()
        reindex_category(session, good.category)
        assert found(session, "!север") == [good.id]


def test_migrating_a_shop_with_goods_indexes_them(tmp_path: Path) -> None:
    path = tmp_path / "vitrina.db"
    config = Config()
    place = Path(vitrina.store.database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(place))
    with migrate(path)() as session:
        add_goods(session, "Север", "Юг")[1].gone_since = datetime(2026, 1, 1)
        session.flush()
        config.attributes["connection"] = session.connection()
        command.downgrade(config, "0002")
        session.commit()
    with migrate(path)() as session:
        assert (found(session, "!север"), found(session, "!юг")) == ([1], [])
        assert session.query(Product).count() == 2


def test_rebuilding_forgets_what_is_not_there(sessions: Sessions) -> None:
    with sessions() as session:
        index_products(session, [IndexedText(99, "Призрак")])
        add_goods(session, "Север")
        rebuild(session)
        assert (found(session, "!призрак"), found(session, "!север")) == ([], [1])


def test_words_of_the_index_are_words(sessions: Sessions) -> None:
    with sessions() as session:
        goods = [IndexedText(1, "Лампа ВА47-29 10 мм"), IndexedText(2, "Лампа", articles=("x-1",))]
        index_products(session, goods)
        assert IndexTerms(session).words() == {"лампа": 2, "x": 1}


def test_who_matches_most(sessions: Sessions) -> None:
    with sessions() as session:
        goods = ("красная лампа", "белая лампа", "красный кабель", "стол")
        index_products(session, [IndexedText(n, name) for n, name in enumerate(goods, 1)])
        terms = IndexTerms(session)
        wanted = [quoted(f"!{one}") for one in ("красн", "ламп", "нет")]
        most = terms.most_of(wanted)
        assert most == '("!красн" AND "!ламп")'
        either = terms.most_of([quoted("!бел"), quoted("!стол"), quoted("!кабел")])
        rows = session.execute(
            text("SELECT rowid FROM product_texts WHERE product_texts MATCH :e ORDER BY rowid"),
            {"e": either},
        )
        assert list(rows.scalars()) == [2, 3, 4]
        assert terms.most_of([quoted("!нет")]) is None
        assert terms.most_of([]) is None


def test_unknown_marks_cannot_come_from_a_text() -> None:
    for name in ("!ламп", "#ba4729", "=x", '"x" OR "y"'):
        assert not {"!", "#", "=", '"'} & {
            term[0] for term in index_terms(name) if term[1:] and term[0] not in "!#"
        }
