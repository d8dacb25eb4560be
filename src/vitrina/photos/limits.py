"""How large a photo may be, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.errors import NotAPhoto, PhotoDimensions, PhotoTooLarge
from vitrina.photos.kinds import HEAVY, Kind

MIN_SIDE = 16
MAX_ASPECT = 20

_HALF_AS_MANY: frozenset[Kind] = frozenset({"webp", "heic", "avif"})
"""Kinds whose decoders keep several copies of the whole picture."""


@dataclass(frozen=True)
class Limits:
    """How large a photo may be.

    Attributes:
        max_bytes: Of the file.
        max_pixels: Width times height as the header says. WebP, HEIC, AVIF and JPEG of several
            scans may have half of it: their decoders keep the whole picture, some of them thrice.
        heic: Whether HEIC and AVIF are opened at all.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 64_000_000
    heic: bool = True

    def pixels_of(self, kind: Kind) -> int:
        """Most pixels that a picture of this kind may have."""
        return self.max_pixels // 2 if kind in _HALF_AS_MANY else self.max_pixels


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Header:
    """What a photo says about itself before any pixel of it is decoded.

    Attributes:
        kind: Format, by its first bytes.
        width: Pixels, before the EXIF orientation is applied; HEIC and AVIF carry their own
            orientation, which is applied.
        height: Pixels, likewise.
    """

    kind: Kind
    width: int
    height: int


def check_file(content: bytes, kind: Kind, limits: Limits) -> None:
    """Refuses what is not opened.

    Raises:
        PhotoTooLarge: too many bytes.
        NotAPhoto: its kind is switched off.
    """
    if len(content) > limits.max_bytes:
        raise PhotoTooLarge(
            f"The photo has {len(content) / 1e6:.1f} MB; at most {limits.max_bytes / 1e6:g} MB "
            "are accepted.",
            hint="Send a smaller copy of it.",
        )
    if kind in HEAVY and not limits.heic:
        raise NotAPhoto(
            f"{kind.upper()} photos are not accepted here.",
            hint="Send a JPEG, PNG or WebP picture.",
        )


def check_dimensions(width: int, height: int, most: int) -> None:
    """Refuses pictures that are too large, too small, or strips.

    Args:
        width: Pixels.
        height: Pixels.
        most: Largest product of both.

    Raises:
        PhotoDimensions: it is one of those.
    """
    shape = f"{width} x {height} pixels"
    if width * height > most:
        raise PhotoDimensions(
            f"The picture has {shape}; at most {most / 1e6:g} million are accepted.",
            hint="Send a smaller copy of it.",
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoDimensions(
            f"The picture has {shape}; each side must have at least {MIN_SIDE}.",
            hint="Send a larger picture of the product.",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoDimensions(
            f"The picture has {shape}: a strip, more than {MAX_ASPECT} times longer than wide.",
            hint="Send a picture that shows the whole product.",
        )
