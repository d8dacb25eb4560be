"""Where a camera stands: maps from a view back to the photo, and what is seen through them.

A map is a 3 x 3 matrix from a place in the view to the place in the photo that is seen there. Both
are measured from the middle, half a side being 1, so that no map depends on a size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from vitrina.photos import SIZE, Pixels

Map = npt.NDArray[np.float64]
"""(3, 3)."""


def affine_back(
    angle: float, zoom: tuple[float, float], shift: tuple[float, float], *, flip: bool
) -> Map:
    """The map of a photo that was turned, zoomed, moved and perhaps flipped.

    Args:
        angle: In radians.
        zoom: Across and down; above 1 the photo is larger than the view.
        shift: Where the photo's middle goes, right and down, as shares of a side.
        flip: Whether left and right change places.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    moved = np.array([[1, 0, -2 * shift[0]], [0, 1, -2 * shift[1]], [0, 0, 1]])
    zoomed = np.diag([(-1.0 if flip else 1.0) / zoom[0], 1 / zoom[1], 1.0])
    back: Map = zoomed @ turned @ moved
    return back


def tilted(back: Map, across: float, down: float) -> Map:
    """The same view from a phone that is held at an angle.

    Args:
        back: The view from straight above.
        across: How much nearer the right edge is than the middle, as a share; negative: the left.
        down: Likewise for the lower edge.
    """
    perspective = np.array([[1, 0, 0], [0, 1, 0], [across, down, 1]])
    seen: Map = back @ perspective
    return seen


def see(
    picture: Image.Image, back: Map, margin: int, outside: int | tuple[int, ...] = 0
) -> Image.Image:
    """The view through a map.

    Args:
        picture: A photo with `margin` more pixels on each side.
        back: From the view to the photo.
        margin: See `picture`.
        outside: What is seen beyond the picture.

    Returns:
        224 x 224.
    """
    half = SIZE / 2
    to_middle = np.array([[1 / half, 0, -1], [0, 1 / half, -1], [0, 0, 1]])
    to_picture = np.array([[half, 0, half + margin], [0, half, half + margin], [0, 0, 1]])
    numbers = to_picture @ back @ to_middle
    numbers /= numbers[2, 2]
    flat = tuple(numbers.ravel().tolist())
    if flat[6] == flat[7] == 0:
        kind, flat = Image.Transform.AFFINE, flat[:6]
    else:
        kind, flat = Image.Transform.PERSPECTIVE, flat[:8]
    return picture.transform((SIZE, SIZE), kind, flat, Image.Resampling.BILINEAR, fillcolor=outside)


def surrounded_by_mirror(pixels: Pixels, margin: int) -> Pixels:
    """(224 + 2 margin, ..., 3): what lies beyond a photo's edge is thought of as its mirror."""
    return np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
