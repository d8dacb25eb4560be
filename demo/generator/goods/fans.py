"""Fans and blowers.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import Material, gloss, metal, plastic, rubber
from demo.generator.mesh import Mesh, from_grid
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import (
    box,
    curve,
    cylinder,
    facing_front,
    pipe,
    plate,
    rod,
    spun,
    torus,
    tube,
)

from .details import DARK, shade


def _blade(inner: float, outer: float, width: float, pitch: float, sweep: float) -> Mesh:
    """A fan blade about the z axis: a twisted sheet between two radii, in millimetres."""
    s, t = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 10))
    radius = inner + (outer - inner) * t
    wide = width * (0.55 + 0.75 * np.sin(np.pi * (0.25 + 0.6 * t)))
    angle = np.radians(sweep) * t + (s - 0.5) * wide / radius
    lift = (s - 0.5) * wide * np.sin(np.radians(pitch)) * (1.15 - 0.4 * t)
    grid = np.dstack([radius * np.cos(angle), radius * np.sin(angle), lift])
    return from_grid(grid, np.dstack([s, t]))


def _rotor(m: Model, r: float, hub: float, n: int, colour: Material, z: float) -> None:
    one = _blade(hub * 0.9, r, 1.55 * math.pi * r / n * 0.62, 32, 28)
    for i in range(n):
        m.add(one.moved(turning(rz=360 * i / n)), colour, (0, 0, z))
    m.add(cylinder(hub, r * 0.14, hub * 0.2), colour, (0, 0, z - r * 0.06))


def _guard(m: Model, r: float, z: float, colour: Material, dome: float, spokes: int) -> None:
    for i in range(spokes):
        a = 2 * math.pi * i / spokes
        c, s = math.cos(a), math.sin(a)
        line = curve(
            [
                (r * 0.16 * c, r * 0.16 * s, z + dome),
                (r * 0.7 * c, r * 0.7 * s, z + dome * 0.8),
                (r * c, r * s, z),
            ],
            5,
        )
        m.add(tube(line, r * 0.009, 6), colour)
    m.add(torus(r, r * 0.022, 64), colour, (0, 0, z))
    m.add(torus(r * 0.62, r * 0.012, 56), colour, (0, 0, z + dome * 0.84))
    m.add(cylinder(r * 0.17, r * 0.04, r * 0.015), colour, (0, 0, z + dome - r * 0.01))


def _fans(rng: random.Random) -> list[Product]:
    kinds = {
        "desk": ("Вентилятор настольный", "Desk fan", 1500),
        "floor": ("Вентилятор напольный", "Pedestal fan", 2600),
        "duct": ("Вентилятор вытяжной", "Extractor fan", 980),
        "axial": ("Вентилятор осевой", "Axial fan", 390),
        "inline": ("Вентилятор канальный", "Inline duct fan", 2100),
        "blower": ("Вентилятор центробежный", "Centrifugal blower", 1700),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e, price = kinds[kind]
        colour = rng.choice(("white", "black", "blue", "light grey", "mint", "graphite"))
        size = (
            rng.choice((80, 100, 120, 150))
            if kind not in ("desk", "floor")
            else rng.choice((230, 300, 400))
        )
        out.append(
            product(
                f"VN-{i + 71}-{size}",
                f"{r} {size} мм {ru(colour)}",
                f"{e} {size} mm {colour}",
                price * rng.uniform(0.8, 1.5),
                kind=kind,
                colour=colour,
                size=size,
                blades=rng.choice((3, 4, 5)),
                many=rng.choice((5, 7, 9)),
                accent=rng.choice(("blue", "sky blue", "grey", "black", "white")),
                style=rng.choice((1, 2, 3)),
                tall=rng.uniform(0.85, 1.2),
            )
        )
    return out


def _draw_fan(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("tall")
    body = plastic(hex_of(p.text("colour")), 0.32)
    accent = Material("plastic", hex_of(p.text("accent")), 0.22)
    if kind in ("desk", "floor"):
        r = 120.0
        high = (200.0 if kind == "desk" else 420) * k
        head = Model()
        _rotor(head, r * 0.82, r * 0.2, p.whole("blades"), accent, 6)
        wire = metal("chrome") if p.whole("style") == 1 else body
        _guard(head, r, 4, wire, 34, 36)
        back = Model()
        _guard(back, r, 0, wire, 26, 30)
        head.merge(back, turning(rx=180, at=(0, 0, 3)))
        head.add(spun([(30, -20), (34, -40), (30, -80), (14, -96)], 48), body)
        m.merge(head, turning(rx=82, at=(0, -40, high)))
        m.add(cylinder(11 if kind == "desk" else 8, high - 10, 1), body, (0, 8, 6))
        m.add(box(26, 34, 44, 8), body, (0, 12, high - 52))
        if kind == "desk":
            m.add(spun([(84, 0), (84, 10), (60, 22), (14, 34)], 64), body)
            for i, c in enumerate(("#e6e6e2", "#e6e6e2", "#2358a8", "#c0282c")):
                m.add(box(13, 11, 8, 2).rotate((14, 0, 0)), plastic(c), (-24 + 16 * i, -50, 21))
        elif p.whole("style") == 2:
            for i in range(2):
                m.add(box(200, 22, 14, 5).rotate((0, 0, 45 + 90 * i)), body)
            m.add(cylinder(26, 24, 5), body)
        else:
            m.add(spun([(100, 0), (98, 12), (40, 20), (14, 44)], 64), body)
    elif kind in ("duct", "axial"):
        s = 120.0
        if kind == "axial":
            frame = box(s, s, 38, 3) - cylinder(s * 0.46, 60, 0, 64).translate((0, 0, -10))
            for i in (-1, 1):
                for j in (-1, 1):
                    frame -= cylinder(2.6, 60, 0, 16).translate((i * s * 0.44, j * s * 0.44, -10))
            part = Model()
            dark = plastic("#232427", 0.4) if p.text("colour") != "white" else body
            part.add(frame, dark)
            blades = accent if p.whole("style") > 1 else dark
            _rotor(part, s * 0.44, s * 0.17, p.whole("many"), blades, 22)
            part.add(
                cylinder(s * 0.15, 1, 0.3),
                metal("zinc") if p.whole("style") == 2 else plastic("#d8d9da"),
                (0, 0, 31),
            )
            for i in range(4):
                strut = box(s * 0.46, 4, 4, 1).translate((s * 0.23, 0, 0))
                part.add(strut.rotate((0, 0, 45 + 90 * i)), dark)
            if p.whole("style") == 3:
                for q in range(4):
                    part.add(torus(s * (0.12 + 0.1 * q), 1.1, 56), metal("chrome"), (0, 0, 40))
                for q in range(2):
                    part.add(
                        rod((-s * 0.46, 0, 40), (s * 0.46, 0, 40), 1.3).moved(
                            turning(rz=45 + 90 * q)
                        ),
                        metal("chrome"),
                    )
            m.merge(part, turning(rx=80 if k > 1 else 62, at=(0, 0, s / 2)))
        else:
            m.add(facing_front(plate(170, 170, 14, 14, 5)).translate((0, 0, 85)), body)
            m.add(facing_front(pipe(60, 55, 12, 2)).translate((0, -10, 85)), body)
            m.add(facing_front(cylinder(55, 1, 0)), DARK, (0, -11, 85))
            inner = Model()
            _rotor(inner, 52, 14, p.whole("many"), accent, 4)
            m.merge(inner, turning(rx=90, at=(0, -11, 85)))
            if p.whole("style") == 1:
                for i in range(9):
                    z = 85 + 12 * (i - 4)
                    half = math.sqrt(max(1.0, 57**2 - (12 * (i - 4)) ** 2))
                    m.add(box(2 * half, 3, 3, 1), body, (0, -22, z))
            else:
                for q in range(4):
                    ring = facing_front(torus(14 + 13 * q, 1.6, 56))
                    m.add(ring, body, (0, -22, 85))
                for q in range(6):
                    a = math.radians(60 * q)
                    m.add(
                        rod((0, -22, 85), (57 * math.cos(a), -22, 85 + 57 * math.sin(a)), 1.6), body
                    )
            if p.whole("style") == 3:
                cordless = rod((60, -16, 20), (60, -18, -60), 0.9)
                m.add(cordless, plastic("#e6e6e2"))
                m.add(facing_front(cylinder(4, 3, 1)), gloss("#d8302a"), (66, -13, 150))
            m.add(facing_front(cylinder(50, 60, 1)).translate((0, 58, 85)), body)
    elif kind == "inline":
        part = Model()
        part.add(pipe(50, 46, 60, 1), body, (0, 0, -90))
        part.add(pipe(50, 46, 60, 1), body, (0, 0, 30))
        part.add(spun([(52, -40), (72, -20), (74, 0), (72, 20), (52, 40)], 64), body)
        inner = Model()
        _rotor(inner, 45, 16, 7, accent, 0)
        part.merge(inner, turning(at=(0, 0, 68)))
        part.add(cylinder(46, 2, 0), DARK, (0, 0, 44))
        m.merge(part, turning(rx=90, rz=-30, at=(0, 0, 80)))
        m.add(box(80, 46, 34, 5), plastic(shade(body.colour, 0.85)), (0, 0, 144))
        m.add(box(150, 60, 6, 2), body)
        m.add(box(90, 40, 20, 4), body, (0, 0, 2))
        m.stick(prints.text(f"VN {p.text('size')}", 50, 14), (0, -23, 162), 44)
    else:
        volute = facing_front(cylinder(80, 60, 3, 64)) - facing_front(cylinder(48, 90, 0, 56))
        throat = facing_front(cylinder(48, 90, 0, 56)).translate((0, 40, 84))
        m.add(volute.translate((0, 30, 84)), body)
        m.add(box(66, 60, 84, 2).translate((-47, 0, 84)) - throat, body)
        m.add(box(56, 50, 1, 0.2), DARK, (-47, 0, 167.6))
        m.add(facing_front(cylinder(48, 2, 0)), DARK, (0, 26, 84))
        for i in range(28):
            a = 2 * math.pi * i / 28
            m.add(
                box(2, 50, 10, 0.4).rotate((0, -math.degrees(a), 0)),
                metal("zinc"),
                (44 * math.cos(a), 0, 84 + 44 * math.sin(a)),
            )
        m.add(facing_front(pipe(54, 47, 4, 1)), metal("zinc"), (0, -29, 84))
        m.add(facing_front(cylinder(22, 44, 5)), rubber("#2b2d30"), (0, 20, 84))
        m.add(box(120, 70, 5, 1), metal("zinc"))
    return m


CATEGORIES = (
    Category("fans", "Вентиляторы", "Fans", "вентилятор", _fans, _draw_fan, elevation=(12, 24)),
)
