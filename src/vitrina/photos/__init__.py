"""Bytes -> checked -> upright RGB -> (224, 224, 3) uint8: the one way in which photos are decoded.

Training, indexing and serving all pass through `decode`, so that a network sees the same pixels
wherever it runs. The bytes are sniffed before anything is opened: only decoders of JPEG, PNG, WebP,
HEIC and AVIF ever see them, the last two in a child process, and never before the header's
dimensions were found acceptable. docs/photos.md tells the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from vitrina.photos.heavy import HeavyDecoder
from vitrina.photos.heif_header import read_dimensions
from vitrina.photos.kinds import ACCEPTED, HEAVY, MEDIA_TYPES, SUFFIXES, Kind, is_heavy, sniff
from vitrina.photos.limits import (
    DEFAULT_LIMITS,
    MAX_ASPECT,
    MIN_SIDE,
    Header,
    Limits,
    check_dimensions,
    check_file,
)
from vitrina.photos.picture import (
    DECODER_VERSION,
    SIZE,
    decode_picture,
    open_picture,
    shrink_picture,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
"""A decoded photo, (224, 224, 3), RGB."""

__all__ = [
    "ACCEPTED",
    "DECODER_VERSION",
    "DEFAULT_LIMITS",
    "HEAVY",
    "MAX_ASPECT",
    "MEDIA_TYPES",
    "MIN_SIDE",
    "SIZE",
    "SUFFIXES",
    "Header",
    "HeavyDecoder",
    "Kind",
    "Limits",
    "Pixels",
    "decode",
    "is_heavy",
    "read_header",
    "shrink",
    "sniff",
]


def read_header(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Format and dimensions of a photo, checked against `limits`; no pixel is decoded.

    Raises:
        PhotoError: the class that fits what is wrong.
    """
    kind = sniff(content)
    check_file(content, kind, limits)
    if kind in HEAVY:
        dimensions = read_dimensions(content)
        for width, height in (dimensions.coded, dimensions.shown):
            check_dimensions(width, height, limits.pixels_of(kind))
        return Header(kind, *dimensions.shown)
    with open_picture(content, kind, limits) as picture:
        return Header(kind, picture.width, picture.height)


def decode(
    content: bytes, limits: Limits = DEFAULT_LIMITS, heavy: HeavyDecoder | None = None
) -> Pixels:
    """A photo as the networks see it.

    Args:
        content: The bytes of a JPEG, PNG, WebP, HEIC or AVIF file.
        limits: What is refused before decoding.
        heavy: Decodes HEIC and AVIF, in a child process that it keeps. A child is started for this
            one photo, and ended, where None: whoever decodes many hands one over.

    Returns:
        (224, 224, 3) uint8, RGB.

    Raises:
        PhotoError: the class that fits what is wrong.
        Busy: `heavy` has other photos to decode and may not wait for longer.
    """
    # here, not above: the child that decodes HEIC comes this way too, and has no need of it
    import numpy as np

    kind = sniff(content)
    if kind not in HEAVY:
        check_file(content, kind, limits)
        return np.asarray(decode_picture(content, kind, limits), dtype=np.uint8)
    read_header(content, limits)
    if heavy is None:
        with HeavyDecoder() as own:
            raw = own.decode(content, kind, limits)
    else:
        raw = heavy.decode(content, kind, limits)
    return np.frombuffer(raw, dtype=np.uint8).reshape(SIZE, SIZE, 3)


def shrink(
    content: bytes,
    longest: int,
    limits: Limits = DEFAULT_LIMITS,
    heavy: HeavyDecoder | None = None,
) -> bytes:
    """A picture for people to look at, as WebP: upright, on white, never enlarged.

    Args:
        content: The bytes of a JPEG, PNG, WebP, HEIC or AVIF file.
        longest: Its longer side in the answer at most, pixels.
        limits: What is refused before decoding.
        heavy: As of `decode`.

    Raises:
        PhotoError: the class that fits what is wrong.
        Busy: `heavy` has other photos to decode and may not wait for longer.
    """
    kind = sniff(content)
    if kind not in HEAVY:
        check_file(content, kind, limits)
        return shrink_picture(content, kind, limits, longest)
    read_header(content, limits)
    if heavy is None:
        with HeavyDecoder() as own:
            return own.shrink(content, kind, limits, longest)
    return heavy.shrink(content, kind, limits, longest)
