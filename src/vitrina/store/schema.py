"""Tables of the shop's database.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

REVISION = "0001"
"""The migration that this schema belongs to; `vitrina serve` compares it without Alembic."""


class Base(DeclarativeBase):
    """Base of all tables."""


class Category(Base):
    """A category as the shop has it.

    Attributes:
        slug: Stable name in addresses, files and bundles: lower-case letters, digits, dashes.
        name: As shoppers read it, in the shop's language.
        name_en: In English; null where the catalogue gives none.
        search_text: What a photo of it puts into the search box.
    """

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(500), unique=True)
    name_en: Mapped[str | None] = mapped_column(String(500))
    search_text: Mapped[str] = mapped_column(String(500))

    products: Mapped[list[Product]] = relationship(back_populates="category")


class Product(Base):
    """One article of the shop.

    Attributes:
        sku: The shop's own article, unique.
        price_minor: In hundredths of the currency: SQLite has no exact decimals.
        search_key: Names, article and category's search text, case-folded: what words are
            looked for in.
    """

    __tablename__ = "products"
    __table_args__ = (Index("ix_products_category_in_stock", "category_id", "in_stock"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(1000))
    name_en: Mapped[str | None] = mapped_column(String(1000))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)
    price_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    url: Mapped[str | None] = mapped_column(String(2000))
    in_stock: Mapped[bool] = mapped_column(default=True)
    search_key: Mapped[str] = mapped_column(String(4000))

    category: Mapped[Category] = relationship(back_populates="products")
    photos: Mapped[list[Photo]] = relationship(
        back_populates="product", order_by="Photo.position", cascade="all, delete-orphan"
    )


class Photo(Base):
    """One picture of one product; the same picture may show several products.

    Attributes:
        sha256: Of the file's bytes, hexadecimal; names the file under photos/.
        suffix: Of the file, with its dot.
        position: Order among the product's pictures, from 0.
        split: "train" or "test" where the catalogue decides it, else null.
    """

    __tablename__ = "photos"
    __table_args__ = (UniqueConstraint("product_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    suffix: Mapped[str] = mapped_column(String(5))
    width: Mapped[int]
    height: Mapped[int]
    split: Mapped[str | None] = mapped_column(String(5))

    product: Mapped[Product] = relationship(back_populates="photos")


class Import(Base):
    """One import that ended well: what came in, and from where.

    Attributes:
        source: File or folder, as it was named.
        refused: Rows that were not taken; the report in imports/ says why.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(2000))
    finished: Mapped[datetime]
    products: Mapped[int]
    photos: Mapped[int]
    refused: Mapped[int]
