"""Pairs of photos that may be copies of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.near_copies.alignment import Parts, cut, shrink, unit
from vitrina.near_copies.perceptual_hash import (
    WINDOWS,
    Grey,
    HashIndex,
    SmallPictures,
    Window,
    hash_window,
)

ALIKE = 0.8
"""Least correlation of two candidates at a coarse scale, before they are aligned."""

ALIKE_EMBEDDINGS = 0.9
"""Cosine of embeddings from which two photos are candidates whatever their hashes say."""

ALIKE_SEEN = 0.5
"""Least correlation at the coarse scale of two that embeddings find alike: cropped a lot, they are
aligned from far away."""

FLAT = 4.0
"""Standard deviation of the grey, of 255, below which a photo shows too little to be compared."""

_COARSE = 14
_BLOCK = 1024


@dataclass(frozen=True)
class Candidates:
    """Pairs that may be copies.

    Attributes:
        first: (N,) int64, rows of the photos that are seen through a window.
        second: (N,) int64, rows of those that are seen whole; never the same as `first`.
        windows: (N,) int64, into `WINDOWS`.
        likeness: (N,) float32, correlation of the two at a coarse scale.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    windows: npt.NDArray[np.int64]
    likeness: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def mirrored(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the first is seen mirrored."""
        return np.array([window.mirrored for window in WINDOWS])[self.windows]

    @property
    def parts(self) -> Parts:
        """(N, 4) where the windows lie, for `align`."""
        return np.concatenate([_part(window) for window in WINDOWS])[self.windows]

    def pick(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Candidates:
        """Those that a mask or an index chooses."""
        return Candidates(
            self.first[chosen], self.second[chosen], self.windows[chosen], self.likeness[chosen]
        )


def find_candidates(
    pictures: SmallPictures,
    names: Sequence[str],
    embeddings: Mapping[str, npt.NDArray[np.float32]] | None,
) -> Candidates:
    """Every pair that hashes or embeddings find alike, the likest first, each pair once.

    Args:
        pictures: Grey.
        names: N names of the photos, for `embeddings`.
        embeddings: Of some of the photos, of unit length.
    """
    varied = _in_blocks(lambda block: block.std(axis=(1, 2)), pictures) >= FLAT
    index = HashIndex(_in_blocks(hash_window, pictures))
    whole = _in_blocks(lambda block: unit(shrink(block, _COARSE)), pictures)
    found = []
    neighbours = _neighbours(names, embeddings or {})
    for number, window in enumerate(WINDOWS):
        seen = _in_blocks(partial(_seen, window), pictures)
        asked = _in_blocks(partial(hash_window, window=window), pictures)
        pieces = [(pair, ALIKE) for pair in index.close(asked)]
        pieces += [(pair, ALIKE_SEEN) for pair in neighbours]
        for (first, second), least in pieces:
            wanted = (first != second) & varied[first] & varied[second]
            first, second = first[wanted], second[wanted]
            likeness = np.einsum("np,np->n", seen[first], whole[second])
            alike = likeness >= least
            windows = np.full(int(alike.sum()), number)
            found.append(Candidates(first[alike], second[alike], windows, likeness[alike]))
    return _once(found)


def _seen(window: Window, pictures: Grey) -> Grey:
    """Coarse pictures of a window, (N, pixels), as `unit` makes them."""
    turned = pictures[:, :, ::-1] if window.mirrored else pictures
    return unit(cut(turned, _part(window), _COARSE))


def _in_blocks(work: Callable[[Grey], npt.NDArray[Any]], pictures: SmallPictures) -> Any:
    """What `work` makes of all pictures, a block at a time: all at once would fill the memory."""
    blocks = range(0, len(pictures), _BLOCK)
    return np.concatenate(
        [work(pictures[begin : begin + _BLOCK].astype(np.float32)) for begin in blocks]
    )


def _part(window: Window) -> Parts:
    return np.array([(window.left, window.width, window.top, window.height)], dtype=np.float32)


def _neighbours(
    names: Sequence[str], embeddings: Mapping[str, npt.NDArray[np.float32]]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    rows = np.array([row for row, name in enumerate(names) if name in embeddings], dtype=np.int64)
    if not len(rows):
        return []
    vectors = np.stack([embeddings[names[row]] for row in rows]).astype(np.float32)
    found = []
    for begin in range(0, len(rows), _BLOCK):
        near = vectors[begin : begin + _BLOCK] @ vectors.T >= ALIKE_EMBEDDINGS
        first, second = np.nonzero(near)
        # each of the two may be the one that was cropped
        found.append((rows[first + begin], rows[second]))
    return found


def _once(found: Sequence[Candidates]) -> Candidates:
    """Every pair once, through the window in which it is likest; the likest pair first."""
    empty = np.empty(0, dtype=np.int64)
    first, second, windows = (
        np.concatenate([empty, *(getattr(piece, name) for piece in found)])
        for name in ("first", "second", "windows")
    )
    likeness = np.concatenate([np.empty(0, np.float32), *(piece.likeness for piece in found)])
    low, high = np.minimum(first, second), np.maximum(first, second)
    # ties are broken by the pair and the window, so that the order is always the same
    order = np.lexsort((windows, first, high, low, -likeness))
    pairs = np.stack((low, high), axis=1)[order]
    _, firsts = np.unique(pairs, axis=0, return_index=True)
    chosen = order[np.sort(firsts)]
    return Candidates(first, second, windows, likeness).pick(chosen)
