"""Categories after an import: empty ones go, renamed ones keep the slug that a bundle knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from vitrina.store.products import list_categories
from vitrina.store.schema import Category, Product


@dataclass(frozen=True)
class Belonging:
    """What belongs where at one moment.

    Attributes:
        categories: Ids of all categories.
        goods: Id of its category by sku.
    """

    categories: frozenset[int]
    goods: dict[str, int]


def belonging(session: Session) -> Belonging:
    """What belongs where now, for `tidy_categories` to compare with later."""
    goods = session.execute(select(Product.sku, Product.category_id))
    return Belonging(frozenset(session.scalars(select(Category.id))), dict(goods.all()))


def tidy_categories(session: Session, before: Belonging) -> None:
    """Deletes categories that an import left without goods; the caller commits.

    Where all goods of one went into the same new category and make up at least half of it, the
    feed has renamed it: the new one takes over its slug, and its English name unless it has one.

    Args:
        session: Holds the import, not yet committed.
        before: As it was before the import.
    """
    after = belonging(session).goods
    known = set(before.categories)
    for category, goods in list_categories(session):
        if goods:
            continue
        heirs = Counter(after[sku] for sku, number in before.goods.items() if number == category.id)
        slug, name_en = category.slug, category.name_en
        session.delete(category)
        session.flush()  # slugs are unique
        if len(heirs) == 1:
            ((number, moved),) = heirs.items()
            heir = session.get_one(Category, number)
            if number not in known and 2 * moved >= sum(n == number for n in after.values()):
                known.add(number)  # two that were merged: the first gives its slug
                heir.slug, heir.name_en = slug, heir.name_en or name_en
                session.flush()
