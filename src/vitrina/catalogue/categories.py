"""The shop's category tree while an import runs: found by path, added where it is new."""

from __future__ import annotations

from slugify import slugify
from sqlalchemy import select
from sqlalchemy.orm import Session

from vitrina.catalogue.rows import FeedRow
from vitrina.store.products import PATH_SEPARATOR, save_category
from vitrina.store.schema import Category

_LONGEST_SLUG = 150


class CategoryBook:
    """All categories of the shop.

    Args:
        session: The import's; the caller commits.

    Attributes:
        reworded: Categories that were there before and got other words, by which their goods are
            found.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        known = session.scalars(select(Category)).all()
        self._before = {category.id for category in known}
        self._by_path = {category.path: category for category in known}
        self._slugs = {category.slug for category in known}
        self._settled: set[tuple[str, ...]] = set()
        self.reworded: dict[int, Category] = {}

    @property
    def before(self) -> frozenset[int]:
        """Ids of the categories that were there before the import."""
        return frozenset(self._before)

    def find(self, row: FeedRow) -> Category:
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

    def _settle(self, row: FeedRow) -> Category:
        category: Category | None = None
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
        parent: Category | None,
        names: tuple[str, ...],
        name_en: str | None,
        search_text: str | None,
    ) -> Category:
        path = PATH_SEPARATOR.join(names)
        known = self._by_path.get(path)
        if known is not None:
            if parent is not None and known.parent_id is None:  # from before there was a tree
                known.parent_id, known.name = parent.id, names[-1]
            words = (known.name_en, known.search_text)
            known.name_en = name_en or known.name_en
            if search_text and not known.search_text_edited:
                known.search_text = search_text
            if words != (known.name_en, known.search_text) and known.id in self._before:
                self.reworded[known.id] = known
            return known
        category = save_category(
            self._session,
            slug=self._free_slug(names, name_en),
            name=names[-1],
            name_en=name_en,
            search_text=search_text,
            parent=parent,
        )
        self._by_path[path] = category
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
