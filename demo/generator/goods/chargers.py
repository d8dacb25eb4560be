"""Chargers and power adapters.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import gloss, metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, facing_right, spun, torus

from .details import DARK, cord, plug_pins, shade


def _chargers(rng: random.Random) -> list[Product]:
    kinds = {
        "usb": ("Зарядное устройство USB", "USB charger"),
        "adapter": ("Блок питания", "Power adapter"),
        "aa": ("Зарядное устройство для аккумуляторов", "Battery charger"),
        "desk": ("Блок питания настольный", "Desktop power supply"),
        "car": ("Зарядное устройство автомобильное", "Car charger"),
        "pad": ("Беспроводная зарядка", "Wireless charger"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        colour = rng.choice(("white", "black", "graphite", "white", "mint", "sky blue"))
        watts = rng.choice((10, 18, 20, 30, 45, 65))
        out.append(
            product(
                f"ZU-{i + 24}-{watts}W",
                f"{r} {watts}Вт {ru(colour)}",
                f"{e} {watts}W {colour}",
                rng.uniform(250, 700) + watts * 14,
                kind=kind,
                colour=colour,
                watts=watts,
                ports=rng.choice((1, 2, 3)),
                size=rng.uniform(0.85, 1.2),
                cable=rng.random() < 0.5,
                corner=rng.choice((3, 7, 12)),
                n=rng.choice((2, 4)),
            )
        )
    return out


def _draw_charger(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("size")
    body = plastic(hex_of(p.text("colour")), 0.28)
    dark = int(body.colour[1:3], 16) < 110
    ink = "#d8d8d8" if dark else "#6a6d72"
    if kind in ("usb", "adapter"):
        w, d, h = 44 * k, 32 * k, 64 * k
        if kind == "adapter":
            w, d, h = 52 * k, 44 * k, 74 * k
        m.add(box(w, d, h, p.num("corner") * k * 0.8).translate((0, 0, 0)), body)
        pins = Model()
        pins.add(box(30, 12, 5, 2), body, (0, 0, 0))
        plug_pins(pins, turning(at=(0, 0, 4)), 17, 2.0)
        m.merge(pins, turning(rx=-90, at=(0, d / 2 - 1, h * 0.68)))
        m.stick(prints.text(f"{p.text('watts')}W", w * 0.5, 8, ink), (0, -d / 2, h * 0.62), w * 0.4)
        for i in range(p.whole("ports") if kind == "usb" else 0):
            z = h * 0.42 - 8.5 * i
            m.add(box(13, 1, 5, 0.5).translate((0, -d / 2, z - 2.5)), metal("nickel"))
            m.add(box(11.4, 1, 3.6, 0.3).translate((0, -d / 2 - 0.3, z - 1.8)), DARK)
            m.add(
                box(9, 0.6, 1.3, 0.1).translate((0, -d / 2 - 0.9, z)),
                plastic("#e8e8e8" if i else "#e0701c"),
            )
        if kind == "adapter" or p.flag("cable"):
            cord(
                m,
                [
                    (0, 0, 2),
                    (0, -20, 3),
                    (30, -50, 3),
                    (80, -46, 3),
                    (92, -10, 3),
                    (60, 20, 3),
                    (100, 36, 3),
                ],
                1.9,
                body,
            )
            m.add(facing_right(cylinder(4.6, 22, 1)), DARK, (98, 36, 3))
            m.add(facing_right(cylinder(2.7, 10, 0.3)), metal("nickel"), (120, 36, 3))
    elif kind == "aa":
        n = p.whole("n")
        w = 17.0 * n + 16
        m.add(box(w, 30, 110, 6).translate((0, -15, 0)), body)
        wraps = ("#1f8a55", "#1f5fae", "#e0a21e", "#c7382e")
        for i in range(n):
            x = 17.0 * (i - (n - 1) / 2)
            m.add(box(16, 1, 58, 0.4).translate((x, -29.8, 26)), DARK)
            if i < n - (1 if p.flag("cable") and n > 2 else 0):
                cell = Model()
                cell.add(cylinder(7.1, 50, 0.5), metal("nickel"))
                cell.add(cylinder(2.4, 2, 0.4), metal("nickel"), (0, 0, 50))
                art = prints.bands(
                    ["#e8e8e4", wraps[(p.whole("watts") + n) % 4]], [0.3, 0.7], 44, 47
                )
                prints.put(art, "AA", 0.5, 0.6, 0.2, "#ffffff", 90, 0.1)
                cell.wrap(art, 7.1, 1.5, 47)
                m.merge(cell, turning(at=(x, -32, 29)))
            m.add(
                facing_front(cylinder(1.6, 1.4, 0.5)),
                gloss("#35b34a" if i % 2 else "#d8302a"),
                (x, -29.6, 94),
            )
        m.stick(prints.text("Ni-MH  AA/AAA", w * 0.7, 6, ink), (0, -30, 14), w * 0.7)
        part = Model()
        plug_pins(part, turning(), 16, 2.0)
        m.merge(part, turning(rx=-90, at=(0, -2, 84)))
    elif kind == "desk":
        m.add(box(116 * k, 52, 32, 5), body)
        art = prints.nameplate(
            "AC ADAPTER",
            ["IN 100-240V~ 50Hz", f"OUT 19V {p.text('watts')}W", "EFF. LEVEL VI"],
            70,
            34,
            "#3a3d42",
        )
        m.stick(art, (-10, 0, 32), 70, "top")
        m.add(cylinder(1.6, 0.6, 0.2), gloss("#35b34a"), (48 * k, 0, 31.8))
        cord(
            m,
            [
                (58 * k, 0, 14),
                (90 * k, -4, 6),
                (110, -50, 3),
                (60, -74, 3),
                (0, -62, 3),
                (-30, -80, 3),
            ],
            2.4,
        )
        m.add(facing_right(cylinder(5, 24, 1)), DARK, (-58, -80, 5))
        m.add(facing_right(cylinder(2.7, 10, 0.3)), metal("brass"), (-68, -80, 5))
        cord(m, [(-57 * k, 0, 14), (-84 * k, 6, 6), (-110, 50, 4), (-60, 66, 4), (0, 60, 4)], 3.4)
    elif kind == "car":
        part = Model()
        part.add(
            spun(
                [
                    (2, 0),
                    (5.6, 3),
                    (5.6, 6),
                    (9, 8),
                    (10.3, 12),
                    (10.4, 44),
                    (14 * k, 48),
                    (15 * k, 70),
                    (13.6 * k, 74),
                ],
                48,
            ),
            body,
        )
        part.add(cylinder(3, 4, 1), metal("nickel"), (0, 0, -2.6))
        for side in (-1, 1):
            part.add(box(3, 3, 18, 1), metal("nickel"), (side * 9.8, 0, 18))
        part.add(torus(15 * k - 0.4, 0.9, 48), metal("chrome"), (0, 0, 68))
        for i in range(min(2, p.whole("ports"))):
            at = (0, (i - 0.5) * 9 if p.whole("ports") > 1 else 0, 73.6)
            part.add(box(13, 5, 0.8, 0.2), DARK, at)
            part.add(box(10, 1.4, 1, 0.1), plastic("#e0701c"), at)
        m.merge(part, turning(ry=76, rz=-140, at=(0, 0, 15)))
    else:
        m.add(cylinder(48 * k, 9, 3.5, 72), body)
        m.add(torus(30 * k, 0.9, 64), plastic(shade(body.colour, 0.8)), (0, 0, 8.8))
        m.stick(prints.bolt_sign(14, ink, body.colour), (0, 0, 9), 16, "top")
        cord(
            m,
            [(0, 46 * k, 5), (10, 70, 3), (60, 84, 3), (90, 50, 3), (80, 10, 3), (100, -20, 3)],
            2,
            body,
        )
        m.add(box(12, 20, 7, 2).translate((100, -30, 0)), body)
        m.add(box(9, 12, 4.5, 0.5).translate((100, -44, 1.2)), metal("nickel"))
    return m


CATEGORIES = (
    Category(
        "chargers",
        "Зарядные устройства",
        "Chargers",
        "зарядное устройство",
        _chargers,
        _draw_charger,
        elevation=(20, 40),
    ),
)
