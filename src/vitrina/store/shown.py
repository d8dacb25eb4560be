"""What shoppers see of the goods, in plain SQL: all that a server asks for, besides its searches.

A server starts without SQLAlchemy, which takes a quarter of the time until the first answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vitrina.store.connection import PlainConnection


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """What shoppers see of a product; fields as in `schema.PRODUCTS`.

    Attributes:
        picture: SHA-256 of its main picture; None where it has none.
    """

    id: int
    sku: str
    name: str
    name_en: str | None
    price_minor: int | None
    currency: str
    url: str | None
    in_stock: bool
    picture: str | None


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


_SHOWN = (
    "SELECT id, sku, name, name_en, price_minor, currency, url, in_stock, (SELECT sha256 FROM "
    "photos WHERE product_id = products.id ORDER BY position LIMIT 1) FROM products "
    "WHERE gone_since IS NULL AND "
)
_CATEGORY = (
    "SELECT id, slug, path, name, name_en, parent_id, search_text, search_text_edited "
    "FROM categories "
)
# A sum is no column that there is an index of: SQLite then counts in the index that holds all that
# is asked here, and leaves the wide rows of the products alone, which takes seven times as long.
_COUNTS = (
    "SELECT category_id + 0 AS category, count(*) FROM products WHERE gone_since IS NULL "
    "GROUP BY category"
)


def shown_products(connection: PlainConnection, products: Sequence[int]) -> dict[int, ShownProduct]:
    """Those of the products that are there, by id."""
    rows = connection.execute(f"{_SHOWN} id IN {_places(products)}", products)
    return {product.id: product for product in map(_product, rows)}


def find_product(connection: PlainConnection, sku: str) -> ShownProduct | None:
    """A product by its article; None where none is there (any more)."""
    row = connection.execute(f"{_SHOWN} sku = ?", (sku,)).fetchone()
    return None if row is None else _product(row)


def picture_suffix(connection: PlainConnection, sha256: str) -> str | None:
    """Suffix of a picture's file; None where the catalogue has no such picture."""
    statement = "SELECT suffix FROM photos WHERE sha256 = ? LIMIT 1"
    row = connection.execute(statement, (sha256,)).fetchone()
    return None if row is None else str(row[0])


def list_categories(connection: PlainConnection) -> list[tuple[CategoryRecord, int]]:
    """All categories by name, each with its number of products that are not gone.

    One that only holds other categories has none of its own.
    """
    counts = dict(connection.execute(_COUNTS).fetchall())
    rows = connection.execute(f"{_CATEGORY} ORDER BY name, path")
    return [(category, counts.get(category.id, 0)) for category in map(_category, rows)]


def named_categories(
    connection: PlainConnection, slugs: Iterable[str]
) -> dict[str, CategoryRecord]:
    """Those with these slugs that there are, by slug."""
    asked = list(slugs)
    rows = connection.execute(f"{_CATEGORY} WHERE slug IN {_places(asked)}", asked)
    return {category.slug: category for category in map(_category, rows)}


def _places(values: Sequence[object]) -> str:
    """Of values in a statement, as many as there are: "(?, ?)"."""
    return f"({', '.join('?' * len(values)) or 'NULL'})"


def _product(row: Sequence[Any]) -> ShownProduct:
    number, sku, name, name_en, price_minor, currency, url, in_stock, picture = row
    return ShownProduct(
        number, sku, name, name_en, price_minor, currency, url, bool(in_stock), picture
    )


def _category(row: Sequence[Any]) -> CategoryRecord:
    number, slug, path, name, name_en, parent, search_text, edited = row
    return CategoryRecord(number, slug, path, name, name_en, parent, search_text, bool(edited))
