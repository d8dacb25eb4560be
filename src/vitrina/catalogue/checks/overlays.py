"""Banners, badges and watermarks: the same mark at the same place on photos of many things.

A network learns such a mark as if it were the thing. Photos of different things share nothing by
chance that is both busy and at one place, so that is what is looked for: windows at fixed places
whose edges run several ways, compared between all pictures by the directions of their edges. What
lies under a translucent mark differs from picture to picture and goes out in the mean, which is
then held against every photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from vitrina.catalogue.checks.findings import Finding, ShownPhoto
from vitrina.photos import SIZE, Pixels
from vitrina.union_find import UnionFind

Edges = npt.NDArray[np.float32]
"""(N, 112, 112, 2): how brightness rises across and down; strong edges count as much as others."""

ENOUGH_PHOTOS = 8
"""Photos that must show a mark."""

ENOUGH_CATEGORIES = 4
"""Categories that they must come from: goods of one category are often photographed alike."""

ALIKE = 0.6
"""Cosine of the edges of two windows from which they show the same."""

ALIKE_MEAN = 0.5
"""The same, of a window and the mean of those that show a mark."""

_COMPARED = 2_000
"""Photos that are compared with one another: one in a hundred of these that is marked is seen."""

_SIDE = SIZE // 2
_WINDOW = 24
_STEP = 8
_CELL = 4
_SOFT = 20.0
"""Slope, of 255 over two pixels, at which an edge counts for seven tenths."""

_BUSY_CELL = 0.08
"""Mean square of the edges from which a cell of a window has some."""

_BUSY = 0.5
"""Share of a window's cells that must have edges."""

_CROSSING = 0.3
"""Least edges across their main direction, as a share of those along it: a mere line has none."""

_BLOCK = 256


@dataclass(frozen=True)
class _Mark:
    """What several pictures show in one window.

    Attributes:
        top: Of the window.
        left: Of the window.
        rows: Of the pictures.
    """

    top: int
    left: int
    rows: frozenset[int]


def overlay_findings(
    photos: Sequence[ShownPhoto], groups: Iterable[Sequence[str]], pixels: Mapping[str, Pixels]
) -> Iterator[Finding]:
    """A finding for each mark that photos of several categories share.

    Args:
        photos: All that can be read.
        groups: SHA-256 of near copies: one picture, which shares everything with itself.
        pixels: (224, 224, 3) uint8, all those photos.
    """
    shown: dict[str, ShownPhoto] = {}
    for photo in sorted(photos):
        shown.setdefault(photo.sha256, photo)
    copies = {sha for group in groups for sha in group[1:]}
    # names are hashes: the first of them are as good a choice as any other
    names = sorted(sha for sha in shown if sha not in copies)
    if len({shown[sha].category for sha in names}) < ENOUGH_CATEGORIES:
        return
    compared = names[:_COMPARED]
    edges = np.concatenate(list(_edges_of(compared, pixels)))
    marks = [mark for mark in _marks(edges) if _spread([shown[compared[r]] for r in mark.rows])]
    if not marks:
        return
    together = list(_together(marks))
    means = [[(mark, _mean(edges, mark)) for mark in group] for group in together]
    del edges
    everywhere = sorted(shown)
    found: list[list[ShownPhoto]] = [[] for _ in together]
    for begin, block in zip(
        range(0, len(everywhere), _BLOCK), _edges_of(everywhere, pixels), strict=True
    ):
        for group, members in zip(means, found, strict=True):
            likeness = np.max([_windows(block, m.top, m.left) @ mean for m, mean in group], axis=0)
            rows = np.flatnonzero(likeness >= ALIKE_MEAN)
            members += [shown[everywhere[begin + row]] for row in rows]
    for members in sorted(found, key=len, reverse=True):
        if _spread(members):
            yield Finding(
                kind="mark on many photos",
                category="",
                product="",
                detail=f"the same mark at the same place on {len(members)} photos",
                photos=tuple(_varied(members)),
                share=len(members) / len(shown),
            )


def _edges_of(names: Sequence[str], pixels: Mapping[str, Pixels]) -> Iterator[Edges]:
    """In blocks."""
    for begin in range(0, len(names), _BLOCK):
        yield np.stack([_edges(pixels[name]) for name in names[begin : begin + _BLOCK]])


