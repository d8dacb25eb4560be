"""corrections.csv: what a check suggests, in a table that the merchant edits and gives back.

A row names a product, one of its pictures, and an action:

    move           the product belongs into another category
    drop photo     nothing is to be learned from the picture
    restore photo  the opposite
    keep           the picture is right where it is: it is not suggested again
    ask again      the opposite

A row without an action changes nothing. The table is read as a whole before anything changes, and
what was changed is written into a table of the opposite actions.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from vitrina import atomic
from vitrina.catalogue.feeds import delimited, workbook
from vitrina.catalogue.feeds.documents import Document
from vitrina.errors import CorrectionsError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.categories import all_categories
from vitrina.store.corrections import (
    DROP,
    KEEP,
    MOVE,
    decide,
    dropped_photos,
    kept_photos,
    move_product,
    take_back,
)
from vitrina.store.database import migrate, open_database
from vitrina.store.fulltext import reindex_products
from vitrina.store.schema import PHOTOS, PRODUCTS
from vitrina.store.shown import CategoryRecord

COLUMNS = ("action", "article", "photo", "from category", "to category", "reason")
RESTORE, ASK = "restore photo", "ask again"
ACTIONS = (MOVE, DROP, RESTORE, KEEP, ASK)
OPPOSITES = {MOVE: MOVE, DROP: RESTORE, RESTORE: DROP, KEEP: ASK, ASK: KEEP}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOLD = 5


@dataclass(frozen=True)
class Correction:
    """One row.

    Attributes:
        action: One of `ACTIONS`; empty where nothing is suggested.
        article: Of the product.
        photo: The picture's file or its SHA-256; of a move it only shows what is meant.
        from_category: Path or slug of the product's category.
        to_category: Likewise, of where it is moved; empty otherwise.
        reason: For people.
        line: Where it was read.
    """

    action: str
    article: str
    photo: str
    from_category: str = ""
    to_category: str = ""
    reason: str = ""
    line: int = 0


@dataclass(frozen=True)
class Applied:
    """What came of a table.

    Attributes:
        moved: Products that are in another category now.
        dropped: Pictures that nothing is learned from any more.
        restored: Pictures that are learned from again.
        kept: Pictures that are not suggested again.
        asked: Pictures that are suggested again.
        skipped: Rows without an action, and those whose action had been done already.
        undo: The table that takes all of it back; None where nothing was changed.
    """

    moved: int = 0
    dropped: int = 0
    restored: int = 0
    kept: int = 0
    asked: int = 0
    skipped: int = 0
    undo: Path | None = None


_COUNTED = {MOVE: "moved", DROP: "dropped", RESTORE: "restored", KEEP: "kept", ASK: "asked"}


def write_corrections(path: Path, rows: Iterable[Correction]) -> None:
    """Puts a table at `path` that spreadsheet programs open, and that `apply_corrections` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.action, row.article, row.photo, row.from_category, row.to_category, row.reason)
        # what a spreadsheet would take for a formula begins with an apostrophe
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    atomic.write_bytes(path, text.getvalue().encode("utf-8-sig"))


def read_corrections(path: Path) -> list[Correction]:
    """Reads a CSV, TSV or XLSX table.

    Raises:
        CorrectionsError: there is none, or it has other columns.
        FeedError: it is no such table, or breaks off.
    """
    if not path.is_file():
        raise CorrectionsError(
            f"There is no file {path}.", hint="`vitrina check` writes check/corrections.csv."
        )
    read = workbook.read_rows if path.suffix.lower() == ".xlsx" else delimited.read_rows
    rows = list(read(Document(path)))
    header = [cell.strip().casefold() for cell in rows[0][1]] if rows else []
    missing = [name for name in COLUMNS[:5] if name not in header]
    if missing:
        raise CorrectionsError(
            f"{path.name} has no column {', '.join(missing)}.",
            hint=f"Its first row must name the columns: {', '.join(COLUMNS)}.",
        )
    places = [header.index(name) for name in COLUMNS[:5]]
    return [
        Correction(
            action=_cell(cells, places[0]),
            article=_cell(cells, places[1]),
            photo=_cell(cells, places[2]),
            from_category=_cell(cells, places[3]),
            to_category=_cell(cells, places[4]),
            line=line,
        )
        for line, cells in rows[1:]
        if any(cell.strip() for cell in cells)
    ]


