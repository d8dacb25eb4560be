"""Looks for what a server must not keep of photos: their bytes, and what phones write into them."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrina.bench.open_loop import Sent
from vitrina.bench.photo_mix import LATITUDE, MARK

_WINDOW = 48
_DISTINCT = 16
"""So many bytes of a photo in a row, and so many different ones, are no accident."""

_WRITTEN = 20
"""Of base64, so many letters in a row are no accident."""

_DIGITS = 9
"""Of a number: fewer might be a duration in a log."""


@dataclass(frozen=True)
class Trace:
    """Something of a photo in a file.

    Attributes:
        file: Where it stands.
        what: "text", "place" or "photo", and in which writing.
    """

    file: Path
    what: str


class TraceFinder:
    """Knows what of some photos may be nowhere.

    Args:
        photos: That were sent; JPEGs of `vitrina.bench.photo_mix` have texts and a place in them.
    """

    def __init__(self, photos: Sequence[Sent]) -> None:
        self._needles: dict[bytes, str] = {}
        self._add("text", MARK.encode())
        seconds = LATITUDE[2]
        for order in "<>":
            self._add("place", struct.pack(f"{order}II", *seconds))
        self._needles[f"{seconds[0]}/{seconds[1]}".encode()] = "place, as text"
        decimal = sum(a / b / 60**power for power, (a, b) in enumerate(LATITUDE))
        self._needles[repr(decimal)[:_DIGITS].encode()] = "place, in degrees"
        self._needles[repr(seconds[0] / seconds[1])[:_DIGITS].encode()] = "place, in seconds"
        for photo in photos:
            for start in _windows(photo.content):
                window = photo.content[start : start + _WINDOW]
                if len(set(window)) >= _DISTINCT:
                    self._add("photo", window)

    def _add(self, what: str, content: bytes) -> None:
        """As it is, and as a log might write it."""
        self._needles[content.hex().encode()] = f"{what}, as hexadecimal"
        self._needles[repr(content)[2:-1].encode()] = f"{what}, escaped"
        for shift in range(3):  # base64 writes three bytes at a time, from the beginning of all
            whole = len(content[shift:]) // 3 * 3
            written = base64.b64encode(content[shift : shift + whole])
            if len(written) >= _WRITTEN:
                self._needles[written] = f"{what}, as base64"
        self._needles[content] = what

    def in_files(self, paths: Iterable[Path]) -> list[Trace]:
        """Traces in files, and in all files of folders; names count as well as contents."""
        found = []
        for path in paths:
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in files:
                name = self.in_bytes(os.fsencode(file.name))
                found += [Trace(file, f"{what}, in the name") for what in name]
                if file.is_file():
                    found += [Trace(file, what) for what in self.in_bytes(file.read_bytes())]
        return found

    def in_bytes(self, content: bytes) -> list[str]:
        """What stands in some bytes, each once."""
        return sorted({what for needle, what in self._needles.items() if needle in content})


def _windows(content: bytes) -> list[int]:
    """Where a photo is looked into: its beginning is a format's, so further on."""
    length = len(content)
    if length < 4 * _WINDOW:
        return [0] if length >= _WINDOW else []
    return [length // 4, length // 2, length - _WINDOW - 16]
