"""Pictures of the catalogue in the sizes in which pages show them, as WebP, each made once.

A feed may bring pictures of several megabytes, and a page shows two dozen of them; HEIC ones most
browsers do not show at all.
"""

from __future__ import annotations

import threading
from pathlib import Path

from vitrina import atomic
from vitrina.errors import Busy, PhotoError
from vitrina.folder import ShopFolder
from vitrina.photos import DEFAULT_LIMITS, HeavyDecoder, Limits, read_header, shrink, sniff

SIDES = (320, 640)
"""Longer side of a picture, pixels, that may be asked for."""

_SMALL_BYTES = 40_000
_MOST_PIXELS = 16_000_000
"""Of a picture that is decoded whole in this process: a larger PNG or WebP is sent as it is."""

_PATIENCE_S = 2.0
"""How long a picture waits for others to be made before it is sent as it is: who waits holds a
thread that others need."""

_IDLE_S = 60.0
"""After which the process that decodes HEIC and AVIF is ended: it holds 30 to 55 MB."""


class ShownPictures:
    """Makes and keeps them in the shop's cache; may be used from several threads.

    Args:
        folder: The shop.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._folder = folder
        # one at a time: photos that shoppers send come first, and have a decoder of their own
        self._making = threading.Lock()
        self._heavy = HeavyDecoder(wait_seconds=_PATIENCE_S)
        self._idle: threading.Timer | None = None

    def find(self, original: Path, sha256: str, side: int) -> tuple[Path, bool]:
        """A file with the picture: the smaller one, or the original where that will do.

        Args:
            original: The picture of the catalogue.
            sha256: Of its content.
            side: One of `SIDES`.

        Returns:
            The file, and whether it stays so: not where too many others are being made just now.
        """
        made = self._folder.cache / "shown" / sha256[:2] / f"{sha256}-{side}.webp"
        if made.is_file():
            return made, True
        if not self._making.acquire(timeout=_PATIENCE_S):
            return original, False
        try:
            if made.is_file():
                return made, True
            small = draw(original.read_bytes(), side, self._heavy)
            if small is None:
                return original, True
            made.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(made, small)
        except PhotoError:
            return original, True
        except (Busy, OSError):
            return original, False
        finally:
            self._making.release()
            if self._heavy.photos:
                self._rest_later()
        return made, True

    def _rest_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(_IDLE_S, self._heavy.close)
        self._idle.daemon = True
        self._idle.start()


def draw(
    content: bytes,
    side: int,
    heavy: HeavyDecoder | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes | None:
    """The picture as WebP; None where the original will do, or is too large to be made smaller.

    Args:
        content: Of the picture's file.
        side: Longer side of what is made, pixels.
        heavy: Decodes HEIC and AVIF.
        limits: What is refused.

    Raises:
        PhotoError: it cannot be decoded.
        Busy: `heavy` cannot decode it in time.
    """
    kind = sniff(content)
    header = read_header(content, limits)
    if kind == "heic":  # few browsers show it
        return shrink(content, side, limits, heavy)
    if max(header.width, header.height) <= side and len(content) <= _SMALL_BYTES:
        return None
    if kind in ("png", "webp") and header.width * header.height > _MOST_PIXELS:
        return None
    small = shrink(content, side, limits, heavy)
    return small if len(small) < len(content) else None
