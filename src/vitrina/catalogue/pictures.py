"""Where a feed's pictures lie: in its folder, or in the archive that it came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from zipfile import ZipFile

from vitrina.catalogue.feeds.documents import ARCHIVE_FAULTS

_NOT_THERE = "there is no such file"


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture that can be read.

    Attributes:
        size: Bytes.
        stamp: Changes whenever the picture does.
        read: Its bytes; raises OSError.
    """

    size: int
    stamp: str
    read: Callable[[], bytes]


class Pictures(Protocol):
    """Finds the pictures that a feed names by their paths."""

    def find(self, image: str) -> FoundPicture | str:
        """The picture at that path, or why it cannot be taken."""


class FolderPictures:
    """Pictures in a folder and below it; nothing outside is read.

    Args:
        root: That paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside = root.resolve()

    def find(self, image: str) -> FoundPicture | str:
        """As `Pictures`; links are followed, but not out of the folder."""
        try:
            path = (self._root / image).resolve()
            if not path.is_relative_to(self._inside):
                return "lies outside the catalogue's folder"
            if not path.is_file():
                return _NOT_THERE
            status = path.stat()
        except (OSError, ValueError):  # a name that no file can have
            return _NOT_THERE
        return FoundPicture(status.st_size, str(status.st_mtime_ns), path.read_bytes)


class ArchivePictures:
    """Pictures in a ZIP archive.

    Args:
        archive: The file; read anew for each picture that is taken.
        root: Folder in it that paths are relative to; empty for its top.
        max_bytes: A picture with more is not unpacked.
    """

    def __init__(self, archive: Path, root: str, max_bytes: int) -> None:
        self._archive = archive
        self._root = PurePosixPath(root)
        self._max_bytes = max_bytes
        self._opened: ZipFile | None = None

    def find(self, image: str) -> FoundPicture | str:
        """As `Pictures`."""
        try:
            opened = self._opened = self._opened or ZipFile(self._archive)
            entry = opened.getinfo((self._root / image).as_posix())
        except (KeyError, ValueError, OSError, *ARCHIVE_FAULTS):
            return _NOT_THERE
        if entry.file_size > self._max_bytes:
            return f"{entry.file_size} bytes; at most {self._max_bytes} are taken"

        def read() -> bytes:
            try:
                with opened.open(entry) as file:
                    # no more than announced: an archive may lie about what it unpacks to
                    return file.read(entry.file_size)
            except ARCHIVE_FAULTS as error:
                raise OSError(f"it cannot be unpacked: {error}") from error

        return FoundPicture(entry.file_size, f"{entry.CRC:08x}", read)
