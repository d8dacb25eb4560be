"""Import: rows of a feed become products, their pictures are copied into the shop.

The database changes in one transaction. Rows pass through it in batches, and a row that brings
nothing new is passed over by its fingerprint. Pictures are stored under the SHA-256 of their bytes
before the transaction ends: what a killed import leaves of them is no part of any product, and the
next import of the same pictures finds them there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert

from vitrina.catalogue.batch_writer import BatchWriter
from vitrina.catalogue.disk_faults import telling_disk_faults
from vitrina.catalogue.feeds import Feed, open_feed
from vitrina.catalogue.fingerprints import Fingerprints
from vitrina.catalogue.past_imports import ShopHas, last_import, refused_name, shop_has
from vitrina.catalogue.pictures import ArchivePictures, FolderPictures
from vitrina.catalogue.refusals import RefusalFile, first_refusals
from vitrina.catalogue.renames import tidy_categories
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow
from vitrina.catalogue.split_file import describe_missed, read_split_file
from vitrina.errors import FeedError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.bulk import mark_gone, present_products, stored_products
from vitrina.store.database import migrate
from vitrina.store.fulltext import reindex_category, remove_products
from vitrina.store.schema import IMPORTS

if TYPE_CHECKING:
    from vitrina.catalogue.fetch.photos import FetchReport

_BATCH = 500
"""Rows that are written at once."""


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        source: What was imported.
        products: Goods that it has and that the shop took, or had already.
        added: Of those, new ones.
        changed: Of those, ones that differ from what the shop had.
        gone: Goods of this source that it no longer has.
        photos: Pictures that the shop has of the products.
        addresses: Pictures that the source names by their addresses.
        categories: Categories that the products belong to.
        split_photos: Pictures whose split the split file gives; None where there is no such file.
        refused: How many rows and pictures were not taken.
        refusals: The first of them.
        refused_file: Where all of them are listed, None where there are none.
        is_unchanged: The source is the same, byte for byte, as the last time; nothing was done.
        fetched: What came of the addresses; None where none was asked.
    """

    source: str
    products: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    photos: int = 0
    addresses: int = 0
    categories: int = 0
    split_photos: int | None = None
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    refused_file: Path | None = None
    is_unchanged: bool = False
    fetched: FetchReport | None = None


