"""Pictures that a feed names by their addresses, fetched into the shop.

The network runs in a thread of its own; what came is checked, stored and written down here, in
batches, so that no transaction is open while anything is waited for. A fetch that is cut off has
kept all finished batches, and the next one goes on with what is missing.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from vitrina import atomic
from vitrina.catalogue.disk_faults import telling_disk_faults
from vitrina.catalogue.fetch.hosts import Politeness
from vitrina.catalogue.fetch.http import Fault, FetchLimits
from vitrina.catalogue.fetch.many import Failed, Fetched, Left, Outcome, Unchanged, fetch_many
from vitrina.catalogue.fetch.public_address import CheckedBackend, Resolve
from vitrina.catalogue.photo_files import store_photo
from vitrina.errors import PhotoError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.database import Database, open_database
from vitrina.store.remote_photos import (
    WantedPhoto,
    count_abandoned,
    has_wanted_photos,
    save_fault,
    save_fetched,
    save_unchanged,
    share_photos,
    wanted_photos,
)

MAX_TRIES = 5
"""Imports in a row that try an address which does not come; after them only a refresh does."""

_BATCH = 50
_BATCH_SECONDS = 5.0


@dataclass
class FetchReport:
    """What fetching pictures did; the figures count addresses, of one picture each.

    Attributes:
        fetched: Their pictures came.
        shared: Not asked, because other goods had the picture from the same address already.
        unchanged: The server still has the picture that the shop has.
        failed: Could not be fetched or used; `refused_file` says why.
        postponed: Not asked, because their host was left alone; the next import asks.
        abandoned: Not asked any more after failing in several imports in a row; a refresh does.
        hosts: Hosts that were left alone, and why.
        refused_file: Where what failed is listed by address and article; None where nothing did.
    """

    fetched: int = 0
    shared: int = 0
    unchanged: int = 0
    failed: int = 0
    postponed: int = 0
    abandoned: int = 0
    hosts: dict[str, str] = field(default_factory=dict)
    refused_file: Path | None = None


def fetch_photos(
    folder: ShopFolder,
    *,
    progress: Progress = SILENT,
    refresh: bool = False,
    resolve: Resolve | None = None,
    politeness: Politeness | None = None,
) -> FetchReport:
    """Fetches the pictures that the shop's feeds name by their addresses and that are missing.

    Args:
        folder: The shop; its settings say how much and how fast.
        progress: Where the work reports to.
        refresh: Ask, too, whether pictures that are there have changed, and for those that failed
            too often.
        resolve: What turns names into addresses; the system's resolver unless given.
        politeness: How hosts are treated; the shop's settings say unless given.

    Raises:
        ShopBusy: another process is changing the shop.
        ShopError: its disk is full or does not let itself be written; what came before is kept.
    """
    settings = folder.settings
    database = open_database(folder.database)
    report = FetchReport()
    with database.reading() as connection:
        if not refresh:
            report.abandoned = count_abandoned(connection, MAX_TRIES)
        if not has_wanted_photos(connection, MAX_TRIES, refresh=refresh):
            return report
    kept = "Pictures that had come before are kept."
    with writing(folder, "fetch", progress), telling_disk_faults(folder, kept):
        with database.writing() as connection:
            report.shared = share_photos(connection)
            wanted = wanted_photos(connection, MAX_TRIES, refresh=refresh)
        work = _Fetch(folder, database, report, wanted)
        outcomes = fetch_many(
            wanted,
            CheckedBackend(allow_private=settings.fetch_from == "anywhere", resolve=resolve),
            FetchLimits(settings.photo_limits.max_bytes, seconds=settings.fetch_seconds),
            parallel=settings.fetch_parallel,
            politeness=politeness or Politeness(at_once=settings.fetch_per_host),
        )
        with closing(outcomes), progress.step("Fetching pictures", len(wanted)) as step:
            try:
                for outcome in outcomes:
                    count = work.take(outcome) if outcome else 0
                    step.advance(count, note=f"{report.failed} failed" if report.failed else "")
                    work.commit_when_due()
            finally:
                work.commit()  # an interrupted fetch keeps what came
        if work.refused:
            report.refused_file = _write_refused(folder, work.refused)
    return report


class _Fetch:
    """The state of one fetch: what came and is not written down yet, and what was refused."""

    def __init__(
        self,
        folder: ShopFolder,
        database: Database,
        report: FetchReport,
        wanted: Sequence[WantedPhoto],
    ) -> None:
        self._folder = folder
        self._database = database
        self._report = report
        self._had = {photo.address: photo.sha256 for photo in wanted if photo.sha256}
        self._changes: list[Callable[[Connection], None]] = []
        self._files: list[Path] = []
        self._committed = time.monotonic()
        self.refused: list[tuple[str, str, str]] = []

    def take(self, outcome: Outcome) -> int:
        """Deals with what became of an address, or of several; returns of how many."""
        match outcome:
            case Fetched():
                self._store(outcome)
            case Unchanged():
                self._report.unchanged += 1
                self._changes.append(partial(save_unchanged, address=outcome.address))
            case Failed():
                self._refuse(outcome.address, outcome.fault)
            case Left():
                self._report.postponed += outcome.count
                self._report.hosts[outcome.host] = outcome.reason
                return outcome.count
        return 1

    def commit_when_due(self) -> None:
        """Commits once enough has come, or what came has waited long enough."""
        waited = time.monotonic() - self._committed
        if len(self._changes) >= _BATCH or waited >= _BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Writes down what came; the files lie on the disk before a row names them."""
        for file in self._files:
            atomic.flush_file(file)
        for place in {file.parent for file in self._files}:
            atomic.flush_folder(place)
        if self._changes:
            with self._database.writing() as connection:
                for change in self._changes:
                    change(connection)
        self._files.clear()
        self._changes.clear()
        self._committed = time.monotonic()

    def _store(self, came: Fetched) -> None:
        try:
            photo = store_photo(self._folder, came.content, self._folder.settings.photo_limits)
        except PhotoError as error:
            self._refuse(came.address, Fault("refused", str(error)))
            return
        if self._had.get(came.address) == photo.sha256:
            self._report.unchanged += 1
        else:
            self._report.fetched += 1
        self._files.append(self._folder.photo(photo.sha256, photo.suffix))
        self._changes.append(
            partial(
                save_fetched,
                address=came.address,
                photo=photo,
                etag=came.validators.etag,
                last_modified=came.validators.last_modified,
            )
        )

    def _refuse(self, address: str, fault: Fault) -> None:
        self._report.failed += 1

        def save(connection: Connection) -> None:
            # a server that cannot be reached today says nothing of this picture
            counted = fault.kind in ("refused", "failed")
            for article in save_fault(connection, address, fault.reason, counted=counted):
                self.refused.append((address, article, fault.reason))

        self._changes.append(save)


def _write_refused(folder: ShopFolder, refused: list[tuple[str, str, str]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("address", "article", "reason"))
    writer.writerows(refused)
    path = folder.imports / f"refused-pictures-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"
    # the mark at the start lets spreadsheet programs read Russian
    atomic.write_text(path, "\ufeff" + text.getvalue())
    return path
