"""Pictures of the catalogue in the sizes in which pages show them, as WebP, each made once.

A feed may bring pictures of several megabytes, and a page shows two dozen of them.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path

from vitrina import atomic
from vitrina.errors import PhotoError
from vitrina.folder import ShopFolder
from vitrina.photos import DEFAULT_LIMITS, HEAVY, read_header, shrink_picture, sniff

SIDES = (320, 640)
"""Longer side of a picture, pixels, that may be asked for."""

_QUALITY = 80
_SMALL_BYTES = 40_000
_MOST_PIXELS = 16_000_000
"""Of a picture that is no JPEG and has to be decoded whole: a larger one is sent as it is."""


class ShownPictures:
    """Makes and keeps them in the shop's cache; may be used from several threads.

    Args:
        folder: The shop.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._folder = folder
        # one at a time: photos that shoppers send come first
        self._making = threading.Lock()

    def find(self, original: Path, sha256: str, side: int) -> Path:
        """A file with the picture: the smaller one, or the original where that will do.

        Args:
            original: The picture of the catalogue.
            sha256: Of its content.
            side: One of `SIDES`.
        """
        made = self._folder.cache / "shown" / sha256[:2] / f"{sha256}-{side}.webp"
        if made.is_file():
            return made
        with self._making:
            if made.is_file():
                return made
            try:
                small = draw(original.read_bytes(), side)
                if small is None:
                    return original
                made.parent.mkdir(parents=True, exist_ok=True)
                atomic.write_bytes(made, small)
            except (OSError, PhotoError):
                return original
        return made


def draw(content: bytes, side: int) -> bytes | None:
    """The picture as WebP; None where the original will do, or is of a kind not made smaller.

    Raises:
        PhotoError: it cannot be decoded.
    """
    kind = sniff(content)
    if kind in HEAVY:
        return None
    header = read_header(content)
    if max(header.width, header.height) <= side and len(content) <= _SMALL_BYTES:
        return None
    if kind != "jpeg" and header.width * header.height > _MOST_PIXELS:
        return None
    file = io.BytesIO()
    shrink_picture(content, kind, DEFAULT_LIMITS, side).save(file, "WEBP", quality=_QUALITY)
    small = file.getvalue()
    return small if len(small) < len(content) else None
