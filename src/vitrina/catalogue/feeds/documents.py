"""Where a feed's bytes lie: a file, or a member of a ZIP archive."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from vitrina.errors import FeedError

ARCHIVE_FAULTS = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises for archives that are damaged, encrypted or packed in a rare way."""


@dataclass(frozen=True)
class Document:
    """One file of a feed.

    Attributes:
        path: The file, or the archive that it lies in.
        member: Its name inside the archive; empty for a file of its own.
    """

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """Of the file, for messages."""
        return self.member.rpartition("/")[2] or self.path.name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, from the first one on.

        Raises:
            FeedError: the archive cannot be unpacked; also while the block reads.
            OSError: the file cannot be read.
        """
        if not self.member:
            with self.path.open("rb") as file:
                yield file
            return
        try:
            with ZipFile(self.path) as archive, archive.open(self.member) as file:
                yield file
        except ARCHIVE_FAULTS as error:
            raise FeedError(
                f"{self.name} in the archive {self.path.name} cannot be unpacked: {error}.",
                hint="Export it again; an archive must be a plain ZIP without a password.",
            ) from error


def archive_members(path: Path) -> list[str]:
    """Names of the files in a ZIP archive, sorted.

    Raises:
        FeedError: it is damaged.
    """
    try:
        with ZipFile(path) as archive:
            return sorted(entry.filename for entry in archive.infolist() if not entry.is_dir())
    except ARCHIVE_FAULTS as error:
        raise FeedError(
            f"{path.name} is not a readable ZIP archive: {error}.",
            hint="Export it again.",
        ) from error
