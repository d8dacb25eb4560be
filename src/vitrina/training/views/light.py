"""What light, lens and messenger make of a scene. All take and give (224, 224, 3) pictures."""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vitrina.photos import SIZE, Pixels

_Rng = np.random.Generator
_Float = npt.NDArray[np.float32]

_SHADOW = 0.5
"""Share of the strongest views over which a shadow's edge falls."""

_SHARP = 0.35
"""Share of views that are neither out of focus nor shaken."""

_SENT = 0.7
"""Share of views that have been through a JPEG file."""


def relit(values: _Float, rng: _Rng, strength: float) -> Pixels:
    """Exposure, a cast of colour, contrast, uneven light, and the grain of a small sensor.

    Args:
        values: float32, 0..255; is changed.
        rng: Decides the light.
        strength: 0..1.
    """
    contrast = 1 + rng.uniform(-0.3, 0.2) * strength
    gain = np.exp((rng.uniform(-0.45, 0.3) + rng.uniform(-0.15, 0.15, size=3)) * strength)
    middle = float((values.mean(axis=(0, 1)) * gain).mean())
    level = _uneven(rng, strength) * np.float32(contrast)
    values *= level[..., None] * gain.astype(np.float32)
    noise = rng.standard_normal((SIZE, SIZE, 1), dtype=np.float32)
    values += noise * np.float32(rng.uniform(0, 9) * strength) + np.float32(middle * (1 - contrast))
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def blurred(pixels: Pixels, rng: _Rng, strength: float) -> Pixels:
    """Out of focus, or shaken, or neither."""
    accident = rng.random()
    if accident < _SHARP:
        return pixels
    if accident < (1 + _SHARP) / 2:
        radius = rng.uniform(0.3, 1.8) * strength
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))
    return _shaken(pixels, rng.uniform(1, 8) * strength, rng.uniform(0, math.pi))


def sent(pixels: Pixels, rng: _Rng) -> Pixels:
    """Most views have been through a JPEG file of 25 to 80 % quality."""
    if rng.random() >= _SENT:
        return pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(25, 81)))
    with Image.open(file, formats=("JPEG",)) as again:
        return np.asarray(again, dtype=np.uint8)


def erase(values: _Float, rng: _Rng) -> None:
    """Hides a patch of 3 to 12 % behind one colour, in place, because a thumb lies there.

    Source: Zhong et al., "Random Erasing Data Augmentation", 2017.
    """
    area, aspect = rng.uniform(0.03, 0.12), np.exp(rng.uniform(-0.7, 0.7))
    tall = int(SIZE * np.sqrt(area * aspect))
    wide = int(SIZE * np.sqrt(area / aspect))
    top, left = rng.integers(SIZE - tall), rng.integers(SIZE - wide)
    values[top : top + tall, left : left + wide] = rng.uniform(30, 220, size=3)


def _uneven(rng: _Rng, strength: float) -> _Float:
    """(224, 224): light from one side, and over some views the edge of a shadow."""
    slope = rng.uniform(0, 0.6) * strength
    level = 1 + slope * _distance(rng.uniform(0, 2 * math.pi))
    if rng.random() < _SHADOW * strength:
        beyond = _distance(rng.uniform(0, 2 * math.pi)) - np.float32(rng.uniform(-0.3, 0.3))
        sharpness = np.float32(rng.uniform(4, 40))
        depth = np.float32(rng.uniform(0.15, 0.5) * strength)
        level *= 1 - depth * np.clip(beyond * sharpness + 0.5, 0, 1)
    return level.astype(np.float32, copy=False)


def _distance(angle: float) -> _Float:
    """(224, 224), about -0.7 to 0.7: how far each pixel lies from the middle in one direction."""
    along = np.linspace(-0.5, 0.5, SIZE, dtype=np.float32)
    far: _Float = along[None] * np.float32(math.cos(angle)) + along[:, None] * np.float32(
        math.sin(angle)
    )
    return far


def _shaken(pixels: Pixels, length: float, angle: float) -> Pixels:
    """The mean along a line of `length` pixels."""
    steps = max(2, math.ceil(length))
    reach = math.ceil(length / 2)
    around = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.zeros(pixels.shape, dtype=np.uint16)
    for distance in np.linspace(-length / 2, length / 2, steps):
        down = reach + round(distance * math.sin(angle))
        right = reach + round(distance * math.cos(angle))
        total += around[down : down + SIZE, right : right + SIZE]
    return (total // np.uint16(steps)).astype(np.uint8)
