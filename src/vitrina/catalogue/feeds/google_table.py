"""Google Merchant's feed as a table: its own column names, prices such as "1234.50 RUB"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitrina.catalogue.feeds.google_xml import ABSENT, NAMES, merchant_row
from vitrina.catalogue.rows import FeedRow, Refusal

COLUMNS = (
    "id", "title", "description", "link", "image_link", "additional_image_link", "availability",
    "price", "brand", "mpn", "product_type", "google_product_category",
)  # fmt: skip
"""Columns that are read; blanks, underscores and case do not matter."""

_TELLING = {"image_link", "availability", "product_type", "google_product_category"}


def google_parser(
    header: Sequence[str],
) -> Callable[[str, Sequence[str]], FeedRow | Refusal | None] | None:
    """What reads a line's cells under this header; None where it is none of Google's."""
    names = [name.strip().casefold().removeprefix("g:").replace(" ", "_") for name in header]
    if not ({"id", "title"} <= set(names) and _TELLING & set(names)):
        return None
    places = {name: names.index(name) for name in COLUMNS if name in names}
    fields = {NAMES.get(field, field): field for field in ("price", "url", "in_stock", "image")}
    fields |= {"brand": "vendor", "mpn": "vendor_code", "description": "description"}
    absent = ABSENT | {field for name, field in fields.items() if name not in places}
    if "price" in absent:
        absent |= {"currency"}

    def parse(line: str, cells: Sequence[str]) -> FeedRow | Refusal | None:
        texts = {
            name: cell
            for name, place in places.items()
            if place < len(cells) and (cell := cells[place].strip())
        }
        images = [texts.pop("image_link", "")]
        images += texts.pop("additional_image_link", "").split(",")
        images = [image for name in images if (image := name.strip())]
        return merchant_row(line, texts, images, frozenset(absent)) if texts or images else None

    return parse
