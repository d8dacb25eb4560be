"""LED bulbs of all shapes.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import manifold3d as m3
import numpy as np

from demo.generator import prints
from demo.generator.materials import Material, clear, glass, glow, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import ball, box, cylinder, helix, rod, spun, tube

from .details import lamp_cap, ribs


def _bulbs(rng: random.Random) -> list[Product]:
    kinds = {
        "pear": ("груша A60", "pear A60", "E27"),
        "candle": ("свеча C37", "candle C37", "E14"),
        "globe": ("шар G95", "globe G95", "E27"),
        "filament": ("филаментная", "filament", "E27"),
        "reflector": ("рефлектор R63", "reflector R63", "E27"),
        "spot": ("софит", "spot", "GU10"),
        "corn": ("кукуруза", "corn", "E27"),
        "ball": ("шарик G45", "golf ball G45", "E14"),
        "candle-filament": ("свеча филамент", "filament candle", "E14"),
        "spiral": ("спираль", "spiral", "E27"),
        "capsule": ("капсула", "capsule", "G9"),
        "big": ("высокомощная T100", "high-power T100", "E40"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 12]
        r, e, cap = kinds[kind]
        watts = rng.choice({"big": (40, 50, 70), "capsule": (3, 4, 5)}.get(kind, (5, 7, 9, 11, 15)))
        kelvin = rng.choice((2700, 3000, 4000, 6500))
        if kind in ("pear", "filament", "globe") and rng.random() < 0.2:
            cap = "E27"
        out.append(
            product(
                f"LL-{i + 60}-{watts}-{cap}".replace(".", ""),
                f"Лампа светодиодная {r} {watts}Вт {cap} {kelvin}К",
                f"LED bulb {e} {watts}W {cap} {kelvin}K",
                {"big": 690, "filament": 220, "capsule": 130}.get(kind, 85) * rng.uniform(0.8, 1.5)
                + watts * 4,
                kind=kind,
                watts=watts,
                kelvin=kelvin,
                cap=cap,
                size=rng.uniform(0.9, 1.12),
                body=rng.choice(("white", "white", "silver", "champagne")),
                amber=rng.random() < 0.5,
                lying=rng.random() < 0.35,
                neck=rng.uniform(0.85, 1.1),
            )
        )
    return out


def _light_colour(kelvin: float) -> str:
    return {2700: "#ffe2b8", 3000: "#ffe9c8", 4000: "#fff6e8"}.get(int(kelvin), "#f1f5ff")


def _filaments(m: Model, z: float, h: float, n: int, r: float, power: float = 1.6) -> None:
    for i in range(n):
        a = 2 * math.pi * i / n
        x, y = r * math.cos(a), r * math.sin(a)
        m.add(rod((x * 0.5, y * 0.5, z), (x, y, z + h), 0.9), glow("#ffb347", power))
    m.add(rod((0, 0, z - 8), (0, 0, z + h), 1.1), glass())
    m.add(spun([(4, z - 14), (2.4, z - 4)], 24), Material("plastic", "#d8dcd8", 0.1))


def _draw_bulb(p: Product) -> Model:
    """Draws an LED bulb standing on its cap, or lying where the parameters say so."""
    m = Model()
    kind, s, neck = p.text("kind"), p.num("size"), p.num("neck")
    cap = p.text("cap")
    top = lamp_cap(m, cap) - 1.5
    body = plastic(hex_of(p.text("body")), 0.32)
    milk = plastic(_light_colour(p.num("kelvin")), 0.22)
    label = prints.text(
        f"LED {p.text('watts')}W {cap}\n{p.text('kelvin')}K 230V~", 26, 8, "#5a5d62"
    )
    tint = glass("#f3d9a4" if p.flag("amber") else "#ffffff")
    if kind == "pear":
        m.add(spun([(13.6, top), (15, top + 8), (24 * neck, top + 30), (27, top + 36)], 56), body)
        m.wrap(label, 19.5 * neck, top + 14, 9, -45, 90, r_top=22.0 * neck)
        dome = [
            (29.5 * s * math.cos(t), top + 44 + 27 * s * math.sin(t))
            for t in np.linspace(-0.3, 1.52, 16)
        ]
        m.add(spun([(26, top + 35), *dome], 56), milk)
    elif kind in ("globe", "ball"):
        r = (44 if kind == "globe" else 23) * s
        h = 16.0 if kind == "globe" else 12.0
        base = 13.4 if cap == "E27" else 7.2
        m.add(spun([(base, top), (base * 1.3, top + h), (r * 0.62, top + h + r * 0.25)], 48), body)
        dome = [
            (r * math.cos(t), top + h + r * 0.95 + r * math.sin(t))
            for t in np.linspace(-0.9, 1.54, 22)
        ]
        m.add(spun(dome, 64), milk)
    elif kind == "candle":
        m.add(spun([(7.2, top), (9, top + 10), (16 * neck, top + 30)], 40), body)
        m.add(
            spun(
                [
                    (15.5 * neck, top + 29),
                    (18 * s, top + 40),
                    (17 * s, top + 50),
                    (12 * s, top + 64),
                    (5, top + 76),
                    (1.2, top + 81),
                ],
                48,
            ),
            milk,
        )
    elif kind == "filament":
        r = 30 * s
        outline = [(13, top), (15, top + 12)] + [
            (r * math.cos(t), top + 46 + r * math.sin(t)) for t in np.linspace(-0.75, 1.54, 20)
        ]
        m.add(spun(outline, 56), tint)
        _filaments(m, top + 26, 34, 4 if neck < 1 else 6, 11)
    elif kind == "candle-filament":
        m.add(
            spun(
                [
                    (7, top),
                    (9, top + 6),
                    (17.5 * s, top + 28),
                    (16 * s, top + 40),
                    (10 * s, top + 54),
                    (4, top + 66),
                    (1.2, top + 71),
                ],
                48,
            ),
            tint,
        )
        _filaments(m, top + 14, 28, 3, 5)
    elif kind == "reflector":
        m.add(spun([(13.4, top), (15, top + 12), (22, top + 30), (31 * s, top + 52)], 56), body)
        m.wrap(label, 17, top + 14, 9, -45, 90, r_top=20)
        m.add(
            spun(
                [(31 * s, top + 51), (31.5 * s, top + 54), (26 * s, top + 60), (12 * s, top + 63)],
                56,
            ),
            milk,
        )
    elif kind == "spot":
        m.add(spun([(12, top), (14, top + 5), (24.5, top + 30), (25, top + 38)], 48), body)
        ribs(m, 18, 18, top + 6, 20, body, 4)
        m.add(cylinder(22.5, 1, 0.4), glow(_light_colour(p.num("kelvin")), 1.1), (0, 0, top + 37.6))
        for i in range(6):
            m.add(
                ball(3.4, 16), milk, (13 * math.cos(i * 1.047), 13 * math.sin(i * 1.047), top + 38)
            )
    elif kind == "corn":
        h = 62 * s
        m.add(spun([(13.4, top), (16, top + 8), (16, top + 14)], 48), body)
        m.add(m3.Manifold.cylinder(h, 14, 14, 10), plastic("#f2f0ea"), (0, 0, top + 13))
        for i in range(10):
            for j in range(int(h / 9)):
                chip = box(5, 1.2, 5, 0.4).translate((0, -13.9, top + 17 + 9 * j))
                m.add(chip.rotate((0, 0, 36 * i + 18)), plastic("#f3cf48", 0.25))
        m.add(cylinder(15, 4, 1), body, (0, 0, top + 13 + h))
        if neck > 0.97:
            m.add(cylinder(18.5, h + 6, 3), glass(), (0, 0, top + 13))
    elif kind == "spiral":
        m.add(spun([(13.4, top), (22, top + 6), (24, top + 26), (22, top + 30)], 48), body)
        m.wrap(label, 23, top + 10, 9, -45, 90)
        for k in (0, 180):
            path = helix(17 * s, 46, 2.6)
            path[:, :2] *= np.linspace(1.0, 0.72, len(path))[:, None]
            spiral = tube(path, 5.2, 14).moved(turning(rz=k, at=(0, 0, top + 33)))
            m.add(spiral, milk)
        m.add(ball(11, 24), milk, (0, 0, top + 78))
    elif kind == "capsule":
        m.add(cylinder(8.4, 34 * s, 5), clear("#f4f4ee"), (0, 0, top))
        m.add(box(11, 3, 28 * s, 0.5), plastic("#f2f0ea"), (0, 0, top))
        for j in range(6):
            for x in (-3, 3):
                m.add(box(3.4, 4, 3.2, 0.5), plastic("#f3cf48", 0.25), (x, 0, top + 3 + 4.4 * j))
    else:
        m.add(spun([(20, top), (30, top + 12), (46 * s, top + 30), (48 * s, top + 60)], 56), body)
        ribs(m, 28, 44 * s, top + 22, 34, body, 5)
        m.add(
            spun(
                [
                    (48 * s, top + 59),
                    (50 * s, top + 64),
                    (50 * s, top + 120),
                    (44 * s, top + 140),
                    (20, top + 150),
                ],
                56,
            ),
            milk,
        )
    if p.flag("lying"):
        return m.moved(turning(rx=78, rz=78))
    return m


CATEGORIES = (
    Category(
        "led-bulbs",
        "Лампы светодиодные",
        "LED bulbs",
        "лампочка светодиодная",
        _bulbs,
        _draw_bulb,
        elevation=(14, 30),
    ),
)
