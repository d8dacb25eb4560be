"""Transformers, drivers and power supplies.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import Material, metal, plastic, rubber
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import box, curve, cylinder, facing_front, torus, tube

from .details import DARK, cord, din_body, din_terminals, screw, shade


def _transformers(rng: random.Random) -> list[Product]:
    kinds = {
        "ei": ("Трансформатор понижающий", "Step-down transformer"),
        "toroid": ("Трансформатор тороидальный", "Toroidal transformer"),
        "block": ("Трансформатор в корпусе", "Enclosed transformer"),
        "led": ("Драйвер светодиодный", "LED driver"),
        "din": ("Трансформатор на DIN-рейку", "DIN rail transformer"),
        "mesh": ("Блок питания перфорированный", "Perforated power supply"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        va = rng.choice((30, 60, 100, 150, 250, 400))
        volts = rng.choice((12, 24, 36, 42))
        out.append(
            product(
                f"TR-{i + 52}-{va}-{volts}",
                f"{r} {va}ВА 230/{volts}В",
                f"{e} {va}VA 230/{volts}V",
                400 + va * rng.uniform(4, 9),
                kind=kind,
                va=va,
                volts=volts,
                size=0.8 + va / 600,
                tape=rng.choice(("#c9a64a", "#d8c27a", "#2f6f4a", "#b04a2c")),
                feet=rng.random() < 0.5,
                colour=rng.choice(("white", "grey", "graphite", "orange")),
            )
        )
    return out


def _draw_transformer(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("size")
    words = ["PRI 230V~ 50Hz", f"SEC {p.text('volts')}V  {p.text('va')}VA", "cl. B  IP20"]
    label = prints.nameplate(f"TR-{p.text('va')}", words, 48, 28, "#2b62a8")
    if kind == "ei":
        core = Material("metal", "#8b8580", 0.5)
        w, d, h = 84 * k, 34 * k, 70 * k
        m.add(box(w, d, h, 0.4), core, (0, 0, 4))
        for i in range(int(d / 2.4)):
            m.add(
                box(w + 0.3, 0.5, h + 0.3, 0),
                plastic("#4a4642", 0.6),
                (0, -d / 2 + 1.2 + 2.4 * i, 3.8),
            )
        m.add(
            box(w * 0.62, d + 34 * k, h * 0.62, 4),
            plastic(p.text("tape"), 0.3),
            (0, 0, 4 + h * 0.19),
        )
        for y in (-1.0, 1.0):
            m.add(
                box(w * 0.66, 2, h * 0.66, 0.4),
                plastic("#2b2d30"),
                (0, y * (d / 2 + 1.5), 4 + h * 0.17),
            )
        m.stick(label, (0, -d / 2 - 17 * k, 4 + h * 0.5), w * 0.5)
        m.add(box(w + 34, d * 0.9, 2.4, 0.6), metal("zinc"), (0, 0, 2))
        for side in (-1, 1):
            screw(m, (side * (w / 2 + 9), 0, 4), 4.2, "plain", "top")
        for i, c in enumerate(("#c0282c", "#c0282c", "#242527", "#d9c21e")):
            x = (i - 1.5) * w * 0.12
            cord(
                m,
                [
                    (x, -d / 2 - 8, h * 0.8),
                    (x * 1.2, -d / 2 - 20, h * 1.02),
                    (x * 2.2, -d / 2 - 44, h * 0.5),
                    (x * 2.8, -d / 2 - 56, 8),
                ],
                1.5,
                plastic(c),
            )
    elif kind == "toroid":
        r = 42 * k
        ring = torus(r, 22 * k, 72).scale((1, 1, 1.15))
        m.add(ring.translate((0, 0, 25 * k)), plastic(p.text("tape"), 0.25))
        for i in range(36):
            a = 2 * math.pi * i / 36
            t = np.linspace(0, 2 * np.pi, 30)
            path = np.column_stack(
                [
                    (r + 22.3 * k * np.cos(t)) * np.cos(a + 0.16 * np.sin(t)),
                    (r + 22.3 * k * np.cos(t)) * np.sin(a + 0.16 * np.sin(t)),
                    25 * k + 25.6 * k * np.sin(t),
                ]
            )
            m.add(tube(path, 0.5, 6), plastic(shade(p.text("tape"), 0.75), 0.3))
        m.add(cylinder(21 * k, 3, 1), rubber(), (0, 0, 49 * k))
        m.add(cylinder(20 * k, 2, 0.6), metal("zinc"), (0, 0, 52 * k))
        screw(m, (0, 0, 53 * k), 6, "plain", "top")
        for i, c in enumerate(("#c0282c", "#242527", "#2358a8", "#d9c21e")):
            cord(
                m,
                [
                    (r * 0.9, -8 + 5 * i, 44 * k),
                    (r * 1.5, -12 + 7 * i, 40 * k),
                    (r * 2.0, -16 + 10 * i, 8),
                    (r * 2.6, -20 + 14 * i, 2),
                ],
                1.5,
                plastic(c),
            )
    elif kind == "block":
        body = plastic(hex_of(p.text("colour")), 0.4)
        w, d, h = 90 * k, 110 * k, 84 * k
        m.add(box(w, d, h, 6), body)
        for i in range(7):
            for side in (-1, 1):
                m.add(box(1, 3, h * 0.5, 0.4), DARK, (side * w / 2, (i - 3) * 10 * k, h * 0.25))
        handle = curve(
            [
                (0, -d * 0.3, h - 2),
                (0, -d * 0.26, h + 24),
                (0, d * 0.26, h + 24),
                (0, d * 0.3, h - 2),
            ],
            12,
        )
        m.add(tube(handle, 6), rubber())
        m.stick(label, (0, -d / 2, h * 0.66), w * 0.74)
        m.add(facing_front(cylinder(12, 3, 1)), DARK, (-w * 0.2, -d / 2, h * 0.22))
        m.add(facing_front(cylinder(6, 8, 1)), plastic("#3a3d42"), (w * 0.25, -d / 2, h * 0.22))
    elif kind == "led":
        case = metal("alu") if p.flag("feet") else plastic(hex_of("white"), 0.35)
        m.add(box(150 * k, 42, 30, 2), case)
        for side in (-1, 1):
            m.add(box(12, 40, 4, 1), case, (side * 78 * k, 0, 0))
            m.add(cylinder(2.6, 0.4, 0.1), DARK, (side * 79 * k, 10, 4))
        m.stick(label, (0, 0, 30), 60, "top")
        for side, cs in ((-1, ("#6b4630", "#2358a8")), (1, ("#c0282c", "#242527"))):
            for i, c in enumerate(cs):
                y = -6 + 12 * i
                cord(
                    m,
                    [
                        (side * 74 * k, y, 16),
                        (side * 96 * k, y, 10),
                        (side * 112 * k, y * 2, 3),
                        (side * 130 * k, y * 2.4, 2),
                    ],
                    1.8,
                    plastic(c),
                )
    elif kind == "din":
        w = 54.0 if p.flag("feet") else 72.0
        din_body(m, w, plastic(hex_of("light grey"), 0.4))
        din_terminals(m, w, 4)
        m.stick(label, (0, -62, 44), w * 0.72)
    else:
        case = metal("alu")
        w, d, h = 98.0, 160 * k, 42.0
        m.add(box(w, d, 2, 0.2), case)
        m.add(box(w, d * 0.84, h, 0.8), case, (0, d * 0.08, 0))
        for column in range(9):
            for j in range(int(d * 0.78 / 9)):
                x, y = (column - 4) * 9.6 + (2.4 if j % 2 else -2.4), -d * 0.3 + 9 * j
                m.add(cylinder(2.9, 0.3, 0, 6), DARK, (x, y, h - 0.1))
        m.add(box(w - 6, d * 0.14, 20, 1), plastic("#1f2023"), (0, -d * 0.42, 2))
        for i in range(7):
            screw(m, (-w * 0.4 + i * w * 0.133, -d * 0.43, 21), 3.6, face="top")
        m.stick(label, (w / 2, d * 0.05, h / 2), 60, "right")
    return m


CATEGORIES = (
    Category(
        "transformers",
        "Трансформаторы",
        "Transformers",
        "трансформатор",
        _transformers,
        _draw_transformer,
        elevation=(20, 38),
    ),
)
