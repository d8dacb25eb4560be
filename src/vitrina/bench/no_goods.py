"""Pictures that show no goods: noise, plain colours, patterns, text, scenes, faces; all drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vitrina.photos import SIZE, Pixels

Draw = Callable[[np.random.Generator], Image.Image]


def draw_no_goods(each: int, seed: int = 0) -> list[tuple[str, Pixels]]:
    """Pictures of every kind, (224, 224, 3) uint8, with the name of the kind.

    Args:
        each: How many of each kind.
        seed: The same one draws the same pictures.
    """
    return [
        (kind, np.asarray(draw(np.random.default_rng([seed, number, place])).convert("RGB")))
        for number, (kind, draw) in enumerate(KINDS.items())
        for place in range(each)
    ]


def _noise(random: np.random.Generator) -> Image.Image:
    return Image.fromarray(random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))


def _blobs(random: np.random.Generator) -> Image.Image:
    side = int(random.integers(3, 20))
    coarse = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
    return coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def _plain(random: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (SIZE, SIZE), _colour(random))


def _gradient(random: np.random.Generator) -> Image.Image:
    first, last = random.integers(0, 256, (2, 1, 1, 3))
    along = np.linspace(0, 1, SIZE)[:, None, None]
    rows = np.repeat(first * (1 - along) + last * along, SIZE, axis=1)
    turned: Image.Image = Image.fromarray(rows.astype(np.uint8)).rotate(
        90 * int(random.integers(4))
    )
    return turned


def _stripes(random: np.random.Generator) -> Image.Image:
    one, other = random.integers(0, 256, (2, 1, 1, 3))
    along = np.arange(SIZE) // int(random.integers(4, 40)) % 2
    checked = along[:, None] ^ (along[None] * int(random.integers(2)))
    return Image.fromarray(np.where(checked[..., None], one, other).astype(np.uint8))


def _text(random: np.random.Generator) -> Image.Image:
    page = Image.new("RGB", (SIZE, SIZE), (250, 250, 246))
    pen, size = ImageDraw.Draw(page), int(random.integers(9, 22))
    font = ImageFont.load_default(size=size)
    for top in range(8, SIZE - 10, size + 4):
        words = ("".join(random.choice(list("aeioubcdlmnrst"), length)) for length in (3, 7, 5, 8))
        pen.text((8, top), " ".join(words), font=font, fill=(30, 30, 30))
    return page


def _landscape(random: np.random.Generator) -> Image.Image:
    picture = Image.new("RGB", (SIZE, SIZE), (int(random.integers(120, 210)), 205, 245))
    pen, horizon = ImageDraw.Draw(picture), int(random.integers(100, 150))
    for hill in range(3):
        left = int(random.integers(-60, 120))
        pen.ellipse([left, horizon - 30 + 10 * hill, left + 220, horizon + 150], (60, 110, 40))
    pen.rectangle([0, horizon + 40, SIZE, SIZE], (90, 150, 60))
    sun = int(random.integers(10, 190))
    pen.ellipse([sun, 10, sun + 28, 38], (255, 230, 90))
    house = int(random.integers(20, 60))
    pen.rectangle([house, horizon, house + 60, horizon + 60], _colour(random))
    pen.polygon(
        [(house - 8, horizon), (house + 30, horizon - 35), (house + 68, horizon)], (140, 50, 40)
    )
    for tree in random.integers(100, 215, 4).tolist():
        pen.rectangle([tree - 3, horizon + 30, tree + 3, horizon + 70], (100, 70, 40))
        pen.ellipse([tree - 18, horizon - 5, tree + 18, horizon + 38], (30, 120, 40))
    return picture


def _face(random: np.random.Generator) -> Image.Image:
    picture = Image.new("RGB", (SIZE, SIZE), _colour(random))
    pen, skin = ImageDraw.Draw(picture), int(random.integers(120, 235))
    pen.rectangle([70, 188, 154, SIZE], _colour(random))
    pen.ellipse([52, 30, 172, 190], (skin, skin - 35, skin - 60))
    pen.pieslice([46, 18, 178, 130], 180, 360, (int(random.integers(90)), 40, 20))
    for eye in (85, 125):
        pen.ellipse([eye, 90, eye + 16, 102], (255, 255, 255))
        pen.ellipse([eye + 5, 92, eye + 12, 100], (30, 40, 60))
    pen.line([(112, 100), (108, 128)], (140, 90, 70), width=2)
    pen.arc([88, 125, 136, 160], 20, 160, (160, 40, 50), width=4)
    return picture


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


KINDS: dict[str, Draw] = {
    "noise": _noise,
    "blobs": _blobs,
    "plain colour": _plain,
    "gradient": _gradient,
    "stripes": _stripes,
    "text": _text,
    "landscape": _landscape,
    "face": _face,
}
