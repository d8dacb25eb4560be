"""What every feed is brought to: rows that were understood, and rows that were not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One product as a feed gives it.

    Attributes:
        line: Where it stands, for reports: a line number or a path.
        sku: The shop's own article.
        name: In the shop's language.
        category: Names from the root of the category tree down, in the shop's language.
        images: Paths relative to the feed's folder, or http(s) addresses; the main picture first.
        price_minor: In hundredths of the currency.
        currency: ISO 4217; None takes the shop's.
        url: The product's page in the shop.
        in_stock: Whether it can be bought now.
        search_text: What a photo of the category puts into the box.
        name_en: In English.
        category_en: In English, as `category`; fewer names are those of the lowest categories.
        vendor: Who makes it.
        vendor_code: The maker's own article.
        description: Plain text.
        gone: The feed says that this product left it; nothing but `line` and `sku` counts then.
        absent: Columns, as `docs/import.md` names them, that the source does not have at all: what
            the shop knows of them stays. An empty cell of a column that is there clears it.
    """

    line: str
    sku: str
    name: str
    category: tuple[str, ...]
    images: tuple[str, ...] = ()
    price_minor: int | None = None
    currency: str | None = None
    url: str | None = None
    in_stock: bool = True
    search_text: str | None = None
    name_en: str | None = None
    category_en: tuple[str, ...] = ()
    vendor: str | None = None
    vendor_code: str | None = None
    description: str | None = None
    gone: bool = False
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row, or one picture of a row, that was not taken.

    Attributes:
        line: As in `FeedRow`.
        field: The column at fault.
        value: What stood there, shortened.
        reason: What was wrong and what was expected.
    """

    line: str
    field: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefusedRow(Refusal):
    """A row that was not taken, though it is known which product it is about: that stays as it is.

    Attributes:
        sku: The product's article; empty where not even that much was understood.
    """

    sku: str


def is_address(image: str) -> bool:
    """Whether a picture is named by its http(s) address, not by a path."""
    return image[:8].lower().startswith(("http://", "https://"))
