"""Every question and every change that concerns categories, products and their pictures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from vitrina.store.schema import Category, Photo, Product

PATH_SEPARATOR = " / "
"""Stands between the names in `Category.path`."""

_PICTURES = (selectinload(Product.photos), selectinload(Product.category))


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
    vendor: str | None = None
    vendor_code: str | None = None
    description: str | None = None
    url: str | None = None
    in_stock: bool = True
    photos: tuple[PhotoRecord, ...] = field(default=())


def save_category(
    session: Session,
    *,
    slug: str,
    name: str,
    name_en: str | None,
    search_text: str | None,
    parent: Category | None = None,
) -> Category:
    """Adds a category, or brings the one of that name and parent up to date.

    Args:
        session: The caller commits.
        slug: Used for a new category only: addresses and bundles rely on it.
        name: In the shop's language; decides, with the names above it, whether it is new.
        name_en: In English; None leaves what is there.
        search_text: What a photo puts into the box; None leaves what is there, and so does a text
            that the merchant wrote. For a new category it becomes the name.
        parent: That it is a part of, flushed; None at the root.
    """
    path = f"{parent.path}{PATH_SEPARATOR}{name}" if parent else name
    category = session.scalar(select(Category).where(Category.path == path))
    if category is None:
        category = Category(
            slug=slug,
            path=path,
            name=name,
            parent_id=parent and parent.id,
            search_text=search_text or name,
        )
        session.add(category)
    if search_text is not None and not category.search_text_edited:
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
        session: The caller commits, and has it found by words (`store.fulltext`).
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
    """All categories by name, each with its number of products that are not gone.

    One that only holds other categories has none of its own.
    """
    rows = session.execute(
        select(Category, func.count(Product.id))
        .outerjoin(Product, (Product.category_id == Category.id) & Product.gone_since.is_(None))
        .group_by(Category.id)
        .order_by(Category.name, Category.path)
    )
    return [(category, count) for category, count in rows]


def list_photos(session: Session) -> list[tuple[Photo, Product, Category]]:
    """Every picture of goods that are not gone, with product and category, in a stable order."""
    rows = session.execute(
        select(Photo, Product, Category)
        .join(Photo.product)
        .join(Product.category)
        .where(Product.gone_since.is_(None))
        .order_by(Category.slug, Product.sku, Photo.position)
    )
    return [(photo, product, category) for photo, product, category in rows]


def find_photo(session: Session, sha256: str) -> Photo | None:
    """A picture by the SHA-256 of its bytes; None where the catalogue has none such."""
    return session.scalar(select(Photo).where(Photo.sha256 == sha256).limit(1))


def find_product(session: Session, sku: str) -> Product | None:
    """A product by its article, with category and pictures; None where none is there (any more)."""
    return session.scalar(
        select(Product).where(Product.sku == sku, Product.gone_since.is_(None)).options(*_PICTURES)
    )


def _picture(photo: Photo) -> PhotoRecord:
    return PhotoRecord(photo.sha256, photo.suffix, photo.width, photo.height, photo.split)
