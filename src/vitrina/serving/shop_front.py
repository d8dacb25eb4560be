"""What the pages see of the shop: the answers of the API, without HTTP between them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import cast

from vitrina.errors import NotFound, VitrinaError
from vitrina.search.answers import FoundProduct, Language
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.shop_state import ShopState
from vitrina.store.product_page import find_details
from vitrina.store.product_search import Filters
from vitrina.storefront.front import Findings, Goods, ProductPage, Shelf, ShopFront, Wanted

_LIKE_IT = 6
"""Other goods of its category on a product's page."""


def shop_front(state: ShopState, metrics: ServerMetrics) -> ShopFront:
    """A shop as its pages show it.

    Args:
        state: The shop.
        metrics: Where searches are counted.
    """

    def find(wanted: Wanted, language: str) -> Findings:
        try:
            found = state.text.search(
                wanted.query,
                language=cast(Language, language),
                limit=state.settings.results,
                filters=Filters(
                    wanted.category or None,
                    _decimal(wanted.price_min),
                    _decimal(wanted.price_max),
                    wanted.in_stock,
                ),
                cursor=wanted.cursor or None,
            )
        except VitrinaError as error:
            return Findings(problem=error.code)
        metrics.text_answered(found.total, corrected=found.corrected is not None)
        return Findings(
            [_goods(one) for one in found.products],
            found.total,
            found.next_cursor,
            corrected=found.corrected or "",
        )

    def categories(language: str) -> list[Shelf]:
        entries = state.text.categories(cast(Language, language))
        return [Shelf(**asdict(entry)) for entry in entries]

    def product(sku: str, language: str) -> ProductPage | None:
        spoken = cast(Language, language)
        try:
            found = state.text.product(sku, spoken)
        except NotFound:
            return None
        with state.database.asking() as connection:
            details = find_details(connection, sku)
        if details is None:
            return None
        beside = state.text.search(
            "", language=spoken, limit=_LIKE_IT + 1, filters=Filters(category=details.category)
        )
        return ProductPage(
            _goods(found),
            article=found.sku,
            vendor=details.vendor or "",
            description=details.description or "",
            pictures=[f"/photos/{one}" for one in details.pictures],
            category=details.category,
            like_it=[_goods(one) for one in beside.products if one.sku != sku][:_LIKE_IT],
        )

    return ShopFront(state.settings.name, state.settings.language, find, categories, product)


def _decimal(amount: str) -> Decimal | None:
    return Decimal(amount) if amount else None


def _goods(product: FoundProduct) -> Goods:
    shown = asdict(product)
    del shown["similarity"]
    return Goods(**shown)
