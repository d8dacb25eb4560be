"""Electric motors.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import Material, gloss, metal, plastic
from demo.generator.model import Model, turning
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import box, cylinder, facing_front, facing_right, plate, spun, torus

from .details import DARK, cord, ribs, screw, shade


def _motors(rng: random.Random) -> list[Product]:
    kinds = {
        "foot": ("Электродвигатель асинхронный", "Induction motor"),
        "flange": ("Электродвигатель фланцевый", "Flange motor"),
        "dc": ("Мотор постоянного тока", "DC motor"),
        "stepper": ("Двигатель шаговый", "Stepper motor"),
        "gear": ("Мотор-редуктор", "Gear motor"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 5]
        r, e = kinds[kind]
        kw = (
            rng.choice((0.12, 0.25, 0.55, 1.1, 2.2))
            if kind in ("foot", "flange")
            else rng.choice((0.01, 0.02, 0.04, 0.09))
        )
        rpm = (
            rng.choice((750, 1000, 1500, 3000)) if kind != "gear" else rng.choice((5, 30, 60, 120))
        )
        out.append(
            product(
                f"AD-{i + 63}-{int(kw * 1000)}W",
                f"{r} {kw}кВт {rpm} об/мин",
                f"{e} {kw}kW {rpm} rpm",
                600 + kw * 6000 * rng.uniform(0.8, 1.3),
                kind=kind,
                kw=kw,
                rpm=rpm,
                colour=rng.choice(("blue", "grey", "green", "graphite", "light grey")),
                length=rng.uniform(0.85, 1.25),
                fins=rng.choice((24, 30, 36)),
                top=rng.random() < 0.6,
            )
        )
    return out


def _draw_motor(p: Product) -> Model:
    m = Model()
    kind, k = p.text("kind"), p.num("length")
    paint = gloss(hex_of(p.text("colour")))
    paint = Material("plastic", paint.colour, 0.3)
    part = Model()
    if kind in ("foot", "flange"):
        r, length = 62.0, 150 * k
        part.add(cylinder(r, length, 2, 56), paint)
        ribs(part, p.whole("fins"), r, 8, length - 16, paint, 4, 2.4)
        part.add(cylinder(r + 4, 12, 3, 56), paint, (0, 0, -4))
        part.add(cylinder(r + 4, 12, 3, 56), paint, (0, 0, length - 6))
        part.add(
            spun(
                [(r + 4, length + 4), (r * 0.6, length + 16), (24, length + 22), (22, length + 30)],
                56,
            ),
            paint,
        )
        part.add(cylinder(11, 62, 1), metal("steel"), (0, 0, length + 14))
        part.add(box(6, 4, 34, 1).translate((0, -11, length + 36)), metal("steel"))
        cowl = spun([(r + 5, 0), (r + 5, -36), (r - 4, -46)], 56)
        part.add(cowl, plastic(shade(paint.colour, 0.8), 0.4), (0, 0, -2))
        for i in range(5):
            part.add(torus(10 + 10 * i, 1.6, 48), DARK, (0, 0, -48.2))
        if kind == "flange":
            flange = cylinder(r + 34, 10, 1.5, 64)
            for i in range(4):
                flange -= (
                    cylinder(6, 40, 0, 20).translate((r + 22, 0, -10)).rotate((0, 0, 45 + 90 * i))
                )
            part.add(flange, paint, (0, 0, length + 2))
        m.merge(part, turning(ry=90, rz=-150, at=(0, 0, r + 30)))
        terminal = Model()
        terminal.add(box(64, 54, 34, 4), paint, (length * 0.5, 0, 2 * r + 24))
        for i in (-1, 1):
            screw(terminal, (length * 0.5 + i * 26, 20, 2 * r + 58), 3, face="top")
            screw(terminal, (length * 0.5 + i * 26, -20, 2 * r + 58), 3, face="top")
        terminal.add(facing_front(cylinder(10, 16, 2)), DARK, (length * 0.5, -27, 2 * r + 40))
        if kind == "foot":
            for y in (-50, 50):
                terminal.add(box(length * 0.8, 34, 10, 2), paint, (length * 0.5, y, 0))
                terminal.add(box(length * 0.7, 12, 50, 2), paint, (length * 0.5, y * 0.8, 4))
        plate_art = prints.nameplate(
            "3~ MOTOR",
            [f"{p.text('kw')}kW {p.text('rpm')}/min", "400V 50Hz", "IP55 cl.F"],
            60,
            36,
            "#3a3d42",
        )
        sign = Model()
        sign.add(box(62, 2, 38, 0.6), metal("alu"), (0, 0, -19))
        sign.stick(plate_art, (0, -1, 0), 58)
        terminal.merge(sign, turning(rz=180, at=(length * 0.5, r + 5, r + 28)))
        m.merge(terminal, turning(rz=-150))
    elif kind == "dc":
        r, length = 18.0, 50 * k
        case = metal("nickel" if p.flag("top") else "zinc")
        part.add(cylinder(r, length, 1.5), case)
        part.add(cylinder(6, 5, 0.6), case, (0, 0, length - 0.5))
        part.add(cylinder(2, 18, 0.3), metal("steel"), (0, 0, length))
        part.add(
            cylinder(r - 2, 3, 1), plastic("#e8e8e4" if p.flag("top") else "#2b2d30"), (0, 0, -2.5)
        )
        for s in (-1.0, 1.0):
            part.add(box(4, 0.8, 8, 0.2), metal("brass"), (s * 9, 0, -9))
        for i in range(2):
            part.add(cylinder(1.4, 0.5, 0.1), DARK, (11 * (2 * i - 1), 0, length - 0.2))
        part.wrap(
            prints.text(f"DC 12V\n{p.text('rpm')} RPM", 30, 14, paper="#f1f1ec"),
            r,
            length * 0.3,
            14,
            60,
            95,
        )
        m.merge(part, turning(ry=90, rz=-145, at=(0, 0, r)))
        if p.flag("top"):
            for i, c1 in enumerate(("#c0282c", "#242527")):
                cord(
                    m,
                    [
                        (6, 12 - 8 * i, r),
                        (24, 20 - 9 * i, 8),
                        (40, 6 - 9 * i, 1.5),
                        (56, -14 - 6 * i, 1.5),
                    ],
                    1.2,
                    plastic(c1),
                )
    elif kind == "stepper":
        s, length = 42.3, 40 * k
        part.add(plate(s, s, 9, 5, 0.8), metal("alu"), (0, 0, 0))
        part.add(plate(s, s, length - 18, 8, 0.4), metal("black"), (0, 0, 9))
        part.add(plate(s, s, 9, 5, 0.8), metal("alu"), (0, 0, length - 9))
        part.add(cylinder(11, 2.4, 0.5), metal("alu"), (0, 0, length))
        shaft = cylinder(2.5, 24, 0.4)
        part.add(shaft, metal("steel"), (0, 0, length))
        for i in (-1, 1):
            for j in (-1, 1):
                part.add(cylinder(1.7, 0.3, 0.05, 20), DARK, (15.5 * i, 15.5 * j, length - 0.1))
        m.merge(
            part,
            turning(rx=90 if p.flag("top") else 0, rz=25, at=(0, 0, s / 2 if p.flag("top") else 0)),
        )
        for i, c2 in enumerate(("#c0282c", "#2358a8", "#2c8a4a", "#242527")):
            cord(
                m,
                [
                    (10, 10 - 3 * i, 8),
                    (34, 16 - 4 * i, 6),
                    (56, -4 - 4 * i, 1.5),
                    (80, 4 - 5 * i, 1.5),
                ],
                1.0,
                plastic(c2),
            )
    else:
        m.add(box(52, 60, 56, 5), metal("alu"), (0, 0, 0))
        m.add(
            facing_right(cylinder(20, 80 * k, 2)), Material("metal", "#8f9296", 0.35), (24, 0, 28)
        )
        m.add(facing_right(cylinder(18, 8, 2)), plastic("#2b2d30"), (24 + 80 * k, 0, 28))
        m.add(facing_front(cylinder(12, 6, 1)), metal("steel"), (0, -29, 28))
        m.add(facing_front(cylinder(6, 34, 0.8)), metal("steel"), (0, -30, 28))
        m.add(box(40, 12, 4, 1), metal("zinc"), (0, -26, 0))
        for i in (-1, 1):
            for j in (-1, 1):
                screw(m, (i * 20, -30, 28 + j * 22), 3, "hex")
        m.stick(
            prints.nameplate("GEAR 24V", [f"{p.text('rpm')} rpm", "12 Nm"], 34, 20, "#2b62a8"),
            (0, 0, 56),
            34,
            "top",
        )
    return m


CATEGORIES = (
    Category(
        "motors",
        "Электродвигатели",
        "Electric motors",
        "электродвигатель",
        _motors,
        _draw_motor,
        elevation=(16, 30),
    ),
)
