"""Goods that warn: smoke, heat and gas detectors.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import gloss, metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, lathe, pipe, plate, spun

from .details import DARK, shade


def _detectors(rng: random.Random) -> list[Product]:
    kinds = {
        "smoke": ("Извещатель дымовой", "Smoke detector", 690),
        "flat": ("Датчик дыма автономный", "Stand-alone smoke alarm", 980),
        "heat": ("Извещатель тепловой", "Heat detector", 450),
        "box": ("Сигнализатор дыма квадратный", "Square smoke alarm", 1250),
        "gas": ("Датчик угарного газа", "Carbon monoxide alarm", 1890),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 5]
        r, e, price = kinds[kind]
        colour = rng.choice(("white", "white", "ivory", "light grey", "graphite"))
        out.append(
            product(
                f"IP-{i + 212}-{rng.choice('ABCDM')}",
                f"{r} {ru(colour)}",
                f"{e} {colour}",
                price * rng.uniform(0.8, 1.5),
                kind=kind,
                colour=colour,
                r=rng.uniform(45, 60),
                h=rng.uniform(0.8, 1.2),
                slots=rng.choice((10, 14, 20)),
                led=rng.choice(("#d8302a", "#35b34a")),
                test=rng.random() < 0.6,
            )
        )
    return out


def _draw_detector(p: Product) -> Model:
    m = Model()
    kind, r, k = p.text("kind"), p.num("r"), p.num("h")
    body = plastic(hex_of(p.text("colour")), 0.4)
    n = p.whole("slots")
    if kind in ("smoke", "heat"):
        m.add(cylinder(r, 10 * k, 2, 64), body)
        m.add(spun([(r * 0.97, 9 * k), (r * 0.86, 20 * k), (r * 0.72, 22 * k)], 64), body)
        m.add(cylinder(r * 0.56, 12 * k, 0.5, 48).translate((0, 0, 21 * k)), DARK)
        if kind == "smoke":
            for i in range(n):
                bar = box(3.4, 4, 13 * k, 0.8).translate((0, -r * 0.6, 20.5 * k))
                m.add(bar.rotate((0, 0, 360 * i / n)), body)
            m.add(spun([(r * 0.66, 32 * k), (r * 0.62, 36 * k), (r * 0.4, 39 * k)], 64), body)
        else:
            for i in range(4):
                m.add(
                    box(4, 14, 22 * k, 1.2)
                    .translate((0, -r * 0.45, 20 * k))
                    .rotate((0, 0, 90 * i)),
                    body,
                )
            m.add(pipe(r * 0.42, r * 0.34, 4, 1).translate((0, 0, 39 * k)), body)
            m.add(cylinder(3.4, 20, 1.6), metal("brass"), (0, 0, 22 * k))
        m.add(cylinder(2.4, 3, 1), gloss(p.text("led")), (r * 0.5, -r * 0.6, 17.6 * k))
    elif kind == "flat":
        m.add(spun([(r, 0), (r, 12 * k), (r * 0.94, 24 * k), (r * 0.7, 32 * k)], 64), body)
        for i in range(3):
            gap = pipe(r * (0.88 - 0.1 * i), r * (0.85 - 0.1 * i), 8, 0.2)
            m.add(gap.translate((0, 0, 20 * k + 2.9 * i)), DARK)
        m.add(cylinder(r * 0.26, 3, 1), plastic(shade(body.colour, 0.86)), (0, 0, 31 * k))
        m.stick(prints.text("TEST", 15, 5), (0, 0, 31 * k + 3), 15, "top")
        m.add(cylinder(2.4, 3, 1), gloss(p.text("led")), (r * 0.45, -r * 0.2, 30.6 * k))
    elif kind == "box":
        s = 2 * r
        m.add(plate(s, s, 30 * k, 14, 6), body)
        for i in range(6):
            m.add(box(s * 0.6, 2.2, 1, 0.4).translate((0, -s * 0.36 + 5.5 * i, 30 * k - 0.6)), DARK)
        m.add(
            cylinder(s * 0.14, 2.4, 1),
            plastic(shade(body.colour, 0.85)),
            (0, s * 0.2, 30 * k - 0.4),
        )
        m.add(cylinder(2.4, 2, 0.8), gloss(p.text("led")), (s * 0.3, s * 0.2, 30 * k - 0.4))
    else:
        w, h = r * 1.5, r * 2.1
        m.add(box(w, 34 * k, h, 8).translate((0, -17 * k, 0)), body)
        y = -34 * k
        m.add(
            facing_front(plate(w * 0.66, h * 0.26, 1.4, 3, 0.4)).translate((0, y + 0.5, h * 0.72)),
            DARK,
        )
        m.stick(prints.segments(" 0 ", w * 0.56, h * 0.2), (0, y - 1, h * 0.72), w * 0.56)
        for i in range(5):
            m.add(box(w * 0.5, 1, 2, 0.3).translate((0, y - 0.1, h * 0.16 + 5 * i)), DARK)
        m.add(facing_front(cylinder(7, 3, 1)), plastic(shade(body.colour, 0.8)), (0, y, h * 0.49))
        m.stick(prints.text("CO  ALARM", w * 0.6, 5), (0, y - 0.05, h * 0.92), w * 0.6)
    if p.flag("test") and kind == "smoke":
        m.add(lathe([(6, 38 * k), (9, 38 * k), (9, 40.5 * k), (6, 40.5 * k)]), body)
    return m


CATEGORIES = (
    Category(
        "smoke-detectors",
        "Датчики дыма",
        "Smoke detectors",
        "датчик дыма",
        _detectors,
        _draw_detector,
        elevation=(28, 48),
    ),
)
