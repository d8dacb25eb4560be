"""Junction boxes and enclosures.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

from demo.generator import prints
from demo.generator.materials import Material, clear, metal, plastic, rubber
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import (
    box,
    cylinder,
    facing_front,
    facing_right,
    pipe,
    plate,
    spun,
    torus,
)

from .details import screw, shade


def _boxes(rng: random.Random) -> list[Product]:
    kinds = {
        "square": ("Коробка распределительная", "Junction box"),
        "round": ("Коробка распаячная круглая", "Round junction box"),
        "flush": ("Подрозетник", "Flush-mounting box"),
        "clear": ("Коробка с прозрачной крышкой", "Junction box with clear lid"),
        "panel": ("Бокс под автоматы", "Breaker enclosure"),
        "metal": ("Коробка металлическая", "Metal junction box"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        w = rng.choice((70, 85, 100, 120, 150))
        colour = rng.choice(("light grey", "white", "light grey", "black", "brown"))
        if kind == "flush":
            colour = rng.choice(("blue", "orange", "red", "grey", "green"))
        out.append(
            product(
                f"KR-{i + 60}-{w}",
                f"{r} {w} мм {ru(colour)}",
                f"{e} {w} mm {colour}",
                w * rng.uniform(0.8, 2.2) + (400 if kind == "panel" else 0),
                kind=kind,
                w=w,
                colour=colour,
                ratio=rng.choice((0.7, 1.0, 1.0)),
                d=rng.uniform(38, 62),
                glands=rng.choice((1, 2, 3)),
                n=rng.choice((4, 6, 8)),
                opened=rng.random() < 0.4,
            )
        )
    return out


def _draw_box(p: Product) -> Model:
    m = Model()
    kind, w, d = p.text("kind"), p.num("w"), p.num("d")
    h = w * p.num("ratio")
    body = plastic(hex_of(p.text("colour")), 0.45)
    ring = plastic(shade(body.colour, 0.8), 0.5)
    if kind in ("square", "clear", "metal"):
        if kind == "metal":
            body, ring = Material("metal", "#b9bcc0", 0.4), rubber("#3a3c40")
        m.add(box(w, h, d, 4), body)
        lid = plate(w + 2, h + 2, 8, 7, 2)
        m.add(lid, clear("#dfe6ea") if kind == "clear" else body, (0, 0, d - 2))
        if kind == "clear":
            m.add(box(w * 0.7, h * 0.3, 2, 0.4), metal("yellowzinc"), (0, 0, d - 4))
        for i in (-1, 1):
            for j in (-1, 1):
                screw(m, (i * (w / 2 - 8), j * (h / 2 - 8), d + 5.6), 4, "cross", "top")
        for i in range(p.whole("glands")):
            x = w * ((i + 0.5) / p.whole("glands") - 0.5)
            m.add(
                facing_front(spun([(13, 0), (13, 3), (10, 6), (6, 12), (4, 14)], 40)),
                ring,
                (x, -h / 2 + 1, d * 0.5),
            )
            part = facing_right(spun([(13, 0), (13, 3), (10, 6), (6, 12), (4, 14)], 40))
            if i < 2:
                m.add(part, ring, (w / 2 - 1, h * (0.22 if i else -0.22), d * 0.5))
    elif kind == "round":
        r = w / 2
        m.add(cylinder(r, d * 0.8, 3, 64), body)
        m.add(cylinder(r + 3, 9, 2, 64), body, (0, 0, d * 0.8 - 3))
        m.add(torus(r * 0.7, 0.8, 56), ring, (0, 0, d * 0.8 + 6))
        for i in range(4):
            a = math.radians(45 + 90 * i)
            knob = facing_right(pipe(11, 8, 12, 1)).rotate((0, 0, 45 + 90 * i))
            m.add(knob, body, ((r - 3) * math.cos(a), (r - 3) * math.sin(a), d * 0.4))
            plug = facing_right(cylinder(8.4, 9, 1)).rotate((0, 0, 45 + 90 * i))
            m.add(plug, ring, ((r - 2) * math.cos(a), (r - 2) * math.sin(a), d * 0.4))
    elif kind == "flush":
        r = 34.0
        for j in range(1 if w < 100 else 2):
            cup = pipe(r, r - 2, 44, 0.8) + cylinder(r, 2.4, 0.4)
            m.add(
                cup + pipe(r + 2.6, r - 2, 2.4, 0.5).translate((0, 0, 42)), body, (71.0 * j, 0, 0)
            )
            for s in (-1, 1):
                post = cylinder(4.4, 40, 0.4) - cylinder(1.6, 60, 0, 16).translate((0, 0, 5))
                m.add(post, body, (71.0 * j + s * (r - 5), 0, 0))
                screw(m, (71.0 * j + s * (r - 5), 0, 40), 3.6, "cross", "top")
            for i in range(4):
                spot = facing_front(cylinder(7, 1, 0.2)).translate((0, -r + 0.4, 24))
                m.add(spot.rotate((0, 0, 45 + 90 * i)), ring, (71.0 * j, 0, 0))
    else:
        n = p.whole("n")
        w, h = 18.0 * n + 44, 170.0
        m.add(box(w, 80, h, 5).translate((0, -40, 0)), plastic(hex_of("white"), 0.4))
        m.add(
            facing_front(plate(w * 0.94, h * 0.7, 8, 6, 2)).translate((0, -77, h / 2)),
            clear("#55606a" if p.flag("opened") else "#dfe6ea"),
        )
        m.add(box(18.0 * n, 2, 46, 0.4).translate((0, -79, h / 2 - 23)), plastic("#d2d3d0"))
        for i in range(n):
            x = 18 * (i - (n - 1) / 2)
            m.add(box(17, 6, 44, 0.8).translate((x, -79, h / 2 - 22)), plastic("#e6e6e2"))
            m.add(box(9, 6, 8, 1.2).translate((x, -82, h / 2)), plastic(hex_of("graphite")))
        for z in (12, h - 12):
            for x in (-w * 0.42, w * 0.42):
                screw(m, (x, -80, z), 3.6)
        m.stick(prints.bolt_sign(16), (w * 0.34, -80.1, h - 14), 16)
    return m


CATEGORIES = (
    Category(
        "junction-boxes",
        "Распределительные коробки",
        "Junction boxes",
        "распределительная коробка",
        _boxes,
        _draw_box,
        elevation=(22, 46),
    ),
)
