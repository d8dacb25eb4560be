"""Import: rows of a feed become products, their pictures are copied into the shop.

The database changes in one transaction at the very end. Pictures are stored under the SHA-256 of
their bytes before that: what a killed import leaves of them is no part of any product, and the
next import of the same pictures finds them there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from slugify import slugify
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from vitrina import atomic
from vitrina.catalogue.feeds import Feed, open_feed
from vitrina.catalogue.renames import belonging, tidy_categories
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.catalogue.split_file import describe_missed, plain_path, read_split_file
from vitrina.errors import FeedError, PhotoError, ShopError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.photos import SUFFIXES, Header, Limits, read_header
from vitrina.progress import SILENT, Progress
from vitrina.store.database import migrate
from vitrina.store.products import PhotoRecord, ProductRecord, save_category, save_product
from vitrina.store.schema import Category, Import

_FIELDS = {
    "name_en": "name_en",
    "price": "price_minor",
    "currency": "currency",
    "url": "url",
    "in_stock": "in_stock",
    "image": "photos",
}
"""What a product keeps where the feed has no such column."""


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        source: What was imported.
        products: Products added or brought up to date.
        photos: Pictures that show them.
        categories: Categories that they belong to.
        split_photos: Pictures whose split the split file gives; None where there is no such file.
        refusals: Rows and pictures that were not taken.
        refused_file: Where those are listed, None where there are none.
    """

    source: str
    products: int = 0
    photos: int = 0
    categories: int = 0
    split_photos: int | None = None
    refusals: list[Refusal] = field(default_factory=list)
    refused_file: Path | None = None


def import_catalogue(
    folder: ShopFolder,
    source: Path,
    *,
    split_file: Path | None = None,
    progress: Progress = SILENT,
) -> ImportReport:
    """Brings the catalogue at `source` into the shop.

    Args:
        folder: The shop.
        source: Folder of category folders, or a CSV, TSV or XLSX table.
        split_file: Says for each picture whether it is for training or for testing; None takes
            `split.tsv` beside the pictures where there is one.
        progress: Where the work reports to.

    Raises:
        FeedError: the source as a whole cannot be read, or `split_file` names none of its pictures;
            nothing was changed.
        ShopError: the shop's disk is full or does not let itself be written; nothing was changed.
        ShopBusy: another process is changing the shop.
    """
    feed = open_feed(source.resolve())
    splits = read_split_file(split_file or feed.root / "split.tsv", needed=split_file is not None)
    with _written(folder), writing(folder, "import", progress):
        sessions = migrate(folder.database)
        with sessions.begin() as session:
            before = belonging(session)
            work = _Import(folder, feed, splits, folder.settings.photo_limits, session)
            report = work.run(progress)
            if not report.products:
                first = (
                    f", the first because: {report.refusals[0].reason}" if report.refusals else ""
                )
                raise FeedError(
                    f"{source} gave no product: {len(report.refusals)} rows were refused{first}.",
                    hint="docs/import.md shows what a catalogue looks like.",
                )
            if (splits or split_file) and not report.split_photos:
                message, hint = describe_missed(splits, work.example)
                if split_file:
                    raise FeedError(f"{split_file.name} {message}", hint=hint)
                if work.example:  # a price list has no pictures to name
                    progress.say(f"Note: split.tsv {message} {hint}")
            tidy_categories(session, before)
            _flush_photos()
            session.add(
                Import(
                    source=str(source),
                    finished=datetime.now(UTC).replace(tzinfo=None),
                    products=report.products,
                    photos=report.photos,
                    refused=len(report.refusals),
                )
            )
            if report.refusals:
                report.refused_file = _write_refusals(folder, report.refusals)
    return report


