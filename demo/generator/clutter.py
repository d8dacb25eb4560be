"""What lies about in phone photos: mugs, pencils, boxes, a hand. Neutral things, no goods.

Lengths are shares of the product's diagonal, which is 1.
"""

from __future__ import annotations

import math
import random

import numpy as np

from .materials import Material, gloss, metal, plastic
from .model import Model, turning
from .shapes import ball, box, curve, cylinder, hull, lathe, pipe, plate, rod, spun, torus, tube

SKINS = ("#e3b08f", "#c98f6c", "#9a6444", "#f0c8ae")


def _mug(rng: random.Random) -> Model:
    m = Model()
    tone = gloss(rng.choice(("#d8d4c8", "#7a8f9c", "#b65a42", "#3f4a52", "#e8e4da")))
    wall = [
        (0.0, 0),
        (0.2, 0),
        (0.22, 0.03),
        (0.22, 0.48),
        (0.2, 0.5),
        (0.19, 0.47),
        (0.19, 0.05),
        (0, 0.05),
    ]
    m.add(lathe(wall, 48), tone)
    m.add(torus(0.13, 0.03, 32).rotate((90, 0, 0)).translate((0.24, 0, 0.26)), tone)
    m.add(cylinder(0.185, 0.01, 0), plastic("#2e1a10", 0.1), (0, 0, 0.38))
    return m


def _pencil(rng: random.Random) -> Model:
    m = Model()
    tone = plastic(rng.choice(("#d8a21e", "#2f6f4a", "#a8322c", "#33363a")), 0.3)
    m.add(cylinder(0.022, 0.75, 0.002, 6), tone)
    m.add(spun([(0.021, 0.75), (0.005, 0.82)], 6), plastic("#e2c08e", 0.6))
    m.add(spun([(0.006, 0.81), (0.001, 0.84)], 8), plastic("#2a2a2c"))
    m.add(cylinder(0.023, 0.05, 0.002), metal("brass"), (0, 0, -0.04))
    return m.moved(turning(ry=90, at=(-0.4, 0, 0.022)))


def _notebook(rng: random.Random) -> Model:
    m = Model()
    m.add(
        box(0.6, 0.8, 0.05, 0.01),
        plastic(rng.choice(("#3a4a5e", "#7b3b34", "#4c5a48", "#2b2c2f")), 0.6),
    )
    m.add(box(0.58, 0.79, 0.035, 0.003), plastic("#eceae2", 0.8), (0.012, 0, 0.008))
    return m


def _carton(rng: random.Random) -> Model:
    m = Model()
    w, d, h = rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.5)
    m.add(box(w, d, h, 0.008), plastic("#b08a5c", 0.9))
    m.add(box(w + 0.004, 0.07, h + 0.004, 0.005), plastic("#cdb489", 0.25))
    return m


def _coins(rng: random.Random) -> Model:
    m = Model()
    for i in range(rng.randrange(2, 5)):
        at = (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12), 0.014 * i)
        m.add(
            cylinder(rng.choice((0.055, 0.07)), 0.013, 0.003),
            metal(rng.choice(("brass", "nickel"))),
            at,
        )
    return m


def _keys(rng: random.Random) -> Model:
    m = Model()
    m.add(torus(0.09, 0.008, 32).translate((0, 0, 0.012)), metal("steel"))
    for _ in range(2):
        key = Model()
        key.add(cylinder(0.06, 0.016, 0.004), metal("nickel"), (0.14, 0, 0))
        key.add(box(0.26, 0.03, 0.014, 0.003), metal("nickel"), (0.3, 0, 0))
        m.merge(key, turning(rz=rng.uniform(0, 360)))
    return m


def _scissors(rng: random.Random) -> Model:
    m = Model()
    tone = plastic(rng.choice(("#26272a", "#b0352e", "#3a6ea5")), 0.4)
    for s in (-1, 1):
        part = Model()
        part.add(
            hull(
                box(0.02, 0.06, 0.012, 0.003), box(0.01, 0.02, 0.008, 0.002).translate((0.42, 0, 0))
            ),
            metal("steel"),
        )
        part.add(torus(0.09, 0.024, 32).translate((-0.2, s * 0.05, 0.024)), tone)
        m.merge(part, turning(rz=9 * s, at=(0, 0, 0.004 if s > 0 else 0)))
    return m


def _glass(rng: random.Random) -> Model:
    m = Model()
    r = rng.uniform(0.13, 0.18)
    m.add(pipe(r, r * 0.92, 0.42, 0.01), Material("plastic", "#b9c8c4", 0.1))
    return m


