"""Mains plugs.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

from demo.generator import prints
from demo.generator.materials import metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import cylinder, pipe, shell, spun

from .details import cord, plug_head, shade


def _plugs(rng: random.Random) -> list[Product]:
    kinds = {
        "straight": ("прямая", "straight"),
        "angled": ("угловая", "angled"),
        "flat": ("плоская без заземления", "flat without earth"),
        "round": ("круглая", "round"),
        "grip": ("каучуковая IP44", "rubber IP44"),
        "industrial": ("силовая", "industrial"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        colour = rng.choice(("white", "black", "grey", "brown", "orange", "ivory"))
        if kind == "grip":
            colour = rng.choice(("black", "graphite", "orange", "yellow"))
        if kind == "industrial":
            colour = rng.choice(("blue", "red"))
        amps = 6 if kind == "flat" else rng.choice((16, 32)) if kind == "industrial" else 16
        out.append(
            product(
                f"VL-{i + 27}-{amps}A",
                f"Вилка электрическая {r} {amps}А {ru(colour)}",
                f"Mains plug {e} {amps}A {colour}",
                rng.uniform(45, 160) * (3 if kind == "industrial" else 1),
                kind=kind,
                colour=colour,
                amps=amps,
                cable=rng.random() < 0.6,
                pose=rng.choice(("side", "stand", "back")),
                turn=rng.uniform(-40, 40),
                pins=rng.choice((3, 4, 5)),
            )
        )
    return out


def _draw_plug(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    colour = (
        plastic(hex_of(p.text("colour")), 0.32)
        if kind != "grip"
        else rubber(hex_of(p.text("colour")))
    )
    if kind == "industrial":
        part = Model()
        n = p.whole("pins")
        part.add(shell([(30, 0), (31, 40), (34, 42), (34, 52)], 2.0), colour)
        part.add(
            spun([(17, -78), (20, -76), (26, -30), (33, -18), (34, 4)], 56), plastic("#d4d6d6")
        )
        part.add(pipe(36, 30, 16, 2), colour, (0, 0, -10))
        part.add(cylinder(29, 2, 0.4), plastic("#2b2d30"), (0, 0, 4))
        for i in range(n):
            a = 2 * math.pi * i / n
            part.add(
                cylinder(2.8 if i else 3.6, 34, 1.5, 24),
                metal("nickel"),
                (17 * math.cos(a), 17 * math.sin(a), 5),
            )
        part.add(spun([(10, -112), (15, -110), (17, -78)], 40), plastic("#2b2d30"))
        part.wrap(
            prints.text(f"{p.text('amps')}A 6h\n{'400' if n > 3 else '230'}V~ IP44", 34, 16),
            27.0,
            -42,
            16,
            -45,
            90,
            r_top=30.5,
        )
        m.merge(part, turning(rx=96, rz=p.num("turn"), at=(0, 0, 36)))
        return m
    head = plug_head(kind, colour)
    low = {"straight": -56.0, "round": -62, "grip": -68, "flat": -32}.get(kind, -40)
    cable = rubber(shade(colour.colour, 0.95))
    if p.flag("cable") and kind != "angled":
        cord(
            head,
            [(0, 0, low + 6), (0, 2, low - 14), (10, 10, low - 40), (30, 14, low - 50)],
            3.4,
            cable,
        )
    lift = 20.0 if kind != "flat" else 8.0
    if kind == "angled" and p.flag("cable"):
        cord(head, [(0, -44, -9), (0, -64, -9), (12, -80, -10), (30, -86, -12)], 3.6, cable)
    if p.text("pose") == "stand" and not p.flag("cable") and kind != "angled":
        m.merge(head, turning(rz=p.num("turn")))
    elif kind == "flat":
        m.merge(head, turning(rx=90, rz=p.num("turn") * 0.8 + 30, at=(0, 0, lift)))
    else:
        yaw = p.num("turn") + (150 if p.text("pose") == "back" else 35)
        m.merge(head, turning(rx=90, rz=yaw, at=(0, 0, lift)))
    return m


CATEGORIES = (
    Category(
        "plugs",
        "Вилки электрические",
        "Plugs",
        "вилка электрическая",
        _plugs,
        _draw_plug,
        elevation=(18, 36),
    ),
)
