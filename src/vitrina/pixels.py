"""Decoded photos, kept so that none is decoded twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vitrina.ahead import map_ahead
from vitrina.errors import PhotoDamaged, PhotoError
from vitrina.photos import DECODER_VERSION, SIZE, HeavyDecoder, Limits, Pixels, decode
from vitrina.progress import SILENT, Progress
from vitrina.records import RecordFile

_HEAVY_SECONDS = 30.0
"""Longest time that one HEIC or AVIF picture of the catalogue may take."""


@dataclass(frozen=True)
class PhotoFile:
    """One picture on the disk.

    Attributes:
        sha256: Of its bytes, hexadecimal.
        path: Where it lies.
    """

    sha256: str
    path: Path


class PixelCache:
    """Decoded photos of one shop, found by the SHA-256 of their bytes.

    Args:
        folder: The shop's cache folder; the file in it is named after the decoder's version.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / f"pixels-{SIZE}-v{DECODER_VERSION}.records"
        self._records = RecordFile(path, (SIZE, SIZE, 3), np.uint8)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._records

    def __getitem__(self, sha256: str) -> Pixels:
        """The decoded photo, (224, 224, 3) uint8: a view into the mapped file, not a copy.

        Raises:
            KeyError: it has not been added.
        """
        return self._records[sha256]

    def add(
        self,
        photos: Iterable[PhotoFile],
        *,
        limits: Limits,
        workers: int = 2,
        progress: Progress = SILENT,
    ) -> dict[str, PhotoError]:
        """Decodes those `photos` that are not here yet.

        Args:
            photos: Any number; the same content twice is decoded once.
            limits: What is refused before decoding.
            workers: Threads; Pillow decodes outside the interpreter's lock, HEIC and AVIF in as
                many child processes.
            progress: Where the work reports to.

        Returns:
            Why photos could not be decoded, by SHA-256.
        """
        if spoiled := self._records.verify():
            progress.say(f"{spoiled} decoded photos were damaged on the disk and are made again.")
        missing = {photo.sha256: photo for photo in photos if photo.sha256 not in self}
        refused: dict[str, PhotoError] = {}

        def decoded() -> Iterator[tuple[str, Pixels]]:
            heavy = heavy_decoder(workers)
            with heavy, ThreadPoolExecutor(workers) as pool:
                answers = map_ahead(pool, partial(_try_decode, limits, heavy), missing.values())
                for photo, answer in progress.track(answers, "Decoding photos", len(missing)):
                    if isinstance(answer, PhotoError):
                        refused[photo.sha256] = answer
                    else:
                        yield photo.sha256, answer

        if missing:
            self._records.append(decoded())
        return refused


def decode_file(photo: PhotoFile, limits: Limits, heavy: HeavyDecoder) -> Pixels:
    """Decodes one picture, (224, 224, 3) uint8, without keeping it.

    Args:
        photo: Where it lies.
        limits: What is refused before decoding.
        heavy: Decodes HEIC and AVIF.

    Raises:
        PhotoError: it cannot be read or decoded.
    """
    try:
        content = photo.path.read_bytes()
    except OSError as error:
        raise PhotoDamaged(
            f"The file cannot be read: {error.strerror}.",
            hint="Import the catalogue again: the picture is copied anew.",
        ) from error
    return decode(content, limits, heavy)


def heavy_decoder(workers: int) -> HeavyDecoder:
    """Decodes HEIC and AVIF for so many threads; nobody waits: better late than left out."""
    return HeavyDecoder(slots=workers, seconds=_HEAVY_SECONDS)


def _try_decode(
    limits: Limits, heavy: HeavyDecoder, photo: PhotoFile
) -> tuple[PhotoFile, Pixels | PhotoError]:
    try:
        return photo, decode_file(photo, limits, heavy)
    except PhotoError as error:
        return photo, error
