"""Small pictures of test photos, as text that a page can hold."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

from PIL import Image

from vitrina.errors import PhotoError
from vitrina.photos import HEAVY, decode, read_header

LONG_SIDE = 152
"""Of a thumbnail, pixels."""

_QUALITY = 72
_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations that swap width and height


class Thumbnails:
    """Makes thumbnails of a shop's photos, each once.

    Args:
        root: The shop's folder.
        files: Path of each photo relative to it, by SHA-256.
    """

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self._root = root
        self._files = files
        self._made: dict[str, str | None] = {}

    def data_address(self, sha256: str) -> str | None:
        """A `data:` address of the photo's thumbnail; None where the photo is gone or broken."""
        if sha256 not in self._made:
            self._made[sha256] = self._make(sha256)
        return self._made[sha256]

    def _make(self, sha256: str) -> str | None:
        name = self._files.get(sha256)
        if name is None:
            return None
        try:
            small = draw_thumbnail((self._root / name).read_bytes())
        except (OSError, ValueError, PhotoError):
            return None
        return f"data:image/webp;base64,{base64.b64encode(small).decode('ascii')}"


def draw_thumbnail(content: bytes) -> bytes:
    """A WebP picture whose longer side has `LONG_SIDE` pixels.

    The square that networks see is stretched back to the photo's own proportions.

    Raises:
        PhotoError: the class that fits what is wrong with `content`.
    """
    header = read_header(content)
    square = Image.fromarray(decode(content))
    width, height = header.width, header.height
    if header.kind not in HEAVY and _on_its_side(content, header.kind):
        width, height = height, width
    scale = LONG_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    file = io.BytesIO()
    square.resize(size, Image.Resampling.LANCZOS).save(file, "WEBP", quality=_QUALITY)
    return file.getvalue()


def _on_its_side(content: bytes, kind: str) -> bool:
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as picture:
            return picture.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, struct.error):
        return False  # broken EXIF: decode took it as upright too
