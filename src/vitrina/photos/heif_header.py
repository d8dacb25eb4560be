"""Dimensions of the primary picture of a HEIC or AVIF file, read without any decoder.

The file is a tree of boxes (ISO 14496-12). `meta` names the primary item (`pitm`), lists properties
(`iprp/ipco`) and says which item has which (`iprp/ipma`). `ispe` among them is the size, `clap`
what is cut out of it, `irot` the rotation. A picture of tiles has the `ispe` of the whole. Nothing
else is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vitrina.errors import PhotoDamaged

_MOST_BOXES = 4096
_MOST_ITEMS = 4096


@dataclass(frozen=True)
class Dimensions:
    """Of a primary picture, pixels.

    Attributes:
        shown: Width and height once it is cropped and turned.
        coded: Width and height that a decoder has to make of it.
    """

    shown: tuple[int, int]
    coded: tuple[int, int]


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int  # of what it holds
    end: int


class _Broken(Exception):
    """The boxes are not as the standard has them; its text says where."""


def read_dimensions(content: bytes) -> Dimensions:
    """How large the primary picture says it is.

    Raises:
        PhotoDamaged: the file has no primary picture, or does not say how large it is.
    """
    try:
        return _primary_dimensions(content)
    except _Broken as error:
        raise PhotoDamaged(
            f"The picture is damaged or breaks off: {error}.",
            hint="Take or save the photo once more and send it again.",
        ) from error


def _primary_dimensions(content: bytes) -> Dimensions:
    meta = _child(content, _Box(b"", 0, len(content)), b"meta", "the file")
    inside = _Box(meta.kind, meta.start + 4, meta.end)  # past version and flags
    primary = _primary_item(content, _child(content, inside, b"pitm", "meta"))
    properties = _child(content, inside, b"iprp", "meta")
    listed = list(_boxes(content, _child(content, properties, b"ipco", "iprp")))
    coded = shown = None
    turned = False
    for association in _boxes(content, properties):
        if association.kind != b"ipma":
            continue
        for number in _properties_of(content, association, primary):
            if not 1 <= number <= len(listed):
                continue  # 0 stands for none
            box = listed[number - 1]
            if box.kind == b"ispe":
                coded = (_number(content, box, 4, 4), _number(content, box, 8, 4))
            elif box.kind == b"clap":
                shown = (_ratio(content, box, 0), _ratio(content, box, 8))
            elif box.kind == b"irot":
                turned ^= bool(_number(content, box, 0, 1) & 1)
    if coded is None:
        raise _Broken("it does not say how large its primary picture is")
    width, height = shown or coded
    return Dimensions((height, width) if turned else (width, height), coded)


def _ratio(content: bytes, box: _Box, offset: int) -> int:
    whole, parts = _number(content, box, offset, 4), _number(content, box, offset + 4, 4)
    return round(whole / parts) if parts else 0


def _boxes(content: bytes, parent: _Box) -> Iterator[_Box]:
    place = parent.start
    for _ in range(_MOST_BOXES):
        if place + 8 > parent.end:
            return
        size = int.from_bytes(content[place : place + 4], "big")
        kind = content[place + 4 : place + 8]
        head = 8
        if size == 1:  # 64 bits follow
            size, head = int.from_bytes(content[place + 8 : place + 16], "big"), 16
        elif size == 0:  # up to the end
            size = parent.end - place
        if size < head or place + size > parent.end:
            raise _Broken(f"{_named(kind)} does not fit into the one around it")
        yield _Box(kind, place + head, place + size)
        place += size
    raise _Broken(f"it has more than {_MOST_BOXES} boxes")


def _child(content: bytes, parent: _Box, kind: bytes, place: str) -> _Box:
    for box in _boxes(content, parent):
        if box.kind == kind:
            return box
    raise _Broken(f"there is no {kind.decode('ascii')} in {place}")


def _number(content: bytes, box: _Box, offset: int, size: int) -> int:
    start = box.start + offset
    if start + size > box.end:
        raise _Broken(f"{_named(box.kind)} is too short")
    return int.from_bytes(content[start : start + size], "big")


def _primary_item(content: bytes, box: _Box) -> int:
    version = _number(content, box, 0, 1)
    return _number(content, box, 4, 2 if version == 0 else 4)


def _properties_of(content: bytes, box: _Box, item: int) -> Iterator[int]:
    """Numbers of the properties of an item, from 1, as an `ipma` lists them."""
    id_bytes = 2 if _number(content, box, 0, 1) < 1 else 4
    wide = 2 if _number(content, box, 3, 1) & 1 else 1
    place = 8
    for _ in range(min(_number(content, box, 4, 4), _MOST_ITEMS)):
        found = _number(content, box, place, id_bytes) == item
        count = _number(content, box, place + id_bytes, 1)
        place += id_bytes + 1
        if found:
            for number in range(count):
                listed = _number(content, box, place + number * wide, wide)
                yield listed & (0x7FFF if wide == 2 else 0x7F)  # the top bit: essential
            return
        place += count * wide


def _named(kind: bytes) -> str:
    """A box in a sentence; a kind that is no word stays out of it."""
    return f"box {kind.decode('ascii')}" if kind.isalnum() and kind.isascii() else "a box"
