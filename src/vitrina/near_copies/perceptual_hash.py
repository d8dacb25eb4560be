"""64-bit hashes that survive resizing and recompression, and an index that finds close ones.

The hash is pHash (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions",
2010): signs of the 8 x 8 lowest frequencies of the discrete cosine transform, against their median.
A crop shifts all frequencies, so each photo is hashed through several windows as well: a copy
that was cropped has nearly the hash of one of its original's windows, mirrored or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

SIDE = 56
"""Of the pictures that are hashed, pixels: a quarter of what networks see."""

RADIUS = 10
"""Bits in which the hashes of two copies may differ."""

_FREQUENCIES = 8
_CHUNKS = 4
_CHUNK_BITS = 16
_EXPANDED = 2_000_000
"""Pairs that are looked at together: bounds the memory."""

SmallPictures = npt.NDArray[np.uint8]
"""(N, 56, 56) uint8, grey."""

Grey = npt.NDArray[np.float32]
"""The same as numbers to compute with."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Window:
    """A part of a picture, in shares of its width and height.

    Attributes:
        left: Where it begins.
        width: Of it.
        top: Where it begins.
        height: Of it.
        mirrored: Whether left and right are exchanged first.
    """

    left: float = 0.0
    width: float = 1.0
    top: float = 0.0
    height: float = 1.0
    mirrored: bool = False


def _windows() -> Iterator[Window]:
    for mirrored in (False, True):
        yield Window(mirrored=mirrored)
        for margin in (0.02, 0.04, 0.06, 0.08):
            side = 1 - 2 * margin
            yield Window(margin, side, margin, side, mirrored)
        for cut in (0.05,):
            yield Window(left=cut, width=1 - cut, mirrored=mirrored)
            yield Window(width=1 - cut, mirrored=mirrored)
            yield Window(top=cut, height=1 - cut, mirrored=mirrored)
            yield Window(height=1 - cut, mirrored=mirrored)


WINDOWS = tuple(_windows())
"""What each photo is hashed through; the first is the whole photo."""


def hash_window(pictures: Grey, window: Window = WINDOWS[0]) -> Hashes:
    """Hashes of one window of each picture.

    Args:
        pictures: (N, 56, 56) float32, grey.
        window: What is hashed, as if it were the whole picture.

    Returns:
        (N,) uint64.
    """
    if window.mirrored:
        pictures = pictures[:, :, ::-1]
    rows = _cosines(window.top, window.height)
    columns = _cosines(window.left, window.width)
    waves = (rows @ pictures @ columns.T).reshape(len(pictures), -1)
    # the first is the mean brightness, which says nothing of the picture
    bits = waves > np.median(waves[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _cosines(begin: float, length: float) -> Grey:
    """The transform of a window along one axis, (8, 56)."""
    place = ((np.arange(SIDE) + 0.5) / SIDE - begin) / length
    inside = (place >= 0) & (place <= 1)
    waves = np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), place))
    return (waves * inside / length).astype(np.float32)


class HashIndex:
    """Hashes, found by others that differ in at most `RADIUS` bits.

    Multi-index hashing (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index
    Hashing", 2012): where two hashes differ in at most 11 bits, one of their four quarters differs
    in at most 2. So only those that agree so far in a quarter are compared.

    Args:
        hashes: (N,) uint64.
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._orders = []
        self._starts = []
        for quarter in _quarters(hashes):
            order = np.argsort(quarter, kind="stable")
            self._orders.append(order)
            self._starts.append(np.searchsorted(quarter[order], np.arange(2**_CHUNK_BITS + 1)))

    def close(self, asked: Hashes) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Pairs of hashes that differ in at most `RADIUS` bits, in pieces; some come repeatedly.

        Args:
            asked: (M,) uint64.

        Yields:
            Rows of `asked` and the rows of the index that they are close to.
        """
        for number, quarter in enumerate(_quarters(asked)):
            order, starts = self._orders[number], self._starts[number]
            for mask in _masks():
                wanted = quarter ^ mask
                first, counts = starts[wanted], starts[wanted + 1] - starts[wanted]
                for begin, end in _pieces(counts):
                    own = np.repeat(np.arange(begin, end), counts[begin:end])
                    behind = np.cumsum(counts[begin:end]) - counts[begin:end]
                    within = np.arange(len(own)) - np.repeat(behind, counts[begin:end])
                    found = order[np.repeat(first[begin:end], counts[begin:end]) + within]
                    near = np.bitwise_count(asked[own] ^ self._hashes[found]) <= RADIUS
                    if near.any():
                        yield own[near], found[near]


def _quarters(hashes: Hashes) -> list[npt.NDArray[np.int64]]:
    low = np.uint64(2**_CHUNK_BITS - 1)
    return [
        ((hashes >> np.uint64(_CHUNK_BITS * number)) & low).astype(np.int64)
        for number in range(_CHUNKS)
    ]


def _masks() -> Iterator[int]:
    """Every change of at most two bits of a quarter."""
    assert RADIUS // _CHUNKS <= 2
    for changed in range(3):
        for bits in combinations(range(_CHUNK_BITS), changed):
            yield sum(1 << bit for bit in bits)


def _pieces(counts: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose counts sum to about `_EXPANDED` at most."""
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _EXPANDED, side="right")))
        if ends[end - 1] > done:
            yield begin, end
        begin = end
