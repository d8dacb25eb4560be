"""Lights for the ceiling.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator.materials import glass, gloss, glow, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import (
    ball,
    box,
    curve,
    cylinder,
    facing_front,
    lathe,
    pipe,
    plate,
    rod,
    shell,
    spun,
    tube,
)

from .details import DARK, cord


def _ceiling_lights(rng: random.Random) -> list[Product]:
    kinds = {
        "disc": ("Светильник потолочный круглый", "Round ceiling light"),
        "panel": ("Панель светодиодная", "LED panel"),
        "spot": ("Светильник точечный встраиваемый", "Recessed downlight"),
        "pendant": ("Светильник подвесной", "Pendant light"),
        "square": ("Светильник потолочный квадратный", "Square ceiling light"),
        "track": ("Светильник трековый", "Track spotlight"),
        "bulkhead": ("Светильник ЖКХ", "Bulkhead light"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 7]
        r, e = kinds[kind]
        colour = rng.choice(("white", "black", "silver", "champagne", "graphite", "white"))
        watts = rng.choice((7, 12, 18, 24, 36))
        out.append(
            product(
                f"SP-{i + 500}-{watts}",
                f"{r} {watts}Вт {ru(colour)}",
                f"{e} {watts}W {colour}",
                rng.uniform(260, 900) + watts * 30,
                kind=kind,
                colour=colour,
                watts=watts,
                r=rng.uniform(0.8, 1.2),
                rings=rng.choice((1, 2)),
                cage=rng.random() < 0.5,
                lit=rng.random() < 0.4,
            )
        )
    return out


def _draw_ceiling_light(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("r")
    colour = plastic(hex_of(p.text("colour")), 0.3)
    light = glow("#fff2dd", 0.98) if p.flag("lit") else plastic("#efede6", 0.25)
    if kind == "disc":
        r = 130 * k
        m.add(facing_front(cylinder(r, 26, 4, 80)), colour, (0, 0, r))
        for i in range(p.whole("rings")):
            m.add(
                facing_front(pipe(r - 8 - 20 * i, r - 12 - 20 * i, 3, 0.8)),
                metal("chrome"),
                (0, -25, r),
            )
        dome = spun([(r * 0.9, 0), (r * 0.86, 12), (r * 0.6, 24), (r * 0.3, 29)], 80)
        m.add(facing_front(dome), light, (0, -25, r))
    elif kind in ("panel", "square"):
        s = 240 * k
        d = 12 if kind == "panel" else 42
        m.add(facing_front(plate(s, s, d, 6 if kind == "panel" else 30, 3)), colour, (0, 0, s / 2))
        t = 14 if kind == "panel" else 24
        m.add(
            facing_front(plate(s - 2 * t, s - 2 * t, 2, 4 if kind == "panel" else 16, 0.6)),
            light,
            (0, -d + 0.6, s / 2),
        )
        if kind == "panel":
            m.add(box(90, 30, 22, 2), plastic(hex_of("white")), (s * 0.5, -30, 0))
            cord(m, [(s * 0.5 - 42, -30, 10), (s * 0.2, -60, 4), (s * 0.1, -20, 4)], 2)
    elif kind == "spot":
        r = 48 * k
        m.add(
            lathe([(r * 0.72, 0), (r, 0), (r, 3), (r * 0.78, 6), (r * 0.7, 5)], 64)
            .rotate((62, 0, 0))
            .translate((0, 0, r)),
            colour if p.flag("cage") else metal("chrome"),
        )
        lens = cylinder(r * 0.72, 4, 1).translate((0, 0, -1)).rotate((62, 0, 0))
        m.add(lens.translate((0, 0, r)), light)
        can = cylinder(r * 0.74, 55, 3).translate((0, 0, -57)).rotate((62, 0, 0))
        m.add(can.translate((0, 0, r)), metal("alu"))
        for side in (-1, 1):
            clip = box(3, 12, 46, 1).rotate((62, 0, 0)).translate((side * r * 0.86, 6, r * 0.8))
            m.add(clip, metal("zinc"))
    elif kind == "pendant":
        if p.whole("rings") == 1:
            m.add(
                shell([(20, 120), (34, 112), (70 * k, 74), (110 * k, 10), (112 * k, 0)], -2),
                gloss(hex_of(p.text("colour"))),
            )
        else:
            m.add(
                shell([(20, 120), (60 * k, 110), (76 * k, 60), (60 * k, 4)], -2),
                glass("#c9b48a") if p.flag("cage") else gloss(hex_of(p.text("colour"))),
            )
        m.add(ball(34, 32), glow("#ffe6bd", 1.5), (0, 0, 48))
        m.add(cylinder(22, 40, 4), metal("brass"), (0, 0, 112))
        m.add(rod((0, 0, 150), (0, 0, 300), 2.6), rubber())
        m.add(cylinder(46, 22, 4), colour, (0, 0, 300))
    elif kind == "track":
        m.add(box(220, 34, 20, 1.5), colour, (0, 0, 190))
        m.add(box(60, 28, 30, 3), colour, (0, 0, 164))
        m.add(cylinder(7, 30, 1), colour, (0, 0, 138))
        part = Model()
        part.add(spun([(34, 0), (34, 100), (30, 106)], 56), colour)
        part.add(cylinder(29, 3, 1), light, (0, 0, -1))
        part.add(pipe(34, 29, 8, 1), DARK, (0, 0, -6))
        m.merge(part, turning(rx=-38, ry=16 * k, at=(0, -32, 58)))
    else:
        r = 90 * k
        squash = (1.0, 1.0, 1.0) if p.whole("rings") == 1 else (1.5, 1.0, 1.0)
        m.add(facing_front(cylinder(r, 26, 5, 64)).scale(squash), colour, (0, 0, r))
        dome = spun([(r * 0.82, 0), (r * 0.78, 20), (r * 0.5, 40), (r * 0.2, 46)], 64)
        m.add(facing_front(dome).scale(squash), light, (0, -24, r))
        if p.flag("cage"):
            for j in (-1, 0, 1):
                x = j * r * 0.42 * squash[0]
                bow = curve(
                    [
                        (x, -20, r * 0.2),
                        (x, -60, r * 0.55),
                        (x, -72, r),
                        (x, -60, r * 1.45),
                        (x, -20, r * 1.8),
                    ],
                    8,
                )
                m.add(tube(bow, 3), colour)
    return m


CATEGORIES = (
    Category(
        "ceiling-lights",
        "Светильники потолочные",
        "Ceiling lights",
        "потолочный светильник",
        _ceiling_lights,
        _draw_ceiling_light,
        elevation=(12, 24),
    ),
)
