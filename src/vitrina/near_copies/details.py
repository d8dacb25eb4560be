"""Whether two pictures laid over each other are one picture: their edges and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from vitrina.photos import SIZE, Pixels

EDGES = 0.9
"""Least correlation of the edges of two copies. Of 9,876 photos of goods, pairs above it were found
to be one picture, and below it more and more of them merely goods alike; resized, recompressed,
cropped and mirrored copies are nearly all above 0.97."""

COLOURS = 7.0
"""Largest mean difference of colour between two copies, of 255: above it are goods in other
colours."""

_SIDE = 80


@dataclass(frozen=True)
class Comparison:
    """Two pictures laid over each other.

    Attributes:
        edges: Correlation of their edges, -1 to 1.
        colours: Mean difference of what is left of the colours without brightness, 0 to 255.
    """

    edges: float
    colours: float

    @property
    def same(self) -> bool:
        """Whether they are one picture."""
        return self.edges >= EDGES and self.colours <= COLOURS


def compare(first: Pixels, second: Pixels, part: npt.NDArray[np.float32]) -> Comparison:
    """Compares what two pictures both show.

    Args:
        first: (224, 224, 3) uint8, mirrored already where need be.
        second: Likewise.
        part: (4,) left, width, top and height of the part of `first` that shows `second`.
    """
    one, other = _laid_over(first, second, part)
    grey = [np.asarray(picture.convert("L"), dtype=np.float32)[None] for picture in (one, other)]
    small = [np.asarray(p.reduce(_SIDE // 16), dtype=np.float32) for p in (one, other)]
    tints = [picture[..., ::2] - picture[..., 1:2] for picture in small]
    return Comparison(
        edges=float(edge_correlation(grey[0], grey[1])[0]),
        colours=float(np.abs(tints[0] - tints[1]).mean()),
    )


def edge_correlation(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """How alike the edges of grey pictures are, pair by pair.

    Args:
        first: (N, side, side) float32.
        second: Likewise.

    Returns:
        (N,) -1 to 1; 0 where one has no edges.
    """
    one, other = _edges(first), _edges(second)
    strength = (one**2).sum(axis=1) * (other**2).sum(axis=1)
    result: npt.NDArray[np.float32] = (one * other).sum(axis=1) / np.sqrt(strength + 1e-6)
    return result


def _laid_over(
    first: Pixels, second: Pixels, part: npt.NDArray[np.float32]
) -> tuple[Image.Image, Image.Image]:
    """What both pictures show, both in the same small size."""
    left, width, top, height = (float(share) for share in part)
    across, across_other = _common(left, width)
    down, down_other = _common(top, height)
    boxes = ((first, across, down), (second, across_other, down_other))
    one, other = (
        Image.fromarray(np.ascontiguousarray(pixels)).resize(
            (_SIDE, _SIDE), Image.Resampling.BICUBIC, box=(x[0], y[0], x[1], y[1])
        )
        for pixels, x, y in boxes
    )
    return one, other


def _common(begin: float, length: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Begin and end, pixels, along one axis: in the first picture, and in the second."""
    low, high = max(begin, 0.0), min(begin + length, 1.0)
    return (
        (low * SIZE, high * SIZE),
        (max((low - begin) / length, 0.0) * SIZE, min((high - begin) / length, 1.0) * SIZE),
    )


def _edges(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Differences of neighbours, across and down, (N, values)."""
    across, down = np.diff(pictures, axis=2)[:, :-1], np.diff(pictures, axis=1)[:, :, :-1]
    return np.stack((across, down), axis=1).reshape(len(pictures), -1)
