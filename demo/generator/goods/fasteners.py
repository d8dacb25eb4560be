"""Bolts, screws and studs.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import manifold3d as m3
import numpy as np

from demo.generator.materials import Material, metal
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, product
from demo.generator.shapes import (
    ball,
    box,
    cylinder,
    helix,
    hexagon,
    pipe,
    spun,
    thread,
    torus,
    tube,
)


def _bolts(rng: random.Random) -> list[Product]:
    kinds = {
        "hex": ("Болт шестигранный", "Hex bolt"),
        "socket": ("Винт с внутренним шестигранником", "Socket head screw"),
        "carriage": ("Болт мебельный", "Carriage bolt"),
        "nutset": ("Болт с гайкой и шайбой", "Bolt with nut and washer"),
        "self": ("Саморез", "Self-tapping screw"),
        "eye": ("Рым-болт", "Eye bolt"),
        "stud": ("Шпилька с гайками", "Stud with nuts"),
        "anchor": ("Анкерный болт", "Anchor bolt"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 8]
        r, e = kinds[kind]
        d = rng.choice((4, 5, 6, 8, 10, 12))
        length = int(d * rng.choice((3, 4, 5, 6)))
        n = rng.choice((1, 2, 3))
        out.append(
            product(
                f"BL-{i + 81}-M{d}X{length}",
                f"{r} М{d}х{length} {n} шт.",
                f"{e} M{d}x{length} {n} pcs",
                (1.2 * d + length * 0.2) * n * rng.uniform(0.8, 1.6),
                kind=kind,
                d=d,
                length=length,
                n=n,
                coat=rng.choice(("zinc", "steel", "yellowzinc", "brass", "black", "nickel")),
                slot=rng.choice(("cross", "hex", "line")),
                full=rng.random() < 0.5,
                pose=rng.choice(("lie", "stand", "mix")),
                seed=rng.randrange(999),
            )
        )
    return out


def _one_bolt(p: Product, coat: Material) -> Model:
    """A bolt about the z axis, its head at the bottom, its tip upwards."""
    m = Model()
    kind, d, length = p.text("kind"), p.num("d"), p.num("length")
    pitch = d * 0.2
    cut = length * (0.05 if p.flag("full") else 0.42)
    if kind == "self":
        m.add(
            spun([(d * 0.95, 0), (d * 0.9, d * 0.12), (d * 0.45, d * 0.6)], 32)
            - m3.Manifold.cube((d * 1.3, d * 0.2, d * 0.6), True)
            - m3.Manifold.cube((d * 0.2, d * 1.3, d * 0.6), True),
            coat,
        )
        m.add(spun([(d * 0.38, d * 0.5), (d * 0.36, length * 0.8), (0.1, length)], 24), coat)
        path = helix(1, length * 0.92, length * 0.92 / (d * 0.5), 24)
        shrink = np.interp(
            path[:, 2], [0, length * 0.75, length * 0.92], [0.4 * d, 0.4 * d, 0.08 * d]
        )
        path[:, :2] *= shrink[:, None]
        path[:, 2] += d * 0.5
        m.add(tube(path, d * 0.085, 6), coat)
        return m
    if kind == "hex" or kind == "nutset":
        m.add(hexagon(1.65 * d, 0.66 * d, d * 0.08), coat)
        base = 0.66 * d
    elif kind == "socket":
        head = cylinder(0.76 * d, d, d * 0.06) - m3.Manifold.cylinder(
            d, d * 0.46, d * 0.46, 6
        ).translate((0, 0, -d * 0.4))
        m.add(head, coat)
        base = d
    elif kind == "carriage":
        dome = (
            ball(1.25 * d, 48)
            .scale((1, 1, 0.5))
            .trim_by_plane((0, 0, -1), 0)
            .translate((0, 0, 0.62 * d))
        )
        m.add(dome, coat)
        m.add(box(d, d, 0.55 * d, 0.1), coat, (0, 0, 0.6 * d))
        base = 1.1 * d
    elif kind == "eye":
        m.add(torus(d * 1.1, d * 0.36, 48).rotate((90, 0, 0)), coat, (0, 0, -d * 1.1))
        m.add(cylinder(d, d * 0.4, d * 0.1), coat)
        base = 0.4 * d
    else:
        base = 0.0
    if kind == "anchor":
        m.add(cylinder(d * 0.42, length * 1.1, 0.2), coat)
        m.add(pipe(d * 0.56, d * 0.44, length * 0.62, 0.2), coat, (0, 0, length * 0.3))
        m.add(spun([(d * 0.45, length * 0.92), (d * 0.56, length * 1.12)], 32), coat)
        m.add(thread(d * 0.47, length * 0.3, pitch), coat)
        m.add(hexagon(1.65 * d, 0.8 * d, d * 0.08), coat, (0, 0, length * 0.1))
        m.add(cylinder(1.1 * d, d * 0.16, 0.1), coat, (0, 0, length * 0.1 + 0.8 * d))
        return m
    if kind == "stud":
        m.add(thread(d / 2, length * 1.4, pitch), coat)
        for z in (0.25, 0.8):
            m.add(hexagon(1.65 * d, 0.8 * d, d * 0.08), coat, (0, 0, length * 1.4 * z))
            m.add(cylinder(1.1 * d, d * 0.16, 0.1), coat, (0, 0, length * 1.4 * z - d * 0.17))
        return m
    if cut > d * 0.5:
        m.add(cylinder(d / 2, cut + 0.3, 0.1), coat, (0, 0, base - 0.1))
    else:
        cut = 0
    m.add(thread(d / 2, length - cut, pitch), coat, (0, 0, base + cut))
    m.add(spun([(d * 0.44, 0), (d * 0.36, d * 0.1)], 24), coat, (0, 0, base + length - 0.02))
    if kind == "nutset":
        nut = hexagon(1.65 * d, 0.8 * d, d * 0.08)
        m.add(nut, coat, (0, 0, base + length * 0.68))
        m.add(cylinder(1.15 * d, d * 0.17, 0.1), coat, (0, 0, base + length * 0.68 - d * 0.2))
    return m


def _draw_bolt(p: Product) -> Model:
    m = Model()
    d, length, n = p.num("d"), p.num("length"), p.whole("n")
    coat = metal(p.text("coat"))
    one = _one_bolt(p, coat)
    wide = {"carriage": 1.25, "eye": 1.46, "socket": 0.76, "self": 0.95}.get(
        p.text("kind"), 0.95
    ) * d
    rng = random.Random(p.whole("seed"))
    for i in range(n):
        stand = p.text("pose") == "stand" or (p.text("pose") == "mix" and i == 0)
        if stand and p.text("kind") not in ("self", "eye", "stud"):
            m.merge(one, turning(rz=rng.uniform(0, 60), at=(i * 2.6 * wide, i * 1.2 * wide, 0)))
        else:
            # A bolt rests on its head's rim and on its tip.
            tilt = math.degrees(math.atan2(wide - d / 2, length))
            if p.text("kind") in ("eye", "stud", "anchor"):
                tilt = 0.0
            yaw = rng.uniform(-160, -125)
            at = (i * 2.5 * wide, -i * 0.7 * wide, wide)
            m.merge(one, turning(ry=90 + tilt, rz=yaw + 9 * i, at=at))
    if p.text("kind") == "nutset" and n < 3:
        nut = hexagon(1.65 * d, 0.8 * d, d * 0.08) - cylinder(d * 0.5, 4 * d, 0).translate(
            (0, 0, -d)
        )
        m.add(nut, coat, (-2.4 * d, -1.4 * d, 0))
        m.add(pipe(1.15 * d, 0.55 * d, 0.18 * d, 0.1), coat, (0.4 * d, -2.8 * d, 0))
    return m


CATEGORIES = (
    Category("bolts", "Болты и винты", "Bolts", "болт", _bolts, _draw_bolt, elevation=(20, 40)),
)
