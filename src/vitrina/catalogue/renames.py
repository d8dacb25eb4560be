"""Categories after an import: empty ones go, renamed ones keep the slug that a bundle knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection, func, select, update

from vitrina.store.categories import (
    all_categories,
    delete_category,
    update_category,
)
from vitrina.store.fulltext import reindex_category
from vitrina.store.schema import PRODUCTS
from vitrina.store.shown import CategoryRecord


def tidy_categories(
    connection: Connection, before: Collection[int], moves: Mapping[tuple[int, int], int]
) -> None:
    """Deletes categories that neither hold goods nor others that do; the caller commits.

    Where all goods of one went into the same new category and make up at least half of it, the
    feed has renamed it: the new one takes over its slug, what the merchant wrote of it, its goods
    that are gone, and its English name unless it has one. A category that only held others was
    renamed where these went into the same new one. One that still has goods which are gone stays
    for them.

    Args:
        connection: Holds the import, which is not yet committed.
        before: Ids of the categories that were there before it.
        moves: How many products went from one category into another, by both ids.
    """
    _Tidying(connection, before, moves).run()


class _Tidying:
    def __init__(
        self, connection: Connection, before: Collection[int], moves: Mapping[tuple[int, int], int]
    ) -> None:
        self._connection = connection
        self._known = set(before)
        self._here = self._count(gone=False)
        self._gone = self._count(gone=True)
        self._heirs: dict[int, Counter[int]] = defaultdict(Counter)
        for (old, new), number in moves.items():
            self._heirs[old][new] += number
        categories = all_categories(connection)
        self._by_id = {category.id: category for category in categories}
        # a path is longer than that of any category above it
        self._deepest_first = sorted(categories, key=lambda one: (-len(one.path), one.path))
        self._within = Counter(self._here)
        self._children: Counter[int] = Counter()
        for category in self._deepest_first:
            if category.parent_id is not None:
                self._within[category.parent_id] += self._within[category.id]
                self._children[category.parent_id] += 1

    def run(self) -> None:
        for category in self._deepest_first:
            if self._within[category.id]:
                continue
            heir = self._find_heir(category)
            if heir is not None and not self._children[category.id]:
                self._rename(category, heir)
            elif not self._gone[category.id] and not self._children[category.id]:
                self._delete(category)

    def _find_heir(self, category: CategoryRecord) -> CategoryRecord | None:
        """The category that all goods went into; None where there is no such one."""
        heirs = self._heirs[category.id]
        if len(heirs) != 1:
            return None
        ((number, moved),) = heirs.items()
        heir = self._by_id[number]
        if category.parent_id is not None and heir.parent_id is not None:
            self._heirs[category.parent_id][heir.parent_id] += moved
        return heir if 2 * moved >= self._within[number] else None

    def _rename(self, category: CategoryRecord, heir: CategoryRecord) -> None:
        if heir.id in self._known:  # it was there already, or took over another's slug
            if not self._gone[category.id]:
                self._delete(category)
            return
        self._known.add(heir.id)
        products = update(PRODUCTS).where(PRODUCTS.c.category_id == category.id)
        self._connection.execute(products.values(category_id=heir.id))
        self._delete(category)  # slugs are unique
        renamed = replace(heir, slug=category.slug, name_en=heir.name_en or category.name_en)
        if category.search_text_edited:
            renamed = replace(renamed, search_text=category.search_text, search_text_edited=True)
        update_category(self._connection, renamed)
        if (renamed.name_en, renamed.search_text) != (heir.name_en, heir.search_text):
            reindex_category(self._connection, heir.id)

    def _delete(self, category: CategoryRecord) -> None:
        if category.parent_id is not None:
            self._children[category.parent_id] -= 1
        delete_category(self._connection, category.id)

    def _count(self, *, gone: bool) -> Counter[int]:
        there = PRODUCTS.c.gone_since.is_(None)
        rows = self._connection.execute(
            select(PRODUCTS.c.category_id, func.count())
            .where(~there if gone else there)
            .group_by(PRODUCTS.c.category_id)
        )
        return Counter({row[0]: row[1] for row in rows})