def _handset(rng: random.Random) -> Model:
    m = Model()
    m.add(plate(0.34, 0.7, 0.04, 0.05, 0.01), gloss("#141518"))
    m.add(
        plate(0.31, 0.66, 0.002, 0.03, 0.0005),
        gloss(rng.choice(("#0c0d10", "#20344a"))),
        (0, 0, 0.0395),
    )
    return m


_THINGS = (_mug, _pencil, _notebook, _carton, _coins, _keys, _scissors, _glass, _handset, _pencil)


def litter(rng: random.Random, count: int, clear_radius: float) -> Model:
    """Scatters things round the product.

    Args:
        rng: Decides which and where.
        count: How many.
        clear_radius: Radius about the origin to keep free.
    """
    out = Model()
    start = rng.uniform(0, 360)
    for i in range(count):
        thing = rng.choice(_THINGS)(rng)
        low, high = thing.bounds()
        reach = float(np.linalg.norm((high - low)[:2])) / 2
        # Mostly behind and beside, so that the product stays in view.
        a = math.radians(start + 360 * i / count + rng.uniform(-20, 20))
        far = clear_radius + reach + rng.uniform(0.02, 0.35)
        if math.sin(a) < -0.25 and float(high[2]) > 0.15:
            a = -a
        at = (far * math.cos(a), far * math.sin(a), 0.0)
        out.merge(thing, turning(rz=rng.uniform(0, 360), at=at))
    return out


def palm(rng: random.Random, top: float, yaw: float) -> Model:
    """An open hand seen from above, its hollow at height ``top`` about the origin.

    Args:
        rng: Decides the skin and the spread.
        top: Height of the palm's surface.
        yaw: Direction that the fingers point, degrees.
    """
    m = Model()
    skin = Material("plastic", rng.choice(SKINS), 0.62)
    spots = [
        (-0.62, -0.38, 0.16),
        (-0.62, 0.32, 0.14),
        (0.42, -0.42, 0.13),
        (0.46, 0.40, 0.13),
        (0.5, 0.0, 0.14),
        (-0.75, 0.0, 0.14),
    ]
    m.add(hull(*[ball(r * 1.25, 28).translate((x, y, -r * 1.25)) for x, y, r in spots]), skin)
    for y, length in ((-0.42, 0.78), (-0.14, 0.95), (0.14, 0.9), (0.4, 0.68)):
        spread = 1.18 + rng.uniform(-0.05, 0.05)
        curl = rng.uniform(0.08, 0.3)
        path = curve(
            [
                (0.4, y, -0.14),
                (0.7, y * spread, -0.1),
                (0.55 + length * 0.62, y * spread, -0.06 + curl * 0.4),
                (0.5 + length, y * spread * 1.02, -0.04 + curl),
            ],
            10,
        )
        m.add(tube(path, np.linspace(0.145, 0.105, len(path)), 18), skin)
        tip = path[-1]
        m.add(ball(0.107, 24), skin, (float(tip[0]), float(tip[1]), float(tip[2])))
        nail = (
            ball(0.07, 20)
            .scale((1.3, 0.9, 0.4))
            .translate((float(tip[0]) + 0.06, float(tip[1]), float(tip[2]) + 0.05))
        )
        m.add(nail, Material("plastic", "#ecc6b4", 0.25))
    thumb = curve([(-0.45, -0.4, -0.14), (-0.1, -0.72, -0.04), (0.25, -0.84, 0.08)], 10)
    m.add(tube(thumb, np.linspace(0.2, 0.125, len(thumb)), 18), skin)
    end = thumb[-1]
    m.add(ball(0.127, 24), skin, (float(end[0]), float(end[1]), float(end[2])))
    m.add(rod((-0.6, 0, -0.2), (-2.4, 0.1, -0.5), 0.36), skin)
    return m.moved(turning(rz=yaw, at=(0, 0, top)))


def finger(rng: random.Random, at: tuple[float, float, float], yaw: float) -> Model:
    """A finger and its knuckle that come in from the side and touch a point.

    Args:
        rng: Decides the skin.
        at: The point touched.
        yaw: Direction from the point back to the hand, degrees.
    """
    m = Model()
    skin = Material("plastic", rng.choice(SKINS), 0.62)
    path = curve(
        [(0, 0, 0), (0.25, 0.02, 0.06), (0.55, 0.02, 0.2), (1.0, -0.1, 0.2), (1.8, -0.2, 0.1)], 10
    )
    m.add(tube(path, np.linspace(0.085, 0.16, len(path)), 18), skin)
    m.add(ball(0.088, 24), skin)
    nail = ball(0.06, 20).scale((1.3, 0.9, 0.4)).translate((0.0, 0, 0.062))
    m.add(nail, Material("plastic", "#ecc6b4", 0.25))
    return m.moved(turning(rz=yaw, at=at))
