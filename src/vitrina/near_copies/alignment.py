"""Laying one picture over another: which part of the first shows what the whole second shows.

Gauss-Newton steps that raise the correlation, as in Evangelidis and Psarakis, "Parametric Image
Alignment Using Enhanced Correlation Coefficient Maximization", 2008, for four unknowns: where the
part begins and ends, across and down. Differences in brightness and contrast do not matter to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pictures = npt.NDArray[np.float32]
"""(N, side, side) float32, grey."""

Parts = npt.NDArray[np.float32]
"""(N, 4) float32: left, width, top and height of a part, in shares of the picture."""

_LOW: Parts = np.array((-0.15, 0.7, -0.15, 0.7), dtype=np.float32)
_HIGH: Parts = np.array((0.3, 1.15, 0.3, 1.15), dtype=np.float32)
_LONGEST_STEP = 0.05
_TINY = 1e-6


@dataclass(frozen=True)
class Alignment:
    """Pairs of pictures laid over each other.

    Attributes:
        parts: Of the first of each pair.
        correlation: (N,) float32, -1 to 1: of that part with the second.
    """

    parts: Parts
    correlation: npt.NDArray[np.float32]


def align(first: Pictures, second: Pictures, parts: Parts, *, steps: int) -> Alignment:
    """Moves parts of `first` until they correlate best with `second`.

    Args:
        first: Of each pair.
        second: Of each pair, of the same size.
        parts: Where to begin.
        steps: How often they are moved.
    """
    wanted = unit(second)
    best = parts.copy()
    highest = np.full(len(first), -2.0, dtype=np.float32)
    for step in range(steps + 1):
        shown = cut(first, parts)
        have = unit(shown)
        correlation = (have * wanted).sum(axis=1)
        better = correlation > highest
        highest[better], best[better] = correlation[better], parts[better]
        if step < steps:
            parts = parts + _step(shown, have, wanted, correlation, parts)
            parts = np.clip(parts, _LOW, _HIGH)
    return Alignment(best, highest)


def _step(
    shown: Pictures,
    have: npt.NDArray[np.float32],
    wanted: npt.NDArray[np.float32],
    correlation: npt.NDArray[np.float32],
    parts: Parts,
) -> Parts:
    count, side, _ = shown.shape
    place = ((np.arange(side) + 0.5) / side).astype(np.float32)
    across = np.gradient(shown, axis=2) * (side / parts[:, 1, None, None])
    down = np.gradient(shown, axis=1) * (side / parts[:, 3, None, None])
    slopes = np.stack(
        (across, across * place, down, down * place[:, None]), axis=-1, dtype=np.float32
    ).reshape(count, -1, 4)
    spread = shown.reshape(count, -1).std(axis=1) * side
    slopes /= np.maximum(spread, _TINY)[:, None, None]
    # neither the mean nor the scale of a picture counts
    slopes -= slopes.mean(axis=1, keepdims=True)
    slopes -= have[:, :, None] * (have[:, None] @ slopes)
    turned = slopes.transpose(0, 2, 1)
    rest = wanted - have * correlation[:, None]
    steady = turned @ slopes + _TINY * np.eye(4, dtype=np.float32)
    moves = np.linalg.solve(steady, turned @ rest[:, :, None])[:, :, 0]
    step: Parts = np.clip(moves, -_LONGEST_STEP, _LONGEST_STEP).astype(np.float32)
    return step


def cut(pictures: Pictures, parts: Parts, side: int | None = None) -> Pictures:
    """Parts of pictures, stretched to one size.

    Args:
        pictures: (N, size, size).
        parts: One for each, or one for all.
        side: Of the result; it must divide `size`, which it is where None.
    """
    size = pictures.shape[1]
    means = _means(size, side or size)
    rows = means @ _sampling(parts[:, 2], parts[:, 3], size)
    columns = means @ _sampling(parts[:, 0], parts[:, 1], size)
    result: Pictures = rows @ pictures @ columns.transpose(0, 2, 1)
    return result


def shrink(pictures: Pictures, side: int) -> Pictures:
    """Pictures of a smaller size, which must divide theirs; each pixel is a mean."""
    means = _means(pictures.shape[1], side)
    return np.asarray(means @ pictures @ means.T, dtype=np.float32)


def _means(size: int, side: int) -> npt.NDArray[np.float32]:
    """(side, size): each row takes the mean of its share of a line of `size` pixels."""
    step = size // side
    means = np.repeat(np.eye(side, dtype=np.float32), step, axis=1)
    means /= step
    return means


def _sampling(
    begin: npt.NDArray[np.float32], length: npt.NDArray[np.float32], side: int
) -> npt.NDArray[np.float32]:
    """(N, side, side): linear interpolation along one axis; what lies outside is the border's."""
    middles = (np.arange(side, dtype=np.float32) + 0.5) / side
    place = begin[:, None] + length[:, None] * middles
    pixel = np.clip(place * side - np.float32(0.5), 0, side - 1)
    low = np.minimum(pixel.astype(np.int64), side - 2)
    share = (pixel - low).astype(np.float32)
    weights = np.zeros((len(begin), side, side), dtype=np.float32)
    np.put_along_axis(weights, low[:, :, None], 1 - share[:, :, None], axis=2)
    np.put_along_axis(weights, low[:, :, None] + 1, share[:, :, None], axis=2)
    return weights


def unit(pictures: Pictures) -> npt.NDArray[np.float32]:
    """(N, pixels): each picture with mean 0 and length 1, so that products are correlations."""
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    result: npt.NDArray[np.float32] = flat / np.maximum(length, _TINY)
    return result