def _edges(picture: Pixels) -> Edges:
    grey = np.asarray(Image.fromarray(picture).convert("L").reduce(SIZE // _SIDE), np.float32)
    slopes = np.zeros((*grey.shape, 2), dtype=np.float32)
    slopes[:, 1:-1, 0] = grey[:, 2:] - grey[:, :-2]
    slopes[1:-1, :, 1] = grey[2:] - grey[:-2]
    soft: Edges = slopes / np.sqrt((slopes**2).sum(axis=2, keepdims=True) + _SOFT**2)
    return soft


def _marks(edges: Edges) -> Iterator[_Mark]:
    """In each window, the pictures that show the same as the one that most others agree with."""
    places = range(0, _SIDE - _WINDOW + 1, _STEP)
    for top in places:
        for left in places:
            busy = np.flatnonzero(_busy(edges[:, top : top + _WINDOW, left : left + _WINDOW]))
            if len(busy) < ENOUGH_PHOTOS:
                continue
            windows = _windows(edges[busy], top, left)
            alike = windows @ windows.T >= ALIKE
            most = alike[alike.sum(axis=1).argmax()]
            if most.sum() >= ENOUGH_PHOTOS:
                yield _Mark(top, left, frozenset(busy[most].tolist()))


def _busy(windows: Edges) -> npt.NDArray[np.bool_]:
    """Which windows show more than a line or two, (N, side, side, 2) -> (N,)."""
    across, down = windows[..., 0], windows[..., 1]
    total = (windows**2).sum(axis=(1, 2, 3))
    apart = np.hypot(
        (across**2 - down**2).sum(axis=(1, 2)), 2 * (across * down).sum(axis=(1, 2))
    )  # difference of the structure tensor's eigenvalues, as `total` is their sum
    cells = _WINDOW // _CELL
    filled = (windows**2).sum(axis=3).reshape(-1, cells, _CELL, cells, _CELL).mean(axis=(2, 4))
    crossing = total - apart >= _CROSSING * (total + apart)
    busy: npt.NDArray[np.bool_] = crossing & ((filled >= _BUSY_CELL).mean(axis=(1, 2)) >= _BUSY)
    return busy


def _windows(edges: Edges, top: int, left: int) -> npt.NDArray[np.float32]:
    """One window of each picture as a vector of unit length, (N, D)."""
    rows = edges[:, top : top + _WINDOW, left : left + _WINDOW].reshape(len(edges), -1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    vectors: npt.NDArray[np.float32] = rows / np.maximum(lengths, 1e-6)
    return vectors


def _mean(edges: Edges, mark: _Mark) -> npt.NDArray[np.float32]:
    mean = _windows(edges[sorted(mark.rows)], mark.top, mark.left).mean(axis=0)
    unit: npt.NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return unit


def _together(marks: Sequence[_Mark]) -> Iterator[list[_Mark]]:
    """Windows of one mark: most of the pictures of the smaller are those of the larger."""
    joined = UnionFind()
    for number, one in enumerate(marks):
        joined.join(str(number), str(number))
        for before in range(number):
            other = marks[before]
            if 2 * len(one.rows & other.rows) > min(len(one.rows), len(other.rows)):
                joined.join(str(before), str(number))
    groups: dict[str, list[_Mark]] = {}
    for number, one in enumerate(marks):
        groups.setdefault(joined.find(str(number)), []).append(one)
    yield from groups.values()


def _spread(photos: Sequence[ShownPhoto]) -> bool:
    """Whether they are of enough things for a mark to be no part of the thing."""
    return (
        len({photo.product for photo in photos}) >= ENOUGH_PHOTOS
        and len({photo.category for photo in photos}) >= ENOUGH_CATEGORIES
    )


def _varied(photos: Sequence[ShownPhoto]) -> list[ShownPhoto]:
    """One of each category first: the first few show that things differ and the mark does not."""
    turn: dict[str, int] = {}
    order = []
    for photo in sorted(photos):
        turn[photo.category] = turn.get(photo.category, 0) + 1
        order.append((turn[photo.category], photo))
    return [photo for _, photo in sorted(order)]
