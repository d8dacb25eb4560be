"""What the shop's pages show: shapes that know neither the database nor the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goods:
    """One product, in the shape of the API's JSON.

    Args:
        sku: The shop's own key.
        name: What a shopper reads.
        price: A decimal number as text; None where the shop names no price.
        currency: ISO 4217; None where there is no price.
        url: The product's own page; None where it has none.
        image_url: Where its picture is served, such as `/photos/<sha>`; None without a picture.
        in_stock: Whether it can be bought now.
    """

    sku: str
    name: str
    price: str | None
    currency: str | None
    url: str | None
    image_url: str | None
    in_stock: bool


@dataclass(frozen=True)
class Shelf:
    """One category, in the shape of the API's JSON.

    Args:
        id: Its slug.
        name: Its name in the page's language.
        search_text: What goes into the search box for it.
        products: How many products it holds.
    """

    id: str
    name: str
    search_text: str
    products: int


@dataclass(frozen=True)
class Wanted:
    """What a page is asked for.

    Args:
        query: Words; may be empty.
        category: Its slug; empty for all of them.
        cursor: Where the page begins; empty on the first.
        price_min: Least price as a decimal number; empty for any.
        price_max: Highest price, likewise.
        in_stock: Only what can be bought now.
    """

    query: str = ""
    category: str = ""
    cursor: str = ""
    price_min: str = ""
    price_max: str = ""
    in_stock: bool = False

    @property
    def is_home(self) -> bool:
        """Whether nothing is looked for."""
        return not (self.query or self.category)

    @property
    def is_filtered(self) -> bool:
        """Whether there are goods that it leaves out although words and category fit."""
        return bool(self.price_min or self.price_max or self.in_stock)

    def parts(self, cursor: str = "") -> dict[str, str]:
        """As an address has it, which leads to the page that begins at `cursor`."""
        return {
            "q": self.query,
            "category": self.category,
            "price_min": self.price_min,
            "price_max": self.price_max,
            "in_stock": "1" if self.in_stock else "",
            "cursor": cursor,
        }


@dataclass(frozen=True)
class Findings:
    """What a text search brought.

    Args:
        products: One page of products.
        total: How many there are altogether; None where nobody counted.
        next_cursor: Where the next page begins; None on the last one.
        problem: The code of what went wrong, as in the API's problem documents; empty if nothing.
        corrected: What was searched instead of what was typed; empty where nothing was mended.
    """

    products: Sequence[Goods] = ()
    total: int | None = None
    next_cursor: str | None = None
    problem: str = ""
    corrected: str = ""


@dataclass(frozen=True)
class ProductPage:
    """One product with all that its own page shows.

    Args:
        goods: What its card shows.
        article: As shoppers may have it read to them.
        vendor: Who makes it; empty where the shop does not say.
        description: Plain text; empty where there is none.
        pictures: Where its pictures are served, the main one first.
        category: Its shelf's id; empty where it has none.
        like_it: Other goods of its category.
    """

    goods: Goods
    article: str
    vendor: str = ""
    description: str = ""
    pictures: Sequence[str] = ()
    category: str = ""
    like_it: Sequence[Goods] = ()


@dataclass(frozen=True)
class ShopFront:
    """All that the page knows about the shop.

    Args:
        name: The shop's name: the page's title and heading.
        language: The shop's own language, "ru" or "en".
        find: (what is wanted, language) -> findings. Where nothing is looked for: the goods to show
            on the first page, possibly none. It reports a failure by `Findings.problem`; what it
            raises is the application's to answer.
        categories: language -> the shelves, in the order to show them.
        product: (article, language) -> what its page shows; None where there is no such product.
    """

    name: str
    language: str
    find: Callable[[Wanted, str], Findings]
    categories: Callable[[str], Sequence[Shelf]]
    product: Callable[[str, str], ProductPage | None]
