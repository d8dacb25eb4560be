"""A shop to train on for real: four figures that differ in shape only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawing import encoded
from PIL import Image, ImageDraw

from vitrina import Shop

FEW = {"views": 2, "head_epochs": 20, "tail_epochs": 1, "unfrozen_layers": 30}
SHAPES = ("disc", "bars", "cross", "ring")
PRODUCTS = 15


def draw_shape(shape: str, seed: int) -> bytes:
    """A dark figure on a light ground; place, size and colours follow from the seed."""
    random = np.random.default_rng(seed)
    ground, ink = random.integers(190, 256, 3), random.integers(0, 120, 3)
    picture = Image.new("RGB", (160, 160), tuple(int(v) for v in ground))
    draw = ImageDraw.Draw(picture)
    fill = tuple(int(v) for v in ink)
    x, y, r = (int(v) for v in random.integers((60, 60, 28), (101, 101, 50)))
    if shape == "disc":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    elif shape == "ring":
        draw.ellipse((x - r, y - r, x + r, y + r), outline=fill, width=max(6, r // 4))
    elif shape == "bars":
        for shift in range(-r, r, 16):
            draw.rectangle((x - r, y + shift, x + r, y + shift + 7), fill=fill)
    else:
        draw.rectangle((x - r, y - 7, x + r, y + 7), fill=fill)
        draw.rectangle((x - 7, y - r, x + 7, y + r), fill=fill)
    return encoded(picture)


def make_shop(root: Path, *, shuffled: bool) -> Shop:
    """A shop of four categories; shuffled, each picture stands in a category drawn by lot."""
    random = np.random.default_rng(7)
    photos = [(shape, number) for shape in SHAPES for number in range(PRODUCTS)]
    places = [shape for shape, _ in photos]
    if shuffled:
        places = [places[index] for index in random.permutation(len(places))]
    for (shape, number), place in zip(photos, places, strict=True):
        file = root / "goods" / place / f"{shape}-{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(draw_shape(shape, SHAPES.index(shape) * 1000 + number))
    shop = Shop.create(root / "shop", name="Фигуры")
    shop.import_catalogue(root / "goods")
    return shop
