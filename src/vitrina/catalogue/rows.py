"""What every feed is brought to: rows that were understood, and rows that were not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedRow:
    """One product as a feed gives it.

    Attributes:
        line: Where it stands, for reports: a line number or a path.
        sku: The shop's own article.
        name: In the shop's language.
        category: Name, in the shop's language.
        images: Paths relative to the feed's folder, the main picture first.
        price_minor: In hundredths of the currency.
        currency: ISO 4217; None takes the shop's.
        url: The product's page in the shop.
        in_stock: Whether it can be bought now.
        search_text: What a photo of the category puts into the box.
        name_en: In English.
        category_en: In English.
        absent: Columns, as `docs/import.md` names them, that the source does not have at all: what
            the shop knows of them stays. An empty cell of a column that is there clears it.
    """

    line: str
    sku: str
    name: str
    category: str
    images: tuple[str, ...]
    price_minor: int | None = None
    currency: str | None = None
    url: str | None = None
    in_stock: bool = True
    search_text: str | None = None
    name_en: str | None = None
    category_en: str | None = None
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
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
