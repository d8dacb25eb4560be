"""Phone photos: the same products in other places, other light, and a poor camera."""

from __future__ import annotations

import math
import random
from typing import Any

import mitsuba as mi
import numpy as np
from PIL import Image, ImageFilter

from .clutter import finger, litter, palm
from .materials import Material, plastic, rgb
from .mesh import Floats
from .model import Model, on_floor, turning
from .render import encode, render, shapes
from .shapes import box
from .studio import View, frame

LONG, SHORT = 640, 480
DRAWN = 0.64
"""Share of the picture's size that is drawn; a phone's lens is no sharper than this."""

SAMPLES = 7

GROUNDS = (
    ("oak", 2.6, 0.35),
    ("walnut", 2.6, 0.3),
    ("planks", 3.0, 0.4),
    ("tiles", 2.4, 0.15),
    ("carpet", 1.6, 0.95),
    ("carpet-red", 2.2, 0.95),
    ("concrete", 2.2, 0.8),
    ("cloth", 1.2, 0.9),
    ("osb", 2.2, 0.7),
    ("linoleum", 1.8, 0.4),
    ("newsprint", 0.9, 0.8),
    ("paper", 0.9, 0.7),
)
"""Floors and tables: texture, size of its repeat (product diagonals), roughness."""


def snap(model: Model, lies: float, rng: random.Random) -> Image.Image:
    """Takes a phone photo of a product.

    Args:
        model: The product, millimetres.
        lies: Degrees about x that it may be laid down by.
        rng: Decides place, light, camera and faults.
    """
    laid = bool(lies) and rng.random() < 0.6
    if laid:
        model = model.moved(turning(rx=lies))
    pose = "laid" if laid else "stands" if lies else "any"
    model = on_floor(model)
    low, high = model.bounds()
    size = float(np.linalg.norm(high - low))
    model = model.moved(turning(rz=rng.uniform(-35, 35), scale=1 / size))
    low, high = model.bounds()
    in_hand = size < 130 and rng.random() < 0.4
    scene_model = _place(model, rng, in_hand)
    upright = rng.random() < 0.55
    width, height = (SHORT, LONG) if upright else (LONG, SHORT)
    scene = _camera(model.cloud(), rng, width, height, pose)
    scene.update(_lights(rng))
    scene.update(shapes(scene_model))
    linear = render(scene, SAMPLES, rng.randrange(2**31), depth=6)
    return _faults(linear, rng).resize((width, height), Image.Resampling.BICUBIC)


def _place(model: Model, rng: random.Random, in_hand: bool) -> Model:
    """Puts the product on a floor or a hand, with things around it."""
    out = Model()
    low, high = model.bounds()
    texture, tile, roughness = rng.choice(GROUNDS)
    ground = Material("plastic", "#ffffff", roughness).textured(texture, tile)
    slab = box(30, 30, 0.1, 0).rotate((0, 0, rng.uniform(0, 90)))
    drop = 0.9 if in_hand else 0.0
    out.add(slab, ground, (0, 0, -0.1 - drop))
    out.merge(model)
    if in_hand:
        out.merge(palm(rng, 0.015, rng.uniform(40, 140)))
        out.merge(litter(rng, rng.randrange(0, 3), 1.3), turning(at=(0, 0, -drop)))
        return out
    reach = float(np.linalg.norm(np.maximum(np.abs(low[:2]), np.abs(high[:2]))))
    out.merge(litter(rng, rng.randrange(1, 6), reach * 0.85))
    if rng.random() < 0.3:
        side = rng.choice((-1.0, 1.0))
        x = float(high[0] if side > 0 else low[0]) * 0.82
        z = max(0.09, float(high[2]) * rng.uniform(0.3, 0.7))
        out.merge(finger(rng, (x, rng.uniform(-0.1, 0.0), z), 0.0 if side > 0 else 180.0))
    if rng.random() < 0.35:
        wall = plastic(rng.choice(("#b9b2a4", "#8f9a9c", "#d4cec0", "#6f6a62")), 0.8)
        out.add(box(30, 0.2, 14, 0), wall, (0, rng.uniform(1.6, 4.0), -0.1))
    return out


def _camera(
    cloud: Floats, rng: random.Random, width: int, height: int, pose: str
) -> dict[str, Any]:
    """Holds the phone: too near, too far, tilted, off the middle."""
    fov = rng.uniform(38, 56)
    # What lies on its back is looked down upon, what stands upright rather not: nobody could
    # tell what it is from its edge.
    low, high = {"laid": (50, 78), "stands": (14, 40), "any": (16, 60)}[pose]
    elevation = rng.uniform(low, high)
    view = View(rng.uniform(-30, 30), elevation, fill=rng.uniform(0.64, 0.98))
    eye, target = frame(cloud, view, fov)
    away = eye - target
    far = float(np.linalg.norm(away))
    side = np.cross(away / far, [0, 0, 1])
    slip = far * math.tan(math.radians(fov / 2))
    target = target + side * slip * rng.uniform(-0.22, 0.22)
    target = target + np.array([0, 0, 1.0]) * slip * rng.uniform(-0.16, 0.16)
    roll = math.radians(rng.gauss(0, 7))
    up = np.array([0, 0, 1.0]) * math.cos(roll) + side * math.sin(roll)
    return {
        "type": "scene",
        "sensor": {
            "type": "thinlens",
            "fov": fov,
            "fov_axis": "smaller",
            "aperture_radius": far * rng.choice((0.002, 0.006, 0.014)),
            "focus_distance": far * rng.choice((1.0, 1.0, 0.95, 1.12, 0.8)),
            "to_world": mi.ScalarTransform4f().look_at(
                [float(v) for v in eye], [float(v) for v in target], [float(v) for v in up]
            ),
            "film": {
                "type": "hdrfilm",
                "width": int(width * DRAWN),
                "height": int(height * DRAWN),
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "independent"},
        },
        "flash": _lamp(
            eye + side * 0.1, np.zeros(3), 0.08, "#eaf0ff", 60 if rng.random() < 0.15 else 0.001
        ),
    }


