"""What a search answers: the shapes that the API, the page and the command line share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vitrina.store.shown import CategoryRecord, ShownProduct

Language = Literal["ru", "en"]
Decision = Literal["category", "unsure", "unknown"]

_CYRILLIC = re.compile("[\u0400-\u04ff]")


@dataclass(frozen=True)
class CategoryGuess:
    """A category that a photo may show.

    Attributes:
        id: Slug.
        name: As shoppers read it, in the language asked for.
        search_text: What goes into the search box.
        confidence: How probable it is, 0 to 1, calibrated where enough photos were watched.
    """

    id: str
    name: str
    search_text: str
    confidence: float


@dataclass(frozen=True)
class CategoryEntry:
    """A category of the shop and how many products it has."""

    id: str
    name: str
    search_text: str
    products: int


@dataclass(frozen=True)
class FoundProduct:
    """A product in an answer.

    Attributes:
        sku: The shop's article.
        name: In the language asked for, where the catalogue has it.
        price: Decimal number; None where the catalogue has none.
        currency: ISO 4217.
        url: Its page in the shop.
        image_url: Path of its main picture on this server.
        in_stock: Whether it can be bought now.
        similarity: Cosine to the shopper's photo, -1 to 1; None where none was compared.
    """

    sku: str
    name: str
    price: str | None
    currency: str
    url: str | None
    image_url: str | None
    in_stock: bool
    similarity: float | None = None


@dataclass(frozen=True)
class PhotoAnswer:
    """What a photo was found to show.

    Attributes:
        decision: "category": sure enough to fill the box; "unsure": perhaps one of the
            alternatives; "unknown": probably nothing that the shop sells.
        category: The one that fills the box; None unless the decision is "category".
        alternatives: Up to three other categories, the likeliest first; none when unknown.
        products: Goods of the category, the likest first; of the whole shop where there is none.
    """

    decision: Decision
    category: CategoryGuess | None
    alternatives: tuple[CategoryGuess, ...]
    products: tuple[FoundProduct, ...]


@dataclass(frozen=True)
class TextAnswer:
    """Goods that match words.

    Attributes:
        products: One page of them.
        total: How many there are on all pages.
        next_cursor: Asks for the next page; None on the last.
        corrected: The words that were searched instead, where a slip was mended; else None.
    """

    products: tuple[FoundProduct, ...]
    total: int
    next_cursor: str | None
    corrected: str | None = None


def in_language(language: Language, own: str, english: str | None) -> str:
    """The English text where English was asked for and exists, else the shop's own."""
    return english if language == "en" and english else own


def describe_product(
    product: ShownProduct, language: Language, similarity: float | None = None
) -> FoundProduct:
    """A product of the database as shoppers see it.

    Args:
        product: It.
        language: Of the name.
        similarity: Cosine to the shopper's photo.
    """
    price = product.price_minor
    return FoundProduct(
        sku=product.sku,
        name=in_language(language, product.name, product.name_en),
        price=None if price is None else f"{price // 100}.{price % 100:02d}",
        currency=product.currency,
        url=product.url,
        image_url=f"/photos/{product.picture}" if product.picture else None,
        in_stock=product.in_stock,
        similarity=None if similarity is None else round(similarity, 4),
    )


def describe_category(category: CategoryRecord, language: Language, count: int) -> CategoryEntry:
    """A category of the database as shoppers see it."""
    name = in_language(language, category.name, category.name_en)
    return CategoryEntry(category.slug, name, _search_text(category, language), count)


def _search_text(category: CategoryRecord, language: Language) -> str:
    """What the merchant wrote, except Russian words where English was asked for.

    A text without Cyrillic letters, such as "E27", is for both languages. A category's name that
    nobody replaced gives way to its English name in any case.
    """
    own = category.search_text
    written = category.search_text_edited or own != category.name
    if written and not _CYRILLIC.search(own):
        return own
    return in_language(language, own, category.name_en)
