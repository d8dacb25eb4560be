"""Multimeters, clamp meters and testers.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import manifold3d as m3
from PIL import ImageDraw

from demo.generator import prints
from demo.generator.materials import clear, gloss, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, pipe, spun

from .details import DARK, cord


def _meters(rng: random.Random) -> list[Product]:
    kinds = {
        "digital": ("Мультиметр цифровой", "Digital multimeter"),
        "compact": ("Мультиметр карманный", "Pocket multimeter"),
        "clamp": ("Клещи токоизмерительные", "Clamp meter"),
        "analog": ("Мультиметр стрелочный", "Analogue multimeter"),
        "tester": ("Индикатор напряжения", "Voltage tester"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 5]
        r, e = kinds[kind]
        colour = rng.choice(("yellow", "red", "orange", "blue", "green", "graphite"))
        out.append(
            product(
                f"MM-{i + 95}-{rng.choice((830, 838, 890, 266, 18))}",
                f"{r} {ru(colour)}",
                f"{e} {colour}",
                rng.uniform(350, 2600) * (0.3 if kind == "tester" else 1),
                kind=kind,
                colour=colour,
                reading=f"{rng.randrange(1, 400)}.{rng.randrange(10)}",
                turn=rng.uniform(-140, 140),
                probes=rng.random() < 0.6,
                size=rng.uniform(0.88, 1.12),
                lit=rng.random() < 0.3,
            )
        )
    return out


def _wheel(m: Model, r: float, at: tuple[float, float, float], turn: float) -> None:
    """Adds a range switch that lies on a top face, with its ring of coloured marks."""
    art = prints.dial(2 * r * 1.5, "OFF", "A", "#f2f2f2", 19)
    for i, (word, ink) in enumerate(
        (
            ("V~", "#f2d24a"),
            ("V=", "#f2d24a"),
            ("mA", "#ff8a5c"),
            ("ohm", "#8fe0a0"),
            ("hFE", "#9fd0ff"),
        )
    ):
        a = math.radians(200 - 55 * i)
        prints.put(art, word, 0.5 + 0.43 * math.cos(a), 0.5 - 0.43 * math.sin(a), 0.085, ink)
    m.stick(art, at, 2 * r * 1.5, "top")
    knob = Model()
    knob.add(cylinder(r, 3, 1), plastic("#1f2023", 0.3))
    knob.add(box(r * 0.5, 1.8 * r, 9, 2), plastic("#1f2023", 0.3))
    knob.add(box(1.4, r * 0.7, 0.6, 0.1), plastic("#f2f2f2"), (0, r * 0.5, 9))
    m.merge(knob, turning(rz=turn, at=at))


def _probes(m: Model, x: float, y: float, z: float) -> None:
    for i, c in enumerate(("#c0282c", "#1f2023")):
        tone = plastic(c, 0.4)
        sx = x + 14 * i
        cord(
            m,
            [
                (sx, y + 4, z),
                (sx, y - 16, z * 0.8),
                (sx + 24 + 10 * i, y - 36, 3),
                (sx + 70, y - 10 + 12 * i, 3),
                (sx + 66 - 6 * i, y + 40, 3),
            ],
            1.9,
            rubber(c),
        )
        part = Model()
        part.add(spun([(3.4, 0), (4.6, 6), (4.6, 50), (6.4, 54), (4, 60), (2.4, 78)], 28), tone)
        part.add(spun([(1, 76), (1, 92), (0.2, 96)], 16), metal("nickel"))
        m.merge(part, turning(rx=-90, rz=-8 + 10 * i, at=(sx + 66 - 6 * i, y + 38, 5)))


def _draw_multimeter(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("size")
    shell = plastic(hex_of(p.text("colour")), 0.45)
    dark = plastic("#2b2d31", 0.42)
    if kind in ("digital", "compact", "analog"):
        w, h, d = 78 * k, 150 * k, 36.0
        if kind == "compact":
            w, h, d = 68 * k, 108 * k, 22.0
        if kind == "analog":
            w, h = 96 * k, 140 * k
        m.add(box(w, h, d, 9), shell)
        m.add(box(w - 14, h - 14, 4, 2), dark, (0, 0, d - 2.4))
        top = d + 1.6
        dh = h * (0.24 if kind != "analog" else 0.4)
        dy = h / 2 - 12 - dh / 2
        if kind == "analog":
            art = prints.blank(w - 22, dh, "#f4f3ea")
            for j, ink in enumerate(("#202226", "#c0282c", "#2358a8")):
                r = art.width * (0.62 - 0.08 * j)
                cx, cy = art.width / 2, art.height * 1.28
                ImageDraw.Draw(art).arc((cx - r, cy - r, cx + r, cy + r), 228, 312, ink, 4)
                for q in range(13):
                    a = math.radians(228 + 7 * q)
                    ImageDraw.Draw(art).line(
                        (
                            cx + r * math.cos(a),
                            cy + r * math.sin(a),
                            cx + (r + 12) * math.cos(a),
                            cy + (r + 12) * math.sin(a),
                        ),
                        ink,
                        3,
                    )
            m.stick(art, (0, dy, top), w - 22, "top")
            m.add(
                box(0.8, dh * 0.8, 0.6, 0.1).rotate((0, 0, p.num("turn") / 6)),
                plastic("#c0282c"),
                (0, dy - dh * 0.05, top + 0.3),
            )
        else:
            m.add(box(w - 20, dh + 6, 2, 0.8), DARK, (0, dy, top - 1))
            paper = "#8fd0e8" if p.flag("lit") else "#a9b79b"
            m.stick(
                prints.segments(p.text("reading"), w - 28, dh, paper=paper),
                (0, dy, top + 1),
                w - 28,
                "top",
            )
        _wheel(m, w * 0.2, (0, -h * 0.1, top), p.num("turn"))
        for j, c in enumerate(("#c0282c", "#1a1b1d", "#c0282c")):
            x = (j - 1) * w * 0.24
            m.add(pipe(5.6, 3.4, 1.6, 0.4), plastic(c), (x, -h * 0.4, top - 0.4))
            m.add(cylinder(3.4, 0.3, 0), DARK, (x, -h * 0.4, top))
        m.stick(
            prints.text("DIGITAL" if kind != "analog" else "V-A-Ohm", w * 0.4, 5, "#f2f2f2"),
            (0, h * 0.12, top),
            w * 0.4,
            "top",
        )
        if p.flag("probes"):
            _probes(m, -w * 0.06, -h * 0.4, top + 6)
    elif kind == "clamp":
        w, h, d = 62 * k, 130 * k, 32.0
        m.add(box(w, h, d, 8), shell)
        m.add(box(w - 12, h - 14, 4, 2), dark, (0, 0, d - 2.4))
        jaw = pipe(36, 24, 22, 4)
        cut = m3.Manifold.cube((1.2, 40, 60), True).translate((0, 36, 0))
        m.add(jaw - cut, plastic("#2b2d31", 0.35), (0, h / 2 + 22, 5))
        m.add(box(16, 26, 14, 4), plastic("#c0282c"), (-w / 2 - 2, h * 0.3, 8))
        m.add(box(w - 16, 30, 2, 0.8), DARK, (0, -h * 0.24, d + 0.6))
        m.stick(
            prints.segments(p.text("reading"), w - 22, 24), (0, -h * 0.24, d + 2.6), w - 22, "top"
        )
        _wheel(m, w * 0.2, (0, h * 0.14, d + 1.6), p.num("turn"))
        if p.flag("probes"):
            _probes(m, -w * 0.1, -h * 0.44, d)
    else:
        part = Model()
        part.add(
            spun([(6.5, 0), (7.5, 4), (7.5, 70), (6, 78), (4.4, 84)], 36),
            clear(hex_of(p.text("colour"))) if p.flag("lit") else shell,
        )
        part.add(cylinder(3.4, 30, 0.6), gloss("#e0701c"), (0, 0, 20))
        part.add(cylinder(5, 3, 1), metal("nickel"), (0, 0, -2.4))
        part.add(cylinder(2.2, 64 * k, 0.2), plastic("#c0282c"), (0, 0, 82))
        part.add(box(4.4, 1, 14, 0.3), metal("nickel"), (0, 0, 82 + 62 * k))
        part.add(box(3, 2, 40, 0.6), metal("nickel"), (0, -9.4, 4))
        m.merge(part, turning(ry=90, rz=-150, at=(0, 0, 8)))
        if p.flag("probes"):
            part2 = part
            m.merge(part2, turning(ry=90, rz=-128, at=(-14, -40, 8)))
    return m


CATEGORIES = (
    Category(
        "multimeters",
        "Мультиметры",
        "Multimeters",
        "мультиметр",
        _meters,
        _draw_multimeter,
        (-30, 30),
        (38, 62),
    ),
)
