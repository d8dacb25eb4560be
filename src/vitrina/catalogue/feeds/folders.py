"""Photo folders: one folder a category, in it pictures or one folder a product.

goods/lamps/a1.jpg          product "lamps/a1"
goods/lamps/desk-7/1.jpg    product "lamps/desk-7", first picture
goods/lamps/desk-7/2.jpg    product "lamps/desk-7", second picture
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError
from vitrina.photos import ACCEPTED, SUFFIXES

PICTURES = {*SUFFIXES.values(), ".jpeg", ".heif", ".hif"}
ABSENT = frozenset({
    "name_en", "price", "currency", "url", "in_stock", "vendor", "vendor_code", "description",
})  # fmt: skip
"""What folders say nothing about."""


def read(root: Path) -> Iterator[FeedRow | Refusal]:
    """Products below `root`, by name; hidden files and files beside the categories are passed over.

    Raises:
        FeedError: there is no category folder.
    """
    categories = sorted(_folders(root))
    if not categories:
        raise FeedError(
            f"{root} holds no category folders.",
            hint="Put each category's pictures into a folder of its own, named as shoppers say it.",
        )
    for category in categories:
        yield from map(_in_unicode, _read_category(root, category))


def _read_category(root: Path, category: Path) -> Iterator[FeedRow | Refusal]:
    found = False
    for entry in sorted(category.iterdir()):
        if entry.name.startswith("."):
            continue
        pictures = _pictures(entry) if entry.is_dir() else [entry]
        if not entry.is_dir() and entry.suffix.lower() not in PICTURES:
            yield Refusal(
                str(entry.relative_to(root)), "image", entry.name,
                f"not a {ACCEPTED} picture by its name",
            )  # fmt: skip
            continue
        if not pictures:
            continue
        found = True
        product = entry if entry.is_dir() else entry.with_suffix("")
        yield FeedRow(
            line=str(entry.relative_to(root)),
            sku=product.relative_to(root).as_posix(),
            name=f"{category.name} {product.name}",
            category=(category.name,),
            images=tuple(picture.relative_to(root).as_posix() for picture in pictures),
            absent=ABSENT,
        )
    if not found:
        yield Refusal(category.name, "category", category.name, "the folder holds no pictures")


def _in_unicode(row: FeedRow | Refusal) -> FeedRow | Refusal:
    """The row, or its refusal: a name that is no UTF-8 can be neither stored nor shown."""
    names = (row.line, *row.images) if isinstance(row, FeedRow) else (row.line,)
    shown = [name.encode(errors="replace").decode() for name in names]
    if shown == list(names):
        return row
    return Refusal(shown[0], "image", shown[-1], "the name is not UTF-8; rename it")


def _folders(place: Path) -> list[Path]:
    return [entry for entry in place.iterdir() if entry.is_dir() and entry.name[0] != "."]


def _pictures(product: Path) -> list[Path]:
    return sorted(entry for entry in product.iterdir() if entry.suffix.lower() in PICTURES)
