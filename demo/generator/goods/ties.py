"""Goods that hold and wrap: cable ties and insulating tape.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import manifold3d as m3
import numpy as np

from demo.generator import prints
from demo.generator.materials import Material, metal, plastic
from demo.generator.mesh import Floats
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, pipe, torus

from .details import shade


def _ties(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("fan", "bundle", "loop", "steel", "reusable", "bag")[i % 6]
        length = rng.choice((100, 150, 200, 300))
        colour = rng.choice(("white", "black", "red", "blue", "green", "yellow", "orange"))
        if kind == "steel":
            colour = "silver"
        r = {
            "steel": "Стяжка стальная",
            "reusable": "Стяжка-липучка",
            "bag": "Стяжки кабельные, набор",
        }.get(kind, "Стяжка кабельная")
        e = {
            "steel": "Steel cable tie",
            "reusable": "Hook-and-loop cable tie",
            "bag": "Cable ties, set",
        }.get(kind, "Cable ties")
        out.append(
            product(
                f"ST-{i + 33}-{length}",
                f"{r} {length} мм {ru(colour)}",
                f"{e} {length} mm {colour}",
                rng.uniform(60, 420),
                kind=kind,
                length=length,
                colour=colour,
                n=rng.choice((5, 7, 9)),
                width=rng.choice((3.6, 4.8, 7.6)),
                bend=rng.uniform(8, 30),
                seed=rng.randrange(9999),
            )
        )
    return out


def _tie(length: float, width: float, material: Material, bend: float = 0.0) -> Model:
    m = Model()
    # A strap is bent by moving the vertices of a finely divided bar along an arc.
    strap = box(length, width, 1.3, 0.3)
    teeth = [
        box(0.8, width * 0.6, 0.5, 0.1).translate((x, 0, 1.2))
        for x in np.arange(-length * 0.35, length * 0.46, 1.9)
    ]
    strap = m3.Manifold.compose([strap, *teeth]) if teeth else strap
    head = box(width * 1.5, width * 1.6, width * 1.1, 0.6).translate((-length / 2, 0, 0))
    head -= box(width * 0.5, width, 20, 0.1).translate((-length / 2, 0, -5))
    tip = m3.Manifold.batch_hull(
        [box(2, width, 1.3, 0.3), box(8, width * 0.4, 1.0, 0.3).translate((12, 0, 0))]
    ).translate((length / 2, 0, 0))
    whole = m3.Manifold.compose([strap.refine_to_length(8) if bend else strap, head, tip])
    if bend:
        r = length / math.radians(bend)

        def arc(v: Floats) -> Floats:
            out = np.array(v)
            a = v[:, 0] / r
            out[:, 0] = (r + v[:, 1]) * np.sin(a)
            out[:, 1] = (r + v[:, 1]) * np.cos(a) - r
            return out

        whole = whole.warp_batch(arc)
    m.add(whole, material)
    return m


def _draw_tie(p: Product) -> Model:
    m = Model()
    kind, length, width = p.text("kind"), p.num("length") * 0.6, p.num("width")
    colour = plastic(hex_of(p.text("colour")), 0.4)
    rng = random.Random(p.whole("seed"))
    n = p.whole("n")
    if kind == "fan":
        tie = _tie(length, width, colour, p.num("bend"))
        for i in range(n):
            a = 60 + 60 * (i - n / 2) / n
            at = (
                length * 0.5 * math.cos(math.radians(a)),
                length * 0.5 * math.sin(math.radians(a)),
                1.4 * i,
            )
            m.merge(tie, turning(rz=a, at=at))
    elif kind in ("bundle", "bag"):
        count = n * 4
        names = ("red", "blue", "green", "yellow", "white", "black")
        paints = [plastic(hex_of(c), 0.4) for c in names] if kind == "bag" else [colour]
        ties = [_tie(length, width * 0.9, paint) for paint in paints]
        for i in range(count):
            at = (rng.uniform(-3, 3), (i % 8 - 4) * width * 0.95, 1.5 + (i // 8) * 2.6)
            m.merge(rng.choice(ties), turning(rz=rng.uniform(-3, 3), at=at))
        h = 1.5 + 2.6 * count / 8 + 2
        band = box(16, 8 * width + 6, h + 3, 1.5)
        m.add(band, plastic("#f2f2ee" if kind == "bundle" else "#2b62a8"))
        m.stick(
            prints.text(
                f"{p.text('length')}x{width}\n100 pcs",
                15,
                12,
                "#303236" if kind == "bundle" else "#ffffff",
            ),
            (0, 0, h + 3),
            14,
            "top",
        )
    elif kind in ("loop", "steel"):
        r = 22 + length * 0.08
        material = metal("steel") if kind == "steel" else colour
        for j in range(2 if n > 5 else 1):
            ring = pipe(r, r - 1.4, width * 1.3, 0.3)
            head = box(width * 2, width * 1.5, width * 1.8, 0.6).translate((0, -r, 0))
            tail = box(1.3, length * 0.7, width * 1.2, 0.3).translate((2, -r - length * 0.33, 0))
            m.add(ring + head + tail, material, (j * r * 1.5, j * r * 1.1, 0))
        if kind == "steel":
            m.merge(_tie(length, width, material), turning(rz=20, at=(0, -r - 30, 0)))
    else:
        soft = Material("plastic", hex_of(p.text("colour")), 0.9).textured("cloth", 12)
        for j in range(3):
            roll = pipe(20 - 2 * j, 15 - 2 * j, 14, 1)
            m.add(roll, soft, (40 * j - 40, 10 * (j % 2), 0))
            m.add(
                box(40, 1.6, 14, 0.6).translate((18, -18 + 2 * j, 0)),
                soft,
                (40 * j - 40, 10 * (j % 2), 0),
            )
    return m


def _tapes(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("one", "stack", "stand", "set", "wide")[i % 5]
        colour = rng.choice(("black", "blue", "red", "yellow", "green", "white", "grey"))
        if kind == "set":
            colour = "black"
        metres = rng.choice((10, 15, 20, 25))
        extra = {"set": " набор", "stack": " 2 шт.", "wide": " широкая"}.get(kind, "")
        extra_en = {"set": " set", "stack": " 2 pcs", "wide": " wide"}.get(kind, "")
        out.append(
            product(
                f"IZ-{i + 19}-{metres}",
                f"Изолента ПВХ{extra} {metres} м {ru(colour)}",
                f"PVC insulating tape{extra_en} {metres} m {colour}",
                rng.uniform(45, 160) * (2.5 if kind == "set" else 1),
                kind=kind,
                colour=colour,
                wide=rng.uniform(0.85, 1.2),
                used=rng.uniform(0.75, 1.0),
                core=rng.choice(("#d9cbb0", "#f0f0ec", "#2b2d30")),
                two=rng.random() < 0.4,
            )
        )
    return out


def _roll(colour: str, r: float, h: float, core: str, peel: bool = True) -> Model:
    m = Model()
    vinyl = plastic(colour, 0.3)
    m.add(pipe(r, 21, h, 0.5), vinyl)
    for i in range(4):
        g = 21 + (r - 21) * (i + 1) / 5
        m.add(torus(g, 0.25, 56), plastic(shade(colour, 0.7)), (0, 0, h))
    m.add(pipe(21.2, 18.6, h + 0.6, 0.3), plastic(core, 0.7), (0, 0, -0.3))
    flap = box(26, 0.7, h - 0.2, 0.2).rotate((0, 0, -66)).translate((r + 4.2, -10, 0.1))
    if peel:
        m.add(flap, vinyl)
    return m


def _draw_tape(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("wide")
    r, h = 21 + 17 * p.num("used"), 18 * k * (2.2 if kind == "wide" else 1)
    colour, core = hex_of(p.text("colour")), p.text("core")
    if kind in ("one", "wide"):
        m.merge(_roll(colour, r, h, core))
    elif kind == "stack":
        m.merge(_roll(colour, r, h, core, False))
        other = hex_of("blue") if p.flag("two") else colour
        m.merge(_roll(other, r, h, core), turning(at=(5, 3, h + 0.8), rz=40))
    elif kind == "stand":
        m.merge(_roll(colour, r, h, core, False), turning(rx=90, at=(0, 0, r)))
        if p.flag("two"):
            m.merge(_roll(colour, r, h, core), turning(at=(r * 1.5, -r * 1.2, 0)))
    else:
        for i, c in enumerate(("black", "red", "blue", "green", "yellow")):
            at = ((i % 3) * 2.05 * r + (r if i > 2 else 0), -(i // 3) * 1.8 * r, 0.0)
            m.merge(_roll(hex_of(c), r, h, core, False), turning(at=at))
    return m


CATEGORIES = (
    Category(
        "cable-ties",
        "Кабельные стяжки",
        "Cable ties",
        "кабельная стяжка",
        _ties,
        _draw_tie,
        elevation=(34, 60),
    ),
    Category(
        "insulating-tape",
        "Изолента",
        "Insulating tape",
        "изолента",
        _tapes,
        _draw_tape,
        elevation=(22, 46),
    ),
)
