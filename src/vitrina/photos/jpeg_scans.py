"""How many scans a JPEG has: what its decoder's time goes by, and nothing in its header says.

A progressive JPEG is drawn in several passes over the whole picture. Ten are usual; a file of a few
kilobytes can ask for thousands, each over as many pixels as the header promises.
"""

from __future__ import annotations

import re

from vitrina.errors import PhotoDamaged, PhotoDimensions
from vitrina.photos.limits import Limits

MOST_SCANS = 256
"""The most that any decoder of repute takes."""

MOST_SCANNED_PIXELS = 400_000_000
"""Pixels times scans: with all-zero scans that is about the second that a photo may take."""

_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC),
                             *range(0xCD, 0xD0)})  # fmt: skip
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_START_OF_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
# within a scan FF 00 stands for the byte FF, FF D0 to FF D7 divide it, FF FF is filling
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def count_scans(content: bytes, *, most: int = MOST_SCANS) -> int:
    """Scans of a JPEG; counting stops at `most` + 1.

    A picture whose first scan holds everything has one, and what follows is not looked at: its
    decoder refuses any more.
    """
    scans = components = 0
    sequential = False
    place, end = 2, len(content)
    while place < end - 3:
        if content[place] != 0xFF:
            break  # no marker where one must be: what was counted is all that is decoded
        marker = content[place + 1]
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == _END:
            break
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in _START_OF_FRAME and place + 9 < end:
            components, sequential = content[place + 9], marker in _SEQUENTIAL
        place += 2 + length
        if marker == _START_OF_SCAN:
            scans += 1
            whole = content[place - length + 2 : place - length + 3] == bytes([components])
            if scans > most or (scans == 1 and sequential and whole):
                break
            found = _NEXT_MARKER.search(content, place)
            if found is None:
                break
            place = found.start()
    return scans


def check_scans(content: bytes, width: int, height: int, limits: Limits) -> None:
    """Refuses a JPEG that would keep its decoder busy for seconds.

    Args:
        content: Of the file.
        width: Pixels.
        height: Pixels.
        limits: A picture of several scans may have half of its pixels: all coefficients are kept
            until the last scan has come.

    Raises:
        PhotoDamaged: more scans than a photograph has.
        PhotoDimensions: more pixels than so many scans may have.
    """
    scans = count_scans(content)
    if scans > MOST_SCANS:
        raise PhotoDamaged(
            f"The picture is a JPEG of more than {MOST_SCANS} scans; photographs have about ten.",
            hint="Save it anew as an ordinary JPEG and send that.",
        )
    if scans <= 1:
        return
    most = min(limits.max_pixels // 2, MOST_SCANNED_PIXELS // scans)
    if width * height > most:
        raise PhotoDimensions(
            f"The picture has {width} x {height} pixels in {scans} scans; at most "
            f"{most / 1e6:.3g} million are accepted in so many.",
            hint="Save it as an ordinary (baseline) JPEG, or smaller, and send that.",
        )
