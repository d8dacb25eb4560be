"""Questions that concern categories, products and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

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


_SHOWN = (
    PRODUCTS.c.id,
    PRODUCTS.c.sku,
    PRODUCTS.c.name,
    PRODUCTS.c.name_en,
    PRODUCTS.c.price_minor,
    PRODUCTS.c.currency,
    PRODUCTS.c.url,
    PRODUCTS.c.in_stock,
    select(PHOTOS.c.sha256)
    .where(PHOTOS.c.product_id == PRODUCTS.c.id)
    .order_by(PHOTOS.c.position)
    .limit(1)
    .scalar_subquery()
    .label("picture"),
)
_THERE = PRODUCTS.c.gone_since.is_(None)
_SHOWN_OF_IDS = select(*_SHOWN).where(PRODUCTS.c.id.in_(bindparam("ids", expanding=True)), _THERE)
_SHOWN_OF_SKU = select(*_SHOWN).where(PRODUCTS.c.sku == bindparam("sku"), _THERE)
_PICTURE = select(PHOTOS.c.suffix).where(PHOTOS.c.sha256 == bindparam("sha256")).limit(1)


def shown_products(connection: Connection, products: Sequence[int]) -> dict[int, ShownProduct]:
    """Those of the products that are there, by id."""
    if not products:
        return {}
    rows = connection.execute(_SHOWN_OF_IDS, {"ids": products})
    return {row.id: ShownProduct(*row) for row in rows}


def find_product(connection: Connection, sku: str) -> ShownProduct | None:
    """A product by its article; None where none is there (any more)."""
    row = connection.execute(_SHOWN_OF_SKU, {"sku": sku}).first()
    return None if row is None else ShownProduct(*row)


def picture_suffix(connection: Connection, sha256: str) -> str | None:
    """Suffix of a picture's file; None where the catalogue has no such picture."""
    suffix: str | None = connection.scalar(_PICTURE, {"sha256": sha256})
    return suffix


def list_photos(connection: Connection) -> list[CataloguePhoto]:
    """Every picture of goods that are not gone, in a stable order: category, article, position."""
    rows = connection.execute(
        select(
            PHOTOS.c.sha256, PHOTOS.c.suffix, PHOTOS.c.width, PHOTOS.c.height, PHOTOS.c.split,
            PRODUCTS.c.id, PRODUCTS.c.sku, CATEGORIES.c.slug,
        )
        .select_from(PHOTOS.join(PRODUCTS).join(CATEGORIES))
        .where(_THERE)
        .order_by(CATEGORIES.c.slug, PRODUCTS.c.sku, PHOTOS.c.position)
    )  # fmt: skip
    return [CataloguePhoto(*row) for row in rows]
