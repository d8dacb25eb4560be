"""Whether a colour profile may be opened: told by its tables before any library sees it.

A table of colours is a grid in several dimensions, whose steps the profile names in one byte each.
The library that converts colours takes memory for the whole grid before it looks whether the
profile holds it: a few hundred bytes can ask for half a gigabyte. Here a grid must lie in the
profile, and the profile must not be larger than any that cameras and printers have.
"""

from __future__ import annotations

import math
import struct

LARGEST = 4_000_000
"""Bytes. Those of cameras and displays have some kilobytes, those of presses up to three million;
the library keeps a table in twice as many."""

_HEADER = 128
_MOST_TAGS = 100
_OF_WHOLE_NUMBERS = {b"mft1": 1, b"mft2": 2}
"""Bytes of an entry, by the kind of table."""
_IN_PARTS = (b"mAB ", b"mBA ")
_OF_STEPS = b"mpet"


def may_be_opened(profile: bytes) -> bool:
    """Whether opening a profile takes about as much memory as it has bytes.

    One that breaks off may not: whoever made it did not mean what it says. Nor may tables of
    processing steps, which hardly any profile has: grids could hide in several layers of them.
    """
    if len(profile) > LARGEST:
        return False
    try:
        (tags,) = struct.unpack_from(">I", profile, _HEADER)
        if tags > _MOST_TAGS:
            return False
        entries = struct.iter_unpack(">4sII", profile[_HEADER + 4 : _HEADER + 4 + 12 * tags])
        return all(_is_whole(profile[start : start + size], size) for _, start, size in entries)
    except (struct.error, IndexError):
        return False


def _is_whole(tag: bytes, size: int) -> bool:
    """Whether a tag holds what its grid needs.

    Raises:
        struct.error, IndexError: it breaks off.
    """
    if len(tag) < size:
        return False
    kind = tag[:4]
    if kind == _OF_STEPS:
        return False
    if kind in _OF_WHOLE_NUMBERS:
        inputs, outputs, steps = tag[8], tag[9], tag[10]
        grid = [steps] * inputs
        return math.prod(grid) * outputs * _OF_WHOLE_NUMBERS[kind] <= size
    if kind in _IN_PARTS:
        inputs, outputs = tag[8], tag[9]
        start = int.from_bytes(tag[24:28], "big")
        if not start:
            return True
        sides = list(tag[start : start + 16][:inputs])
        return math.prod(sides) * outputs * tag[start + 16] <= size
    return True
