"""A shopper's view: held at an angle, too near or too far, in the light of a room, and sent on.

A plain studio background may be replaced, because a shopper's table is never white; what lies
beyond the edge of any other photo is thought of as its mirror, because a shopper stands further
off than a catalogue's photographer.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitrina.photos import SIZE, Pixels
from vitrina.training.views.camera import Map, affine_back, see, surrounded_by_mirror, tilted
from vitrina.training.views.light import blurred, erase, relit, sent
from vitrina.training.views.studio import edge_colour, is_studio, laid_on_a_surface, product_mask

_REPLACED = 0.8
"""Share of the strongest views of studio photos that get another background."""

_CLOSE_UP = 0.2
"""Share of views in which the product is larger than the frame."""

_ERASED = 0.3
"""Share of the strongest views in which a patch is hidden."""

_MARGIN = SIZE * 3 // 4
"""What the widest view shows beyond the photo's edge."""


def phone_view(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One view.

    Args:
        pixels: (224, 224, 3) uint8.
        rng: Decides the view.
    """
    # some views are nearly the catalogue's own picture: the network must not forget those
    strength = rng.uniform(0.2, 1.0)
    back = _camera(rng, strength)
    edge = edge_colour(pixels)
    studio = is_studio(pixels, edge)
    if studio:
        outside = tuple(int(value) for value in edge)
        seen = see(Image.fromarray(pixels), back, 0, outside)
    else:
        seen = see(Image.fromarray(surrounded_by_mirror(pixels, _MARGIN)), back, _MARGIN)
    values = np.array(seen, dtype=np.float32)
    if studio and rng.random() < _REPLACED * strength:
        mask = Image.fromarray(product_mask(pixels, edge))
        values = laid_on_a_surface(values, np.asarray(see(mask, back, 0)), rng)
    if rng.random() < _ERASED * strength:
        erase(values, rng)
    return sent(blurred(relit(values, rng, strength), rng, strength), rng)


def _camera(rng: np.random.Generator, strength: float) -> Map:
    """Rotation, zoom, stretch, shift, flip and tilt."""
    angle = float(np.deg2rad(rng.uniform(-25, 25)) * strength)
    zoom = 1 + rng.uniform(-0.45, 0.15) * strength
    if rng.random() < _CLOSE_UP:
        zoom = 1 + rng.uniform(0.15, 0.5) * strength
    stretch = float(np.exp(rng.uniform(-0.12, 0.12) * strength))
    right, down = rng.uniform(-0.1, 0.1, size=2) * strength
    back = affine_back(
        angle,
        zoom=(zoom / stretch, zoom * stretch),
        shift=(float(right), float(down)),
        flip=bool(rng.random() < 0.5),
    )
    across, along = rng.uniform(-0.2, 0.2, size=2) * strength
    return tilted(back, float(across), float(along))