def apply_corrections(folder: ShopFolder, path: Path, progress: Progress = SILENT) -> Applied:
    """Does what a table says: all of it or nothing.

    Args:
        folder: The shop.
        path: The table.
        progress: Where the work reports to.

    Raises:
        CorrectionsError: a row cannot be done; nothing was changed.
        FeedError: the table cannot be read.
        ShopBusy: another process is changing the shop.
    """
    rows = read_corrections(path)
    if not folder.database.exists():
        open_database(folder.database)  # tells so before anything is made
    with writing(folder, "correct", progress), migrate(folder.database).writing() as connection:
        plan = _Plan(connection)
        for row in rows:
            plan.add(row)
        if plan.faults:
            raise CorrectionsError(
                f"{path.name}: {len(plan.faults)} rows cannot be done, so nothing was changed.\n"
                + "\n".join(plan.faults[:_TOLD]),
                hint="Mend these rows, or empty their action.",
            )
        for row in progress.track(plan.steps, "Correcting", len(plan.steps)):
            plan.do(row)
        reindex_products(connection, plan.moved)
        undo = None
        if plan.steps:
            undo = folder.check / f"undo-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.csv"
            write_corrections(undo, plan.opposites())
    counts = dict.fromkeys(_COUNTED.values(), 0)
    for row in plan.steps:
        counts[_COUNTED[row.action]] += 1
    return Applied(**counts, skipped=len(rows) - len(plan.steps), undo=undo)


class _Plan:
    """Rows that were found right, in the order in which they are done."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        categories = all_categories(connection)
        self._by_id = {category.id: category for category in categories}
        self._categories = {category.slug: category for category in categories}
        self._categories |= {category.path: category for category in categories}
        self._decided = {DROP: dropped_photos(connection), KEEP: kept_photos(connection)}
        self._seen: dict[tuple[str, str], int] = {}
        self.steps: list[Correction] = []
        self.faults: list[str] = []
        self.moved: list[int] = []

    def add(self, row: Correction) -> None:
        if not row.action:
            return
        try:
            if row.action not in ACTIONS:
                raise _Fault(f"the action {row.action!r} is none of {', '.join(ACTIONS)}")
            product = self._product(row.article)
            step = self._move(row, product) if row.action == MOVE else self._photo(row, product)
        except _Fault as fault:
            self.faults.append(f"line {row.line}: {fault}")
            return
        if step is not None:
            self.steps.append(step)

    def do(self, row: Correction) -> None:
        if row.action == MOVE:
            product = self._product(row.article)
            category, to = self._by_id[product.category_id], self._categories[row.to_category]
            move_product(self._connection, product.sku, category=category, to=to)
            self.moved.append(product.id)
        elif row.action in (DROP, KEEP):
            decide(self._connection, row.action, row.article, row.photo)
        else:
            take_back(self._connection, OPPOSITES[row.action], row.article, row.photo)

    def opposites(self) -> Iterator[Correction]:
        for row in reversed(self.steps):
            yield replace(
                row,
                action=OPPOSITES[row.action],
                from_category=row.to_category or row.from_category,
                to_category=row.from_category if row.action == MOVE else "",
            )

    def _move(self, row: Correction, product: Row[*tuple[Any, ...]]) -> Correction | None:
        known, wanted = self._category(row.from_category), self._category(row.to_category)
        self._once(row, (product.sku, MOVE))
        if product.category_id == wanted.id:
            return None
        if product.category_id != known.id:
            place = self._by_id[product.category_id].path
            raise _Fault(f"{product.sku} is in {place!r}, not in {known.path!r}; check again")
        return replace(row, from_category=known.path, to_category=wanted.path)

    def _photo(self, row: Correction, product: Row[*tuple[Any, ...]]) -> Correction | None:
        found = _SHA256.search(row.photo.lower())
        pictures = self._connection.scalars(
            select(PHOTOS.c.sha256).where(PHOTOS.c.product_id == product.id)
        ).all()
        if found is None or found[0] not in pictures:
            raise _Fault(f"{product.sku} has no photo {row.photo!r}")
        noted = row.action if row.action in (DROP, KEEP) else OPPOSITES[row.action]
        self._once(row, (product.sku, f"{noted} {found[0]}"))
        if ((product.sku, found[0]) in self._decided[noted]) == (row.action == noted):
            return None
        return replace(row, photo=found[0], to_category="")

    def _once(self, row: Correction, key: tuple[str, str]) -> None:
        if key in self._seen:
            raise _Fault(f"line {self._seen[key]} says something of {row.article} already")
        self._seen[key] = row.line

    def _product(self, sku: str) -> Row[*tuple[Any, ...]]:
        """Columns id, sku and category_id."""
        product = self._connection.execute(
            select(PRODUCTS.c.id, PRODUCTS.c.sku, PRODUCTS.c.category_id).where(
                PRODUCTS.c.sku == sku, PRODUCTS.c.gone_since.is_(None)
            )
        ).first()
        if product is None:
            raise _Fault(f"there is no product {sku!r}")
        return product

    def _category(self, name: str) -> CategoryRecord:
        if name not in self._categories:
            near = get_close_matches(name, self._categories, n=1)
            raise _Fault(
                f"there is no category {name!r}" + (f"; is {near[0]!r} meant?" if near else "")
            )
        return self._categories[name]


class _Fault(Exception):
    """Why a row cannot be done."""


def _cell(cells: Sequence[str], place: int) -> str:
    cell = cells[place].strip() if place < len(cells) else ""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
