"""Questions and changes that concern categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from vitrina.store import shown
from vitrina.store.database import driver
from vitrina.store.schema import CATEGORIES
from vitrina.store.shown import CategoryRecord

_ALL = select(CATEGORIES)


def list_categories(connection: Connection) -> list[tuple[CategoryRecord, int]]:
    """All categories by name, each with its number of products that are not gone.

    One that only holds other categories has none of its own.
    """
    return shown.list_categories(driver(connection))


def all_categories(connection: Connection) -> list[CategoryRecord]:
    """All of them, in no order."""
    return [CategoryRecord(*row) for row in connection.execute(_ALL)]


def named_categories(connection: Connection, slugs: Iterable[str]) -> dict[str, CategoryRecord]:
    """Those with these slugs that there are, by slug."""
    return shown.named_categories(driver(connection), slugs)


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
