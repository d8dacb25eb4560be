"""What a check found, in a shape that the command, the page and the table of corrections share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

KINDS = (
    "unreadable",
    "empty category",
    "suspected label",
    "copy in other category",
    "blank",
    "alike categories",
    "few photos",
    "no photo",
    "copy in other product",
    "tiny",
)
"""Of findings, the worst first."""


@dataclass(frozen=True, order=True)
class ShownPhoto:
    """A picture of a product.

    Attributes:
        category: Slug.
        product: Its sku.
        sha256: Of the picture.
    """

    category: str
    product: str
    sha256: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes:
        kind: One of `KINDS`.
        category: Slug.
        product: Its sku; empty where a whole category is meant.
        detail: What was found, for people.
        photos: The pictures that show it.
        other: Slug of the other category that it concerns: the likelier one, or the one that is
            alike; empty where there is none.
        share: How sure it is, or how large, 0 to 1; None where that means nothing.
    """

    kind: str
    category: str
    product: str
    detail: str
    photos: tuple[ShownPhoto, ...] = ()
    other: str = ""
    share: float | None = None


@dataclass
class CheckReport:
    """Everything that was found.

    Attributes:
        products: How many the shop has.
        photos: How many different ones.
        categories: Photos of each category, by slug.
        findings: What is wrong, the worst kind first.
        copy_groups: How many groups of near copies there are, in one product or in several.
        labels_unchecked: Why labels were not looked at; empty where they were.
        page: The findings with their pictures.
        corrections: The table of what could be corrected.
    """

    products: int = 0
    photos: int = 0
    categories: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    copy_groups: int = 0
    labels_unchecked: str = ""
    page: Path | None = None
    corrections: Path | None = None

    @property
    def kinds(self) -> dict[str, int]:
        """How often each kind was found."""
        return dict(Counter(finding.kind for finding in self.findings))

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]
