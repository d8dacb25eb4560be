"""Questions and changes that concern categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update

from vitrina.store.schema import CATEGORIES, PRODUCTS


@dataclass(frozen=True, slots=True)
class CategoryRecord:
    """One category, as it is stored; fields as in `schema.CATEGORIES`, in their order."""

    id: int
    slug: str
    path: str
    name: str
    name_en: str | None
    parent_id: int | None
    search_text: str
    search_text_edited: bool


_ALL = select(CATEGORIES)
_NAMED = select(CATEGORIES).where(CATEGORIES.c.slug.in_(bindparam("slugs", expanding=True)))
_BY_NAME = select(CATEGORIES).order_by(CATEGORIES.c.name, CATEGORIES.c.path)
# A sum is no column that there is an index of: SQLite then counts in the index that holds all that
# is asked here, and leaves the wide rows of the products alone, which takes seven times as long.
_CATEGORY = (PRODUCTS.c.category_id + literal_column("0")).label("category")
_COUNTS = select(_CATEGORY, func.count()).where(PRODUCTS.c.gone_since.is_(None)).group_by(_CATEGORY)


def list_categories(connection: Connection) -> list[tuple[CategoryRecord, int]]:
    """All categories by name, each with its number of products that are not gone.

    One that only holds other categories has none of its own.
    """
    counts = {category: count for category, count in connection.execute(_COUNTS)}  # noqa: C416
    categories = (CategoryRecord(*row) for row in connection.execute(_BY_NAME))
    return [(category, counts.get(category.id, 0)) for category in categories]


def all_categories(connection: Connection) -> list[CategoryRecord]:
    """All of them, in no order."""
    return [CategoryRecord(*row) for row in connection.execute(_ALL)]


def named_categories(connection: Connection, slugs: Iterable[str]) -> dict[str, CategoryRecord]:
    """Those with these slugs that there are, by slug."""
    rows = connection.execute(_NAMED, {"slugs": list(slugs)})
    return {row.slug: CategoryRecord(*row) for row in rows}


def add_category(
    connection: Connection,
    *,
    slug: str,
    path: str,
    name: str,
    name_en: str | None = None,
    parent_id: int | None = None,
    search_text: str | None = None,
) -> CategoryRecord:
    """Adds a category; without a search text that is its name."""
    added = connection.execute(
        insert(CATEGORIES)
        .values(slug=slug, path=path, name=name, name_en=name_en, parent_id=parent_id)
        .values(search_text=search_text or name)
        .returning(CATEGORIES)
    )
    return CategoryRecord(*added.one())


def update_category(connection: Connection, category: CategoryRecord) -> None:
    """Writes down what a category is now, by its id."""
    connection.execute(
        update(CATEGORIES).where(CATEGORIES.c.id == category.id).values(asdict(category))
    )


def delete_category(connection: Connection, category: int) -> None:
    """Deletes a category, by its id; nothing may belong to it any more."""
    connection.execute(delete(CATEGORIES).where(CATEGORIES.c.id == category))
