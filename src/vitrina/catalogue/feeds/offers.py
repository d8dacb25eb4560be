"""Prices and stock of a CommerceML export, by the good that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vitrina.catalogue.feeds.markup import children, text_of
from vitrina.catalogue.feeds.prices import parse_price
from vitrina.catalogue.rows import Refusal, RefusedRow

_RETAIL = "розн"


@dataclass(slots=True)
class Offer:
    """What is asked for a good, over all its variants.

    Attributes:
        price: The lowest one, as text; empty where none is given.
        currency: Of that price, as the export has it.
        in_stock: Whether any variant is there; None where the export does not say.
        fault: Why the good's price cannot be taken.
    """

    price: str = ""
    currency: str = ""
    in_stock: bool | None = None
    fault: RefusedRow | None = None


class OfferBook:
    """Offers by the good's id; a variant's id is the good's, `#` and its own.

    Where there are several types of price, the retail one counts, which has "розн" in its name;
    else the one that is declared first.

    Attributes:
        prices: Whether any offer has a price.
        counts: Whether any offer says how many there are.
    """

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._price_type = ""
        self._is_retail = False
        self._currencies: dict[str, str] = {}
        self._refusals: list[Refusal] = []
        self.prices = self.counts = False

    @property
    def is_empty(self) -> bool:
        """Whether the export offers nothing at all."""
        return not self._offers

    def find(self, good: str) -> Offer | None:
        """The offer of a good; None where there is none."""
        return self._offers.get(good)

    def add_price_type(self, number: str, name: str, currency: str) -> None:
        """One type of price, before the offers that use it."""
        self._currencies.setdefault(number, currency)
        retail = _RETAIL in name.casefold()
        if not self._price_type or (retail and not self._is_retail):
            self._price_type, self._is_retail = number, retail

    def add(self, element: Any, line: str) -> None:
        """One offer of the export."""
        number, prices, count = "", [], None
        for name, child in children(element):
            if name == "Ид":
                number = text_of(child)
            elif name == "Цены":
                prices = [_texts(price) for kind, price in children(child) if kind == "Цена"]
            elif name == "Количество":
                count = _sum(count, text_of(child))
            elif name in ("Склад", "Остатки") and count is None:
                count = _stored(child, count)
        good = number.partition("#")[0]
        if not good:
            self._refusals.append(Refusal(line, "Ид", "", "is missing or empty"))
            return
        offer = self._offers.setdefault(good, Offer())
        if count is not None:
            self.counts = True
            offer.in_stock = bool(offer.in_stock) or count > 0
        chosen = [p for p in prices if p.get("ИдТипаЦены", "") == self._price_type] or prices
        text = chosen[0].get("ЦенаЗаЕдиницу", "") if chosen else ""
        if not text:
            return
        self.prices = True
        try:
            lower = not offer.price or parse_price(text) < parse_price(offer.price)
            parse_price(text)
        except ValueError as error:
            offer.fault = RefusedRow(line, "ЦенаЗаЕдиницу", text[:60], str(error), good[:200])
            return
        if lower:
            offer.price = text
            offer.currency = chosen[0].get("Валюта") or self._currencies.get(
                chosen[0].get("ИдТипаЦены", ""), ""
            )

    def refusals(self) -> Iterator[Refusal]:
        """Offers that belong to no good and have not been told yet."""
        told, self._refusals = self._refusals, []
        yield from told


def _texts(element: Any) -> dict[str, str]:
    return {name: text_of(child) for name, child in children(element)}


def _stored(element: Any, count: float | None) -> float | None:
    """Adds up what lies in the stores, in the older way (an attribute) and in the newer."""
    if (stored := element.get("КоличествоНаСкладе")) is not None:
        return _sum(count, stored)
    for part in element.iter():
        if isinstance(part.tag, str) and part.tag.rpartition("}")[2] == "Количество":
            count = _sum(count, text_of(part))
    return count


def _sum(count: float | None, text: str) -> float | None:
    try:
        return (count or 0) + float("".join(text.split()).replace(",", "."))
    except ValueError:
        return count
