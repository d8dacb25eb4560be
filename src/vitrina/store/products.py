"""The pictures of goods, for what learns from them and looks after them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from vitrina.store.schema import CATEGORIES, PHOTOS, PRODUCTS

PATH_SEPARATOR = " / "
"""Stands between the names in the path of a category."""


@dataclass(frozen=True)
class PhotoRecord:
    """One picture of a product, as it is stored; fields as in `schema.PHOTOS`."""

    sha256: str
    suffix: str
    width: int
    height: int
    split: str | None = None


@dataclass(frozen=True, slots=True)
class CataloguePhoto:
    """A picture of a product that is there.

    Attributes:
        sha256: Of the file's bytes; with `suffix` it names the file.
        suffix: Of the file, with its dot.
        width: Pixels.
        height: Pixels.
        split: "train" or "test" where the catalogue decides it.
        product: Id of the product.
        sku: Of the product.
        category: Slug of the product's category.
    """

    sha256: str
    suffix: str
    width: int
    height: int
    split: str | None
    product: int
    sku: str
    category: str


def list_photos(connection: Connection) -> list[CataloguePhoto]:
    """Every picture of goods that are not gone, in a stable order: category, article, position."""
    rows = connection.execute(
        select(
            PHOTOS.c.sha256, PHOTOS.c.suffix, PHOTOS.c.width, PHOTOS.c.height, PHOTOS.c.split,
            PRODUCTS.c.id, PRODUCTS.c.sku, CATEGORIES.c.slug,
        )
        .select_from(PHOTOS.join(PRODUCTS).join(CATEGORIES))
        .where(PRODUCTS.c.gone_since.is_(None))
        .order_by(CATEGORIES.c.slug, PRODUCTS.c.sku, PHOTOS.c.position)
    )  # fmt: skip
    return [CataloguePhoto(*row) for row in rows]
