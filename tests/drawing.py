"""Pictures and catalogues that tests draw for themselves: no picture lies in the tree."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "kabeli": (50, 80, 190),
    "lampy": (200, 60, 40),
    "rozetki": (60, 170, 80),
}
"""Mean colour of each category's pictures, by slug, in the order of the network's outputs."""

NAMES = {"kabeli": "Кабели", "lampy": "Лампы", "rozetki": "Розетки"}


def drawn_picture(
    colour: Colour = COLOURS["lampy"], size: tuple[int, int] = (96, 72), seed: int = 0
) -> Image.Image:
    """A picture whose mean colour is about `colour`: the seed moves a light and a dark disc."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(picture)
    radius = max(min(size) // 8, 1)
    for shift in (30, -30):
        x, y = (int(random.integers(radius, side - radius)) for side in size)
        shade = tuple(min(255, max(0, part + shift)) for part in colour)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shade)
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def drawn_photo(
    colour: Colour = COLOURS["lampy"],
    size: tuple[int, int] = (96, 72),
    seed: int = 0,
    kind: str = "PNG",
    **options: Any,
) -> bytes:
    """The bytes of a drawn picture; other seeds give other bytes of the same colour."""
    return encoded(drawn_picture(colour, size, seed), kind, **options)


def four_corners(size: tuple[int, int] = (300, 300)) -> Image.Image:
    """Red, green, blue and grey quarters: shows which side is up."""
    picture = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    for place, colour in (
        ((0, 0), (220, 30, 30)),
        ((width, 0), (30, 200, 30)),
        ((0, height), (30, 30, 220)),
        ((width, height), (128, 128, 128)),
    ):
        picture.paste(colour, (*place, place[0] + width, place[1] + height))
    return picture


def write_table(
    path: Path,
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Path:
    """A CSV table; the first row is the header."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def draw_folders(root: Path, products: int = 3, pictures: int = 1) -> Path:
    """Category folders with drawn pictures; each product is a picture, or a folder of several."""
    for slug, colour in COLOURS.items():
        for product in range(products):
            for number in range(pictures):
                photo = drawn_photo(colour, seed=100 * product + number)
                name = f"p{product}.png" if pictures == 1 else f"p{product}/{number}.png"
                place = root / NAMES[slug] / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(photo)
    return root


HEADER = (
    "sku", "name", "name_en", "category", "category_en", "search_text", "price", "in_stock",
    "url", "image",
)  # fmt: skip
ENGLISH = {"kabeli": "Cables", "lampy": "Lamps", "rozetki": "Sockets"}
SEARCH_TEXT = {"kabeli": "кабель", "lampy": "лампа", "rozetki": "розетка"}


def draw_catalogue(root: Path, products: int = 4) -> Path:
    """A table of goods with their pictures; the last product of each category is sold out.

    The first product of each category has two pictures and no English name.
    """
    rows: list[Sequence[str]] = [HEADER]
    for slug, colour in COLOURS.items():
        for product in range(products):
            images = []
            for number in range(2 if product == 0 else 1):
                name = f"{slug}-{product}-{number}.jpg"
                seed = 10 * product + number
                (root / name).write_bytes(drawn_photo(colour, seed=seed, kind="JPEG"))
                images.append(name)
            rows.append(
                (
                    f"{slug}-{product}",
                    f"{NAMES[slug]} модель {product}",
                    f"{ENGLISH[slug]} model {product}" if product else "",
                    NAMES[slug],
                    # one category stays without an English name
                    "" if slug == "kabeli" else ENGLISH[slug],
                    SEARCH_TEXT[slug],
                    f"{100 * (product + 1)},50" if product else "",
                    "нет" if product == products - 1 else "да",
                    f"https://shop.test/{slug}/{product}",
                    "|".join(images),
                )
            )
    return write_table(root / "catalogue.csv", rows)
