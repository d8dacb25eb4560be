"""The study's views: rotation, zoom, shift and flip, the edge mirrored as Keras does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitrina.photos import SIZE, Pixels
from vitrina.training.views.camera import affine_back, see, surrounded_by_mirror

_ROTATION = 25.0
_ZOOM = 0.2
_SHIFT = 0.1


def study_view(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One view.

    The study names the changes and not their sizes; these are the usual ones: 25 degrees, a fifth
    of zoom and a tenth of shift to each side, a flip of every second view. The plain loop of
    `vitrina bench train` makes the same.

    Args:
        pixels: (224, 224, 3) uint8.
        rng: Decides the view.
    """
    zoom = 1 + rng.uniform(-_ZOOM, _ZOOM)
    back = affine_back(
        angle=float(np.deg2rad(rng.uniform(-_ROTATION, _ROTATION))),
        zoom=(zoom, zoom),
        shift=(float(rng.uniform(-_SHIFT, _SHIFT)), float(rng.uniform(-_SHIFT, _SHIFT))),
        flip=bool(rng.random() < 0.5),
    )
    margin = SIZE // 2
    around = Image.fromarray(surrounded_by_mirror(pixels, margin))
    return np.asarray(see(around, back, margin), dtype=np.uint8)
