"""Batteries: cells, blocks and accumulators.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, product
from demo.generator.shapes import box, cylinder, helix, pipe, tube

CELLS = {
    "AA": (7.2, 50.5),
    "AAA": (5.2, 44.5),
    "C": (13.0, 50.0),
    "D": (17.0, 61.0),
    "18650": (9.2, 65.0),
    "A23": (5.1, 28.5),
}


def _batteries(rng: random.Random) -> list[Product]:
    out = []
    wraps = ("#b8862f", "#24262a", "#1f5fae", "#c7382e", "#1f8a55", "#e0a21e", "#7a3b8f", "#d9dbdd")
    for i in range(30):
        kind = ("AA", "AAA", "9V", "D", "coin", "18650", "C", "lead", "lantern", "A23")[i % 10]
        kind = "AA" if kind == "A23" and i < 20 else kind
        n = rng.choice((1, 2, 4)) if kind in CELLS else 1
        volts = {
            "9V": "9",
            "coin": "3",
            "18650": "3.7",
            "lead": "12",
            "lantern": "6",
            "A23": "12",
        }.get(kind, "1.5")
        name = "Аккумулятор" if kind in ("18650", "lead") else "Батарейка"
        name_en = "Rechargeable battery" if kind in ("18650", "lead") else "Battery"
        out.append(
            product(
                f"BT-{i + 11}-{kind}-{n}",
                f"{name} {kind} {volts}В {n} шт.",
                f"{name_en} {kind} {volts}V {n} pcs",
                {"lead": 1450, "lantern": 420, "18650": 390}.get(kind, 48)
                * n
                * rng.uniform(0.8, 1.5),
                kind=kind,
                n=n,
                volts=volts,
                base=rng.choice(wraps),
                top=rng.choice(wraps),
                share=rng.uniform(0.2, 0.45),
                ink=rng.choice(("#ffffff", "#f6d34a")),
                lying=rng.random() < 0.4,
                gap=rng.uniform(0.4, 3),
            )
        )
    return out


def _cell(p: Product) -> Model:
    m = Model()
    r, h = CELLS[p.text("kind")]
    base, top = p.text("base"), p.text("top")
    if base == top:
        top = "#d9a24a" if base != "#b8862f" else "#24262a"
    m.add(cylinder(r - 0.2, h - 1.4, 0.5), metal("nickel"))
    m.add(cylinder(r * 0.36, 2.4, 0.5), metal("nickel"), (0, 0, h - 1.6))
    m.add(pipe(r, r * 0.8, 1.2, 0.4), plastic(base), (0, 0, h - 2.2))
    height = h - 3
    art = prints.bands(
        [top, "#e8e8e4", base],
        [p.num("share"), 0.02, 0.98 - p.num("share")],
        2 * math.pi * r,
        height,
    )
    words = p.text("kind")
    for k in range(3):
        x = 0.17 + k / 3
        prints.put(art, words, x, 0.6, 0.62 / max(2.4, len(words)), p.text("ink"), 90, 0.1)
        prints.put(art, f"{p.text('volts')}V", x + 0.12, 0.82, 0.075, p.text("ink"), 90)
        prints.put(art, "+", x, 0.08, 0.14, p.text("ink"))
    m.wrap(art, r, 1.0, height, roughness=0.22)
    return m


def _draw_battery(p: Product) -> Model:
    m = Model()
    kind, n = p.text("kind"), p.whole("n")
    base, top = p.text("base"), p.text("top")
    if kind in CELLS:
        r, _ = CELLS[kind]
        cell = _cell(p)
        step = 2 * r + p.num("gap")
        for i in range(n):
            if p.flag("lying") and not (n == 4 and i == 3):
                at = (step * i * 0.34, step * i * 1.03, r)
                m.merge(cell, turning(ry=90, rz=-20, at=at))
            elif p.flag("lying"):
                m.merge(cell, turning(rz=30, at=(-r * 1.5, -2.2 * r, 0)))
            else:
                at = (step * (i % 2) + 0.35 * step * (i // 2), -0.9 * step * (i // 2), 0)
                m.merge(cell, turning(rz=-10 + 35 * (i % 3), at=at))
    elif kind == "9V":
        m.add(box(26, 17, 46, 2), plastic(base, 0.25))
        m.add(box(25.6, 16.6, 2, 0.6), metal("nickel"), (0, 0, 45))
        m.add(cylinder(3.4, 2.6, 0.5), metal("nickel"), (-6.2, 0, 46.5))
        m.add(pipe(4.6, 3, 2.6, 0.5), metal("nickel"), (6.2, 0, 46.5))
        art = prints.bands([top if top != base else "#d9a24a", base], [0.3, 0.7], 25.4, 45)
        prints.put(art, "9V", 0.5, 0.6, 0.34, p.text("ink"), 0, 0.12)
        prints.put(art, "6F22 ALKALINE", 0.5, 0.86, 0.07, p.text("ink"))
        m.stick(art, (0, -8.6, 23), 23.5)
    elif kind == "coin":
        for k, at in enumerate(((0.0, 0.0, 0.0), (14.0, -12.0, 0.0))):
            part = Model()
            part.add(cylinder(10, 3.2, 0.5), metal("steel"))
            part.add(cylinder(8.6, 0.6, 0.3), metal("nickel"), (0, 0, 2.9))
            part.stick(prints.text("+\nCR2032\n3V", 12, 10, "#4a4c50"), (0, 0, 3.55), 12, "top")
            m.merge(part, turning(rx=14 if k == 0 and p.flag("lying") else 0, rz=20 * k, at=at))
    elif kind == "lead":
        w = 98 * (1 + p.num("gap") / 6)
        m.add(box(w, 65, 94, 2.5), plastic("#2b2d31" if p.flag("lying") else "#5a5e64", 0.45))
        m.add(box(w - 1, 64, 8, 2).translate((0, 0, 90)), plastic("#1d1e20"))
        for x, c in ((-w * 0.38, "#c0282c"), (w * 0.38, "#1d1e20")):
            m.add(box(14, 14, 5, 1).translate((x, -16, 97)), plastic(c))
            m.add(box(1, 6, 10, 0.2).translate((x, -16, 101)), metal("nickel"))
        art = prints.nameplate(
            "12V 7Ah",
            ["SEALED LEAD-ACID", "Cycle 14.4-15.0V", "Standby 13.5-13.8V"],
            w * 0.8,
            50,
            base,
        )
        m.stick(art, (0, -32.6, 46), w * 0.8)
    else:
        m.add(box(67, 67, 100, 4), plastic(base, 0.25))
        m.add(box(66, 66, 6, 2), plastic("#1d1e20"), (0, 0, 98))
        for x, y in ((0, 0), (22, 22)):
            spring = helix(7, 12, 4)
            spring[:, :2] *= np.linspace(1, 0.4, len(spring))[:, None]
            m.add(tube(spring, 0.9, 8), metal("nickel"), (x, y, 104))
        art = prints.bands([top if top != base else "#d9a24a", base], [0.35, 0.65], 60, 88)
        prints.put(art, "6V", 0.5, 0.62, 0.3, p.text("ink"), 0, 0.12)
        prints.put(art, "LANTERN BATTERY 4R25", 0.5, 0.85, 0.06, p.text("ink"))
        m.stick(art, (0, -33.6, 50), 60)
    return m


CATEGORIES = (
    Category(
        "batteries",
        "Батарейки и аккумуляторы",
        "Batteries",
        "батарейка",
        _batteries,
        _draw_battery,
        elevation=(16, 34),
    ),
)
