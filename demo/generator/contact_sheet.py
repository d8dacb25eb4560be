"""The overview picture: one row a category, product pictures first, then phone photos."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PIL import Image, ImageDraw

from .catalogue import Entry
from .prints import font

WIDTH = 1600
LABEL = 196
CELL = 118
PHOTOS = 8
PHONES = 3
LARGEST = 490_000
"""Most bytes that the picture may take."""


def contact_sheet(shop: Path, listed: list[Entry], path: Path) -> None:
    """Writes the overview picture.

    Args:
        shop: The shop's folder, with its pictures.
        listed: All products.
        path: The JPEG to write.
    """
    shelves: dict[str, list[Entry]] = {}
    for entry in listed:
        shelves.setdefault(entry.category.slug, []).append(entry)
    phones = _phones(shop)
    sheet = Image.new("RGB", (WIDTH, CELL * len(shelves) + 8), "#ffffff")
    draw = ImageDraw.Draw(sheet)
    for row, shelf in enumerate(shelves.values()):
        top = 4 + row * CELL
        # Pillow's own font has Latin letters only, hence the English names.
        name = shelf[0].category.name_en
        size = min(21, int(21 * (LABEL - 20) / font(21).getlength(name)))
        draw.text((12, top + CELL / 2), name, "#22252a", font(size), anchor="lm")
        draw.line((0, top + CELL - 1, WIDTH, top + CELL - 1), "#e4e5e7")
        for i in range(PHOTOS):
            entry = shelf[i * len(shelf) // PHOTOS]
            _paste(sheet, shop / entry.image, LABEL + i * CELL, top, CELL, CELL - 2)
        left = LABEL + PHOTOS * CELL + 10
        wide = (WIDTH - left) // PHONES
        own = [name for name, kind in phones if kind == shelf[0].category.name_en][:PHONES]
        for i, file in enumerate(own):
            _paste(sheet, shop / "phone" / file, left + i * wide, top + 1, wide - 4, CELL - 4, True)
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in range(88, 40, -4):
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= LARGEST:
            break
    path.write_bytes(buffer.getvalue())


def _phones(shop: Path) -> list[tuple[str, str]]:
    table = shop / "phone" / "phone.csv"
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["category_en"]) for row in csv.DictReader(file)]


def _paste(
    sheet: Image.Image, path: Path, x: int, y: int, width: int, height: int, crop: bool = False
) -> None:
    """Pastes a picture into a cell, whole, or cut to the cell's shape."""
    if not path.exists():
        return
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if crop:
        share = min(picture.width / width, picture.height / height)
        w, h = int(width * share), int(height * share)
        left, top = (picture.width - w) // 2, (picture.height - h) // 2
        picture = picture.crop((left, top, left + w, top + h)).resize((width, height))
    else:
        picture.thumbnail((width, height), Image.Resampling.LANCZOS)
    sheet.paste(picture, (x + (width - picture.width) // 2, y + (height - picture.height) // 2))
