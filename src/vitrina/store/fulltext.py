"""The full-text index of the goods: which terms each of them is found by.

A table of FTS5 (in PostgreSQL: of tsvectors) with one row a product, under the product's id; what
is gone has none. Its columns hold terms, not text: `store.product_terms` says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, text

from vitrina.store.dialect import dialect_named
from vitrina.store.product_terms import index_terms, whole_terms
from vitrina.store.schema import CATEGORIES, PRODUCTS

_DESCRIPTION = 2000
"""Characters of a description that are indexed: what a good is stands at the beginning."""
_BATCH = 500
_CHANGED = text("UPDATE text_index SET generation = generation + 1")


@dataclass(frozen=True, slots=True)
class IndexedText:
    """What a product is found by.

    Attributes:
        product_id: Its row.
        name: In the shop's language.
        name_en: In English.
        articles: Its own and its maker's.
        vendor: Who makes it.
        categories: Names of its category and those above it, and the category's search text.
        description: May hold HTML.
    """

    product_id: int
    name: str
    name_en: str | None = None
    articles: tuple[str, ...] = ()
    vendor: str | None = None
    categories: tuple[str, ...] = ()
    description: str | None = None


def index_products(connection: Connection, texts: Iterable[IndexedText]) -> None:
    """Has these goods found by these texts, whether they are indexed already or not.

    Args:
        connection: The caller commits.
        texts: Worked through in batches, so that there may be any number.
    """
    said = dialect_named(connection.dialect.name)
    save = text(said.save_text)
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        connection.execute(save, [said.text_values(one.product_id, _columns(one)) for one in batch])
    connection.execute(_CHANGED)


def remove_products(connection: Connection, products: Sequence[int]) -> None:
    """Has goods found no more, as those that are gone; the caller commits.

    Args:
        connection: Holds the change.
        products: Their ids; one that is not indexed does no harm.
    """
    if products:
        remove = text(dialect_named(connection.dialect.name).remove_text)
        connection.execute(remove, [{"rowid": number} for number in products])
        connection.execute(_CHANGED)


def reindex_products(connection: Connection, products: Sequence[int]) -> None:
    """Reads goods from the database as they are now and indexes them; gone ones leave the index.

    Args:
        connection: The caller commits.
        products: Their ids.
    """
    for start in range(0, len(products), _BATCH):
        batch = products[start : start + _BATCH]
        there = [
            _text_of(row) for row in connection.execute(_goods().where(PRODUCTS.c.id.in_(batch)))
        ]
        index_products(connection, there)
        remove_products(connection, sorted({*batch} - {one.product_id for one in there}))


def reindex_category(connection: Connection, category: int) -> None:
    """The same for all goods of a category and of those below it, after its words changed.

    Args:
        connection: The caller commits.
        category: Its id.
    """
    within = subtree(CATEGORIES.c.id == category)
    goods = select(PRODUCTS.c.id).where(PRODUCTS.c.category_id.in_(within))
    reindex_products(connection, connection.scalars(goods).all())


def rebuild(connection: Connection) -> None:
    """Indexes all goods anew, for migrations; the caller commits."""
    connection.execute(text(dialect_named(connection.dialect.name).clear_texts))
    rows = connection.execute(_goods().execution_options(yield_per=_BATCH))
    index_products(connection, map(_text_of, rows))


def subtree(category: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Ids of the category for which this holds, and of all below it."""
    top = select(CATEGORIES.c.id).where(category).cte("subtree", recursive=True)
    below = select(CATEGORIES.c.id).where(CATEGORIES.c.parent_id == top.c.id)
    # UNION and not UNION ALL: a ring of parents, were there one, would end too
    return select(top.union(below).c.id)


def _columns(one: IndexedText) -> dict[str, str]:
    articles = [
        term for article in one.articles for term in (*whole_terms(article), *index_terms(article))
    ]
    return {
        "name": _column(one.name, one.name_en),
        "article": " ".join(articles),
        "category": _column(*one.categories),
        "vendor": _column(one.vendor),
        # once each: how often a description repeats a word says nothing of the good
        "description": " ".join(
            dict.fromkeys(index_terms((one.description or "")[:_DESCRIPTION], words=False))
        ),
    }


def _column(*texts: str | None) -> str:
    return " ".join(term for content in texts if content for term in index_terms(content))


def _text_of(row: Row[*tuple[Any, ...]]) -> IndexedText:
    number, name, name_en, sku, vendor_code, vendor, description, path, own_en, search_text = row
    return IndexedText(
        product_id=number,
        name=name,
        name_en=name_en,
        articles=tuple(article for article in (sku, vendor_code) if article),
        vendor=vendor,
        # the search text often is the name once more
        categories=tuple(dict.fromkeys(one for one in (path, own_en, search_text) if one)),
        description=description,
    )


def _goods() -> Select[*tuple[Any, ...]]:
    # columns by name and nothing more: migrations read older schemas through it
    good, category = PRODUCTS.c, CATEGORIES.c
    return (
        select(
            good.id, good.name, good.name_en, good.sku, good.vendor_code, good.vendor,
            good.description, category.path, category.name_en, category.search_text,
        )
        .select_from(PRODUCTS.join(CATEGORIES, category.id == good.category_id))
        .where(good.gone_since.is_(None))
    )  # fmt: skip
