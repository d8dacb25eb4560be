"""Goods as the database has them: put there without an import, and read back whole."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

from sqlalchemy import Connection, select

from vitrina.store.bulk import insert_products, replace_photos
from vitrina.store.categories import all_categories
from vitrina.store.products import PhotoRecord
from vitrina.store.schema import PHOTOS, PRODUCTS


def photo(sha256: str, **more: object) -> PhotoRecord:
    """A picture's row; its file is nowhere."""
    values: dict[str, object] = {"suffix": ".jpg", "width": 50, "height": 50} | more
    return PhotoRecord(sha256, **values)  # type: ignore[arg-type]


def add_product(
    connection: Connection,
    category: int,
    sku: str,
    photos: Iterable[PhotoRecord] = (),
    **columns: object,
) -> int:
    """Adds a product, which no words find yet; returns its id."""
    row = {"sku": sku, "name": sku, "category_id": category, "currency": "RUB", **columns}
    number = insert_products(connection, [row])[sku]
    replace_photos(connection, {number: dict(enumerate(photos))})
    return number


def find_any(connection: Connection, sku: str) -> SimpleNamespace:
    """All columns of a product, gone or not, with its `category` and `photos` (rows, in order)."""
    row = connection.execute(select(PRODUCTS).where(PRODUCTS.c.sku == sku)).one()
    photos = select(PHOTOS).where(PHOTOS.c.product_id == row.id).order_by(PHOTOS.c.position)
    (category,) = (one for one in all_categories(connection) if one.id == row.category_id)
    return SimpleNamespace(
        **row._mapping, category=category, photos=connection.execute(photos).all()
    )
