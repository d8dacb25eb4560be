"""HEIC and AVIF files for tests, and boxes that no encoder writes."""

from __future__ import annotations

import io
import struct
from typing import Any

import pillow_heif
from PIL import Image


def heic(picture: Image.Image, **options: Any) -> bytes:
    """A HEIC file; lossless unless options say otherwise."""
    file = io.BytesIO()
    if not options.keys() & {"quality"}:
        options = {"quality": -1, "chroma": 444} | options
    pillow_heif.from_pillow(picture).save(file, enc_params={"preset": "ultrafast"}, **options)
    return file.getvalue()


def avif(picture: Image.Image, **options: Any) -> bytes:
    """An AVIF file, nearly lossless."""
    file = io.BytesIO()
    options = {"quality": 95, "subsampling": "4:4:4", "speed": 10} | options
    picture.save(file, "AVIF", **options)
    return file.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    """A box with what it holds."""
    inside = b"".join(content)
    return struct.pack(">I", len(inside) + 8) + kind + inside


def full_box(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


FTYP = box(b"ftyp", b"heic", bytes(4), b"mif1heic")


def header_of(
    width: int,
    height: int,
    *,
    rotation: int | None = None,
    others: bytes = b"",
    item: int = 1,
) -> bytes:
    """A file that promises a picture and holds none.

    Args:
        width: That `ispe` says.
        height: Likewise.
        rotation: Quarters of a turn; no `irot` where None.
        others: Boxes before the properties.
        item: Id of the primary item.
    """
    properties = [full_box(b"ispe", struct.pack(">II", width, height))]
    if rotation is not None:
        properties.append(box(b"irot", bytes([rotation])))
    listed = bytes(number + 1 | 0x80 for number in range(len(properties)))
    association = struct.pack(">IHB", 1, item, len(listed)) + listed
    return FTYP + full_box(
        b"meta",
        full_box(b"pitm", struct.pack(">H", item)),
        others,
        box(b"iprp", box(b"ipco", *properties), full_box(b"ipma", association)),
    )


def patched(photo: bytes, place: bytes, offset: int, new: bytes) -> bytes:
    """The photo with some bytes after `place` exchanged, `offset` bytes after its start."""
    start = photo.index(place) + offset
    return photo[:start] + new + photo[start + len(new) :]
