"""CommerceML 2, in which 1C exports: goods and groups in import.xml, prices in offers.xml.

Both may be one file, several numbered ones, or lie in the archive that 1C sends. Groups, prices and
stock are read first and kept by their ids; goods then pass by one at a time. A good is known by its
`Ид`: an article may be changed, missing or doubled there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from vitrina.catalogue.feeds.category_tree import CategoryTree
from vitrina.catalogue.feeds.documents import Document
from vitrina.catalogue.feeds.markup import children, elements, local_name, text_of
from vitrina.catalogue.feeds.offers import Offer, OfferBook
from vitrina.catalogue.feeds.row_values import check_row
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow

ROOT = "КоммерческаяИнформация"
ABSENT = frozenset({"name_en", "category_en", "search_text", "url"})
"""What the format says nothing about."""

_OFFERED = frozenset({"price", "currency", "in_stock"})
_NAMES = {
    "sku": "Ид", "name": "Наименование", "category": "Группы", "price": "ЦенаЗаЕдиницу",
    "currency": "Валюта", "image": "Картинка", "vendor": "Изготовитель", "vendor_code": "Артикул",
    "description": "Описание",
}  # fmt: skip
_DIGITS = re.compile(r"\d+")


class CommerceML:
    """One export.

    Args:
        documents: Its XML files, in any order.

    Attributes:
        is_partial: It holds changes only, so that what it lacks is not gone; known once `rows` has
            given its first row.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = sorted(documents, key=_natural)
        self._groups = CategoryTree("Группы")
        self._offers = OfferBook()
        self._offers_are_partial = False
        self.is_partial = False

    def rows(self) -> Iterator[FeedRow | Refusal]:
        """Goods in the export's order.

        Raises:
            FeedError: a file is damaged or breaks off.
        """
        for document in self._documents:
            yield from self._read_groups_and_offers(document)
        for document in self._documents:
            for good in elements(document, ("Товар",)):
                row = self._read_good(good, self._line(document, good))
                yield from self._groups.faults()
                yield row
        yield from self._groups.faults()

    def _read_groups_and_offers(self, document: Document) -> Iterator[Refusal]:
        names = ("Группы", "ТипЦены", "Предложение", "/Каталог", "/ПакетПредложений",
                 "/ИзмененияПакетаПредложений")  # fmt: skip
        for element in elements(document, names):
            match local_name(element):
                case "Группы":
                    self._read_groups(element, document)
                case "ТипЦены":
                    self._offers.add_price_type(
                        *(_child(element, name) for name in ("Ид", "Наименование", "Валюта"))
                    )
                case "Предложение":
                    self._offers.add(element, self._line(document, element))
                case "Каталог":
                    self.is_partial |= _only_changes(element)
                case "ПакетПредложений":
                    self._offers_are_partial |= _only_changes(element)
                case _:
                    self._offers_are_partial = True
        yield from self._offers.refusals()

    def _read_groups(self, top: Any, document: Document) -> None:
        waiting = [(top, "")]  # no recursion: the tree may be as deep as the parser allows
        while waiting:
            groups, parent = waiting.pop()
            for name, group in children(groups):
                if name != "Группа":
                    continue
                number = _child(group, "Ид")
                self._groups.add(
                    number, _child(group, "Наименование"), parent, self._line(document, group)
                )
                waiting += [(child, number) for name, child in children(group) if name == "Группы"]

    def _read_good(self, good: Any, line: str) -> FeedRow | Refusal:
        texts: dict[str, str] = {}
        images, groups, vendor = [], "", ""
        for name, child in children(good):
            if name == "Картинка":
                images += [image] if (image := text_of(child)) else []
            elif name == "Группы":
                groups = _child(child, "Ид") or groups
            elif name == "Изготовитель":
                vendor = _child(child, "Наименование") or text_of(child)
            else:
                texts.setdefault(name, text_of(child))
        sku = texts.get("Ид", "")
        if "true" in (texts.get("ПометкаУдаления"), texts.get("Удален")) or (
            good.get("Статус") or texts.get("Статус")
        ) in ("Удален", "Удалён"):
            return FeedRow(line=line, sku=sku, name="", category=(), gone=True)
        category = self._groups.path(groups)
        if groups and not category:
            return RefusedRow(line, "Группы", groups[:60], "there is no such group", sku[:200])
        offer = self._offers.find(sku)
        if offer is not None and offer.fault is not None:
            return offer.fault
        values = {
            "sku": sku,
            "name": texts.get("Наименование", ""),
            "category": groups,
            "vendor": vendor,
            "vendor_code": texts.get("Артикул", ""),
            "description": texts.get("Описание", ""),
        }
        return check_row(
            line,
            values | self._offered(offer),
            category,
            images=[image.replace("\\", "/") for image in images],
            names=_NAMES,
            absent=ABSENT | self._unknown(offer),
        )

    def _offered(self, offer: Offer | None) -> dict[str, str]:
        if offer is None:
            return {"in_stock": "no"}
        return {
            "price": offer.price, "currency": offer.currency,
            "in_stock": "yes" if offer.in_stock is not False else "no",
        }  # fmt: skip

    def _unknown(self, offer: Offer | None) -> frozenset[str]:
        """What the export leaves open of a good's offer."""
        if offer is None:
            partial = self._offers.is_empty or self._offers_are_partial
            return _OFFERED if partial else frozenset()
        unknown = set[str]()
        if offer.in_stock is None and (self._offers_are_partial or not self._offers.counts):
            unknown.add("in_stock")
        if not offer.price and (self._offers_are_partial or not self._offers.prices):
            unknown |= {"price", "currency"}
        return frozenset(unknown)

    def _line(self, document: Document, element: Any) -> str:
        line = str(element.sourceline)
        return line if len(self._documents) == 1 else f"{document.name}:{line}"


def _child(element: Any, wanted: str) -> str:
    """Text of the first child of that name; empty where there is none."""
    for name, child in children(element):
        if name == wanted:
            return text_of(child)
    return ""


def _only_changes(element: Any) -> bool:
    return str(element.get("СодержитТолькоИзменения", "")).strip().lower() in ("true", "1")


def _natural(document: Document) -> list[tuple[int, str]]:
    """Order of names: import2 before import10."""
    parts = re.split(r"(\d+)", (document.member or document.path.name).casefold())
    return [(int(part), "") if _DIGITS.fullmatch(part) else (0, part) for part in parts]