def _lamp(at: Floats, to: Floats, radius: float, colour: str, power: float) -> dict[str, Any]:
    return {
        "type": "rectangle",
        "to_world": mi.ScalarTransform4f().look_at(
            [float(v) for v in at], [float(v) for v in to], [0.1, 0.9, 0.2]
        )
        @ mi.ScalarTransform4f().scale(radius),
        "emitter": {"type": "area", "radiance": rgb(colour, power)},
    }


def _lights(rng: random.Random) -> dict[str, Any]:
    """A window, a warm bulb or a tube, and a weak tinted glow from the room."""
    mood = rng.choice(("window", "bulb", "both", "tube"))
    a = rng.uniform(0, 2 * math.pi)
    out: dict[str, Any] = {}
    if mood in ("window", "both"):
        spot = np.array([4.2 * math.cos(a), 4.2 * math.sin(a), rng.uniform(1.6, 3.2)])
        out["window"] = _lamp(
            spot,
            np.array([0, 0, 0.3]),
            1.3,
            rng.choice(("#dfe8ff", "#fff4e2", "#cfdcf4")),
            rng.uniform(5, 9),
        )
    if mood in ("bulb", "both"):
        b = rng.uniform(0, 2 * math.pi)
        spot = np.array([1.8 * math.cos(b), 1.8 * math.sin(b), rng.uniform(2.6, 4.2)])
        out["bulb"] = _lamp(
            spot,
            np.zeros(3),
            0.32,
            rng.choice(("#ffb868", "#ffcf94", "#ffdcae")),
            rng.uniform(40, 80),
        )
    if mood == "tube":
        spot = np.array([rng.uniform(-2, 2), rng.uniform(-1, 2), 4.5])
        out["tube"] = _lamp(spot, np.zeros(3), 0.8, rng.choice(("#e6f4e0", "#dce8f4")), 18)
    tint = {"window": "#c6d0e0", "bulb": "#d8b48c", "both": "#d4ccc4", "tube": "#d2dcd4"}[mood]
    out["room"] = {"type": "constant", "radiance": rgb(tint, rng.uniform(0.15, 0.5))}
    return out


def _faults(linear: Floats, rng: random.Random) -> Image.Image:
    """Adds what small cameras do: wrong exposure and colour, shading, blur, shake and noise."""
    rows, columns = linear.shape[:2]
    grey = linear.mean(axis=2)
    level = float(np.exp(np.log(np.clip(grey, 1e-3, 4.0)).mean()))
    linear = linear * (rng.uniform(0.16, 0.34) / level)
    warmth = rng.gauss(0, 0.10)
    # The phone removes about half of the light's own tint.
    mean = linear.reshape(-1, 3).mean(axis=0)
    linear = linear * (mean.mean() / mean) ** rng.uniform(0.2, 0.7)
    linear = linear * np.array([1 + warmth, 1.0, 1 - warmth])
    y, x = np.mgrid[0:rows, 0:columns]
    off = ((x / columns - 0.5) ** 2 + (y / rows - 0.5) ** 2) * 2
    linear = linear * (1 - rng.uniform(0.05, 0.4) * off)[..., None]
    picture = encode(linear)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.choice((0.0, 0.3, 0.6, 1.1))))
    if rng.random() < 0.4:
        picture = _shake(picture, rng.uniform(2, 5), rng.uniform(0, math.pi))
    noise = np.random.default_rng(rng.randrange(2**31))
    raw = np.asarray(picture, dtype=np.float64)
    strength = rng.choice((1.5, 3.0, 5.5))
    grain = noise.normal(0, strength, (rows, columns, 1))
    coarse = noise.normal(0, strength * 1.5, ((rows + 3) // 4, (columns + 3) // 4, 3))
    blotch = np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)[:rows, :columns]
    return Image.fromarray(np.clip(raw + grain + 0.4 * blotch, 0, 255).astype(np.uint8))


def _shake(picture: Image.Image, length: float, angle: float) -> Image.Image:
    """Smears a picture along a line of ``length`` pixels."""
    raw = np.asarray(picture, dtype=np.float64)
    steps = max(3, int(length) + 1)
    total = np.zeros_like(raw)
    for t in np.linspace(-0.5, 0.5, steps):
        dx, dy = round(length * t * math.cos(angle)), round(length * t * math.sin(angle))
        total += np.roll(np.roll(raw, dx, axis=1), dy, axis=0)
    return Image.fromarray((total / steps).astype(np.uint8))