class _Import:
    """The state of one import: what was seen, what was refused."""

    def __init__(
        self,
        folder: ShopFolder,
        feed: Feed,
        splits: dict[str, str],
        limits: Limits,
        session: Session,
    ) -> None:
        self._folder = folder
        self._feed = feed
        self._splits = splits
        self._limits = limits
        self._session = session
        self._categories: dict[str, Category] = {}
        self._lines: dict[str, str] = {}
        self._report = ImportReport(source=str(feed.source), split_photos=0 if splits else None)
        self.example: str | None = None

    def run(self, progress: Progress) -> ImportReport:
        try:
            rows = list(self._understood())
        except OSError as error:
            raise FeedError(
                f"{self._feed.source} cannot be read: {error}.",
                hint="Let this user read it, and close the program that has it open.",
            ) from error
        for row in progress.track(rows, "Importing products", len(rows)):
            photos = tuple(self._store_photos(row))
            refused = bool(row.images) and not photos
            keep = {_FIELDS[column] for column in row.absent if column in _FIELDS}
            product = save_product(
                self._session,
                self._category(row),
                ProductRecord(
                    sku=row.sku,
                    name=row.name,
                    name_en=row.name_en,
                    price_minor=row.price_minor,
                    currency=row.currency or self._folder.settings.currency,
                    url=row.url,
                    in_stock=row.in_stock,
                    photos=photos,
                ),
                keep | {"photos"} if refused else keep,
            )
            if refused and product.photos:
                self._refuse(
                    row, "image", row.sku, "none of its pictures could be taken; its old ones stay"
                )
            self._report.products += 1
            self._report.photos += len(product.photos)
        self._report.categories = len(self._categories)
        return self._report

    def _understood(self) -> Iterator[FeedRow]:
        for row in self._feed.rows:
            if isinstance(row, Refusal):
                self._report.refusals.append(row)
            elif row.sku in self._lines:
                self._refuse(row, "sku", row.sku, f"stands already in line {self._lines[row.sku]}")
            else:
                self._lines[row.sku] = row.line
                yield row

    def _category(self, row: FeedRow) -> Category:
        if row.category not in self._categories:
            self._categories[row.category] = save_category(
                self._session,
                slug=self._free_slug(row.category_en or row.category),
                name=row.category,
                name_en=row.category_en,
                search_text=row.search_text,
            )
        return self._categories[row.category]

    def _free_slug(self, name: str) -> str:
        plain = slugify(name, max_length=150) or "category"
        taken = {category.slug for category in self._session.query(Category)}
        slug, number = plain, 2
        while slug in taken:
            slug, number = f"{plain}-{number}", number + 1
        return slug

    def _store_photos(self, row: FeedRow) -> Iterator[PhotoRecord]:
        for image in row.images:
            self.example = self.example or image
            split = self._splits.get(plain_path(image))
            if split and self._report.split_photos is not None:
                self._report.split_photos += 1
            path, fault = self._locate(image)
            if fault:
                self._refuse(row, "image", image, fault)
                continue
            try:
                content = path.read_bytes()
                header = read_header(content, self._limits)
            except (PhotoError, OSError) as error:
                self._refuse(row, "image", image, str(error))
                continue
            yield self._store_photo(content, header, split)

    def _locate(self, image: str) -> tuple[Path, str]:
        """Where a picture lies, and why it cannot be taken: empty where it can."""
        place = self._feed.root / image
        if image.lower().startswith(("http://", "https://")):
            return place, "an address; only files are read"
        try:
            path = place.resolve()
            if not path.is_relative_to(self._feed.root.resolve()):
                return path, "lies outside the catalogue's folder"
            return path, "" if path.is_file() else "there is no such file"
        except (OSError, ValueError):  # a name that no file can have
            return place, "there is no such file"

    def _store_photo(self, content: bytes, header: Header, split: str | None) -> PhotoRecord:
        sha256 = hashlib.sha256(content).hexdigest()
        suffix = SUFFIXES[header.kind]
        place = self._folder.photo(sha256, suffix)
        if not place.exists() or place.stat().st_size != len(content):
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_name(f"{atomic.PARTIAL}{place.name}")
            partial.write_bytes(content)
            partial.replace(place)
        return PhotoRecord(sha256, suffix, header.width, header.height, split)

    def _refuse(self, row: FeedRow, column: str, value: str, reason: str) -> None:
        self._report.refusals.append(Refusal(row.line, column, value[:200], reason))


@contextmanager
def _written(folder: ShopFolder) -> Iterator[None]:
    """Says of what fails in the block that the shop could not be written."""
    try:
        yield
    except (OSError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise ShopError(
            f"The shop {folder.root} could not be written: {reason}. Nothing was changed.",
            hint="Make room on its disk, or let this user write there; then import again.",
        ) from error


def _flush_photos() -> None:
    # one flush for all pictures instead of one a picture, before any product names them
    if hasattr(os, "sync"):
        os.sync()


def _write_refusals(folder: ShopFolder, refusals: list[Refusal]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("line", "field", "value", "reason"))
    writer.writerows((row.line, row.field, row.value, row.reason) for row in refusals)
    path = folder.imports / f"refused-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"
    # the mark at the start lets spreadsheet programs read Russian
    atomic.write_text(path, "\ufeff" + text.getvalue())
    return path
