"""Fuses and their holders.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import Material, clear, glass, gloss, metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import box, curve, cylinder, spun, torus, tube

from .details import screw


def _fuses(rng: random.Random) -> list[Product]:
    kinds = {
        "glass": ("Предохранитель стеклянный", "Glass fuse", 9),
        "ceramic": ("Предохранитель керамический", "Ceramic fuse", 14),
        "blade": ("Предохранитель автомобильный", "Blade fuse", 12),
        "knife": ("Плавкая вставка ножевая", "Knife-blade fuse link", 260),
        "plug": ("Пробка резьбовая", "Screw-in fuse", 45),
        "holder": ("Держатель предохранителя", "DIN fuse holder", 210),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e, price = kinds[kind]
        amps = rng.choice(
            {"blade": (5, 7.5, 10, 15, 20, 25, 30), "knife": (63, 100, 160, 250)}.get(
                kind, (1, 2, 3.15, 5, 6.3, 10, 16)
            )
        )
        n = rng.choice((1, 2, 3, 5)) if kind in ("glass", "ceramic", "blade") else 1
        out.append(
            product(
                f"PP-{i + 45}-{str(amps).replace('.', 'R')}A",
                f"{r} {amps}А {n} шт.",
                f"{e} {amps}A {n} pcs",
                price * n * rng.uniform(0.8, 1.6),
                kind=kind,
                amps=amps,
                n=n,
                size=rng.choice((1.0, 1.3, 1.6)),
                sand=rng.random() < 0.4,
                tone=rng.choice(("#e9e4d6", "#dcdcd6", "#cfc3ad")),
                poles=rng.choice((1, 2, 3)),
                seed=rng.randrange(999),
            )
        )
    return out


BLADE = {
    "5": "#c9a06a",
    "7.5": "#8a5a34",
    "10": "#c7382e",
    "15": "#3d8fd0",
    "20": "#e8c81e",
    "25": "#e4e4e0",
    "30": "#3aa05a",
}


def _draw_fuse(p: Product) -> Model:
    m = Model()
    kind, k, n = p.text("kind"), p.num("size"), p.whole("n")
    amps = p.text("amps")
    rng = random.Random(p.whole("seed"))
    if kind in ("glass", "ceramic"):
        r, length = 2.6 * k, 20 * (k if k > 1 else 1.0) * (1.5 if p.flag("sand") else 1.0)
        for i in range(n):
            part = Model()
            wall = glass() if kind == "glass" else plastic(p.text("tone"), 0.5)
            part.add(cylinder(r * 0.95, length - 2, 0.2, 32), wall, (0, 0, 1))
            for z in (0.0, length - 5.4 * k):
                part.add(cylinder(r, 5.4 * k, 0.7), metal("nickel"), (0, 0, z))
            if kind == "glass":
                wire = curve(
                    [
                        (0, 0, 2),
                        (r * 0.3, 0, length * 0.4),
                        (-r * 0.2, 0, length * 0.6),
                        (0, 0, length - 2),
                    ],
                    8,
                )
                part.add(tube(wire, 0.32, 8), metal("copper"))
            part.wrap(
                prints.text(f"F{amps}A 250V", 4.4 * k, 1.6, "#3a3c40"),
                r,
                2 * k,
                1.5 * k,
                -60,
                120,
                roughness=0.3,
            )
            at = (rng.uniform(-3, 3), i * 2.6 * r, r)
            m.merge(part, turning(ry=90, rz=rng.uniform(-14, 14), at=at))
    elif kind == "blade":
        for i in range(n):
            part = Model()
            colour = Material("plastic", BLADE[amps], 0.15)
            part.add(box(19, 5, 12, 1), colour, (0, 0, 8))
            part.add(box(15, 4, 8, 0.8), colour, (0, 0, 3))
            for side in (-1, 1):
                part.add(box(5.2, 0.8, 16, 0.2), metal("nickel"), (side * 5.4, 0, -6))
            part.stick(
                prints.text(amps, 9, 7, "#ffffff" if amps not in ("25", "20") else "#303236"),
                (0, -2.5, 14.5),
                9,
            )
            if i == 0 and p.flag("sand"):
                m.merge(part, turning(at=(0, 0, 6)))
            else:
                m.merge(
                    part, turning(rx=-90, rz=rng.uniform(-60, 60), at=(i * 21.0, -6.0 * (i % 2), 3))
                )
    elif kind == "knife":
        h = 48 * k
        m.add(box(40 * k, 38 * k, h, 2), plastic(p.text("tone"), 0.55), (0, 0, 20))
        for z in (18.0, 20 + h - 2):
            m.add(box(43 * k, 41 * k, 4, 0.6), metal("alu"), (0, 0, z))
            for x in (-15 * k, 15 * k):
                screw(m, (x, -13 * k, z + 4), 2.4, face="top")
        for z in (0.0, 20 + h):
            m.add(box(20, 6, 22, 0.6), metal("copper" if p.flag("sand") else "nickel"), (0, 0, z))
        art = prints.nameplate(
            f"gG {amps}A", ["500V~ 120kA", "IEC 60269"], 34 * k, 24 * k, "#b33a2c"
        )
        m.stick(art, (0, -19.1 * k, 20 + h / 2), 32 * k)
    elif kind == "plug":
        part = Model()
        part.add(cylinder(11, 16, 1), metal("brass"), (0, 0, 6))
        for i in range(4):
            part.add(torus(11, 1.0, 48), metal("brass"), (0, 0, 8 + 3.4 * i))
        part.add(cylinder(5, 8, 1), metal("brass"))
        part.add(
            spun([(17, 22), (19, 25), (19 * k**0.3, 38), (15, 42)], 56),
            plastic(p.text("tone"), 0.2) if p.flag("sand") else gloss("#232427"),
        )
        part.add(cylinder(8, 1, 0.4), clear(), (0, 0, 41.6))
        part.add(cylinder(3, 1.4, 0.4), gloss("#c0282c"), (0, 0, 41.4))
        part.wrap(prints.text(f"{amps}A 250V", 26, 6, "#8a8d92"), 19 * k**0.3, 28, 7, -45, 90)
        m.merge(part, turning(rx=0 if k < 1.2 else -72, rz=0 if k < 1.2 else 30))
    else:
        poles = p.whole("poles")
        body = plastic(hex_of("white"), 0.4)
        for i in range(poles):
            x = 18.0 * (i - (poles - 1) / 2)
            m.add(box(17.6, 44, 80, 1).translate((x, -22, 0)), body)
            m.add(box(17.6, 58, 46, 1).translate((x, -29, 17)), body)
            drawer = box(12, 26, 40, 2).rotate((20 if p.flag("sand") else 0, 0, 0))
            m.add(drawer.translate((x, -56, 18)), plastic("#d7d9d8" if i % 2 else "#3a3d42", 0.35))
            m.stick(prints.text(f"{amps}A", 9, 4, "#5a5d62"), (x, -58, 61), 9)
            for z in (8, 72):
                screw(m, (x, -44, z), 2.8)
    return m


CATEGORIES = (
    Category(
        "fuses", "Предохранители", "Fuses", "предохранитель", _fuses, _draw_fuse, elevation=(24, 46)
    ),
)
