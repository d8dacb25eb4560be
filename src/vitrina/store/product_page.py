"""What a product's own page shows beside what its card does, in plain SQL."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.store.connection import PlainConnection

_MOST_PICTURES = 8
_DETAILS = (
    "SELECT products.id, categories.slug, products.vendor, products.description FROM products "
    "JOIN categories ON categories.id = products.category_id "
    "WHERE products.sku = ? AND products.gone_since IS NULL"
)
_PICTURES = "SELECT sha256 FROM photos WHERE product_id = ? ORDER BY position LIMIT ?"


@dataclass(frozen=True, slots=True)
class ProductDetails:
    """What is known of a product.

    Attributes:
        category: Slug.
        vendor: Who makes it; None where the feed does not say.
        description: Plain text; None where there is none.
        pictures: SHA-256 of each, the main one first.
    """

    category: str
    vendor: str | None
    description: str | None
    pictures: tuple[str, ...]


def find_details(connection: PlainConnection, sku: str) -> ProductDetails | None:
    """Those of the product with that article; None where none is there (any more)."""
    row = connection.execute(_DETAILS, (sku,)).fetchone()
    if row is None:
        return None
    number, category, vendor, description = row
    pictures = connection.execute(_PICTURES, (number, _MOST_PICTURES))
    return ProductDetails(category, vendor, description, tuple(one for (one,) in pictures))
