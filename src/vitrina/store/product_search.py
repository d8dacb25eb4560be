"""Goods in the order in which a search by words shows them, page by page."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from vitrina.errors import QueryError
from vitrina.store.connection import PlainConnection
from vitrina.store.dialect import COLUMNS, Dialect, dialect_of
from vitrina.store.shown import ShownProduct, shown_products

_STRONG = f"{{{' '.join(COLUMNS[:-1])}}} : "
_THERE = "p.gone_since IS NULL"
# UNION and not UNION ALL: a ring of parents, were there one, would end too
_WITHIN = (
    "WITH RECURSIVE within(id) AS (SELECT id FROM categories WHERE slug = ? UNION "
    "SELECT below.id FROM categories AS below JOIN within ON below.parent_id = within.id) "
    "SELECT id FROM within"
)
_CURSOR = struct.Struct(">BBdQ")
_LAST_TIER = 2
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Match:
    """What words ask for, as FTS5 expressions.

    Attributes:
        words: Matches every good that is found; None finds all goods there are.
        article: Matches those of them whose own article was asked for; None where none has it.
    """

    words: str | None = None
    article: str | None = None


@dataclass(frozen=True)
class Filters:
    """Which goods are wanted at all.

    Attributes:
        category: Slug; goods of categories below it belong to it, too.
        price_from: In the currency's unit, such as roubles; goods without a price have none.
        price_to: Likewise, including.
        in_stock: Only what can be bought now.
    """

    category: str | None = None
    price_from: Decimal | float | None = None
    price_to: Decimal | float | None = None
    in_stock: bool = False


ALL_GOODS = Filters()


@dataclass(frozen=True)
class Page:
    """One page of goods.

    Attributes:
        products: In the order in which they are shown.
        total: Goods on all pages.
        next_cursor: What asks for the next page; None on the last.
    """

    products: Sequence[ShownProduct]
    total: int
    next_cursor: str | None


@dataclass(frozen=True)
class _Place:
    """Where in the order a good stands: in which tier, whether in stock, how well it matches."""

    tier: int
    in_stock: bool
    score: float
    product: int


def search_products(
    connection: PlainConnection,
    match: Match,
    filters: Filters = ALL_GOODS,
    *,
    limit: int = 24,
    cursor: str | None = None,
) -> Page:
    """Goods that match, in the order in which they are shown.

    First those whose own article was asked for; then those that match without their description;
    then the others. Within each, those in stock come first, then the better matches (BM25), then
    the older ones. What is gone is not among them.

    Args:
        connection: The shop's database.
        match: What the words ask for.
        filters: What must hold besides.
        limit: Goods on the page.
        cursor: `next_cursor` of the page before. The next page goes on behind the good that it
            ended with, wherever that stands now.

    Raises:
        QueryError: a filter is none, or the cursor is none of ours.
    """
    condition, values = _conditions(connection, filters)
    after = None if cursor is None else _read_cursor(cursor)
    total = _count(connection, match, condition, values)
    found: list[_Place] = []
    tiers = _tiers(match)
    for tier in sorted(tiers):
        missing = limit + 1 - len(found)  # one more tells whether there is a next page
        if missing and (after is None or after.tier <= tier):
            start = after if after and after.tier == tier else None
            found += _one_tier(connection, tier, tiers[tier], condition, values, start, missing)
    shown = found[:limit]
    rows = shown_products(connection, [place.product for place in shown])
    return Page(
        [rows[place.product] for place in shown],
        total,
        _write_cursor(shown[-1]) if len(found) > limit else None,
    )


def matching_products(connection: PlainConnection, match: Match, filters: Filters) -> list[int]:
    """Ids of all goods that match, in no order: what a photo's nearest goods are chosen from.

    Raises:
        QueryError: a filter is none.
    """
    condition, values = _conditions(connection, filters)
    source = _source(dialect_of(connection), match.words)
    statement = f"SELECT p.id FROM {source}{condition}"  # noqa: S608
    rows = _ask(connection, statement, values | {"match": match.words})
    return [product for (product,) in rows]


def _tiers(match: Match) -> dict[int, str | None]:
    """Expressions that part what is found, by their rank."""
    if match.words is None:
        return {0: None}
    strong = f"{_STRONG}({match.words})"
    if match.article is None:
        return {1: strong, 2: f"({match.words}) NOT ({strong})"}
    return {
        0: match.article,
        1: f"({strong}) NOT ({match.article})",
        2: f"(({match.words}) NOT ({match.article})) NOT ({strong})",
    }


def _conditions(connection: PlainConnection, filters: Filters) -> tuple[str, dict[str, Any]]:
    """SQL that a good must fulfil, and its values."""
    conditions, values = [_THERE], dict[str, Any]()
    if filters.category is not None:
        slug = filters.category.partition("\x00")[0]  # databases have no NUL, nor has any slug
        within = [str(int(category)) for (category,) in connection.execute(_WITHIN, (slug,))]
        conditions.append(f"p.category_id IN ({', '.join(within) or 'NULL'})")
    if filters.price_from is not None:
        conditions.append("p.price_minor >= :price_from")
        values["price_from"] = math.ceil(_hundredths(filters.price_from, "least"))
    if filters.price_to is not None:
        conditions.append("p.price_minor <= :price_to")
        values["price_to"] = math.floor(_hundredths(filters.price_to, "highest"))
    if filters.in_stock:
        conditions.append("p.in_stock")
    return " AND ".join(conditions), values


def _hundredths(price: Decimal | float, which: str) -> Decimal:
    try:
        exact = Decimal(str(price)) * 100
        if not 0 <= exact <= _LARGEST:
            raise InvalidOperation
    except InvalidOperation as error:
        raise QueryError(
            f"The {which} price {str(price)[:40]!r} is no price.",
            hint="Give a number from 0, such as 199.90.",
        ) from error
    return exact


def _source(said: Dialect, expression: str | None) -> str:
    return "products AS p WHERE " if expression is None else f"{said.goods} AND "


def _ask(
    connection: PlainConnection, statement: str, values: dict[str, Any]
) -> Sequence[tuple[Any, ...]]:
    if (expression := values.get("match")) is not None:
        values = values | {"match": dialect_of(connection).expression(expression)}
    return connection.execute(statement, values).fetchall()


def _count(
    connection: PlainConnection, match: Match, condition: str, values: dict[str, Any]
) -> int:
    said = dialect_of(connection)
    source = f"{_source(said, match.words)}{condition}"
    if match.words is not None and condition == _THERE:  # what is gone is not in the index
        source = said.texts
    statement = f"SELECT count(*) FROM {source}"  # noqa: S608
    ((total,),) = _ask(connection, statement, values | {"match": match.words})
    return int(total)


def _one_tier(
    connection: PlainConnection,
    tier: int,
    expression: str | None,
    condition: str,
    values: dict[str, Any],
    after: _Place | None,
    limit: int,
) -> list[_Place]:
    """The first goods of a tier, or those behind `after`."""
    said = dialect_of(connection)
    score = "0.0" if expression is None else said.score
    source = _source(said, expression)
    goods = f"SELECT p.id, p.in_stock, {score} AS score FROM {source}{condition}"  # noqa: S608
    values = values | {"match": expression}
    order = " ORDER BY in_stock DESC, score, id LIMIT :limit"
    if after is None:
        rows = _ask(connection, goods + order, values | {"limit": limit})
    else:
        # goods that came since then have moved all scores a little
        now = _ask(connection, f"{goods} AND p.id = :id", values | {"id": after.product})
        same = [score for _, in_stock, score in now if bool(in_stock) == after.in_stock]
        values = values | {
            "limit": limit,
            "stock": after.in_stock,
            "score": same[0] if same else after.score,
            "id": after.product,
        }
        behind = (
            " WHERE in_stock < :stock OR (in_stock = :stock AND "
            "(score > :score OR (score = :score AND id > :id)))"
        )
        rows = _ask(connection, f"SELECT * FROM ({goods}) AS goods {behind}{order}", values)  # noqa: S608
    return [_Place(tier, bool(in_stock), score, product) for product, in_stock, score in rows]


def _write_cursor(place: _Place) -> str:
    content = _CURSOR.pack(place.tier, place.in_stock, place.score, place.product)
    return base64.urlsafe_b64encode(content).decode()


def _read_cursor(cursor: str) -> _Place:
    try:
        content = base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)
        tier, in_stock, score, product = _CURSOR.unpack(content)
        if tier > _LAST_TIER or in_stock > 1 or not math.isfinite(score) or product > _LARGEST:
            raise ValueError(cursor)
    except (ValueError, struct.error) as error:
        raise QueryError(
            f"The cursor {cursor[:40]!r} is none that a search gave.",
            hint="Leave `cursor` out to start from the first page.",
        ) from error
    return _Place(tier, bool(in_stock), score, product)
