"""Google Merchant's feed as XML: RSS 2.0 or Atom with elements in Google's own namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vitrina.catalogue.feeds.documents import Document
from vitrina.catalogue.feeds.markup import children, elements, text_of
from vitrina.catalogue.feeds.prices import split_price
from vitrina.catalogue.feeds.row_values import category_path, check_row
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow

ROOTS = ("rss", "feed")
ABSENT = frozenset({"name_en", "category_en", "search_text"})
"""What the format says nothing about."""

NAMES = {
    "sku": "id", "name": "title", "category": "product_type", "url": "link",
    "image": "image_link", "vendor": "brand", "vendor_code": "mpn", "in_stock": "availability",
}  # fmt: skip
"""What Google calls a field of `FeedRow`, where it is not the field's own name."""

_GOOGLE = "{http://base.google.com/"


def read(document: Document) -> Iterator[FeedRow | Refusal]:
    """Items in the feed's order.

    Raises:
        FeedError: it is damaged or breaks off.
    """
    for item in elements(document, ("item", "entry")):
        texts, images = _read_item(item)
        yield merchant_row(str(item.sourceline), texts, images, ABSENT)


def merchant_row(
    line: str, texts: Mapping[str, str], images: Sequence[str], absent: frozenset[str]
) -> FeedRow | Refusal:
    """A row of attributes as Google's specification names them, whichever file they came from."""
    price, currency = split_price(texts.get("price", ""))
    values = {
        field: texts[name]
        for field in ("sku", "name", "url", "vendor", "vendor_code", "description", "in_stock")
        if (name := NAMES.get(field, field)) in texts
    }
    kind = texts.get("product_type") or texts.get("google_product_category", "")
    if kind.isdigit() and "product_type" not in texts:
        return RefusedRow(
            line, "product_type", "", f"is missing; google_product_category {kind[:20]} is only a "
            "number", values.get("sku", "")[:200],
        )  # fmt: skip
    return check_row(
        line,
        values | {"price": price, "currency": currency, "category": kind},
        category_path(kind[:5000]),
        images=images,
        names=NAMES,
        absent=absent,
    )


def _read_item(item: Any) -> tuple[dict[str, str], list[str]]:
    plain: dict[str, str] = {}
    google: dict[str, str] = {}
    main, more = [], []
    for name, child in children(item):
        text = text_of(child) or child.get("href", "")  # Atom's link has its address there
        if not text:
            continue
        if name == "image_link":
            main.append(text)
        elif name == "additional_image_link":
            more.append(text)
        else:
            named = google if child.tag.startswith(_GOOGLE) else plain
            named.setdefault(name, text)
    for name in ("content", "summary"):
        if name in plain:
            plain.setdefault("description", plain[name])
    return plain | google, main[:1] + more + main[1:]
