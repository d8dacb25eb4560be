"""Cable reels, drums and spools.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

import numpy as np

from demo.generator import prints
from demo.generator.materials import metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, curve, cylinder, pipe, rod, tube

from .details import DARK, cord, plug_head, socket_face


def _reels(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("drum", "frame", "wooden", "mini", "frame")[i % 5]
        names = {
            "drum": ("Катушка с кабелем", "Cable drum"),
            "frame": ("Удлинитель на катушке", "Extension cable reel"),
            "wooden": ("Барабан кабельный деревянный", "Wooden cable drum"),
            "mini": ("Катушка провода", "Wire spool"),
        }[kind]
        colour = rng.choice(("black", "red", "yellow", "blue", "orange", "green"))
        cable = rng.choice(("black", "orange", "white", "blue", "yellow", "red"))
        metres = rng.choice((20, 30, 40, 50, 100))
        out.append(
            product(
                f"KT-{i + 15}-{metres}M",
                f"{names[0]} {metres} м {ru(colour)}",
                f"{names[1]} {metres} m {colour}",
                rng.uniform(14, 40) * metres + 300,
                kind=kind,
                colour=colour,
                cable=cable,
                width=rng.uniform(0.8, 1.2),
                full=rng.uniform(0.6, 0.9),
                sockets=rng.choice((3, 4)),
            )
        )
    return out


def _draw_reel(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("width")
    r, w = (110.0, 90 * k) if kind != "mini" else (38.0, 70 * k)
    thick = 4.2 if kind != "mini" else 1.6
    flange = plastic(hex_of(p.text("colour")), 0.35)
    if kind == "wooden":
        flange = plastic("#ffffff", 0.6).textured("pine", 90)
    reel = Model()
    rim = cylinder(r, 7, 2, 72)
    if kind in ("drum", "frame"):
        for i in range(5):
            hole = cylinder(r * 0.17, 40, 0, 28).translate((r * 0.62, 0, -10))
            rim -= hole.rotate((0, 0, 72 * i + 10))
    reel.add(rim, flange)
    reel.add(rim, flange, (0, 0, w + 7))
    reel.add(cylinder(r * 0.4, w, 0.2), flange, (0, 0, 7))
    wound = r * p.num("full")
    turns = int(w / (2 * thick))
    t = np.linspace(0, turns, turns * 40)
    path = np.column_stack(
        [
            (wound - thick) * np.cos(2 * np.pi * t),
            (wound - thick) * np.sin(2 * np.pi * t),
            7 + thick + 2 * thick * t * 0.97,
        ]
    )
    sheath = rubber(hex_of(p.text("cable"))) if kind != "mini" else plastic(hex_of(p.text("cable")))
    reel.add(tube(path, thick, 10), sheath)
    reel.add(cylinder(wound - 1.2 * thick, w - 1, 0.2), sheath, (0, 0, 7.5))
    top = w + 14
    if kind == "wooden":
        for i in range(7):
            line = box(2 * r, 1.2, 0.8, 0.1).translate((0, (i - 3) * r / 3.5, top - 0.3))
            m_line = line ^ cylinder(r - 1, 40, 0).translate((0, 0, top - 10))
            reel.add(m_line, plastic("#4a3522"))
        reel.add(pipe(26, 16, 3, 0.5), metal("dark"), (0, 0, top))
        for i in range(6):
            a = math.radians(60 * i)
            bolt = cylinder(5, 4, 1.5, 6)
            reel.add(bolt, metal("zinc"), (r * 0.6 * math.cos(a), r * 0.6 * math.sin(a), top))
    elif kind == "mini":
        reel.stick(prints.text("WIRE\n100 m", 40, 20), (0, r * 0.55, top), 34, "top")
        reel.add(cylinder(8, 1, 0.2), DARK, (0, 0, top - 0.4))
    else:
        reel.add(cylinder(r * 0.5, 10, 3), DARK, (0, 0, top - 2))
        for i in range(p.whole("sockets")):
            a = 2 * math.pi * i / p.whole("sockets") + 0.7
            part = Model()
            socket_face(part, 0, 0, 0, plastic("#33363a", 0.4), 15)
            spot = (r * 0.27 * math.cos(a), r * 0.27 * math.sin(a), top + 9)
            reel.merge(part, turning(rx=-90, at=spot, scale=0.72))
    m.merge(reel, turning(rx=90, at=(0, (w + 14) / 2, r + (34 if kind == "frame" else 0))))
    if kind == "frame":
        bar = plastic("#26272a", 0.4)
        for y in (-(w / 2 + 18), w / 2 + 18):
            path = curve(
                [
                    (-110, y, 6),
                    (110, y, 6),
                    (118, y, 14),
                    (30, y, r + 34),
                    (-10, y, 2 * r + 60),
                    (-40, y, r + 90),
                    (-118, y, 14),
                    (-110, y, 6),
                ],
                12,
            )
            m.add(tube(path, 6.5), bar)
        for x, z in ((-110, 6), (110, 6), (-10, 2 * r + 60)):
            m.add(rod((x, -(w / 2 + 18), z), (x, w / 2 + 18, z), 6.5 if z < 90 else 12), bar)
        m.add(rod((0, -(w / 2 + 20), r + 34), (0, w / 2 + 20, r + 34), 9), bar)
        head = plug_head("straight", rubber())
        m.merge(head, turning(rx=90, rz=40, at=(150, -20, 19)))
        cord(m, [(80, 0, r), (120, 40, 60), (160, 60, 12), (178, 10, 16)], 4, sheath)
    return m


CATEGORIES = (
    Category(
        "cable-reels",
        "Кабельные катушки",
        "Cable reels",
        "катушка кабельная",
        _reels,
        _draw_reel,
        elevation=(12, 28),
    ),
)
