"""Studio photos: a product before a plain light background, which can be told from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage

from vitrina.photos import SIZE, Pixels

_TOLERANCE = 14.0
_SHARE = 0.8
_LIGHT = 200

_Float = npt.NDArray[np.float32]


def edge_colour(pixels: Pixels) -> npt.NDArray[np.float64]:
    """(3,): the median colour along a photo's edge."""
    colour: npt.NDArray[np.float64] = np.median(_edge_pixels(pixels), axis=0)
    return colour


def is_studio(pixels: Pixels, edge: npt.NDArray[np.float64]) -> bool:
    """Whether the photo was taken before a plain light background of the colour `edge`."""
    near = np.abs(_edge_pixels(pixels) - edge).max(axis=1) < _TOLERANCE
    return bool(edge.min() > _LIGHT and near.mean() >= _SHARE)


def product_mask(pixels: Pixels, edge: npt.NDArray[np.float64]) -> Pixels:
    """(224, 224) uint8: 255 on the product, 0 on what is plain and connected with the edge."""
    plain = np.abs(pixels - edge.astype(np.float32)).max(axis=2) < _TOLERANCE
    regions, _ = ndimage.label(plain)
    border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    mask = np.where(np.isin(regions, border[border > 0]), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(1)))


def laid_on_a_surface(values: _Float, product: Pixels, rng: np.random.Generator) -> _Float:
    """The product on a made-up surface: colour, slope of light, grain of some scale.

    Args:
        values: (224, 224, 3) float32, 0..255.
        product: (224, 224) uint8, as `product_mask` gives it, seen through the same camera.
        rng: Decides the surface.
    """
    colour = rng.uniform(40, 230, size=3).astype(np.float32)
    colour = colour.mean() + (colour - colour.mean()) * rng.uniform(0, 0.6)
    tall = int(rng.choice([2, 4, 8, 16, 32, 56]))
    wide = max(1, tall // int(rng.choice([1, 1, 2, 8])))  # long grain looks like wood
    cells = rng.normal(128, 40, size=(SIZE // wide + 1, SIZE // tall + 1)).clip(0, 255)
    grain = Image.fromarray(cells.astype(np.uint8)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    relief = (np.asarray(grain, dtype=np.float32) - 128) / 40
    if rng.random() < 0.5:
        relief = relief.T
    slope = np.linspace(-25, 25, SIZE, dtype=np.float32)
    light = slope[:, None] * rng.uniform(-1, 1) + slope[None] * rng.uniform(-1, 1)
    surface = colour + (relief * rng.uniform(2, 28) + light)[..., None]
    covered = product[..., None].astype(np.float32) / 255
    mixed: _Float = (surface + (values - surface) * covered).astype(np.float32, copy=False)
    return mixed


def _edge_pixels(pixels: Pixels) -> Pixels:
    strips = (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:])
    return np.concatenate([strip.reshape(-1, 3) for strip in strips])
