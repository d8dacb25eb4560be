"""What a product and a category are: plain frozen descriptions that drawing starts from."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .model import Model

Value = str | float | bool

PER_CATEGORY = 30
"""Products in every category."""


@dataclass(frozen=True)
class Product:
    """One article of the shop.

    Attributes:
        sku: Article number: ASCII letters, digits and dashes.
        name: Russian name.
        name_en: English name.
        price: Roubles.
        params: The parameters that its shape is drawn from; lengths are millimetres.
    """

    sku: str
    name: str
    name_en: str
    price: int
    params: tuple[tuple[str, Value], ...]

    def text(self, key: str) -> str:
        """Returns a parameter as text."""
        return str(dict(self.params)[key])

    def num(self, key: str) -> float:
        """Returns a parameter as a number."""
        return float(dict(self.params)[key])

    def whole(self, key: str) -> int:
        """Returns a parameter as a whole number."""
        return int(float(dict(self.params)[key]))

    def flag(self, key: str) -> bool:
        """Returns a parameter as a yes or no."""
        return bool(dict(self.params)[key])


@dataclass(frozen=True)
class Category:
    """A kind of goods: how its products are listed and drawn.

    Attributes:
        slug: Folder name, ASCII.
        name: Russian name of the category.
        name_en: English name of the category.
        query: What a shopper types to find it, Russian.
        make: Lists the products; draws all chance from the given generator.
        draw: Builds a product's model, millimetres, front towards -y.
        azimuth: Range of the camera's azimuth in product pictures, degrees.
        elevation: Range of its elevation, degrees.
        lies: Degrees about x that the model is turned to lie down in phone pictures.
    """

    slug: str
    name: str
    name_en: str
    query: str
    make: Callable[[random.Random], list[Product]]
    draw: Callable[[Product], Model]
    azimuth: tuple[float, float] = (-38.0, 38.0)
    elevation: tuple[float, float] = (14.0, 34.0)
    lies: float = 0.0


def product(sku: str, name: str, name_en: str, price: float, **params: Value) -> Product:
    """Builds a product; the price is rounded the way shops round it."""
    step = 1 if price < 100 else 10 if price < 2000 else 50
    return Product(
        sku, name, name_en, max(2, int(round(price / step) * step)), tuple(params.items())
    )


COLOURS: dict[str, tuple[str, str]] = {
    "white": ("#e6e6e2", "белый"),
    "ivory": ("#e8dcc0", "слоновая кость"),
    "grey": ("#9a9da0", "серый"),
    "light grey": ("#c9cccd", "светло-серый"),
    "graphite": ("#4a4d52", "графит"),
    "black": ("#242527", "чёрный"),
    "silver": ("#b4b7ba", "серебро"),
    "champagne": ("#c9b48a", "шампань"),
    "brown": ("#6b4630", "коричневый"),
    "red": ("#c0282c", "красный"),
    "blue": ("#2358a8", "синий"),
    "green": ("#2c8a4a", "зелёный"),
    "yellow": ("#e8bf1e", "жёлтый"),
    "orange": ("#e0701c", "оранжевый"),
    "mint": ("#9fc9b4", "мятный"),
    "sky blue": ("#7fb2d6", "голубой"),
    "pink": ("#dba3ac", "розовый"),
    "oak": ("#b98e5c", "дуб"),
}
"""Colours by English name: the hex value and the Russian word."""


def hex_of(colour: str) -> str:
    """Returns the hex value of a named colour."""
    return COLOURS[colour][0]


def ru(colour: str) -> str:
    """Returns the Russian word of a named colour."""
    return COLOURS[colour][1]
