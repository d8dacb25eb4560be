"""What the merchant decided about goods and pictures: it outlives imports of any feed.

A move is noted with the category that the feed gives: as long as the feed says the same, the
product belongs where the merchant put it; where the feed comes to say something else, the feed is
followed. Pictures are named by product and content, so a decision holds wherever the picture stands
among those of the product.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vitrina.store.schema import Category, Correction, Product

MOVE = "move"
DROP = "drop photo"
KEEP = "keep"

Decided = set[tuple[str, str]]
"""Article and SHA-256 of each picture."""


def dropped_photos(session: Session) -> Decided:
    """Pictures that nothing is to learn from or to be tested on."""
    return _decided(session, DROP)


def kept_photos(session: Session) -> Decided:
    """Pictures that were found right, so that nobody need ask again."""
    return _decided(session, KEEP)


def decide(session: Session, action: str, sku: str, sha256: str) -> None:
    """Notes that a picture is dropped or kept; the caller commits."""
    if (sku, sha256) not in _decided(session, action):
        session.add(Correction(sku=sku, sha256=sha256, action=action))
        session.flush()


def take_back(session: Session, action: str, sku: str, sha256: str) -> None:
    """Takes back what `decide` noted; the caller commits."""
    session.execute(
        delete(Correction).where(
            Correction.action == action, Correction.sku == sku, Correction.sha256 == sha256
        )
    )


def move_product(session: Session, product: Product, to: Category) -> None:
    """Puts a product into another category; the caller commits and has it found by its words.

    Moving it to where the feed has it takes the correction back.
    """
    noted = session.scalar(
        select(Correction).where(Correction.sku == product.sku, Correction.action == MOVE)
    )
    # a feed that came to say something else is followed: what was noted before it is void
    if noted is not None and noted.to_category != product.category.slug:
        session.delete(noted)
        session.flush()
        noted = None
    if noted is None:
        noted = Correction(sku=product.sku, action=MOVE, from_category=product.category.slug)
        session.add(noted)
    noted.to_category = to.slug
    product.category = to
    session.flush()
    if noted.from_category == to.slug:
        session.delete(noted)
        session.flush()


def moved_products(session: Session) -> dict[tuple[str, str], int]:
    """Where goods belong instead of where the feed has them.

    Returns:
        Ids of their categories by article and slug of the feed's category.
    """
    moves = session.execute(
        select(Correction.sku, Correction.from_category, Category.id)
        .join(Category, Category.slug == Correction.to_category)
        .where(Correction.action == MOVE)
    )
    return {(sku, given): number for sku, given, number in moves if given is not None}


def _decided(session: Session, action: str) -> Decided:
    rows = session.execute(
        select(Correction.sku, Correction.sha256).where(Correction.action == action)
    )
    return {(sku, sha256) for sku, sha256 in rows}