def import_catalogue(
    folder: ShopFolder,
    source: Path,
    *,
    name: str | None = None,
    split_file: Path | None = None,
    progress: Progress = SILENT,
) -> ImportReport:
    """Brings the catalogue at `source` into the shop.

    Args:
        folder: The shop.
        source: Folder of category folders, a table, or a feed that `vitrina.catalogue.feeds` reads.
        name: Of the source, where its file is called otherwise each time: goods that it no longer
            has are gone. None takes the path.
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
    beside = feed.root if feed.archive is None else feed.archive.parent
    splits = read_split_file(split_file or beside / "split.tsv", needed=split_file is not None)
    fingerprints = Fingerprints(name := name or str(feed.source), folder.settings, splits)
    with telling_disk_faults(folder, "Nothing was changed."), writing(folder, "import", progress):
        database = migrate(folder.database)
        with RefusalFile(folder.imports) as refusals, database.writing() as connection:
            fingerprint = _read_whole(feed, fingerprints)
            if fingerprint and (
                entry := last_import(connection, name, fingerprint, folder.imports)
            ):
                return _unchanged(
                    str(source), entry, shop_has(connection, name), splits, folder.imports
                )
            work = _Import(folder, feed, name, splits, refusals, connection)
            report = work.run(progress, fingerprint)
            if split_file or splits:
                _require_splits(report, splits, split_file, work.writer.example, progress)
            report.source = str(source)
    return report


class _Import:
    """The state of one import: what was seen, and what it left."""

    def __init__(
        self,
        folder: ShopFolder,
        feed: Feed,
        name: str,
        splits: dict[str, str],
        refusals: RefusalFile,
        connection: Connection,
    ) -> None:
        self._folder = folder
        self._feed = feed
        self._name = name
        self._splits = splits
        self._refusals = refusals
        self._connection = connection
        self._lines: dict[str, str] = {}
        self._left: list[str] = []
        pictures = (
            FolderPictures(feed.root)
            if feed.archive is None
            else ArchivePictures(
                feed.archive, str(feed.root), folder.settings.photo_limits.max_bytes
            )
        )
        self.writer = BatchWriter(connection, folder, name, pictures, splits, refusals)

    def run(self, progress: Progress, fingerprint: str | None) -> ImportReport:
        """Everything but the commit.

        Raises:
            FeedError: the source breaks off, or gave nothing.
        """
        batch: list[FeedRow] = []
        with progress.step("Importing products", None) as step:
            for row in self._understood():
                batch.append(row)
                if len(batch) == _BATCH:
                    self.writer.write(batch)
                    step.advance(len(batch))
                    batch.clear()
            self.writer.write(batch)
            step.advance(len(batch))
        report = ImportReport(str(self._feed.source), **vars(self.writer.written))
        if not report.products and not self._left:
            self._refuse_empty()
        report.gone = self._mark_gone()
        for category in self.writer.categories.reworded:
            reindex_category(self._connection, category)
        tidy_categories(self._connection, self.writer.categories.before, self.writer.moves)
        report.categories = len(self.writer.used)
        report.split_photos = report.split_photos if self._splits else None
        report.refused, report.refusals = self._refusals.count, self._refusals.first
        if self.writer.example:
            _flush_photos()
        finished = datetime.now(UTC).replace(tzinfo=None)
        self._connection.execute(
            insert(IMPORTS).values(
                source=self._name,
                # pictures may change where the feed does not
                fingerprint=None if self.writer.example else fingerprint,
                finished=finished,
                products=report.products,
                added=report.added,
                changed=report.changed,
                gone=report.gone,
                photos=report.photos,
                refused=report.refused,
            )
        )
        report.refused_file = self._refusals.keep(refused_name(finished))
        return report

    def _understood(self) -> Iterator[FeedRow]:
        for row in self._rows():
            if isinstance(row, Refusal):
                self._refusals.add(row)
                if isinstance(row, RefusedRow):
                    self._lines.setdefault(row.sku, row.line)
            elif row.gone:
                self._left.append(row.sku)
            elif row.sku in self._lines:
                reason = f"stands already in line {self._lines[row.sku]}"
                self._refusals.add(Refusal(row.line, "sku", row.sku[:200], reason))
            else:
                self._lines[row.sku] = row.line
                yield row

    def _rows(self) -> Iterator[FeedRow | Refusal]:
        """Tells a source that cannot be read from a shop that cannot be written."""
        rows = iter(self._feed.rows)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except OSError as error:
                raise FeedError(
                    f"{self._feed.source} cannot be read: {error}.",
                    hint="Let this user read it, and close the program that has it open.",
                ) from error
            yield row

    def _mark_gone(self) -> int:
        """Marks what the source no longer has; returns how many goods that are."""
        if self._feed.is_partial():
            known = stored_products(self._connection, self._left).values()
            left = [
                product.id
                for product in known
                if product.source == self._name
                and product.gone_since is None
                and product.sku not in self._lines
            ]
        else:
            present = present_products(self._connection, self._name)
            left = [number for number, sku in present if sku not in self._lines]
        mark_gone(self._connection, left, datetime.now(UTC).replace(tzinfo=None))
        remove_products(self._connection, left)
        return len(left)

    def _refuse_empty(self) -> None:
        count, first = self._refusals.count, self._refusals.first
        because = f", the first because: {first[0].reason}" if first else ""
        raise FeedError(
            f"{self._feed.source} gave no product: {count} rows were refused{because}.",
            hint="docs/import.md shows what a catalogue looks like.",
        )


def _unchanged(
    source: str, entry: Row[Any], has: ShopHas, splits: dict[str, str], reports: Path
) -> ImportReport:
    """What is said of a source that is as it was."""
    refused_file = reports / refused_name(entry.finished) if entry.refused else None
    return ImportReport(
        source,
        products=entry.products,
        split_photos=0 if splits else None,
        refused=entry.refused,
        refusals=first_refusals(refused_file) if refused_file else [],
        refused_file=refused_file,
        is_unchanged=True,
        **vars(has),
    )


def _read_whole(feed: Feed, fingerprints: Fingerprints) -> str | None:
    """Fingerprint of the feed's files; None where the pictures themselves are the feed."""
    try:
        return fingerprints.of_files(feed.files) if feed.files else None
    except OSError as error:
        raise FeedError(
            f"{feed.source} cannot be read: {error}.",
            hint="Let this user read it, and close the program that has it open.",
        ) from error


def _require_splits(
    report: ImportReport,
    splits: dict[str, str],
    split_file: Path | None,
    example: str | None,
    progress: Progress,
) -> None:
    if report.split_photos:
        return
    message, hint = describe_missed(splits, example)
    if split_file:
        raise FeedError(f"{split_file.name} {message}", hint=hint)
    if example:  # a price list has no pictures to name
        progress.say(f"Note: split.tsv {message} {hint}")


def _flush_photos() -> None:
    # one flush for all pictures instead of one a picture, before any product names them
    if hasattr(os, "sync"):
        os.sync()
