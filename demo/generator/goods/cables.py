"""Cables and wires, sold as coils.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import Material, metal, plastic, rubber
from demo.generator.mesh import Floats
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, curve, plate, rod, tube

CORES = ("#2358a8", "#6b4630", "#d9c21e", "#e6e6e2", "#242527", "#c0282c")


def _coil_path(ring: float, r: float, layers: int, across: int, seed: int) -> Floats:
    """The path of a cable wound in ``layers`` rings, each ``across`` turns thick."""
    rng = np.random.default_rng(seed)
    turns = layers * across
    t = np.linspace(0, turns, turns * 44)
    turn = np.floor(t).astype(int)
    layer, place = turn // across, turn % across
    place = np.where(layer % 2 == 0, place, across - 1 - place)
    blend = np.clip((t - turn - 0.86) / 0.14, 0, 1)
    after = np.minimum(turn + 1, turns - 1)
    layer2, place2 = after // across, after % across
    place2 = np.where(layer2 % 2 == 0, place2, across - 1 - place2)
    radius = ring + 2 * r * (place * (1 - blend) + place2 * blend)
    height = r + 1.8 * r * (layer * (1 - blend) + layer2 * blend)
    sway = rng.normal(0, r * 0.35, turns + 2)
    wobble = np.interp(t, np.arange(turns + 2), sway)
    lift = np.interp(t, np.arange(turns + 2), np.abs(rng.normal(0, r * 0.25, turns + 2)))
    a = 2 * np.pi * t
    radius = radius + wobble * np.sin(a * 0.5)
    return np.column_stack([radius * np.cos(a), radius * np.sin(a), height + lift])


def _cables(rng: random.Random) -> list[Product]:
    kinds = {
        "flat": ("Кабель плоский", "Flat cable"),
        "round": ("Кабель силовой", "Power cable"),
        "wire": ("Провод монтажный", "Hook-up wire"),
        "flex": ("Провод гибкий", "Flexible cord"),
        "data": ("Кабель витая пара", "Twisted pair cable"),
        "braid": ("Провод ретро в оплётке", "Retro braided wire"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        area = 0.5 if kind == "data" else rng.choice((0.75, 1.5, 2.5, 4, 6))
        cores = 1 if kind == "wire" else rng.choice((2, 3, 5)) if kind != "data" else 8
        metres = rng.choice((10, 20, 50, 100))
        colour = {
            "flat": ("white", "black"),
            "round": ("black", "graphite", "grey"),
            "wire": ("red", "blue", "yellow", "green", "brown", "white"),
            "flex": ("white", "black", "orange"),
            "data": ("light grey", "blue", "orange"),
            "braid": ("ivory", "brown", "black", "red"),
        }[kind]
        shade_name = rng.choice(colour)
        out.append(
            product(
                f"KB-{i + 10}-{cores}X{str(area).replace('.', '')}-{metres}",
                f"{r} {cores}х{area} {metres} м {ru(shade_name)}",
                f"{e} {cores}x{area} {metres} m {shade_name}",
                metres * cores * area * rng.uniform(4, 7) + 60,
                kind=kind,
                cores=cores,
                area=area,
                colour=shade_name,
                layers=rng.choice((3, 4, 5)),
                across=rng.choice((3, 4, 5)),
                ring=rng.uniform(55, 85),
                seed=rng.randrange(9999),
                ties=rng.choice((2, 3, 4)),
                wrapped=rng.random() < 0.3,
            )
        )
    return out


def _draw_cable(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    thick = {"wire": 2.0, "data": 3.0, "braid": 3.0, "flex": 3.6}.get(kind, 4.4)
    thick += 0.35 * p.num("area")
    layers, across, ring = p.whole("layers"), p.whole("across"), p.num("ring")
    if kind == "wire":
        layers, across = layers + 3, across + 2
    sheath = (
        rubber(hex_of(p.text("colour")))
        if kind != "wire"
        else plastic(hex_of(p.text("colour")), 0.3)
    )
    if kind == "braid":
        sheath = Material("plastic", hex_of(p.text("colour")), 0.8).textured("braid", 9)
    path = _coil_path(ring, thick, layers, across, p.whole("seed"))
    # The end leaves the coil and lies in front of it.
    last = path[-1]
    tail = curve(
        [
            tuple(last),
            (last[0] * 0.95 + 6, last[1] + ring * 0.4, last[2] * 0.8),
            (ring * 0.9, ring * 1.5, thick),
            (ring * 0.2, ring * 1.75, thick),
        ],
        12,
    )
    tail[:, 1] *= -1
    path[:, 1] *= -1
    m.add(tube(np.concatenate([path, tail[1:]]), thick, 10), sheath)
    end = tail[-1]
    way = tail[-1] - tail[-2]
    way /= np.linalg.norm(way)
    n = min(5, p.whole("cores"))
    for i in range(n):
        a = 2 * math.pi * i / n
        off = np.array([0, math.cos(a), math.sin(a)]) * thick * (0.5 if n > 1 else 0)
        splay = off * 2.6 + np.array([0, 0, thick * 0.4 * i])
        core_r = thick * (0.42 if n > 1 else 0.6)
        mid, far = end + way * 12 + off, end + way * 34 + splay
        if n > 1:
            line = curve([tuple(end + off - way * 2), tuple(mid), tuple(far)], 8)
            m.add(tube(line, core_r, 10), plastic(CORES[(i + p.whole("seed")) % 6], 0.35))
        else:
            far = end
        m.add(rod(tuple(far), tuple(far + way * 12), core_r * 0.62), metal("copper"))
    outer = ring + 2 * thick * (across - 1)
    for i in range(p.whole("ties")):
        a = 2 * math.pi * i / p.whole("ties") + 0.6
        h = 1.8 * thick * layers + thick
        band = plate(2 * thick * across + 6, h + 5, 6, 5, 0.6)
        band -= plate(2 * thick * across + 3, h + 2, 20, 4, 0).translate((0, 0, -5))
        band = band.rotate((90, 0, 0)).translate(((ring + outer) / 2, 3, h / 2))
        m.add(band.rotate((0, 0, math.degrees(a))), plastic("#f0f0ee" if i % 2 else "#2a2b2e"))
    if p.flag("wrapped"):
        words = f"KB {p.text('cores')}x{p.text('area')}\n450/750V"
        tag = prints.text(words, 46, 22, "#ffffff", "#2b62a8")
        m.add(box(46, 22, 0.8, 0.2), plastic("#f4f4f0"), (-ring, -outer * 0.15, 2 * thick * layers))
        m.stick(tag, (-ring, -outer * 0.15, 2 * thick * layers + 0.9), 46, "top")
    return m


CATEGORIES = (
    Category(
        "cables",
        "Кабели и провода",
        "Cables and wires",
        "кабель электрический",
        _cables,
        _draw_cable,
        elevation=(24, 52),
    ),
)
