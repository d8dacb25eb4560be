"""What is wrong with a shop's pictures, before anybody trains on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.pixels import PhotoFile, PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.store.database import open_database
from vitrina.store.products import list_categories, list_photos

TINY_SIDE = 100
"""Short side, pixels, below which a photo is too coarse for a network that takes 224."""

FEW_PHOTOS = 10
"""Photos below which a category is learned badly."""


_WORST_FIRST = ("unreadable", "empty category", "few photos", "no photo", "tiny")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: "unreadable", "empty category", "few photos", "no photo" or "tiny".
        category: Slug.
        product: Its sku; empty where a whole category is meant.
        detail: What was found, for people.
    """

    kind: str
    category: str
    product: str
    detail: str


@dataclass
class CheckReport:
    """Everything that was found.

    Attributes:
        products: How many the shop has.
        photos: How many different ones.
        categories: Photos of each category, by slug.
        findings: What is wrong, the worst kind first.
    """

    products: int = 0
    photos: int = 0
    categories: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, int]:
        """How often each kind was found."""
        return dict(Counter(finding.kind for finding in self.findings))


def check_catalogue(folder: ShopFolder, *, progress: Progress = SILENT) -> CheckReport:
    """Decodes every photo (which training then need not do again) and counts.

    Raises:
        ShopVersion: the database is missing or of another version.
        ShopBusy: another process is changing the shop, whose decoded photos this adds to.
    """
    with writing(folder, "check", progress):
        return _check(folder, progress)


def _check(folder: ShopFolder, progress: Progress) -> CheckReport:
    report = CheckReport()
    with open_database(folder.database)() as session:
        counts = {category.slug: count for category, count in list_categories(session)}
        pictures = list_photos(session)
    report.products = sum(counts.values())
    files = {
        photo.sha256: PhotoFile(photo.sha256, folder.photo(photo.sha256, photo.suffix))
        for photo, _, _ in pictures
    }
    report.photos = len(files)
    refused = PixelCache(folder.cache).add(
        files.values(), limits=folder.settings.photo_limits, progress=progress
    )
    usable: dict[str, set[str]] = defaultdict(set)
    for photo, product, category in pictures:
        if photo.sha256 in refused:
            error = refused[photo.sha256]
            report.findings.append(Finding("unreadable", category.slug, product.sku, str(error)))
            continue
        usable[category.slug].add(photo.sha256)
        if min(photo.width, photo.height) < TINY_SIDE:
            report.findings.append(
                Finding("tiny", category.slug, product.sku, f"{photo.width} x {photo.height}")
            )
    report.categories = {slug: len(usable[slug]) for slug in sorted(counts)}
    pictured: dict[str, set[str]] = defaultdict(set)
    for _, product, category in pictures:
        pictured[category.slug].add(product.sku)
    for slug, photos in report.categories.items():
        report.findings.extend(_count_findings(slug, photos, counts[slug], len(pictured[slug])))
    report.findings.sort(key=lambda finding: _WORST_FIRST.index(finding.kind))
    return report


def _count_findings(slug: str, photos: int, products: int, pictured: int) -> list[Finding]:
    found = []
    if not photos:
        found.append(Finding("empty category", slug, "", f"{products} products, no usable photo"))
    elif photos < FEW_PHOTOS:
        found.append(
            Finding("few photos", slug, "", f"{photos}; {FEW_PHOTOS} or more are learned well")
        )
    if 0 < pictured < products:
        found.append(Finding("no photo", slug, "", f"{products - pictured} of {products} products"))
    return found
