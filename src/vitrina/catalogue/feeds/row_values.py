"""The texts of one row -> a checked `FeedRow`, or the reason why it was refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vitrina.catalogue.feeds.plain_text import plain_text
from vitrina.catalogue.feeds.prices import parse_currency, parse_price
from vitrina.catalogue.rows import FeedRow, RefusedRow, is_address
from vitrina.store.products import PATH_SEPARATOR

NEEDED = ("sku", "name", "category")
TOO_DEEP = 33
"""Levels of a category tree that are one too many."""

_NO = {
    "0", "no", "false", "нет", "n", "-", "out of stock", "out_of_stock", "preorder",
    "backorder",
}  # fmt: skip
_LONGEST = {
    "sku": 200, "name": 1000, "name_en": 1000, "search_text": 500, "vendor": 200,
    "vendor_code": 200, "url": 2000,
}  # fmt: skip
_LONGEST_CATEGORY = 200
_LONGEST_PATH = 2000
_LONGEST_DESCRIPTION = 4000
_MOST_IMAGES = 100
_SHOWN = 60
_STEP = re.compile(r"(?:^|\s+)[/>](?=\s|$)")
_SLASH = re.compile(r"\s+/\s+")


def category_path(text: str) -> tuple[str, ...]:
    """Names of a path that is one text, such as "Свет / Лампы" or "Свет > Лампы"."""
    return tuple(name for part in _STEP.split(text) if (name := plain_text(part)))


def category_name(text: str) -> str:
    """A category's name that is no path, so that it cannot be taken for one."""
    return _SLASH.sub("/", plain_text(text))


def check_row(
    line: str,
    values: Mapping[str, str],
    category: tuple[str, ...],
    *,
    images: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    absent: frozenset[str] = frozenset(),
) -> FeedRow | RefusedRow:
    """Makes a row of what a feed says in text.

    Args:
        line: Where it stands.
        values: By field of `FeedRow`, `price` and `in_stock` as texts; what is empty is left out.
        category: Names from the root down.
        images: Paths or addresses, the main picture first.
        names: What the feed calls a field, where that is not the field's own name: for refusals.
        absent: As in `FeedRow`.
    """
    sku = values.get("sku", "").strip()
    empty = "is missing or empty" if names else "the cell is empty"

    def refuse(field: str, reason: str, value: str | None = None) -> RefusedRow:
        shown = values.get(field, "") if value is None else value
        called = (names or {}).get(field, field)
        return RefusedRow(line, called, plain_text(shown[:_SHOWN]), reason, sku[: _LONGEST["sku"]])

    if not sku:
        return refuse("sku", empty)
    for field, longest in _LONGEST.items():
        if len(values.get(field, "")) > longest:
            return refuse(field, f"longer than {longest} characters")
    if not _one_line(sku):
        return refuse("sku", "holds control characters")
    name = plain_text(values.get("name", ""))
    if not name:
        return refuse("name", empty)
    if not category:
        return refuse("category", empty)
    if fault := _category_fault(category):
        return refuse("category", fault, PATH_SEPARATOR.join(category))
    try:
        price = parse_price(values["price"]) if values.get("price") else None
    except ValueError as error:
        return refuse("price", str(error))
    try:
        currency = parse_currency(values["currency"]) if values.get("currency") else None
    except ValueError as error:
        return refuse("currency", str(error))
    url = values.get("url") or None
    if url and not (is_address(url) and _one_line(url)):
        return refuse("url", "not an http or https address")
    if len(images) > _MOST_IMAGES:
        return refuse("image", f"{len(images)} pictures; at most {_MOST_IMAGES}", images[0])
    return FeedRow(
        line=line,
        sku=sku,
        name=name,
        category=category,
        images=tuple(images),
        price_minor=price,
        currency=currency,
        url=url,
        in_stock=values.get("in_stock", "yes").strip().casefold() not in _NO,
        search_text=_plain(values, "search_text"),
        name_en=_plain(values, "name_en"),
        category_en=category_path(values.get("category_en", "")[:_LONGEST_PATH]),
        vendor=_plain(values, "vendor"),
        vendor_code=_plain(values, "vendor_code"),
        description=(_plain(values, "description") or "")[:_LONGEST_DESCRIPTION] or None,
        absent=absent,
    )


def _category_fault(category: tuple[str, ...]) -> str:
    if len(category) >= TOO_DEEP:
        return f"more than {TOO_DEEP - 1} levels deep"
    if any(len(name) > _LONGEST_CATEGORY for name in category):
        return f"longer than {_LONGEST_CATEGORY} characters"
    if sum(len(name) + len(PATH_SEPARATOR) for name in category) > _LONGEST_PATH:
        return f"with those above it longer than {_LONGEST_PATH} characters"
    return ""


def _plain(values: Mapping[str, str], field: str) -> str | None:
    text = values.get(field)
    return plain_text(text) or None if text else None


def _one_line(text: str) -> bool:
    """Whether a text that names something holds neither control characters nor line ends."""
    return text.isprintable() or not any(
        letter < " " or "\x7f" <= letter <= "\x9f" or "\ud800" <= letter <= "\udfff"
        for letter in text
    )
