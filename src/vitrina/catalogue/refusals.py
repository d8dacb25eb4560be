"""Where refused rows go: into a file as they come, so that a million of them fill no memory."""

from __future__ import annotations

import csv
import tempfile
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from vitrina import atomic
from vitrina.catalogue.rows import Refusal

SHOWN = 100
"""Refusals that are kept in memory, for messages and for the report."""


def first_refusals(path: Path) -> list[Refusal]:
    """The first `SHOWN` of a file that `RefusalFile` has kept.

    Raises:
        OSError: it cannot be read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [Refusal(*cells) for cells in islice(csv.reader(file), 1, SHOWN + 1)]


class RefusalFile:
    """Collects refusals; a context manager, which leaves nothing behind unless `keep` was called.

    Args:
        folder: Where the file will lie.

    Attributes:
        count: How many there are.
        first: The first `SHOWN` of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None
        self._writer: Any = None
        self._kept: Path | None = None
        self.count = 0
        self.first: list[Refusal] = []

    def __enter__(self) -> RefusalFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
        if kind is not None and self._kept is not None:
            self._kept.unlink(missing_ok=True)

    def add(self, refusal: Refusal) -> None:
        """Writes one down.

        Raises:
            OSError: the disk is full or must not be written.
        """
        self.count += 1
        cells = (refusal.line, refusal.field, refusal.value, refusal.reason)
        if len(self.first) < SHOWN:
            self.first.append(Refusal(*cells))
        if self._file is None:
            self._open()
        self._writer.writerow(cells)

    def keep(self, name: str) -> Path | None:
        """Puts the file in its place, flushed to the disk; None where nothing was refused.

        Raises:
            OSError: the disk is full or must not be written.
        """
        if self._file is None:
            return None
        self._file.close()
        partial, path = Path(self._file.name), self._folder / name
        partial.chmod(0o644)
        atomic.flush_file(partial)
        partial.replace(path)
        atomic.flush_folder(self._folder)
        self._kept = path
        return path

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # the mark at the start lets spreadsheet programs read Russian
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by keep or at the end
            "w", encoding="utf-8-sig", errors="backslashreplace", newline="",
            prefix=atomic.PARTIAL, dir=self._folder, delete=False,
        )  # fmt: skip
        self._writer = csv.writer(self._file)
        self._writer.writerow(("line", "field", "value", "reason"))
