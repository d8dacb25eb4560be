"""Tube lamps: straight, folded and round.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import glass, metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import box, cylinder, facing_right, rod, tube

from .details import cord

MILK = plastic("#eceae4", 0.3)


def _tubes(rng: random.Random) -> list[Product]:
    kinds = {
        "t8": ("Лампа светодиодная трубчатая T8 G13", "LED tube T8 G13", 190),
        "t5": ("Лампа люминесцентная T5 G5", "Fluorescent tube T5 G5", 130),
        "u": ("Лампа люминесцентная U-образная G23", "Compact fluorescent tube G23", 160),
        "ring": ("Лампа кольцевая G10q", "Circular tube G10q", 320),
        "pack": ("Лампы трубчатые G13, комплект", "LED tubes G13, set", 560),
        "batten": ("Светильник линейный", "LED batten", 480),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e, price = kinds[kind]
        watts = rng.choice((9, 10, 13, 18, 22, 36))
        out.append(
            product(
                f"TL-{i + 80}-{watts}",
                f"{r} {watts}Вт {4000 if i % 2 else 6500}К",
                f"{e} {watts}W {4000 if i % 2 else 6500}K",
                price * rng.uniform(0.8, 1.5) + watts,
                kind=kind,
                watts=watts,
                length=rng.choice((170, 210, 250)),
                warm=i % 2 == 1,
                clear=rng.random() < 0.35,
                n=rng.choice((2, 3, 4)),
                cap=rng.choice(("alu", "white", "alu", "green")),
            )
        )
    return out


def _one_tube(length: float, r: float, p: Product) -> Model:
    m = Model()
    light = plastic("#fbf1df" if p.flag("warm") else "#eef2f8", 0.18)
    if p.flag("clear") and p.text("kind") in ("t8", "pack"):
        m.add(facing_right(cylinder(r, length, 0.5)), glass())
        m.add(box(length, r * 1.1, 1.4, 0.2).translate((length / 2, 0, -1)), plastic("#f0efe8"))
        for i in range(int(length / 12)):
            m.add(box(4, 3.4, 1.4, 0.3), plastic("#f3cf48", 0.25), (8 + 12 * i, 0, 0.4))
    else:
        m.add(facing_right(cylinder(r, length, 0.5)), light)
        if p.text("kind") in ("t8", "pack"):
            back = facing_right(cylinder(r + 0.15, length - 2, 0.2)).translate((1, 0, 0))
            m.add(back.trim_by_plane((0, 0, -1), r * 0.35), plastic("#d5d7d8", 0.4))
    colour = {
        "alu": metal("alu"),
        "white": plastic(hex_of("white")),
        "green": plastic(hex_of("green")),
    }[p.text("cap")]
    for x, way in ((0.0, -1), (length, 1)):
        end = facing_right(cylinder(r * 1.06, 22, 1)).translate((x - (16 if way < 0 else 6), 0, 0))
        m.add(end, colour)
        tip = x + way * 16
        for side in (-1, 1):
            pin = rod((tip, side * r * 0.48, 0), (tip + way * 8, side * r * 0.48, 0), 1.2)
            m.add(pin, metal("brass"))
    return m


def _draw_tube(p: Product) -> Model:
    m = Model()
    kind, length = p.text("kind"), p.num("length")
    label = prints.text(f"LED TUBE {p.text('watts')}W G13 230V~", 80, 7, "#4a4d52")
    if kind in ("t8", "t5"):
        r = 13.0 if kind == "t8" else 8.0
        m.merge(_one_tube(length, r, p))
        m.stick(label, (length * 0.25, -r - 0.2, 0), 70)
    elif kind == "pack":
        for i in range(p.whole("n")):
            m.merge(_one_tube(length, 13, p), turning(rz=2.5 * i - 3, at=(6 * i, 34 * i, 0)))
    elif kind == "u":
        light = plastic("#fbf1df" if p.flag("warm") else "#eef2f8", 0.18)
        n = 2 if p.whole("n") < 4 else 4
        for y in (0,) if n == 2 else (-8, 8):
            for x in (-8.0, 8.0):
                m.add(cylinder(6.4, 150, 5), light, (x, y, 30))
            m.add(facing_right(cylinder(4.5, 16, 0.5)), light, (-8, y, 172))
        m.add(box(34, 22 if n == 2 else 34, 20, 3), plastic(hex_of("white")), (0, 0, 12))
        m.add(box(24, 16, 14, 2), plastic(hex_of("white")))
        for x in (-6.0, 6.0):
            m.add(cylinder(1.2, 8, 0.4, 16), metal("brass"), (x, 0, -7))
        m.stick(prints.text(f"{p.text('watts')}W G23", 26, 6), (0, -11 if n == 2 else -17, 22), 26)
    elif kind == "ring":
        light = plastic("#fbf1df" if p.flag("warm") else "#eef2f8", 0.18)
        r = 75 + 10 * p.whole("n")
        a = np.linspace(math.radians(-83), math.radians(263), 80)
        path = np.column_stack([r * np.cos(a), r * np.sin(a), 0 * a])
        m.add(tube(path, 14, 24), light)
        m.add(facing_right(cylinder(16, 42, 2)), plastic(hex_of("white")), (-21, -r, 0))
        m.add(box(24, 14, 18, 2), plastic(hex_of("white")), (0, -r + 16, -9))
    else:
        m.add(box(length, 36, 26, 3), plastic(hex_of("white")), (length / 2, 0, 0))
        m.add(facing_right(cylinder(16, length - 12, 3)), MILK, (6, 0, 22))
        for x in (3.0, length - 3):
            m.add(box(8, 40, 40, 3), plastic("#c9cccd"), (x, 0, 0))
        cord(
            m,
            [(length, 0, 8), (length + 30, 5, 5), (length + 60, -20, 4), (length + 30, -50, 4)],
            3,
            plastic(hex_of("white")),
        )
    return m


CATEGORIES = (
    Category(
        "tubes",
        "Лампы трубчатые",
        "Tube lamps",
        "лампа трубчатая",
        _tubes,
        _draw_tube,
        (-60, 60),
        (18, 42),
    ),
)
