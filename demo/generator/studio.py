"""The product photo: a white sweep, far softboxes, and a camera that frames the product."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mitsuba as mi
import numpy as np
from PIL import Image

from .mesh import Floats
from .model import Model, on_floor, turning
from .render import encode, render, shapes

SIZE = 320
"""Pixels along one side of a product picture."""

DRAWN = 352
"""Pixels along one side while drawing; scaled down afterwards, which keeps small print sharp."""

SAMPLES = 4
MARGIN = 0.11
"""What is drawn round the product for its shadow, as a share of the frame; the rest is floor."""

FOV = 20.0
FLOOR = 0.86
WHITE = 1.06
"""Radiance given to the unshaded floor; a little above 1, so that it comes out white."""


@dataclass(frozen=True)
class View:
    """Where a product is seen from.

    Attributes:
        azimuth: Degrees; 0 looks at the front, positive values step to the right.
        elevation: Degrees above the horizon, 12 to 80.
        light: Degrees that the lights are turned about the vertical.
        key: Strength of the main softbox against the fill, 0.6 to 1.6.
        fill: Share of the frame that the product takes, 0 to 1.
        seed: Seed of the renderer's random numbers.
    """

    azimuth: float
    elevation: float
    light: float = 0.0
    key: float = 1.0
    fill: float = 0.86
    seed: int = 0


def sky(key: float) -> Floats:
    """The lights as a far panorama, shape (64, 128, 3): softboxes in a grey room.

    Far lights give every part of the floor the same light, so the ground stays evenly white.
    """
    rows, columns = 64, 128
    up = np.sin(np.radians(90 - (np.arange(rows) + 0.5) * 180 / rows))[:, None]
    turn = ((np.arange(columns) + 0.5) * 360 / columns - 180)[None, :]
    level = np.degrees(np.arcsin(up))
    room = 0.30 + 0.26 * np.clip(up, 0, 1) + 0 * turn

    def softbox(azimuth: float, height: float, wide: float, tall: float) -> Floats:
        away = (turn - azimuth + 180) % 360 - 180
        a = 1 / (1 + np.exp((np.abs(away) - wide / 2) / 2.5))
        b = 1 / (1 + np.exp((np.abs(level - height) - tall / 2) / 2.5))
        return np.asarray(a * b)

    room = room + 3.6 * key * softbox(-50, 50, 62, 44)
    room = room + 1.5 * softbox(62, 38, 34, 56)
    room = room + 1.1 * softbox(175, 55, 120, 30)
    room = np.where(up < 0, 0.5, room)
    # Dark flags beside the set give metal something to mirror.
    room = room * (1 - 0.75 * softbox(112, 14, 36, 40)) * (1 - 0.75 * softbox(-118, 14, 36, 40))
    tint = np.array([1.0, 0.995, 0.985])
    return np.asarray(room[..., None] * tint)


def floor_radiance(panorama: Floats) -> float:
    """Returns what an unshaded white floor sends back under a panorama."""
    rows, columns = panorama.shape[:2]
    theta = (np.arange(rows) + 0.5) * np.pi / rows
    weight = (
        np.clip(np.cos(theta), 0, None) * np.sin(theta) * (np.pi / rows) * (2 * np.pi / columns)
    )
    return float((panorama.mean(axis=2) * weight[:, None]).sum() * FLOOR / np.pi)


def frame(cloud: Floats, view: View, fov: float = FOV) -> tuple[Floats, Floats]:
    """Places the camera so that the points fill the frame.

    Args:
        cloud: Points to show.
        view: Direction to see them from.
        fov: Angle across the shorter side of the frame, degrees.

    Returns:
        The camera's position and the point that it looks at.
    """
    a, e = math.radians(view.azimuth), math.radians(view.elevation)
    back = np.array([math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)])
    right = np.array([math.cos(a), math.sin(a), 0.0])
    up = np.cross(back, right)
    target = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    half = math.tan(math.radians(fov / 2))
    distance = float(np.linalg.norm(cloud - target, axis=1).max()) / half
    for _ in range(6):
        local = cloud - target
        depth = distance - local @ back
        x, y = (local @ right) / depth / half, (local @ up) / depth / half
        shift_x, shift_y = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
        target = target + (shift_x * right + shift_y * up) * distance * half
        size = max(x.max() - x.min(), y.max() - y.min()) / 2
        distance *= size / view.fill
    return target + back * distance, target


def photograph(model: Model, view: View, samples: int = SAMPLES, size: int = SIZE) -> Image.Image:
    """Takes the product picture of a model."""
    model = on_floor(model)
    low, high = model.bounds()
    unit = 1.0 / float(np.linalg.norm(high - low))
    model = model.moved(turning(scale=unit))
    eye, target = frame(model.cloud(), view)
    left, top, right, bottom = _window(model.cloud(), eye, target)
    panorama = sky(view.key)
    panorama = panorama * (WHITE / floor_radiance(panorama))
    scene: dict[str, Any] = {
        "type": "scene",
        "sensor": {
            "type": "perspective",
            "fov": FOV,
            "to_world": mi.ScalarTransform4f().look_at(
                [float(v) for v in eye], [float(v) for v in target], [0, 0, 1]
            ),
            "film": {
                "type": "hdrfilm",
                "width": DRAWN,
                "height": DRAWN,
                "crop_offset_x": left,
                "crop_offset_y": top,
                "crop_width": right - left,
                "crop_height": bottom - top,
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "independent"},
        },
        "sky": {
            "type": "envmap",
            "bitmap": mi.Bitmap(np.ascontiguousarray(panorama, dtype=np.float32)),
            "to_world": mi.ScalarTransform4f()
            .rotate([0, 0, 1], 90 + view.azimuth + view.light)
            .rotate([1, 0, 0], 90),
        },
        "floor": {
            "type": "rectangle",
            "to_world": mi.ScalarTransform4f().scale(60),
            "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": FLOOR}},
        },
    }
    scene.update(shapes(model))
    part = render(scene, samples, view.seed, depth=5)
    whole = np.full((DRAWN, DRAWN, 3), WHITE)
    fade = _fade(left, top, right, bottom)[..., None]
    whole[top:bottom, left:right] = part * fade + WHITE * (1 - fade)
    return encode(whole).resize((size, size), Image.Resampling.LANCZOS)


def _window(cloud: Floats, eye: Floats, target: Floats) -> tuple[int, int, int, int]:
    """Returns the left, top, right and lower edge in pixels of what is worth drawing."""
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    half = math.tan(math.radians(FOV / 2))
    # The footprint counts too: that is where the shadow starts.
    points = np.concatenate([cloud, cloud * np.array([1.0, 1.0, 0.0])])
    local = points - eye
    depth = -(local @ back) * half
    x, y = (local @ right) / depth, (local @ up) / depth
    edges = (
        (x.min() + 1) / 2 - MARGIN,
        (1 - y.max()) / 2 - MARGIN,
        (x.max() + 1) / 2 + MARGIN,
        (1 - y.min()) / 2 + MARGIN,
    )
    left, top, far, low = (round(min(1.0, max(0.0, float(e))) * DRAWN) for e in edges)
    return left, top, far, low


def _fade(left: int, top: int, right: int, bottom: int) -> Floats:
    """Weights from 0 at the drawn part's inner edges to 1; the frame's own edges stay sharp."""
    wide = MARGIN * DRAWN * 0.7
    x, y = np.arange(left, right), np.arange(top, bottom)
    ones_x, ones_y = np.ones(len(x)), np.ones(len(y))
    ramp_l = np.clip((x - left) / wide, 0, 1) if left > 0 else ones_x
    ramp_r = np.clip((right - 1 - x) / wide, 0, 1) if right < DRAWN else ones_x
    ramp_t = np.clip((y - top) / wide, 0, 1) if top > 0 else ones_y
    ramp_b = np.clip((bottom - 1 - y) / wide, 0, 1) if bottom < DRAWN else ones_y
    raw = (ramp_t * ramp_b)[:, None] * (ramp_l * ramp_r)[None, :]
    return np.asarray(raw * raw * (3 - 2 * raw))
