"""Wire connectors: levers, nuts, lugs, sleeves and couplers.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

from demo.generator.materials import clear, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import (
    box,
    cylinder,
    facing_front,
    facing_right,
    hull,
    pipe,
    plate,
    rod,
    spun,
    thread,
)

from .details import DARK, cord, screw


def _connectors(rng: random.Random) -> list[Product]:
    kinds = {
        "lever": ("Клемма рычажковая", "Lever wire connector"),
        "nut": ("Соединительный зажим СИЗ", "Twist-on wire nut"),
        "lug": ("Наконечник кабельный", "Cable lug"),
        "iec": ("Разъём силовой", "Appliance inlet"),
        "industrial": ("Розетка силовая переносная", "Industrial coupler"),
        "sleeve": ("Гильза соединительная", "Crimp sleeve"),
        "push": ("Клемма пружинная", "Push-in connector"),
        "ring": ("Наконечник кольцевой изолированный", "Insulated ring terminal"),
        "m12": ("Разъём круглый М12", "Circular connector M12"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 9]
        r, e = kinds[kind]
        n = rng.choice((2, 3, 5))
        area = rng.choice((2.5, 4, 6, 10, 16, 25))
        out.append(
            product(
                f"RS-{i + 48}-{n}-{str(area).replace('.', '')}",
                f"{r} {n}х{area} мм²",
                f"{e} {n}x{area} mm2",
                rng.uniform(10, 60) + n * 4 + (300 if kind in ("industrial", "m12") else 0),
                kind=kind,
                n=n,
                area=area,
                colour=rng.choice(("grey", "orange", "red", "blue", "yellow", "white")),
                size=rng.uniform(0.85, 1.2),
                opened=rng.random() < 0.5,
                count=rng.choice((1, 2, 3)),
            )
        )
    return out


def _one_connector(p: Product) -> Model:
    m = Model()
    kind, n = p.text("kind"), p.whole("n")
    colour = plastic(hex_of(p.text("colour")), 0.3)
    if kind == "lever":
        w = 5.8 * n + 1.6
        m.add(box(w, 19, 8.4, 1), clear("#d9dde0") if p.flag("opened") else plastic("#a9acaf"))
        m.add(box(w - 1, 9, 5, 0.5), plastic("#9a9da0"), (0, 3, 1.4))
        for i in range(n):
            x = 5.8 * (i - (n - 1) / 2)
            m.add(facing_front(cylinder(2.1, 0.6, 0.1, 24)), DARK, (x, -9.3, 3.6))
            lift = -58 if p.flag("opened") and i == 0 else -4
            lever = box(4.8, 13, 2.2, 0.8).translate((0, -6.5, 0)).rotate((lift, 0, 0))
            m.add(lever, plastic(hex_of("orange")), (x, 7, 7.6))
    elif kind == "push":
        w = 4.4 * n + 1.4
        m.add(box(w, 18, 7, 1.2), clear("#e4e8ea"))
        m.add(box(w - 0.6, 7, 6.2, 0.8), colour, (0, 5, 0.4))
        for i in range(n):
            x = 4.4 * (i - (n - 1) / 2)
            m.add(facing_front(pipe(1.9, 1.4, 0.7, 0.2)), colour, (x, -8.9, 3.5))
            m.add(facing_front(cylinder(1.4, 0.4, 0.1, 24)), DARK, (x, -9, 3.5))
    elif kind == "nut":
        nut = spun([(7, 0), (7.2, 8), (4.6, 20), (3.6, 22)], 40)
        part = Model()
        part.add(nut, colour)
        for i in range(10):
            a = 2 * math.pi * i / 10
            part.add(
                rod(
                    (7 * math.cos(a), 7 * math.sin(a), 1),
                    (4.6 * math.cos(a), 4.6 * math.sin(a), 19),
                    0.7,
                ),
                colour,
            )
        for s in (-1, 1):
            part.add(
                hull(
                    box(2, 1.8, 8, 0.6).translate((s * 9, 0, 2)),
                    box(2, 1.8, 3, 0.6).translate((s * 5, 0, 12)),
                ),
                colour,
            )
        part.add(cylinder(5.4, 0.4, 0.1), DARK, (0, 0, -0.2))
        m.merge(part, turning(rx=0 if p.flag("opened") else 80, rz=25))
    elif kind == "lug":
        r = 4 + p.num("area") * 0.14
        material = metal("copper" if p.flag("opened") else "nickel")
        part = Model()
        part.add(facing_right(pipe(r, r * 0.72, 22, 0.4)), material, (0, 0, r))
        flat = hull(
            box(1, r * 1.9, r * 0.6, 0.2),
            cylinder(r * 1.35, r * 0.6, 0.2).translate((r * 2.2, 0, 0)),
        ) - cylinder(r * 0.7, 20, 0).translate((r * 2.2, 0, -5))
        part.add(flat, material, (24, 0, r * 0.7))
        part.add(
            hull(
                facing_right(cylinder(r, 1, 0.2)).translate((20, 0, r)),
                box(1, r * 1.9, r * 0.6, 0.1).translate((25, 0, r * 0.7)),
            ),
            material,
        )
        m.merge(part, turning(rz=160))
    elif kind == "ring":
        part = Model()
        part.add(facing_right(pipe(3.4, 2.2, 12, 0.6)), colour, (0, 0, 3.4))
        part.add(
            hull(box(2, 4, 1, 0.1), cylinder(5, 1, 0.2).translate((12, 0, 0)))
            - cylinder(2.6, 20, 0).translate((12, 0, -5)),
            metal("nickel"),
            (11, 0, 2.8),
        )
        m.merge(part, turning(rz=150))
    elif kind == "sleeve":
        part = Model()
        part.add(
            facing_right(pipe(4.5, 3.2, 34, 0.4)),
            metal("nickel" if p.flag("opened") else "copper"),
            (-17, 0, 4.5),
        )
        part.add(
            facing_right(pipe(5.2, 4.2, 20, 0.5)), clear(hex_of(p.text("colour"))), (-10, 0, 4.5)
        )
        m.merge(part, turning(rz=20))
    elif kind == "iec":
        m.add(facing_front(plate(50, 24, 4, 4, 0.8)).translate((0, 0, 14)), rubber("#1f2023"))
        body = facing_front(plate(30, 22, 18, 3, 1)).translate((0, -3, 14))
        m.add(
            body - facing_front(plate(25, 17, 40, 3, 0)).translate((0, -6, 14)), rubber("#1f2023")
        )
        for x, z in ((-7, 12), (7, 12), (0, 16)):
            m.add(box(2, 10, 4, 0.3).translate((x, -12, z - 2)), metal("nickel"))
        for x in (-20, 20):
            screw(m, (x, -4, 14), 2.8)
    elif kind == "industrial":
        part = Model()
        tone = plastic(hex_of("blue" if n < 5 else "red"), 0.32)
        part.add(pipe(34, 28, 44, 2), tone)
        part.add(cylinder(28, 38, 1), plastic("#2b2d30"))
        for i in range(n):
            a = 2 * math.pi * i / n
            part.add(cylinder(4, 0.6, 0.1), DARK, (16 * math.cos(a), 16 * math.sin(a), 37.8))
            part.add(
                pipe(4.6, 4, 0.9, 0.1), metal("brass"), (16 * math.cos(a), 16 * math.sin(a), 37.8)
            )
        part.add(spun([(16, -70), (20, -66), (27, -20), (34, -8), (34, 2)], 56), plastic("#d4d6d6"))
        part.add(spun([(11, -92), (16, -90), (17, -68)], 40), plastic("#2b2d30"))
        part.add(cylinder(36, 5, 2).rotate((60, 0, 0)).translate((0, 52, 62)), tone)
        part.add(box(16, 14, 14, 3), tone, (0, 36, 34))
        m.merge(part, turning(rx=96, rz=30, at=(0, 0, 36)))
    else:
        part = Model()
        part.add(cylinder(6, 26, 1), metal("nickel"))
        part.add(pipe(10, 6, 14, 1), metal("nickel"), (0, 0, 14))
        for i in range(24):
            a = 2 * math.pi * i / 24
            part.add(
                box(0.8, 0.8, 10, 0.1), metal("steel"), (10 * math.cos(a), 10 * math.sin(a), 16)
            )
        part.add(thread(6.4, 9, 1.2).translate((0, 0, 28)), metal("nickel"))
        for i in range(4):
            a = math.pi * i / 2 + 0.8
            part.add(
                cylinder(0.7, 5, 0.2, 12), metal("gold"), (3 * math.cos(a), 3 * math.sin(a), 36)
            )
        part.add(spun([(3.6, -30), (8, -10), (8.6, 2), (7, 6)], 40), rubber("#26272a"))
        cord(part, [(0, 0, -28), (0, 4, -50), (10, 10, -74), (30, 10, -90)], 3.4)
        m.merge(part, turning(rx=90, rz=35, at=(0, 0, 10)))
    return m


def _draw_connector(p: Product) -> Model:
    one = _one_connector(p)
    if p.text("kind") in ("iec", "industrial", "m12"):
        return one
    m = Model()
    low, high = one.bounds()
    w, d = float(high[0] - low[0]), float(high[1] - low[1])
    turns = (12, -28, 55)
    for i in range(p.whole("count")):
        m.merge(one, turning(rz=turns[i], at=(i % 2 * (w + d) * 0.62, i // 2 * -(d + w) * 0.55, 0)))
    return m


CATEGORIES = (
    Category(
        "connectors",
        "Соединители проводов",
        "Wire connectors",
        "соединитель проводов",
        _connectors,
        _draw_connector,
        elevation=(24, 44),
    ),
)
