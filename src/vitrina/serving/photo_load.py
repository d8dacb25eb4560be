"""How much work a photo will be, told before it is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """How much work a photo is expected to be.

    Attributes:
        units: 1 is a JPEG of a few hundred pixels a side.
        slow: Whether it goes through the lane of slow decoders.
    """

    units: float
    slow: bool = False


_UNITS_PER_MEGABYTE = {"jpeg": 0.4, "png": 1.5, "webp": 4.0}
"""A JPEG is decoded at a fraction of its size, so its work grows with its bytes."""

_UNITS_PER_MEGAPIXEL = 1.5
"""PNG and WebP are decoded whole: a plain picture has few bytes, but all its pixels."""


def load_of(kind: str, size: int, pixels: int = 0) -> Load:
    """The work that a photo is, by what is known of it without opening it.

    Args:
        kind: Format, as `vitrina.photos.sniff` or the content type names it; another than the
            three fast ones is slow.
        size: Bytes.
        pixels: Width times height; 0 where it is not known.
    """
    per_megabyte = _UNITS_PER_MEGABYTE.get(kind)
    if per_megabyte is None:
        return Load(1.0, slow=True)
    if pixels and kind != "jpeg":
        return Load(1 + _UNITS_PER_MEGAPIXEL * pixels / 1e6)
    return Load(1 + per_megabyte * size / 1e6)


def pixels_of(kind: str, photo: bytes) -> int:
    """Width times height as the first bytes of a PNG or WebP say; 0 for all else.

    A hint for the queue, not a check: that is the decoder's, and is made in a slot.
    """
    if kind == "png":
        width, height = (int.from_bytes(photo[at : at + 4], "big") for at in (16, 20))
        return width * height
    if kind != "webp":
        return 0
    if photo[12:16] == b"VP8X":
        width, height = (int.from_bytes(photo[at : at + 3], "little") + 1 for at in (24, 27))
    elif photo[12:16] == b"VP8L":
        sides = int.from_bytes(photo[21:25], "little")
        width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(photo[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width * height
