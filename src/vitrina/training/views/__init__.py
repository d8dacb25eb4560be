"""Views of a photo: the same product as another shopper might have taken it.

Rotation, zoom, shift and flip as the study has them, and what phones add: close-ups that cut a
part of the product off, light, colour cast and blur. A plain studio background may be replaced,
because a shopper's table is never white, and a patch be erased, because a thumb lies before it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage

from vitrina.photos import SIZE, Pixels

RECIPE = "phone-3"
"""Names what `augmented_view` does; changes with it, because cached activations depend on it."""

_Rng = np.random.Generator
_Float = npt.NDArray[np.float32]

_REPLACED = 0.8
"""Share of the strongest views of studio photos that get another background."""

_CLOSE_UP = 0.2
"""Share of views in which the product is larger than the frame."""

_ERASED = 0.3
"""Share of the strongest views in which a patch is hidden."""

_STUDIO_TOLERANCE = 14.0
_STUDIO_SHARE = 0.8
_STUDIO_LIGHT = 200


def augmented_view(pixels: Pixels, sha256: str, view: int, seed: int) -> Pixels:
    """View number `view` of a photo; the same arguments give the same pixels, in any order.

    Args:
        pixels: (224, 224, 3) uint8.
        sha256: Of the photo, so that each photo gets changes of its own.
        view: 0 is the photo itself, unchanged; each higher number another view.
        seed: Of the run.

    Returns:
        (224, 224, 3) uint8.
    """
    if view == 0:
        return pixels
    name = f"{RECIPE}/{seed}/{sha256}/{view}".encode()
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()[:8], "big"))
    # some views are nearly the catalogue's own picture: the network must not forget those
    strength = rng.uniform(0.2, 1.0)
    edge = np.median(_edge_pixels(pixels), axis=0)
    map_back = _random_map(rng, strength)
    values = _move(pixels, map_back, tuple(int(v) for v in edge)).astype(np.float32)
    if rng.random() < _REPLACED * strength and _is_studio(pixels, edge):
        product = _move(_product_mask(pixels, edge), map_back, 0)
        values = _replace_background(values, product, rng)
    if rng.random() < _ERASED * strength:
        _erase(values, rng)
    return _blur(_relight(values, rng, strength), rng, strength)


def _random_map(rng: _Rng, strength: float) -> tuple[float, ...]:
    """Rotation, zoom, stretch, shift and flip as the six numbers that lead from result to source.

    Source x = a * x + b * y + c, source y = d * x + e * y + f, in pixels.
    """
    angle = np.deg2rad(rng.uniform(-25, 25)) * strength
    # below 1 the product becomes smaller in the frame
    zoom = 1 + rng.uniform(-0.3, 0.15) * strength
    if rng.random() < _CLOSE_UP:
        zoom = 1 + rng.uniform(0.15, 0.5) * strength
    shift_x, shift_y = rng.uniform(-0.1, 0.1, size=2) * SIZE * strength
    stretch = np.exp(rng.uniform(-0.12, 0.12) * strength)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    a, b, d, e = flip * cos * stretch, flip * sin * stretch, -sin / stretch, cos / stretch
    centre = SIZE / 2
    x, y = centre + shift_x, centre + shift_y  # where the middle of the photo goes
    return a, b, centre - a * x - b * y, d, e, centre - d * x - e * y


def _move(pixels: Pixels, map_back: tuple[float, ...], outside: int | tuple[int, ...]) -> Pixels:
    moved = Image.fromarray(pixels).transform(
        (SIZE, SIZE),
        Image.Transform.AFFINE,
        map_back,
        Image.Resampling.BILINEAR,
        fillcolor=outside,
    )
    return np.asarray(moved, dtype=np.uint8)


def _edge_pixels(pixels: Pixels) -> Pixels:
    strips = (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:])
    return np.concatenate([strip.reshape(-1, 3) for strip in strips])


def _is_studio(pixels: Pixels, edge: npt.NDArray[np.float64]) -> bool:
    """Whether the photo was taken before a plain light background of the colour `edge`."""
    near = np.abs(_edge_pixels(pixels) - edge).max(axis=1) < _STUDIO_TOLERANCE
    return bool(edge.min() > _STUDIO_LIGHT and near.mean() >= _STUDIO_SHARE)


def _product_mask(pixels: Pixels, edge: npt.NDArray[np.float64]) -> Pixels:
    """(224, 224) uint8: 255 on the product, 0 on what is plain and connected with the edge."""
    plain = np.abs(pixels - edge.astype(np.float32)).max(axis=2) < _STUDIO_TOLERANCE
    regions, _ = ndimage.label(plain)
    border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    mask = np.where(np.isin(regions, border[border > 0]), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(1)))


def _replace_background(values: _Float, product: Pixels, rng: _Rng) -> _Float:
    """Lays the product on a made-up surface: colour, slope of light, grain of some scale."""
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
    mixed: _Float = surface + (values - surface) * covered
    return mixed


def _erase(values: _Float, rng: _Rng) -> None:
    """Hides a patch of 3 to 12 % behind one colour, in place.

    Source: Zhong et al., "Random Erasing Data Augmentation", 2017.
    """
    area, aspect = rng.uniform(0.03, 0.12), np.exp(rng.uniform(-0.7, 0.7))
    tall = int(SIZE * np.sqrt(area * aspect))
    wide = int(SIZE * np.sqrt(area / aspect))
    top, left = rng.integers(SIZE - tall), rng.integers(SIZE - wide)
    values[top : top + tall, left : left + wide] = rng.uniform(30, 220, size=3)


def _relight(values: _Float, rng: _Rng, strength: float) -> Pixels:
    """Exposure, a cast of colour, contrast, and the grain of a small sensor."""
    contrast = 1 + rng.uniform(-0.3, 0.2) * strength
    gain = np.exp((rng.uniform(-0.45, 0.3) + rng.uniform(-0.12, 0.12, size=3)) * strength)
    middle = float((values.mean(axis=(0, 1)) * gain).mean())
    noise = rng.standard_normal((SIZE, SIZE, 1), dtype=np.float32)
    values *= (gain * contrast).astype(np.float32)
    values += noise * np.float32(rng.uniform(0, 7) * strength) + np.float32(middle * (1 - contrast))
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _blur(pixels: Pixels, rng: _Rng, strength: float) -> Pixels:
    if rng.random() < 0.5:
        return pixels
    radius = rng.uniform(0.3, 1.8) * strength
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))
