"""Goods on the wall: socket outlets.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import Material, glass, gloss, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, pipe, plate, spun

from .details import DARK, screw, shade, socket_face

FRAME_COLOURS = (
    "white",
    "ivory",
    "graphite",
    "black",
    "silver",
    "champagne",
    "brown",
    "oak",
    "mint",
    "sky blue",
)


def _cut_frame(
    m: Model,
    w: float,
    h: float,
    d: float,
    outer: Material,
    inner: Material,
    corner: float,
    spots: list[tuple[float, float]],
    r: float,
) -> None:
    """Adds a frame with square inserts that have round hollows of radius ``r`` at the spots."""
    body = facing_front(plate(w, h, d, corner, min(1.8, d / 3))).translate((0, 0, h / 2))
    for x, z in spots:
        hollow = facing_front(cylinder(r + 0.6, 40, 0, 48)).translate((x, 5 - d, z))
        body -= hollow
        insert = facing_front(plate(56, 56, 3.0, 4, 0.8)).translate((x, 0.6 - d, h / 2))
        m.add(insert - hollow, inner)
    m.add(body, outer)


def _finish(colour: str) -> Material:
    if colour == "oak":
        return plastic("#ffffff", 0.4).textured("oak", 60)
    if colour in ("silver", "champagne"):
        return Material("plastic", hex_of(colour), 0.25)
    return plastic(hex_of(colour), 0.3)


def _sockets(rng: random.Random) -> list[Product]:
    kinds = {
        "single": ("Розетка с заземлением", "Socket outlet earthed", 180),
        "double": ("Розетка двойная", "Double socket outlet", 290),
        "usb": ("Розетка с USB-зарядкой", "Socket outlet with USB charger", 1150),
        "surface": ("Розетка накладная", "Surface-mounted socket outlet", 150),
        "round": ("Розетка ретро", "Retro socket outlet", 620),
        "triple": ("Розетка тройная в рамке", "Triple framed socket outlet", 540),
        "cover": ("Розетка с крышкой IP44", "Socket outlet with cover IP44", 310),
        "plain": ("Розетка без заземления", "Socket outlet without earth", 110),
        "din": ("Розетка на DIN-рейку", "DIN rail socket outlet", 340),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % len(kinds)]
        colour = (
            rng.choice(FRAME_COLOURS)
            if kind not in ("din", "plain")
            else rng.choice(("white", "ivory", "light grey"))
        )
        r, e, price = kinds[kind]
        out.append(
            product(
                f"RZ-{i + 100}-16",
                f"{r} 16А {ru(colour)}",
                f"{e} 16A {colour}",
                price * rng.uniform(0.85, 1.5),
                kind=kind,
                colour=colour,
                insert=rng.choice(("same", "white", "same")),
                corner=rng.choice((2.5, 6, 10, 14)),
                size=rng.choice((80, 84, 88)),
                deep=rng.choice((8, 10, 12)),
                lip=rng.random() < 0.5,
            )
        )
    return out


def _draw_socket(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    outer = _finish(p.text("colour"))
    inner = (
        outer
        if p.text("insert") == "same" and p.text("colour") != "oak"
        else plastic(hex_of("white"), 0.3)
    )
    s, d, corner = p.num("size"), p.num("deep"), p.num("corner")
    if kind in ("single", "usb", "plain"):
        cz = s / 2
        dish = 17.5 if kind == "usb" else 19.5
        _cut_frame(
            m, s, s, d, outer, inner, corner, [(0.0, cz - (5 if kind == "usb" else 0))], dish
        )
        if p.flag("lip"):
            groove = facing_front(plate(60, 60, 1, 5, 0.3)).translate((0, -d + 0.2, cz))
            hollow = facing_front(cylinder(24, 40, 0, 48)).translate((0, 10, cz))
            m.add(groove - hollow, plastic(shade(inner.colour, 0.7)))
        if kind == "usb":
            socket_face(m, 0, cz - 5, -d - 2.4, inner, dish, deep=7)
            for x in (-9.0, 9.0):
                m.add(box(9.4, 1.2, 3.8, 0.4).translate((x, -d - 2.2, cz + 18.5)), DARK)
                m.add(
                    box(6.4, 0.8, 1.2, 0.2).translate((x, -d - 2.8, cz + 20.3)), plastic("#e8e8e8")
                )
            m.stick(prints.text("USB 2.1A", 16, 2.6, "#5a5d62"), (0, -d - 2.4, cz + 25), 16)
        else:
            socket_face(m, 0, cz, -d - 2.4, inner, dish, kind == "single", p.flag("lip"), 7)
    elif kind in ("double", "triple"):
        n = 2 if kind == "double" else 3
        w = 71.0 * n + 11
        spots = [(71.0 * (i - (n - 1) / 2), s / 2) for i in range(n)]
        _cut_frame(m, w, s, d, outer, inner, corner, spots, 19.5)
        for x, z in spots:
            socket_face(m, x, z, -d - 2.4, inner, 19.5, deep=7)
    elif kind == "surface":
        n = 2 if p.flag("lip") else 1
        w = 66.0 * n
        m.add(box(w, 38, 66, 4).translate((0, -19, 0)), outer)
        for i in range(n):
            x = 60.0 * (i - (n - 1) / 2)
            m.add(facing_front(pipe(27, 22.5, 5, 1.2)).translate((x, -36, 33)), outer)
            socket_face(m, x, 33, -39, outer, 19.5)
    elif kind == "round":
        body = gloss(hex_of(p.text("colour") if p.text("colour") != "oak" else "brown"))
        m.add(
            facing_front(cylinder(45, 10, 3)).translate((0, 0, 45)),
            plastic("#ffffff", 0.35).textured("walnut", 70),
        )
        m.add(
            facing_front(spun([(33, 0), (33, 14), (31, 20), (27, 23)], 56)).translate((0, -9, 45)),
            body,
        )
        socket_face(m, 0, 45, -34, body, 19.5)
    elif kind == "cover":
        m.add(box(76, 44, 82, 6).translate((0, -22, 0)), outer)
        m.add(facing_front(pipe(30, 22, 7, 1.5)).translate((0, -42, 36)), outer)
        socket_face(m, 0, 36, -46, outer, 19.5)
        lid = facing_front(plate(68, 62, 5, 8, 2)).rotate((75, 0, 0)).translate((0, -60, 86))
        tint = glass("#b9c4cc") if p.flag("lip") else plastic(shade(outer.colour, 0.95))
        m.add(lid, tint if p.flag("lip") else outer)
        m.add(box(58, 7, 7, 2).translate((0, -44, 72)), outer)
    else:
        m.add(box(45, 44, 85, 1.2).translate((0, -22, 0)), outer)
        m.add(box(45, 62, 46, 1.2).translate((0, -31, 19.5)), outer)
        socket_face(m, 0, 42.5, -62.5, outer, 19.5)
        for z in (10, 75):
            for x in (-12, 12):
                screw(m, (x, -44, z), 2.8)
    return m


CATEGORIES = (
    Category("sockets", "Розетки", "Sockets", "розетка", _sockets, _draw_socket, lies=-90),
)
