"""Extension leads and surge protectors.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

import numpy as np

from demo.generator.materials import Material, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, pipe, plate, tube

from .details import DARK, cord, plug_head, shade, socket_face


def _leads(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("strip", "strip", "cube", "single", "switch", "usb")[i % 6]
        n = rng.choice((3, 4, 5, 6)) if kind in ("strip", "switch", "usb") else 1
        names = {
            "strip": ("Удлинитель", "Extension lead"),
            "cube": ("Тройник", "Three-way adapter"),
            "single": ("Удлинитель-шнур силовой", "Single extension cord"),
            "switch": ("Сетевой фильтр", "Surge protector"),
            "usb": ("Сетевой фильтр с USB", "Surge protector with USB"),
        }[kind]
        colour = rng.choice(
            ("white", "black", "white", "graphite", "orange" if kind == "single" else "light grey")
        )
        metres = rng.choice((1.5, 2, 3, 5))
        out.append(
            product(
                f"UD-{i + 21}-{n}G",
                f"{names[0]} {n} гн. {metres} м {ru(colour)}",
                f"{names[1]} {n}-way {metres} m {colour}",
                180 + 90 * n + 40 * metres,
                kind=kind,
                n=n,
                colour=colour,
                square=rng.random() < 0.5,
                turn=rng.choice((0, 45)),
                corner=rng.choice((4, 10, 22)),
            )
        )
    return out


def _draw_lead(p: Product) -> Model:
    m = Model()
    kind, n = p.text("kind"), p.whole("n")
    body = plastic(hex_of(p.text("colour")), 0.35)
    inner = body if p.flag("square") else plastic(shade(body.colour, 0.88), 0.35)

    def outlet(x: float, y: float, z: float, turn: float, scale: float = 1.0) -> None:
        part = Model()
        socket_face(part, 0, 0, 0, inner, 19.5, deep=2.0)
        m.merge(part, turning(rx=-90, rz=turn, at=(x, y, z), scale=scale))

    if kind == "cube":
        m.add(box(64, 64, 56, 10), body)
        outlet(0, 0, 57, 0)
        for ry in (-1, 1):
            part = Model()
            socket_face(part, 0, 0, 0, inner, 19.5)
            m.merge(part, turning(rz=90 * ry, at=(ry * 33, 0, 28)))
        front = Model()
        socket_face(front, 0, 0, 0, inner, 19.5)
        m.merge(front, turning(at=(0, -33, 28)))
        return m
    if kind == "single":
        part = plug_head("grip", body)
        m.merge(part, turning(rx=90, rz=25, at=(-70, -30, 19)))
        m.add(facing_front(pipe(25, 20, 24, 2)), body, (60, -30, 25))
        m.add(facing_front(cylinder(20, 40, 6)), body, (60, 10, 25))
        socket_face(m, 60, 25, -50, inner, 20)
        t = np.linspace(0, 2 * np.pi * 4, 160)
        ring = np.column_stack([70 * np.cos(t), 55 * np.sin(t) + 70, 5 + 5 * (t / 6.28)])
        m.add(tube(ring, 4.5, 12), body)
        return m
    extra = 46 if kind in ("switch", "usb") else 10
    pitch = 42.0
    length = n * pitch + extra + 16
    corner = p.num("corner")
    m.add(plate(length, 58, 40, corner, 4), body)
    start = -length / 2 + 8 + pitch / 2
    for i in range(n):
        outlet(start + pitch * i, 0, 41, p.num("turn"))
    x = length / 2 - extra / 2 - 4
    if kind in ("switch", "usb"):
        m.add(box(17, 26, 3, 1).translate((x, 8 if kind == "usb" else 0, 39)), DARK)
        m.add(
            box(14, 22, 6, 2).rotate((7, 0, 0)).translate((x, 8 if kind == "usb" else 0, 39)),
            Material("plastic", "#d8302a", 0.15),
        )
        if kind == "usb":
            for dx in (-8, 8):
                m.add(box(11, 5, 0.8, 0.2).translate((x + dx, -17, 39.6)), DARK)
    head = plug_head("angled" if p.flag("square") else "straight", body)
    cord(
        m,
        [
            (-length / 2, 0, 20),
            (-length / 2 - 34, 4, 8),
            (-length / 2 - 40, 60, 5),
            (-length * 0.2, 84, 5),
            (length * 0.15, 70, 5),
            (length * 0.36, 88, 8),
        ],
        4,
        body,
    )
    m.merge(head, turning(rx=-90, rz=-80, at=(length * 0.36 + 40, 82, 19)))
    return m


CATEGORIES = (
    Category(
        "extension-leads",
        "Удлинители",
        "Extension leads",
        "удлинитель",
        _leads,
        _draw_lead,
        elevation=(28, 50),
    ),
)
