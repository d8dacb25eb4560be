"""Table lamps.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

import numpy as np

from demo.generator.materials import Material, gloss, glow, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import (
    ball,
    box,
    curve,
    cylinder,
    facing_front,
    facing_right,
    pipe,
    plate,
    rod,
    shell,
    spun,
    tube,
)

from .details import cord

MILK = plastic("#eceae4", 0.3)


def _table_lamps(rng: random.Random) -> list[Product]:
    kinds = {
        "arm": ("на шарнирах", "articulated"),
        "shade": ("с абажуром", "with fabric shade"),
        "led": ("светодиодная плоская", "flat LED"),
        "goose": ("на гибкой ножке", "gooseneck"),
        "globe": ("ночник-шар", "globe night light"),
        "bank": ("кабинетная", "banker"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        colour = rng.choice(
            (
                "white",
                "black",
                "red",
                "blue",
                "green",
                "silver",
                "mint",
                "yellow",
                "pink",
                "graphite",
            )
        )
        out.append(
            product(
                f"NL-{i + 10}-{rng.randrange(10, 99)}",
                f"Лампа настольная {r} {ru(colour)}",
                f"Table lamp {e} {colour}",
                rng.uniform(900, 3600),
                kind=kind,
                colour=colour,
                height=rng.uniform(0.85, 1.15),
                lean=rng.uniform(-12, 12),
                on=rng.random() < 0.7,
                cloth=rng.choice(("#efe4cf", "#d9cfc0", "#b9c4c0", "#c98d6a", "#e9e7e2")),
                metal=rng.choice(("brass", "chrome", "dark")),
            )
        )
    return out


def _draw_table_lamp(p: Product) -> Model:
    m = Model()
    kind, k, lean = p.text("kind"), p.num("height"), p.num("lean")
    colour = gloss(hex_of(p.text("colour")))
    bare = metal(p.text("metal"))
    lit = glow("#ffe6bd", 1.9) if p.flag("on") else MILK
    cord(m, [(0, 70, 4), (40, 110, 3), (120, 120, 3), (150, 70, 3)], 2.6, rubber())
    if kind in ("arm", "goose"):
        m.add(cylinder(80, 14, 4, 64), colour)
        if kind == "arm":
            a, b = (0.0, 0.0, 14.0), (-70.0 - lean, 0.0, 190 * k)
            c = (90.0, 0.0, 330 * k)
            for y in (-7, 7):
                m.add(rod((a[0], y, a[2]), (b[0], y, b[2]), 3), bare)
                m.add(rod((b[0], y, b[2]), (c[0], y, c[2]), 3), bare)
            for spot in (b, c):
                m.add(facing_front(cylinder(11, 24, 3)), colour, (spot[0], 12, spot[2]))
            head = c
        else:
            path = curve(
                [
                    (0, 0, 12),
                    (-10, 0, 120 * k),
                    (-20, 0, 250 * k),
                    (30, 0, 330 * k),
                    (90, 0, 320 * k),
                ],
                40,
            )
            wave = 5.2 + 0.8 * np.sin(np.linspace(0, 260, len(path)))
            m.add(tube(path, wave, 16), bare)
            head = (100.0, 0.0, 315 * k)
        hood = shell([(16, 60), (24, 52), (34, 40), (62, 0), (64, -8)], -2.0)
        part = Model()
        part.add(hood, colour)
        part.add(cylinder(20, 30, 6), colour, (0, 0, 52))
        part.add(ball(26, 32), lit, (0, 0, 16))
        m.merge(part, turning(ry=-28 + lean, at=(head[0] + 10, 0, head[2] - 50)))
    elif kind == "shade":
        m.add(
            spun(
                [
                    (60, 0),
                    (58, 12),
                    (26, 20),
                    (13, 34),
                    (34, 80 * k),
                    (40, 120 * k),
                    (22, 165 * k),
                    (9, 185 * k),
                    (7, 215 * k),
                ],
                64,
            ),
            colour,
        )
        cone = shell([(105, 200 * k), (68, 345 * k)], 1.6)
        m.add(cone, Material("plastic", p.text("cloth"), 0.8).textured("cloth", 50))
        m.add(ball(28, 32), lit, (0, 0, 262 * k))
        for z, r in ((200 * k, 105), (345 * k, 68)):
            m.add(pipe(r + 1, r - 1, 3, 0.5), plastic("#f4efe4", 0.6), (0, 0, z - 1))
    elif kind == "led":
        m.add(plate(150, 110, 16, 24, 5), colour)
        m.add(box(22, 8, 300 * k, 3).translate((0, 35, 10)), colour)
        head = box(250, 36, 11, 5)
        part = Model()
        part.add(head, colour)
        part.add(box(220, 26, 2, 0.6).translate((0, 0, -1.4)), glow("#fff3df", 1.5))
        m.merge(part, turning(rx=14, rz=lean * 3 + 60, at=(40, -30, 312 * k)))
        for j in range(3):
            m.add(cylinder(6, 1, 0.4), plastic("#e8e8e8"), (-24 + 24 * j, -36, 15.6))
    elif kind == "globe":
        m.add(
            cylinder(52, 22, 5),
            plastic("#ffffff", 0.4).textured("pine", 60) if lean > 0 else colour,
        )
        m.add(
            ball(78 * k, 64), glow("#ffe9cc", 0.95) if p.flag("on") else MILK, (0, 0, 20 + 70 * k)
        )
    else:
        m.add(plate(150, 110, 18, 40, 6), bare)
        m.add(spun([(16, 16), (9, 30), (7, 150), (11, 200), (6, 260 * k)], 40), bare)
        half = facing_right(cylinder(58, 230, 20)) - facing_right(cylinder(54, 224, 18)).translate(
            (3, 0, 0)
        )
        hood = half.trim_by_plane((0, 0, 1), -4).translate((-115, 0, 250 * k))
        m.add(
            hood,
            gloss(hex_of("green" if p.text("colour") in ("white", "silver") else p.text("colour"))),
        )
        m.add(facing_right(cylinder(15, 150, 6)), lit, (-75, 0, 262 * k))
    return m


CATEGORIES = (
    Category(
        "table-lamps",
        "Настольные лампы",
        "Table lamps",
        "настольная лампа",
        _table_lamps,
        _draw_table_lamp,
        elevation=(12, 26),
    ),
)
