"""Tables of the shop's database.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

REVISION = "0004"
"""The migration that this schema belongs to; `vitrina serve` compares it without Alembic."""


class Base(DeclarativeBase):
    """Base of all tables."""


class Category(Base):
    """A category as the shop has it.

    Attributes:
        slug: Stable name in addresses, files and bundles: lower-case letters, digits, dashes.
        path: Names from the root of the tree down to it, joined by " / "; tells the category from
            others of the same name, and is how an import finds it again.
        name: As shoppers read it, in the shop's language.
        name_en: In English; null where the catalogue gives none.
        parent_id: The category that it is a part of; null at the root.
        search_text: What a photo of it puts into the search box.
        search_text_edited: The merchant wrote `search_text`, so that imports leave it alone.
    """

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    path: Mapped[str] = mapped_column(String(2000), unique=True)
    name: Mapped[str] = mapped_column(String(500))
    name_en: Mapped[str | None] = mapped_column(String(500))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    search_text: Mapped[str] = mapped_column(String(500))
    search_text_edited: Mapped[bool] = mapped_column(default=False)

    products: Mapped[list[Product]] = relationship(back_populates="category")


class Product(Base):
    """One article of the shop.

    Attributes:
        sku: The shop's own article, unique.
        vendor: Who makes it; null where the catalogue does not say.
        vendor_code: The maker's own article, such as "ВА47-29".
        price_minor: In hundredths of the currency: SQLite has no exact decimals.
        source: The feed that it came from, as `Import.source` names it.
        fingerprint: Of the feed's row; a row with the same one has nothing new. Null where the row
            must be taken anew in any case.
        gone_since: When an import of its source no longer had it, UTC; null while it is there.
            What is gone is neither found nor shown, and comes back when the feed has it again.
    """

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_category_in_stock", "category_id", "in_stock"),
        # all that a text search asks of the goods that match: their wide rows are left alone
        Index("ix_products_search", "id", "gone_since", "in_stock", "category_id", "price_minor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(1000))
    name_en: Mapped[str | None] = mapped_column(String(1000))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)
    vendor: Mapped[str | None] = mapped_column(String(200))
    vendor_code: Mapped[str | None] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(String(4000))
    price_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    url: Mapped[str | None] = mapped_column(String(2000))
    in_stock: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str | None] = mapped_column(String(2000))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    gone_since: Mapped[datetime | None]

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


class RemotePhoto(Base):
    """A picture that a feed names by its address, whether it was fetched yet or not.

    Attributes:
        position: Among the product's pictures; the row of `photos` that it becomes has it too.
        address: Where it lies, http or https.
        sha256: Of the bytes that were fetched; null until then.
        etag: What the server said of that content, for asking whether there is anything new.
        last_modified: Likewise.
        fault: Why it could not be fetched the last time; null where it could, or was not tried.
        tries: How often in a row it could not.
    """

    __tablename__ = "remote_photos"
    __table_args__ = (UniqueConstraint("product_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int]
    address: Mapped[str] = mapped_column(String(2000), index=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    etag: Mapped[str | None] = mapped_column(String(200))
    last_modified: Mapped[str | None] = mapped_column(String(100))
    fault: Mapped[str | None] = mapped_column(String(500))
    tries: Mapped[int] = mapped_column(default=0)


class Import(Base):
    """One import that ended well: what came in, and from where.

    Attributes:
        source: File or folder, as it was named.
        fingerprint: Of everything that was read; the same source with the same one brings nothing.
        products: Goods that the source has.
        added: Of those, how many are new.
        changed: Of those, how many differ from what the shop had.
        gone: Goods of this source that it no longer has.
        refused: Rows that were not taken; the report in imports/ says why.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(2000))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    finished: Mapped[datetime]
    products: Mapped[int]
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    photos: Mapped[int]
    refused: Mapped[int]


class TextIndex(Base):
    """The one row that tells of the full-text index, `product_texts` (`store.fulltext`).

    Attributes:
        generation: Grows with every change of the index; what is kept of it in memory is of one
            generation.
    """

    __tablename__ = "text_index"

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int]


class Correction(Base):
    """What the merchant decided about one product or one picture, whatever the feed says.

    Attributes:
        sku: Of the product, whether it is in the shop or not (yet again).
        sha256: Of the picture; empty where the whole product is meant.
        action: "move", "drop photo" or "keep".
        from_category: Slug of the category that the feed gives the product, of a move.
        to_category: Slug of the category that the product belongs to instead.
    """

    __tablename__ = "corrections"
    __table_args__ = (UniqueConstraint("sku", "sha256", "action"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(20))
    from_category: Mapped[str | None] = mapped_column(String(200))
    to_category: Mapped[str | None] = mapped_column(String(200))
