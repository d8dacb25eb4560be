"""check/index.html: the findings with their pictures, in one file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from markupsafe import Markup

from vitrina import atomic
from vitrina.catalogue.checks.findings import KINDS, CheckReport, Finding
from vitrina.evaluation.report.numerals import Numerals
from vitrina.evaluation.report.self_contained import content_security_policy, page_environment
from vitrina.evaluation.report.thumbnails import Thumbnails
from vitrina.store.shown import CategoryRecord

SHOWN = 30
"""Findings of a kind that are shown, the worst first; the page says how many more there are."""

PICTURES = 6
"""Pictures of one finding that are shown."""


@dataclass(frozen=True)
class ShownShop:
    """What the page needs of a shop.

    Attributes:
        name: For the title.
        root: Its folder.
        files: Path of each picture relative to it, by SHA-256.
        categories: All of them.
    """

    name: str
    root: Path
    files: Mapping[str, str]
    categories: Iterable[CategoryRecord]


@dataclass(frozen=True)
class _Picture:
    address: str | None
    product: str
    category: str
    role: str


@dataclass(frozen=True)
class _Entry:
    heading: str
    detail: str
    pictures: tuple[_Picture, ...]
    more: int


@dataclass(frozen=True)
class _Section:
    kind: str
    anchor: str
    title: str
    meaning: str
    count: int
    entries: tuple[_Entry, ...]
    more: int


def write_page(report: CheckReport, shop: ShownShop, language: Literal["ru", "en"]) -> None:
    """Puts the page at `report.page`.

    Args:
        report: What was found.
        shop: Whose.
        language: Of the page.
    """
    assert report.page is not None
    writer = _Writer(shop, language)
    sheet = _style()
    page = (
        page_environment("vitrina.catalogue.checks")
        .get_template("check.html.j2")
        .render(
            language=language,
            t=texts(language),
            shop=shop.name,
            report=report,
            sections=[writer.section(kind, report.of(kind)) for kind in KINDS if report.of(kind)],
            style=Markup(sheet),  # noqa: S704  our own file
            policy=content_security_policy(sheet),
        )
    )
    atomic.write_text(report.page, page)


@cache
def texts(language: str) -> Mapping[str, str]:
    """Every sentence of the page in one language, by key; placeholders are written `{name}`."""
    file = resources.files("vitrina.catalogue.checks").joinpath("texts", f"{language}.json")
    table: dict[str, str] = json.loads(file.read_text("utf-8"))
    return MappingProxyType(table)


class _Writer:
    """Findings in the words of one language, with thumbnails."""

    def __init__(self, shop: ShownShop, language: str) -> None:
        self._texts = texts(language)
        self._numerals = Numerals(language)
        self._thumbnails = Thumbnails(shop.root, dict(shop.files))
        self._names = {
            each.slug: (each.name_en if language == "en" and each.name_en else each.name)
            for each in shop.categories
        }

    def section(self, kind: str, findings: list[Finding]) -> _Section:
        key = kind.replace(" ", "_")
        return _Section(
            kind=kind,
            anchor=kind.replace(" ", "-"),
            title=self._texts[f"{key}_title"],
            meaning=self._texts[f"{key}_meaning"],
            count=len(findings),
            entries=tuple(map(self._entry, findings[:SHOWN])),
            more=max(0, len(findings) - SHOWN),
        )

    def _entry(self, finding: Finding) -> _Entry:
        key = finding.kind.replace(" ", "_")
        names = {
            "product": finding.product,
            "category": self._name(finding.category),
            "other": self._name(finding.other),
            "share": self._numerals.percent(finding.share, 0),
            "count": len(finding.photos),
            "detail": finding.detail,
        }
        return _Entry(
            heading=self._texts[f"{key}_heading"].format(**names),
            detail=self._texts[f"{key}_detail"].format(**names),
            pictures=tuple(self._pictures(finding)),
            more=max(0, len(finding.photos) - PICTURES),
        )

    def _pictures(self, finding: Finding) -> Iterable[_Picture]:
        typical = finding.kind == "suspected label"
        for place, photo in enumerate(finding.photos[:PICTURES]):
            role = "" if not typical else "asked" if place == 0 else "typical"
            yield _Picture(
                address=self._thumbnails.data_address(photo.sha256),
                product=photo.product,
                category=self._name(photo.category),
                role=self._texts[f"role_{role}"] if role else "",
            )

    def _name(self, slug: str) -> str:
        return self._names.get(slug) or slug


def _style() -> str:
    """The comparison's style sheet, and what only this page has."""
    shared = resources.files("vitrina.evaluation.report").joinpath("templates", "report.css")
    own = resources.files("vitrina.catalogue.checks").joinpath("templates", "check.css")
    return shared.read_text("utf-8") + own.read_text("utf-8")
