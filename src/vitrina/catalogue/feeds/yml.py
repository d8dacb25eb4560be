"""YML, the feed of Yandex Market: a tree of categories, then offers.

Offers of every type are read; where one has no `name`, it is made of `typePrefix`, `vendor` and
`model`, as the market does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vitrina.catalogue.feeds.category_tree import CategoryTree
from vitrina.catalogue.feeds.documents import Document
from vitrina.catalogue.feeds.markup import children, elements, local_name, text_of
from vitrina.catalogue.feeds.row_values import check_row
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow

ROOT = "yml_catalog"
ABSENT = frozenset({"name_en", "category_en", "search_text"})
"""What the format says nothing about."""

_NAMES = {
    "sku": "offer id", "category": "categoryId", "currency": "currencyId", "image": "picture",
    "vendor_code": "vendorCode",
}  # fmt: skip
_NAME_PARTS = (
    ("name",), ("typePrefix", "vendor", "model"), ("artist", "author", "title"),
    ("typePrefix", "vendor"),
)  # fmt: skip
"""What an offer's name is made of: the first line whose last element it has."""

_COUNTS = ("count", "stock_quantity", "quantity")


def read(document: Document) -> Iterator[FeedRow | Refusal]:
    """Offers in the feed's order.

    Raises:
        FeedError: it is damaged or breaks off.
    """
    tree = CategoryTree("parentId")
    for element in elements(document, ("category", "offer")):
        if local_name(element) == "category":
            tree.add(
                element.get("id", "").strip(),
                text_of(element),
                element.get("parentId", "").strip(),
                str(element.sourceline),
            )
        else:
            row = _read_offer(element, tree)
            yield from tree.faults()
            yield row
    yield from tree.faults()


def _read_offer(offer: Any, tree: CategoryTree) -> FeedRow | Refusal:
    texts: dict[str, str] = {}
    images = []
    for name, child in children(offer):
        text = text_of(child)
        if name == "picture":
            if text:
                images.append(text)
        elif text:
            texts.setdefault(name, text)
    line, sku = str(offer.sourceline), offer.get("id", "").strip()
    number = texts.get("categoryId", "")
    category = tree.path(number)
    if number and not category:
        return RefusedRow(line, "categoryId", number[:60], "there is no such category", sku[:200])
    values = {
        "sku": sku,
        "name": _name(texts),
        "category": number,
        "price": texts.get("price", ""),
        "currency": texts.get("currencyId", ""),
        "url": texts.get("url", ""),
        "vendor": texts.get("vendor", ""),
        "vendor_code": texts.get("vendorCode", ""),
        "description": texts.get("description", ""),
        "in_stock": _in_stock(offer.get("available") or texts.get("available", ""), texts),
    }
    return check_row(line, values, category, images=images, names=_NAMES, absent=ABSENT)


def _name(texts: dict[str, str]) -> str:
    for parts in _NAME_PARTS:
        if parts[-1] in texts:
            return " ".join(texts[part] for part in parts if part in texts)
    return ""


def _in_stock(available: str, texts: dict[str, str]) -> str:
    counts = [texts[name] for name in _COUNTS if name in texts]
    return "no" if available.strip().lower() == "false" or "0" in counts else "yes"
