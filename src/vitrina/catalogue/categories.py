"""The shop's category tree while an import runs: found by path, added where it is new."""

from __future__ import annotations

from dataclasses import replace

from slugify import slugify
from sqlalchemy import Connection

from vitrina.catalogue.rows import FeedRow
from vitrina.store.categories import (
    add_category,
    all_categories,
    update_category,
)
from vitrina.store.products import PATH_SEPARATOR
from vitrina.store.shown import CategoryRecord

_LONGEST_SLUG = 150


class CategoryBook:
    """All categories of the shop.

    Args:
        connection: The import's; the caller commits.

    Attributes:
        before: Ids of the categories that were there before the import.
        reworded: Ids of those of them that got other words, by which their goods are found.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        known = all_categories(connection)
        self.before = frozenset(category.id for category in known)
        self._by_path = {category.path: category for category in known}
        self._slugs = {category.slug for category in known}
        self._settled: set[tuple[str, ...]] = set()
        self.reworded: set[int] = set()

    def find(self, row: FeedRow) -> CategoryRecord:
        """The row's category, added with those above it where they are new.

        What the first row of a category says of it counts, in each import.
        """
        if row.category not in self._settled:
            return self._settle(row)
        return self._by_path[PATH_SEPARATOR.join(row.category)]

    def see(self, row: FeedRow) -> None:
        """Notes what a row says of its category without adding any, for rows that bring nothing."""
        if row.category not in self._settled and (
            PATH_SEPARATOR.join(row.category) in self._by_path
        ):
            self._settle(row)

    def _settle(self, row: FeedRow) -> CategoryRecord:
        category: CategoryRecord | None = None
        above = len(row.category) - len(row.category_en)
        for level in range(len(row.category)):
            names = row.category[: level + 1]
            place = level - above
            name_en = row.category_en[place] if 0 <= place < len(row.category_en) else None
            is_leaf = len(names) == len(row.category)
            if names in self._settled and not is_leaf:
                category = self._by_path[PATH_SEPARATOR.join(names)]
                continue
            category = self._save(category, names, name_en, row.search_text if is_leaf else None)
            if is_leaf:
                self._settled.add(names)
        assert category is not None  # a row has a category
        return category

    def _save(
        self,
        parent: CategoryRecord | None,
        names: tuple[str, ...],
        name_en: str | None,
        search_text: str | None,
    ) -> CategoryRecord:
        path = PATH_SEPARATOR.join(names)
        known = self._by_path.get(path)
        if known is not None:
            self._by_path[path] = category = _told(known, parent, names[-1], name_en, search_text)
            if category != known:
                update_category(self._connection, category)
            words = (category.name_en, category.search_text)
            if words != (known.name_en, known.search_text) and known.id in self.before:
                self.reworded.add(known.id)
            return category
        self._by_path[path] = category = add_category(
            self._connection,
            slug=self._free_slug(names, name_en),
            path=path,
            name=names[-1],
            name_en=name_en,
            parent_id=parent.id if parent else None,
            search_text=search_text,
        )
        self._slugs.add(category.slug)
        return category

    def _free_slug(self, names: tuple[str, ...], name_en: str | None) -> str:
        """Of the name where no other category has it, else of the whole path, else numbered."""
        plain = slugify(name_en or names[-1], max_length=_LONGEST_SLUG) or "category"
        whole = slugify(" ".join(names), max_length=_LONGEST_SLUG)
        for slug in (plain, whole):
            if slug and slug not in self._slugs:
                return slug
        number = 2
        while f"{plain}-{number}" in self._slugs:
            number += 1
        return f"{plain}-{number}"


def _told(
    known: CategoryRecord,
    parent: CategoryRecord | None,
    name: str,
    name_en: str | None,
    search_text: str | None,
) -> CategoryRecord:
    """What a category is after a row spoke of it."""
    category = replace(known, name_en=name_en or known.name_en)
    if parent is not None and known.parent_id is None:  # from before there was a tree
        category = replace(category, parent_id=parent.id, name=name)
    if search_text and not known.search_text_edited:
        category = replace(category, search_text=search_text)
    return category
