"""What is wrong with a shop's pictures, before anybody trains on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from vitrina.catalogue.checks.copies import copy_findings
from vitrina.catalogue.checks.embeddings import bundle_embeddings
from vitrina.catalogue.checks.findings import KINDS, CheckReport, Finding, ShownPhoto
from vitrina.catalogue.checks.labels import alike_findings, can_judge, judge, label_findings
from vitrina.catalogue.checks.page import ShownShop, write_page
from vitrina.catalogue.checks.photos import (
    FEW_PHOTOS,
    TINY_SIDE,
    blank_findings,
    count_findings,
)
from vitrina.catalogue.checks.suggestions import suggest
from vitrina.catalogue.corrections import write_corrections
from vitrina.errors import BundleError, MissingExtra, WeightsError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.near_copies import CopyGroups, Embeddings, near_copies, small_pictures
from vitrina.pixels import PhotoFile, PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.store.categories import list_categories
from vitrina.store.corrections import dropped_photos, kept_photos
from vitrina.store.database import migrate, open_database
from vitrina.store.products import list_photos
from vitrina.union_find import UnionFind

__all__ = ["FEW_PHOTOS", "TINY_SIDE", "CheckReport", "Finding", "check_catalogue"]

Embed = Callable[[Sequence[str], PixelCache, Progress], Embeddings]
"""Embeddings of photos by SHA-256, all of which are decoded."""

PAGE = "index.html"
CORRECTIONS = "corrections.csv"


def check_catalogue(
    folder: ShopFolder,
    *,
    labels: bool = True,
    embed: Embed | None = None,
    progress: Progress = SILENT,
) -> CheckReport:
    """Decodes every photo (which training then need not do again), and looks through them.

    Writes check/index.html and check/corrections.csv.

    Args:
        folder: The shop.
        labels: Whether wrong labels are looked for as well, which takes longest.
        embed: Makes embeddings by a network that never saw the shop's labels; without it those of
            the active bundle are used.
        progress: Where the work reports to.

    Raises:
        ShopVersion: the database is missing or of another version.
        ShopBusy: another process is changing the shop, whose decoded photos this adds to.
    """
    with writing(folder, "check", progress):
        return _Check(folder, progress).run(labels, embed)


class _Check:
    """One check: what was read for it, and what it found."""

    def __init__(self, folder: ShopFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        # a shop without goods is told so before a database is made
        ready = migrate if folder.database.exists() else open_database
        with ready(folder.database).reading() as connection:
            self._categories = list_categories(connection)
            dropped, self._kept = dropped_photos(connection), kept_photos(connection)
            photos = [
                photo
                for photo in list_photos(connection)
                if (photo.sku, photo.sha256) not in dropped
            ]
        self._photos = [ShownPhoto(photo.category, photo.sku, photo.sha256) for photo in photos]
        self._sizes = {photo.sha256: (photo.width, photo.height) for photo in photos}
        places = {photo.sha256: folder.photo(photo.sha256, photo.suffix) for photo in photos}
        self._files = {sha: str(path.relative_to(folder.root)) for sha, path in places.items()}
        self._pixels = PixelCache(folder.cache)
        self._refused = self._pixels.add(
            [PhotoFile(sha, path) for sha, path in places.items()],
            limits=folder.settings.photo_limits,
            progress=progress,
        )
        self._readable = [p for p in self._photos if p.sha256 not in self._refused]
        self._names = sorted({photo.sha256 for photo in self._readable})

    def run(self, labels: bool, embed: Embed | None) -> CheckReport:
        copies = near_copies(self._names, self._pixels, self._folder.cache, progress=self._progress)
        report = self._count()
        report.copy_groups = len(copies.groups)
        report.findings = [*self._look_at_photos(), *copy_findings(self._readable, copies)]
        if labels:
            try:
                report.findings += self._look_at_labels(copies, embed)
            except (MissingExtra, BundleError, WeightsError) as error:
                report.labels_unchecked = str(error)
        else:
            report.labels_unchecked = "It was asked not to."
        report.findings = [each for each in report.findings if not self._is_settled(each)]
        report.findings.sort(key=lambda each: (KINDS.index(each.kind), -(each.share or 0)))
        paths = {category.slug: category.path for category, _ in self._categories}
        place = self._folder.check
        report.corrections = place / CORRECTIONS
        write_corrections(
            report.corrections,
            suggest(report.findings, self._photos, self._files, paths),
        )
        report.page = place / PAGE
        shown = ShownShop(
            name=self._folder.settings.name,
            root=self._folder.root,
            files=self._files,
            categories=[category for category, _ in self._categories],
        )
        write_page(report, shown, self._folder.settings.language)
        return report

    def _count(self) -> CheckReport:
        usable: dict[str, set[str]] = defaultdict(set)
        for photo in self._readable:
            usable[photo.category].add(photo.sha256)
        own = {category.slug: count for category, count in self._categories if count}
        return CheckReport(
            products=sum(own.values()),
            photos=len(self._files),
            categories={slug: len(usable[slug]) for slug in sorted(own)},
        )

    def _look_at_photos(self) -> Iterator[Finding]:
        for photo in self._photos:
            if (error := self._refused.get(photo.sha256)) is not None:
                yield _finding("unreadable", photo, str(error))
                continue
            width, height = self._sizes[photo.sha256]
            if min(width, height) < TINY_SIDE:
                yield _finding("tiny", photo, f"{width} x {height}")
        if self._names:
            pictures = small_pictures(self._names, self._pixels, self._folder.cache, self._progress)
            yield from blank_findings(self._readable, self._names, pictures)
        pictured: dict[str, set[str]] = defaultdict(set)
        for photo in self._photos:
            pictured[photo.category].add(photo.product)
        yield from count_findings(
            self._readable,
            {category.slug: count for category, count in self._categories},
            {slug: len(products) for slug, products in pictured.items()},
        )

    def _look_at_labels(self, copies: CopyGroups, embed: Embed | None) -> Iterator[Finding]:
        groups = _groups(self._readable, copies)
        once = list({photo.sha256: photo for photo in sorted(self._readable)}.values())
        if not can_judge(once, groups):
            return
        embeddings = self._embeddings(embed)
        with self._progress.step("Looking for wrong labels", 1) as step:
            judged = judge(once, embeddings, groups)
            yield from label_findings(judged)
            yield from alike_findings(judged)
            step.advance()

    def _embeddings(self, embed: Embed | None) -> Embeddings:
        """From a network that never saw the shop's labels, where there is one.

        The served network has learned from most of these photos, wrong labels included: what it
        makes of them hides the mistakes in its own training photos.
        """
        names, pixels, progress = self._names, self._pixels, self._progress
        if embed is None:
            return bundle_embeddings(self._folder, names, pixels, progress)
        try:
            return embed(names, pixels, progress)
        except WeightsError as error:
            try:
                return bundle_embeddings(self._folder, names, pixels, progress)
            except BundleError:
                raise error from None

    def _is_settled(self, finding: Finding) -> bool:
        """Whether the merchant found right all pictures that it is about."""
        about = finding.photos[:1] if finding.kind == "suspected label" else finding.photos
        return bool(about) and all((p.product, p.sha256) in self._kept for p in about)


def _finding(kind: str, photo: ShownPhoto, detail: str) -> Finding:
    return Finding(kind, photo.category, photo.product, detail, photos=(photo,))


def _groups(photos: Iterable[ShownPhoto], copies: CopyGroups) -> dict[str, str]:
    """What may not be told apart: the pictures of a product, and near copies; by SHA-256."""
    joined = UnionFind()
    for photo in photos:
        joined.join(photo.sha256, f"/{photo.product}")
    for group in copies.groups:
        for sha in group[1:]:
            joined.join(group[0], sha)
    return {photo.sha256: joined.find(photo.sha256) for photo in photos}
