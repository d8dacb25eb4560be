"""Tables of the shop's database.

Plain tables, no mapped classes: the mapping is an eighth of what a server's start takes, and makes
objects that no answer needs.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData()

CATEGORIES = Table(
    "categories",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("slug", String(200), nullable=False, unique=True),
    Column("path", String(2000), nullable=False, unique=True),
    Column("name", String(500), nullable=False),
    Column("name_en", String(500)),
    Column("parent_id", Integer, ForeignKey("categories.id"), index=True),
    Column("search_text", String(500), nullable=False),
    Column("search_text_edited", Boolean, nullable=False, default=False),
)
"""Categories as the shop has them.

Columns:
    slug: Stable name in addresses, files and bundles: lower-case letters, digits, dashes.
    path: Names from the root of the tree down to it, joined by " / "; tells the category from
        others of the same name, and is how an import finds it again.
    name: As shoppers read it, in the shop's language.
    name_en: In English; null where the catalogue gives none.
    parent_id: The category that it is a part of; null at the root.
    search_text: What a photo of it puts into the search box.
    search_text_edited: The merchant wrote `search_text`, so that imports leave it alone.
"""

PRODUCTS = Table(
    "products",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("sku", String(200), nullable=False, unique=True),
    Column("name", String(1000), nullable=False),
    Column("name_en", String(1000)),
    Column("category_id", Integer, ForeignKey("categories.id"), nullable=False, index=True),
    Column("vendor", String(200)),
    Column("vendor_code", String(200)),
    Column("description", String(4000)),
    Column("price_minor", BigInteger().with_variant(Integer, "sqlite")),
    Column("currency", String(3), nullable=False),
    Column("url", String(2000)),
    Column("in_stock", Boolean, nullable=False, default=True),
    Column("source", String(2000)),
    Column("fingerprint", String(64)),
    Column("gone_since", DateTime),
    Index("ix_products_category_in_stock", "category_id", "in_stock"),
    # all that a text search asks of the goods that match: their wide rows are left alone
    Index("ix_products_search", "id", "gone_since", "in_stock", "category_id", "price_minor"),
)
"""Articles of the shop.

Columns:
    sku: The shop's own article, unique.
    vendor: Who makes it; null where the catalogue does not say.
    vendor_code: The maker's own article, such as "ВА47-29".
    price_minor: In hundredths of the currency: SQLite has no exact decimals.
    source: The feed that it came from, as `IMPORTS.c.source` names it.
    fingerprint: Of the feed's row; a row with the same one has nothing new. Null where the row
        must be taken anew in any case.
    gone_since: When an import of its source no longer had it, UTC; null while it is there. What is
        gone is neither found nor shown, and comes back when the feed has it again.
"""

PHOTOS = Table(
    "photos",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("product_id", Integer, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("suffix", String(5), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("split", String(5)),
    UniqueConstraint("product_id", "position"),
)
"""Pictures of products, one of one product a row; the same picture may show several products.

Columns:
    sha256: Of the file's bytes, hexadecimal; names the file under photos/.
    suffix: Of the file, with its dot.
    position: Order among the product's pictures, from 0.
    split: "train" or "test" where the catalogue decides it, else null.
"""

REMOTE_PHOTOS = Table(
    "remote_photos",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("product_id", Integer, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("address", String(2000), nullable=False, index=True),
    Column("sha256", String(64)),
    Column("etag", String(200)),
    Column("last_modified", String(100)),
    Column("fault", String(500)),
    Column("tries", Integer, nullable=False, default=0),
    UniqueConstraint("product_id", "position"),
)
"""Pictures that a feed names by their addresses, whether they were fetched yet or not.

Columns:
    position: Among the product's pictures; the row of `photos` that it becomes has it too.
    address: Where it lies, http or https.
    sha256: Of the bytes that were fetched; null until then.
    etag: What the server said of that content, for asking whether there is anything new.
    last_modified: Likewise.
    fault: Why it could not be fetched the last time; null where it could, or was not tried.
    tries: How often in a row it could not.
"""

IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", String(2000), nullable=False),
    Column("fingerprint", String(64)),
    Column("finished", DateTime, nullable=False),
    Column("products", Integer, nullable=False),
    Column("added", Integer, nullable=False, default=0),
    Column("changed", Integer, nullable=False, default=0),
    Column("gone", Integer, nullable=False, default=0),
    Column("photos", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)
"""Imports that ended well: what came in, and from where.

Columns:
    source: File or folder, as it was named.
    fingerprint: Of everything that was read; the same source with the same one brings nothing.
    finished: UTC.
    products: Goods that the source has.
    added: Of those, how many are new.
    changed: Of those, how many differ from what the shop had.
    gone: Goods of this source that it no longer has.
    refused: Rows that were not taken; the report in imports/ says why.
"""

TEXT_INDEX = Table(
    "text_index",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("generation", Integer, nullable=False),
)
"""One row that tells of the full-text index, `product_texts` (`store.fulltext`).

Columns:
    generation: Grows with every change of the index; what is kept of it in memory is of one
        generation.
"""

CORRECTIONS = Table(
    "corrections",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("sku", String(200), nullable=False),
    Column("sha256", String(64), nullable=False, default=""),
    Column("action", String(20), nullable=False),
    Column("from_category", String(200)),
    Column("to_category", String(200)),
    UniqueConstraint("sku", "sha256", "action"),
)
"""What the merchant decided about one product or one picture, whatever the feed says.

Columns:
    sku: Of the product, whether it is in the shop or not (yet again).
    sha256: Of the picture; empty where the whole product is meant.
    action: "move", "drop photo" or "keep".
    from_category: Slug of the category that the feed gives the product, of a move.
    to_category: Slug of the category that the product belongs to instead.
"""
