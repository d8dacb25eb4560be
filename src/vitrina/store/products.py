"""Every question and every change that concerns categories, products and their pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from vitrina.errors import QueryError
from vitrina.store.schema import Category, Photo, Product

_PICTURES = (selectinload(Product.photos), selectinload(Product.category))

MAX_QUERY = 200
"""Longest text query that is looked for, characters."""


@dataclass(frozen=True)
class PhotoRecord:
    """One picture of a product, as it is stored; fields as in `schema.Photo`."""

    sha256: str
    suffix: str
    width: int
    height: int
    split: str | None = None


@dataclass(frozen=True)
class ProductRecord:
    """One product, as it is stored; fields as in `schema.Product`."""

    sku: str
    name: str
    price_minor: int | None
    currency: str
    name_en: str | None = None
    url: str | None = None
    in_stock: bool = True
    photos: tuple[PhotoRecord, ...] = field(default=())


@dataclass(frozen=True)
class Page:
    """One page of goods.

    Attributes:
        products: In the order in which they are shown.
        total: Goods on all pages.
        next_cursor: What asks for the next page; None on the last.
    """

    products: Sequence[Product]
    total: int
    next_cursor: str | None


def save_category(
    session: Session, *, slug: str, name: str, name_en: str | None, search_text: str | None
) -> Category:
    """Adds a category, or brings the one of that name up to date.

    Args:
        session: The caller commits.
        slug: Used for a new category only: addresses and bundles rely on it.
        name: In the shop's language; decides whether the category is new.
        name_en: In English; None leaves what is there.
        search_text: What a photo puts into the box; None leaves what is there, for a new
            category it becomes the name.
    """
    category = session.scalar(select(Category).where(Category.path == name))
    if category is None:
        category = Category(slug=slug, path=name, name=name, search_text=search_text or name)
        session.add(category)
    if search_text is not None:
        category.search_text = search_text
    if name_en is not None:
        category.name_en = name_en
    session.flush()
    return category


def save_product(
    session: Session, category: Category, record: ProductRecord, keep: Collection[str] = ()
) -> Product:
    """Adds a product, or replaces the one with that sku and its pictures.

    Args:
        session: The caller commits.
        category: That it belongs to from now on.
        record: What is stored.
        keep: Fields of `record` that do not replace what is there; a new product takes them.
    """
    product = session.scalar(
        select(Product).where(Product.sku == record.sku).options(selectinload(Product.photos))
    )
    if product is None:
        product, keep = Product(sku=record.sku), ()
        session.add(product)
    product.category = category
    for entry in fields(record):
        if entry.name != "photos" and entry.name not in keep:
            setattr(product, entry.name, getattr(record, entry.name))
    product.search_key = _search_key(
        product.sku, product.name, product.name_en, category.name, category.name_en,
        category.search_text,
    )  # fmt: skip
    pictures = [_picture(photo) for photo in product.photos]
    if "photos" not in keep and pictures != list(record.photos):
        product.photos.clear()
        session.flush()  # the old rows go first: (product, position) is unique
        product.photos.extend(
            Photo(position=position, **photo.__dict__)
            for position, photo in enumerate(record.photos)
        )
    session.flush()
    return product


def list_categories(session: Session) -> list[tuple[Category, int]]:
    """All categories by name, each with its number of products."""
    rows = session.execute(
        select(Category, func.count(Product.id))
        .outerjoin(Product)
        .group_by(Category.id)
        .order_by(Category.name)
    )
    return [(category, count) for category, count in rows]


def list_photos(session: Session) -> list[tuple[Photo, Product, Category]]:
    """Every picture with its product and category, in a stable order."""
    rows = session.execute(
        select(Photo, Product, Category)
        .join(Photo.product)
        .join(Product.category)
        .order_by(Category.slug, Product.sku, Photo.position)
    )
    return [(photo, product, category) for photo, product, category in rows]


def find_photo(session: Session, sha256: str) -> Photo | None:
    """A picture by the SHA-256 of its bytes; None where the catalogue has none such."""
    return session.scalar(select(Photo).where(Photo.sha256 == sha256).limit(1))


def find_product(session: Session, sku: str) -> Product | None:
    """A product by its article, with category and pictures; None where there is none."""
    return session.scalar(select(Product).where(Product.sku == sku).options(*_PICTURES))


def search_products(
    session: Session,
    *,
    words: str = "",
    category: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> Page:
    """Goods whose names or article contain every word, those in stock first.

    Args:
        session: Where to look.
        words: Separated by blanks, upper and lower case alike; empty finds everything.
        category: Slug that the goods must belong to.
        limit: Goods on the page.
        cursor: `next_cursor` of the page before.

    Raises:
        QueryError: the words are too long or no text, or the cursor is none of ours.
    """
    if len(words) > MAX_QUERY or not _is_text(words):
        raise QueryError(
            f"The search text has {len(words)} characters; at most {MAX_QUERY}, no NUL and no "
            "broken ones are accepted.",
            hint="Search for fewer words.",
        )
    matching = [
        Product.search_key.contains(word, autoescape=True) for word in words.casefold().split()
    ]
    if category is not None:
        matching.append(Product.category.has(Category.slug == category))
    total = session.scalar(select(func.count(Product.id)).where(*matching)) or 0
    page = select(Product).where(*matching).options(*_PICTURES)
    if cursor is not None:
        page = page.where(_after(cursor))
    # one more than asked for tells whether there is a next page
    found = session.scalars(
        page.order_by(Product.in_stock.desc(), Product.id).limit(limit + 1)
    ).all()
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, total, f"{int(shown[-1].in_stock)}-{shown[-1].id}" if more else None)


def _after(cursor: str) -> ColumnElement[bool]:
    stock, _, last = cursor.partition("-")
    if stock not in ("0", "1") or not last.isascii() or not last.isdigit() or len(last) > 18:
        raise QueryError(
            f"The cursor {cursor[:40]!r} is none that a search gave.",
            hint="Leave `cursor` out to start from the first page.",
        )
    later = and_(Product.in_stock == bool(int(stock)), Product.id > int(last))
    return or_(later, Product.in_stock.is_(False)) if stock == "1" else later


def _is_text(words: str) -> bool:
    return "\x00" not in words and not any("\ud800" <= letter <= "\udfff" for letter in words)


def _picture(photo: Photo) -> PhotoRecord:
    return PhotoRecord(photo.sha256, photo.suffix, photo.width, photo.height, photo.split)


def _search_key(*parts: str | None) -> str:
    return " ".join(part for part in parts if part).casefold()[:4000]
