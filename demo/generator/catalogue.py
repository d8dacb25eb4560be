"""Lists the products of every category and writes the shop's catalogue."""

from __future__ import annotations

import csv
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from .product import PER_CATEGORY, Category, Product
from .registry import CATEGORIES

HEADER = (
    "sku",
    "name",
    "name_en",
    "category",
    "category_en",
    "price",
    "currency",
    "url",
    "image",
    "search_text",
)


@dataclass(frozen=True)
class Entry:
    """A product on its shelf."""

    category: Category
    product: Product

    @property
    def image(self) -> str:
        """The product picture's path below the shop's folder."""
        return f"photos/{self.category.slug}/{self.product.sku}.webp"


def entries(seed: int, only: tuple[str, ...] = ()) -> list[Entry]:
    """Lists all products.

    Args:
        seed: Seed that decides every product.
        only: Slugs of the categories wanted; all where empty.
    """
    out: list[Entry] = []
    taken: set[str] = set()
    for category in CATEGORIES:
        rng = random.Random(f"{seed}/{category.slug}")
        products = category.make(rng)
        if len(products) != PER_CATEGORY:
            raise ValueError(f"{category.slug}: {len(products)} products, not {PER_CATEGORY}")
        for item in products:
            sku = re.sub(r"[^A-Za-z0-9-]", "", item.sku).upper()
            while sku in taken:
                sku += "-N"
            taken.add(sku)
            if not only or category.slug in only:
                out.append(Entry(category, replace(item, sku=sku)))
    return out


def write_catalogue(path: Path, listed: list[Entry]) -> None:
    """Writes the catalogue, one row a product."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for entry in listed:
            item, shelf = entry.product, entry.category
            writer.writerow(
                [
                    item.sku,
                    item.name,
                    item.name_en,
                    shelf.name,
                    shelf.name_en,
                    item.price,
                    "RUB",
                    "",
                    entry.image,
                    shelf.query,
                ]
            )
