"""Soldering irons and stations.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

import manifold3d as m3

from demo.generator import prints
from demo.generator.materials import clear, metal, plastic, rubber
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, curve, cylinder, facing_front, helix, pipe, spun, tube

from .details import DARK, cord


def _irons(rng: random.Random) -> list[Product]:
    kinds = {
        "classic": ("Паяльник с деревянной ручкой", "Soldering iron wooden handle"),
        "plastic": ("Паяльник с керамическим нагревателем", "Soldering iron ceramic heater"),
        "gun": ("Паяльник-пистолет", "Soldering gun"),
        "station": ("Паяльная станция", "Soldering station"),
        "usb": ("Паяльник портативный USB", "Portable USB soldering iron"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 5]
        r, e = kinds[kind]
        watts = rng.choice((25, 40, 60, 65, 80, 100))
        colour = rng.choice(("blue", "red", "yellow", "black", "green", "orange"))
        out.append(
            product(
                f"PK-{i + 91}-{watts}W",
                f"{r} {watts}Вт {ru(colour)}",
                f"{e} {watts}W {colour}",
                rng.uniform(250, 700) * (6 if kind == "station" else 1) + watts * 3,
                kind=kind,
                watts=watts,
                colour=colour,
                length=rng.uniform(0.85, 1.15),
                wood=rng.choice(("oak", "pine", "walnut")),
                stand=rng.random() < 0.4,
                temp=rng.choice((280, 320, 350, 400)),
                bent=rng.random() < 0.4,
            )
        )
    return out


def _pencil(p: Product, wooden: bool) -> Model:
    """A soldering iron about the z axis, its tip upwards."""
    m = Model()
    k = p.num("length")
    colour = plastic(hex_of(p.text("colour")), 0.35)
    if wooden:
        wood = plastic("#ffffff", 0.4).textured(p.text("wood"), 50)
        m.add(spun([(7, 0), (11, 8), (12.5, 40), (9, 70), (12, 92), (10, 98)], 40), wood)
    else:
        m.add(spun([(6, 0), (9, 10), (11.5, 50), (10, 80), (14, 94), (13, 98)], 40), colour)
        m.add(spun([(11.8, 50), (12.4, 56), (11, 80), (10.6, 84)], 40), rubber())
    m.add(cylinder(4.4, 34 * k, 0.6), metal("steel"), (0, 0, 96))
    m.add(cylinder(8.5, 3, 0.6), metal("zinc"), (0, 0, 97))
    m.add(cylinder(6.4, 62 * k, 1), metal("steel"), (0, 0, 120 * k))
    for i in range(3):
        m.add(
            cylinder(1.2, 20, 0.2, 12).rotate((90, 0, 0)).translate((0, 8, 128 * k + 10 * i)), DARK
        )
    z = 120 * k + 62 * k
    if p.flag("bent"):
        m.add(
            tube(curve([(0, 0, z - 4), (0, 0, z + 14), (6, 0, z + 26), (16, 0, z + 32)], 8), 2.8),
            metal("copper"),
        )
    else:
        m.add(spun([(3, z - 4), (3, z + 22), (0.5, z + 34)], 32), metal("copper"))
    cord(m, [(0, 0, 4), (0, 0, -20), (4, 16, -50), (-10, 50, -70), (-30, 70, -40)], 2.8)
    return m


def _draw_iron(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    colour = plastic(hex_of(p.text("colour")), 0.32)
    if kind in ("classic", "plastic"):
        m.merge(_pencil(p, kind == "classic"), turning(ry=87, rz=-155, at=(0, 0, 13)))
        if p.flag("stand"):
            m.add(box(90, 40, 2, 0.6), metal("zinc"), (-150, -70, 0))
            spring = helix(13, 80, 11)
            m.add(tube(spring, 1.4, 8).moved(turning(ry=60, at=(-180, -70, 20))), metal("steel"))
    elif kind == "usb":
        part = Model()
        part.add(box(15, 14, 88, 5), colour)
        part.add(box(11, 1, 24, 0.4), DARK, (0, -7, 42))
        part.stick(
            prints.segments(p.text("temp"), 9, 5, "#7fe0ff", "#10141a"), (0, -7.6, 54), 9, turn=90
        )
        part.add(spun([(6, 86), (5, 96), (3.4, 100)], 32), rubber())
        part.add(cylinder(2.7, 40, 0.5), metal("steel"), (0, 0, 98))
        part.add(spun([(2.4, 136), (0.4, 152)], 24), metal("nickel"))
        m.merge(part, turning(ry=88, rz=-150, at=(0, 0, 8)))
        if p.flag("stand"):
            cap = Model()
            cap.add(pipe(7, 5.6, 60, 1), clear())
            m.merge(cap, turning(ry=90, rz=-110, at=(20, -40, 7)))
    elif kind == "gun":
        body = m3.Manifold.batch_hull(
            [box(36, 30, 40, 8).translate((0, 0, 70)), box(60, 30, 30, 8).translate((36, 0, 78))]
        )
        m.add(body, colour)
        m.add(box(34, 28, 84, 9).rotate((0, 14, 0)).translate((-16, 0, 0)), colour)
        m.add(box(10, 14, 24, 3), plastic("#c0282c"), (14, 0, 52))
        for y in (-8, 8):
            m.add(cylinder(5, 34, 0.8).rotate((0, 90, 0)), metal("copper"), (64, y, 92))
        loop = curve(
            [
                (96, -8, 92),
                (130, -7, 92),
                (160, -2, 88),
                (166, 0, 87),
                (160, 2, 88),
                (130, 7, 92),
                (96, 8, 92),
            ],
            10,
        )
        m.add(tube(loop, 1.7), metal("copper"))
        m.stick(prints.text(f"{p.text('watts')}W", 26, 12, "#ffffff"), (28, -15, 92), 26)
        cord(m, [(-14, 0, 4), (-34, 10, 4), (-70, 30, 4), (-100, 0, 4)], 3)
    else:
        w, h = 110.0, 90.0
        m.add(box(w, 120, h, 6), plastic("#2f3236", 0.4), (0, 0, 0))
        m.add(box(w - 2, 4, h - 4, 3), colour, (0, -60, 2))
        m.add(box(62, 2, 26, 1), DARK, (-12, -62, 52))
        m.stick(prints.segments(p.text("temp"), 54, 20, "#ff5a3c", "#160a08"), (-12, -63.2, 65), 54)
        m.add(facing_front(spun([(11, 0), (10, 12)], 40)), plastic("#1d1e20"), (28, -62, 28))
        m.stick(prints.dial(34, "200", "450", "#ffffff"), (28, -62.2, 28), 34)
        m.add(facing_front(cylinder(9, 5, 1)), metal("nickel"), (-30, -62, 26))
        m.add(box(12, 4, 18, 1.5), plastic("#d8302a"), (-4, -63, 18))
        stand = Model()
        stand.add(box(70, 90, 10, 3), plastic("#2f3236"))
        spring = helix(15, 84, 9)
        stand.add(tube(spring, 1.6, 8).moved(turning(rx=38, at=(0, 20, 22))), metal("steel"))
        stand.add(box(30, 22, 5, 2), plastic("#d9b93a", 0.9), (0, -28, 8))
        iron = _pencil(p, False)
        stand.merge(iron, turning(rx=218, at=(0, -70, 122), scale=0.72))
        m.merge(stand, turning(at=(112, -10, 0)))
        cord(m, [(-30, -66, 26), (-30, -90, 8), (20, -110, 4), (70, -100, 4)], 2.6)
    return m


CATEGORIES = (
    Category(
        "soldering-irons",
        "Паяльники",
        "Soldering irons",
        "паяльник",
        _irons,
        _draw_iron,
        elevation=(18, 36),
    ),
)
