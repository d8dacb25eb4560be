"""Lights to carry: torches.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator.materials import Material, glow, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, curve, cylinder, facing_front, pipe, spun, tube

from .details import ribs, shade


def _torches(rng: random.Random) -> list[Product]:
    kinds = {
        "metal": ("металлический", "metal"),
        "plastic": ("ручной", "hand"),
        "head": ("налобный", "head"),
        "lantern": ("кемпинговый", "camping lantern"),
        "search": ("прожекторный", "searchlight"),
        "pen": ("карманный", "pocket"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        colour = rng.choice(
            ("black", "red", "blue", "yellow", "green", "orange", "graphite", "silver")
        )
        out.append(
            product(
                f"FN-{i + 30}-{rng.choice((1, 3, 5, 10))}W",
                f"Фонарь {r} {ru(colour)}",
                f"Torch {e} {colour}",
                rng.uniform(180, 1900),
                kind=kind,
                colour=colour,
                length=rng.uniform(0.85, 1.2),
                head=rng.uniform(0.9, 1.25),
                on=rng.random() < 0.45,
                strap=rng.random() < 0.5,
            )
        )
    return out


def _lens(m: Model, r: float, z: float, on: bool, leds: int = 1) -> None:
    m.add(spun([(r * 0.94, z - 2), (r * 0.3, z - r * 0.7)], 48), metal("chrome"))
    face = glow("#fff8ea", 1.6) if on else Material("plastic", "#c8d2da", 0.08)
    m.add(cylinder(r * 0.94, 0.8, 0.2), face, (0, 0, z - 2.4))
    for i in range(leds if leds > 1 else 0):
        a = 2 * math.pi * i / leds
        m.add(
            cylinder(r * 0.16, 1.4, 0.5),
            plastic("#f3d65a", 0.2),
            (r * 0.55 * math.cos(a), r * 0.55 * math.sin(a), z - 1.8),
        )


def _draw_torch(p: Product) -> Model:
    m = Model()
    kind, k, hd = p.text("kind"), p.num("length"), p.num("head")
    shell = plastic(hex_of(p.text("colour")), 0.3)
    anodised = Material("metal", shade(hex_of(p.text("colour")), 1.1), 0.32)
    part = Model()
    if kind in ("metal", "pen"):
        r = 12.0 if kind == "metal" else 7.0
        head = r * 1.45 * hd
        length = 110 * k
        part.add(
            spun([(r * 0.8, 0), (r, 2), (r, length), (head, length + 18), (head, length + 34)], 56),
            anodised,
        )
        ribs(part, 26, r, length * 0.25, length * 0.45, anodised, 0.7, 1.2)
        for j in range(3):
            part.add(pipe(head + 0.8, head - 1, 3, 0.6), anodised, (0, 0, length + 17 + 5 * j))
        part.add(pipe(head + 0.6, head * 0.9, 6, 1), metal("dark"), (0, 0, length + 33))
        _lens(part, head * 0.92, length + 37, p.flag("on"))
        part.add(cylinder(r * 0.6, 4, 1.5), rubber("#e0701c"), (0, 0, -3))
        part.add(cylinder(4, 3, 1).rotate((90, 0, 0)), rubber(), (0, -r + 0.5, length * 0.86))
        if p.flag("strap"):
            loop = curve(
                [(0, 0, 0), (14, 6, -30), (30, 8, -60), (16, 10, -84), (-4, 8, -60), (0, 0, 0)], 10
            )
            part.add(tube(loop, 1.6), rubber())
        m.merge(part, turning(ry=90, rz=-148, at=(0, 0, head + 1)))
    elif kind == "plastic":
        r, length = 17.0, 120 * k
        head = 30 * hd
        part.add(
            spun([(r * 0.9, 0), (r, 4), (r, length), (head, length + 26), (head, length + 44)], 56),
            shell,
        )
        part.add(pipe(head + 2, head * 0.9, 12, 2), plastic("#2b2d30"), (0, 0, length + 36))
        _lens(part, head * 0.92, length + 46, p.flag("on"), 7 if p.flag("strap") else 1)
        part.add(box(12, 8, 26, 2.5).translate((0, -r, length * 0.68)), plastic("#2b2d30"))
        for j in range(6):
            part.add(pipe(r + 0.7, r - 1, 4, 0.8), plastic("#2b2d30", 0.5), (0, 0, 12 + 8 * j))
        m.merge(part, turning(ry=90, rz=-146, at=(0, 0, head + 2)))
    elif kind == "head":
        band = Material("plastic", hex_of("graphite"), 0.8).textured("braid", 14)
        a = np.linspace(0, 2 * np.pi, 60)
        for dz in (-8.0, -4.0, 0.0, 4.0, 8.0):
            path = np.column_stack([74 * np.cos(a), 92 * np.sin(a), 14 + dz + 0 * a])
            m.add(tube(path, 2.4, 8), band)
        m.add(box(58, 30, 36, 7).translate((0, -102, 0)), shell)
        _lens(part, 17 * hd, 16, p.flag("on"), 5 if p.flag("strap") else 1)
        part.add(pipe(19 * hd, 15 * hd, 16, 2), plastic("#2b2d30"))
        m.merge(part, turning(rx=78, at=(0, -112, 18)))
        m.add(box(40, 22, 32, 5).translate((0, 100, 0)), plastic("#2b2d30"))
        m.add(box(12, 10, 3, 1).translate((16, -104, 35)), plastic("#c0282c"))
    elif kind == "lantern":
        r, h = 42.0 * hd, 100 * k
        m.add(spun([(r, 0), (r * 1.05, 6), (r, 34), (r * 0.8, 40)], 56), shell)
        m.add(
            cylinder(r * 0.74, h, 3),
            glow("#fff0d2", 1.0) if p.flag("on") else plastic("#eceae4", 0.25),
            (0, 0, 39),
        )
        for i in range(4):
            turn = math.radians(45 + 90 * i)
            x, y = r * 0.84 * math.cos(turn), r * 0.84 * math.sin(turn)
            m.add(cylinder(3, h, 0.5), plastic("#2b2d30"), (x, y, 39))
        m.add(
            spun([(r * 0.9, 0), (r * 0.95, 8), (r * 0.5, 26), (10, 30)], 56), shell, (0, 0, 38 + h)
        )
        bow = curve(
            [
                (-r * 0.9, 0, h + 44),
                (-r * 0.8, 0, h + 84),
                (0, 0, h + 108),
                (r * 0.8, 0, h + 84),
                (r * 0.9, 0, h + 44),
            ],
            12,
        )
        m.add(tube(bow, 2.6), metal("steel"))
        m.add(facing_front(cylinder(8, 4, 1.5)), plastic("#c0282c"), (0, -r, 20))
    else:
        r = 48 * hd
        part.add(spun([(20, 0), (30, 4), (r * 0.8, 60), (r, 84 * k), (r, 104 * k)], 64), shell)
        part.add(pipe(r + 3, r * 0.92, 14, 2), plastic("#2b2d30"), (0, 0, 96 * k))
        _lens(part, r * 0.94, 108 * k, p.flag("on"))
        m.merge(part, turning(rx=96, rz=-32, at=(0, 20, r + 3)))
        handle = curve(
            [
                (0, 30, r * 1.4),
                (-6, 40, r * 2.2),
                (10, 0, r * 2.6),
                (24, -40, r * 2.3),
                (26, -48, r * 1.9),
            ],
            10,
        )
        m.add(tube(handle, 9, 16), plastic("#2b2d30", 0.5))
        m.add(box(44, 70, 8, 3).translate((8, -10, 0)), plastic("#2b2d30"))
        m.add(box(20, 20, r * 0.6, 4).translate((8, -6, 4)), shell)
    return m


CATEGORIES = (
    Category("torches", "Фонари", "Torches", "фонарик", _torches, _draw_torch, elevation=(16, 34)),
)
