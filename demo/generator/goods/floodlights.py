"""Lights to set up outdoors: floodlights.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

from demo.generator.materials import gloss, glow, metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import (
    box,
    curve,
    cylinder,
    facing_front,
    facing_right,
    plate,
    spun,
    tube,
)

from .details import cord


def _floodlights(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("slim", "cob", "sensor", "stand", "round")[i % 5]
        watts = rng.choice((10, 20, 30, 50, 100, 150))
        colour = rng.choice(("black", "graphite", "grey", "white", "black", "yellow"))
        extra = {
            "sensor": (" с датчиком движения", " with motion sensor"),
            "stand": (" на подставке", " on stand"),
            "round": (" круглый", " round"),
        }.get(kind, ("", ""))
        out.append(
            product(
                f"PR-{i + 70}-{watts}",
                f"Прожектор светодиодный{extra[0]} {watts}Вт {ru(colour)}",
                f"LED floodlight{extra[1]} {watts}W {colour}",
                320 + watts * 18 * rng.uniform(0.7, 1.3),
                kind=kind,
                watts=watts,
                colour=colour,
                ratio=rng.uniform(0.62, 0.9),
                tilt=rng.uniform(-18, 6),
                on=rng.random() < 0.35,
                grid=rng.random() < 0.5,
            )
        )
    return out


def _draw_floodlight(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    colour = plastic(hex_of(p.text("colour")), 0.45)
    w = 110 + min(100, p.num("watts"))
    h = w * p.num("ratio")
    head = Model()
    if kind == "round":
        head.add(facing_front(cylinder(w / 2, 26, 3, 72)), colour)
    else:
        head.add(facing_front(plate(w, h, 26, 8, 3)), colour)
    pane = glow("#fffaf0", 1.25) if p.flag("on") else gloss("#d9dee2")
    if kind == "round":
        head.add(facing_front(cylinder(w * 0.42, 1.4, 0.4, 64)), gloss("#cfd4d8"), (0, -25.4, 0))
    else:
        head.add(
            facing_front(plate(w * 0.88, h * 0.84, 1.4, 5, 0.4)),
            pane if kind == "slim" else gloss("#aeb4ba"),
            (0, -25.4, 0),
        )
    if kind == "cob":
        head.add(
            box(w * 0.3, 1.4, w * 0.3, 0.3).translate((0, -26.8, -w * 0.15)),
            plastic("#f3cf48", 0.25),
        )
    elif kind != "slim":
        n = 5
        for i in range(n):
            for j in range(3 if kind != "round" else n):
                x, z = (
                    w * 0.15 * (i - 2),
                    h
                    * 0.24
                    * (j - (1 if kind != "round" else 2))
                    * (1 if kind != "round" else 0.7),
                )
                if kind == "round" and math.hypot(x, z) > w * 0.38:
                    continue
                lens = facing_front(cylinder(w * 0.055, 2.4, 1))
                head.add(lens, pane if p.flag("on") else plastic("#f1e2a0", 0.2), (x, -26.4, z))
    for i in range(9):
        fin = box(2, 18, h * 0.8, 0.5).translate((w * 0.09 * (i - 4), 8, -h * 0.4))
        head.add(fin, colour)
    stand_z = 30.0 + h / 2 if kind != "stand" else 150.0 + h / 2
    m.merge(head, turning(rx=p.num("tilt"), at=(0, 0, stand_z)))
    for side in (-1, 1):
        m.add(
            box(3, 16, 34 + h * 0.25, 1).translate(
                (side * (w / 2 + 5), 0, stand_z - 20 - h * 0.25)
            ),
            metal("dark"),
        )
        m.add(
            facing_right(cylinder(7, 6, 2)), metal("zinc"), (side * (w / 2 + 5) - 3, 0, stand_z + 6)
        )
    base = stand_z - 20 - h * 0.25
    m.add(box(w + 13, 18, 3, 1).translate((0, 0, base)), metal("dark"))
    if kind == "stand":
        for side in (-1, 1):
            path = curve(
                [
                    (side * w * 0.5, -70, 5),
                    (side * w * 0.5, 60, 5),
                    (side * 22, 34, 90),
                    (side * 12, 0, base),
                ],
                14,
            )
            m.add(tube(path, 6), plastic(hex_of("yellow"), 0.3))
        m.add(box(w, 12, 10, 3).translate((0, -66, 0)), plastic(hex_of("yellow"), 0.3))
    else:
        m.add(box(w * 0.4, 40, base, 1).translate((0, 14, 0)), metal("dark"))
    if kind == "sensor":
        m.add(box(44, 26, 34, 6).translate((0, -22, base - 26)), colour)
        m.add(
            facing_front(spun([(15, 0), (14, 9), (8, 15)], 40)),
            plastic("#f0efe8", 0.3),
            (0, -34, base - 8),
        )
    cord(
        m, [(w * 0.2, 20, stand_z - 10), (w * 0.4, 50, 30), (w * 0.7, 30, 5), (w * 0.8, -30, 4)], 4
    )
    return m


CATEGORIES = (
    Category(
        "floodlights",
        "Прожекторы светодиодные",
        "LED floodlights",
        "прожектор светодиодный",
        _floodlights,
        _draw_floodlight,
        elevation=(12, 24),
    ),
)
