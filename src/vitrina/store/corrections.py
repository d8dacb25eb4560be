"""What the merchant decided about goods and pictures: it outlives imports of any feed.

A move is noted with the category that the feed gives: as long as the feed says the same, the
product belongs where the merchant put it; where the feed comes to say something else, the feed is
followed. Pictures are named by product and content, so a decision holds wherever the picture stands
among those of the product.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from vitrina.store.schema import CATEGORIES, CORRECTIONS, PRODUCTS
from vitrina.store.shown import CategoryRecord

MOVE = "move"
DROP = "drop photo"
KEEP = "keep"

Decided = set[tuple[str, str]]
"""Article and SHA-256 of each picture."""


def dropped_photos(connection: Connection) -> Decided:
    """Pictures that nothing is to learn from or to be tested on."""
    return _decided(connection, DROP)


def kept_photos(connection: Connection) -> Decided:
    """Pictures that were found right, so that nobody need ask again."""
    return _decided(connection, KEEP)


def moved_count(connection: Connection) -> int:
    """How many goods are where the merchant put them, and not where their feed has them."""
    count = select(func.count()).select_from(CORRECTIONS).where(CORRECTIONS.c.action == MOVE)
    return connection.scalar(count) or 0


def decide(connection: Connection, action: str, sku: str, sha256: str) -> None:
    """Notes that a picture is dropped or kept; the caller commits."""
    known = select(CORRECTIONS.c.id).where(_is(action, sku, sha256))
    if connection.scalar(known) is None:
        connection.execute(insert(CORRECTIONS).values(sku=sku, sha256=sha256, action=action))


def take_back(connection: Connection, action: str, sku: str, sha256: str) -> None:
    """Takes back what `decide` noted; the caller commits."""
    connection.execute(delete(CORRECTIONS).where(_is(action, sku, sha256)))


def move_product(
    connection: Connection, sku: str, *, category: CategoryRecord, to: CategoryRecord
) -> None:
    """Puts a product into another category; the caller commits and has it found by its words.

    Moving it to where the feed has it takes the correction back.

    Args:
        connection: The caller's transaction.
        sku: Of the product.
        category: Where it is.
        to: Where it goes.
    """
    noted = connection.execute(
        select(CORRECTIONS.c.from_category, CORRECTIONS.c.to_category).where(_is(MOVE, sku, ""))
    ).first()
    # a feed that came to say something else is followed: what was noted before it is void
    is_void = noted is None or noted.to_category != category.slug
    given = category.slug if noted is None or is_void else noted.from_category
    connection.execute(delete(CORRECTIONS).where(_is(MOVE, sku, "")))
    if given != to.slug:
        values = {"action": MOVE, "from_category": given, "to_category": to.slug}
        connection.execute(insert(CORRECTIONS).values(sku=sku, sha256="", **values))
    connection.execute(update(PRODUCTS).where(PRODUCTS.c.sku == sku).values(category_id=to.id))


def moved_products(connection: Connection) -> dict[tuple[str, str], int]:
    """Where goods belong instead of where the feed has them.

    Returns:
        Ids of their categories by article and slug of the feed's category.
    """
    moves = connection.execute(
        select(CORRECTIONS.c.sku, CORRECTIONS.c.from_category, CATEGORIES.c.id)
        .join(CATEGORIES, CATEGORIES.c.slug == CORRECTIONS.c.to_category)
        .where(CORRECTIONS.c.action == MOVE)
    )
    return {(sku, given): number for sku, given, number in moves if given is not None}


def _decided(connection: Connection, action: str) -> Decided:
    rows = connection.execute(
        select(CORRECTIONS.c.sku, CORRECTIONS.c.sha256).where(CORRECTIONS.c.action == action)
    )
    return {(sku, sha256) for sku, sha256 in rows}


def _is(action: str, sku: str, sha256: str) -> ColumnElement[bool]:
    row = CORRECTIONS.c
    return (row.action == action) & (row.sku == sku) & (row.sha256 == sha256)
