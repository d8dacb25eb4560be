"""Goods that switch by wire: contactors and relays.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import clear, gloss, metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front

from .details import DARK, din_body, din_terminals, screw, well


def _contactors(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("open", "open", "modular", "big", "thermal")[i % 5]
        amps = rng.choice(
            {
                "open": (9, 12, 18, 25, 32),
                "modular": (20, 25, 40, 63),
                "big": (65, 80, 95),
                "thermal": (9, 18, 25),
            }[kind]
        )
        volts = rng.choice((24, 110, 230, 400))
        body = rng.choice(("ivory", "white", "graphite", "light grey", "black"))
        if kind == "modular":
            body = rng.choice(("white", "light grey"))
        ru_kind = {
            "open": "Контактор",
            "modular": "Контактор модульный",
            "big": "Контактор силовой",
            "thermal": "Пускатель с тепловым реле",
        }[kind]
        en_kind = {
            "open": "Contactor",
            "modular": "Modular contactor",
            "big": "Power contactor",
            "thermal": "Motor starter with overload relay",
        }[kind]
        price = {"open": 780, "modular": 1150, "big": 3900, "thermal": 2300}[kind] + amps * 26
        out.append(
            product(
                f"KM-{i + 1:02d}{amps}-{volts}",
                f"{ru_kind} {amps}А катушка {volts}В AC {ru(body)}",
                f"{en_kind} {amps}A coil {volts}V AC {body}",
                price * rng.uniform(0.9, 1.3),
                kind=kind,
                amps=amps,
                volts=volts,
                body=body,
                poles=rng.choice((2, 4)),
                accent=rng.choice(("#2b62a8", "#333538", "#b33a2c", "#d8a21e", "#2f7d58")),
            )
        )
    return out


def _draw_contactor(p: Product) -> Model:
    m = Model()
    amps = p.whole("amps")
    body = plastic(hex_of(p.text("body")), 0.42)
    accent = plastic(p.text("accent"), 0.35)
    if p.text("kind") == "modular":
        poles = p.whole("poles")
        w = 18.0 * (1 if poles == 2 else 2)
        din_body(m, w, body)
        din_terminals(m, w, max(2, poles), back=44)
        m.add(box(w * 0.55, 6, 9, 1).translate((0, -60.5, 46)), accent)
        m.stick(
            prints.text(f"KM {amps}A\n{p.text('volts')}V~\nAC-1", w * 0.75, 14),
            (0, -62, 34),
            w * 0.75,
        )
        m.stick(prints.ring(5, "#c7382e", 0.3, "#e05a4a"), (0, -62, 61), 5)
        return m
    s = 1.0 if p.text("kind") != "big" else 1.45
    w, h = 45 * s, 76 * s
    shade_body = plastic("#3a3c40", 0.45)
    m.add(box(w, 40 * s, h, 1.6).translate((0, -20 * s, 0)), shade_body)
    m.add(box(w, 34 * s, h, 1.6).translate((0, -50 * s, 0)), body)
    m.add(box(w * 0.98, 14 * s, h * 0.42, 1.4).translate((0, -72 * s, h * 0.29)), body)
    m.add(box(w * 0.42, 8 * s, h * 0.2, 1.0).translate((0, -78 * s, h * 0.41)), accent)
    m.add(box(w * 0.2, 3 * s, h * 0.1, 0.6).translate((0, -82 * s, h * 0.46)), DARK)
    for row in (0.10, 0.84):
        for i in range(4):
            x = -w / 2 + w * (i + 0.5) / 4
            m.add(box(w * 0.19, 4, h * 0.17, 0.4).translate((x, -66 * s, h * (row - 0.05))), DARK)
            screw(m, (x, -67.8 * s, h * (row + 0.035)), 3.6 * s)
            if i < 3:
                wall = box(1.6 * s, 10 * s, h * 0.2, 0.4)
                m.add(wall.translate((x + w / 8, -70 * s, h * (row - 0.06))), body)
    m.stick(
        prints.text(f"KM-{amps}\n{amps}A AC-3", w * 0.5, 7 * s), (0, -79 * s, h * 0.345), w * 0.5
    )
    terms = prints.text("1L1 3L2 5L3 13NO", w * 0.9, 3.2 * s, "#f5f5f5", "#2b2d31")
    m.stick(terms, (0, -79 * s, h * 0.665), w * 0.9)
    m.stick(
        prints.text(f"A1 ~{p.text('volts')}V A2", w * 0.5, 3.4), (0, -67 * s, h * 0.975), w * 0.5
    )
    if p.text("kind") == "thermal":
        m.add(box(w, 62, 44, 1.6).translate((0, -40, -46)), body)
        dial = facing_front(cylinder(8, 5, 1)).translate((8, -70, -20))
        m.add(dial, plastic("#e4e2d8"))
        m.add(box(1.6, 2, 12, 0.3).translate((8, -75.4, -26)), DARK)
        m.stick(prints.dial(22, "1", "25"), (8, -71, -20), 22)
        m.add(facing_front(cylinder(3.6, 6, 1)).translate((-13, -70, -14)), plastic("#c0282c"))
        m.add(facing_front(cylinder(3.6, 6, 1)).translate((-13, -70, -27)), plastic("#2358a8"))
        for i in range(3):
            well(m, (-13 + 13 * i, -71, -39), 3.4)
    return m


def _relays(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("cube", "timer", "pcb", "solid", "cube-socket", "slim")[i % 6]
        volts = rng.choice((5, 12, 24, 110, 230))
        amps = rng.choice((5, 6, 10, 16)) if kind != "solid" else rng.choice((25, 40, 80))
        ru_kind = {
            "cube": "Реле промежуточное",
            "timer": "Реле времени",
            "pcb": "Реле на плату",
            "solid": "Реле твердотельное",
            "cube-socket": "Реле с колодкой",
            "slim": "Реле интерфейсное",
        }[kind]
        en_kind = {
            "cube": "Plug-in relay",
            "timer": "Time relay",
            "pcb": "PCB relay",
            "solid": "Solid state relay",
            "cube-socket": "Relay with socket",
            "slim": "Interface relay",
        }[kind]
        price = {
            "cube": 260,
            "timer": 1250,
            "pcb": 75,
            "solid": 890,
            "cube-socket": 430,
            "slim": 520,
        }[kind]
        out.append(
            product(
                f"RL-{i + 20}-{volts}-{amps}",
                f"{ru_kind} {amps}А {volts}В",
                f"{en_kind} {amps}A {volts}V",
                price * rng.uniform(0.85, 1.4),
                kind=kind,
                volts=volts,
                amps=amps,
                poles=rng.choice((2, 3, 4)),
                tint=rng.choice(("#eef2f4", "#e8dfc4", "#d4e2ee")),
                body=rng.choice(("blue", "black", "orange", "graphite", "white")),
                knobs=rng.choice((1, 2, 3)),
            )
        )
    return out


def _cube_relay(m: Model, p: Product, z: float) -> None:
    w = 21.0 + (7 if p.whole("poles") > 2 else 0)
    m.add(box(w, 28, 6, 0.8).translate((0, 0, z)), plastic("#2b2d30", 0.45))
    coil = cylinder(8, 20, 1.0).translate((0, 0, z + 7))
    m.add(coil, plastic("#b06a2a", 0.5))
    m.add(cylinder(9, 1.5, 0.3).translate((0, 0, z + 27)), metal("steel"))
    m.add(box(w * 0.7, 2, 20, 0.3).translate((0, 9.5, z + 7)), metal("zinc"))
    m.add(box(w * 0.7, 20, 1.6, 0.3).translate((0, 0, z + 29)), metal("zinc"))
    for i in range(3):
        m.add(box(3, 1, 18, 0.2).translate((-6 + 6 * i, -10.5, z + 8)), metal("brass"))
    m.add(box(w, 28, 32, 1.4).translate((0, 0, z + 5)), clear(p.text("tint")))
    label = prints.text(
        f"RL {p.text('volts')}V\n{p.text('amps')}A 250V~", w * 0.7, 9, paper="#f4f4f0"
    )
    m.stick(label, (0, -14, z + 27), w * 0.7)
    m.add(box(5, 3, 5, 0.6).translate((w * 0.2, 0, z + 36.5)), plastic(hex_of(p.text("body"))))


def _draw_relay(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    body = plastic(hex_of(p.text("body")), 0.35)
    if kind == "cube":
        _cube_relay(m, p, 7)
        for i in range(4):
            for j in range(3):
                m.add(
                    box(2.6, 0.6, 8, 0.1).translate((-7.5 + 5 * i, -8 + 8 * j, 0)), metal("nickel")
                )
    elif kind == "cube-socket":
        m.add(box(30, 62, 16, 1.2).translate((0, 0, 0)), body)
        m.add(box(30, 30, 24, 1.2), body)
        for side in (-1, 1):
            for i in range(3):
                at = (-9.5 + 9.5 * i, side * 23.0, 16.0)
                m.add(cylinder(3.4, 0.2, 0.05, 24), DARK, at)
                screw(m, at, 2.7, face="top")
        _cube_relay(m, p, 23)
    elif kind in ("timer", "slim"):
        w = 18.0 if kind == "timer" else 6.4
        white = plastic(hex_of("white" if p.text("body") in ("orange", "black") else "light grey"))
        din_body(m, w, white if kind == "timer" else body, height=90)
        din_terminals(m, w, 2 if kind == "timer" else 1, height=90)
        if kind == "timer":
            for k in range(p.whole("knobs")):
                z = 32 + 11.0 * k
                m.stick(prints.dial(10.5, "0", "10"), (-2, -62, z), 10.5)
                m.add(facing_front(cylinder(2.7, 2.2, 0.5)), plastic(hex_of("blue")), (-2, -62, z))
                m.add(box(0.8, 1, 5, 0.1).translate((-2, -64.4, z - 2.5)), plastic("#f2f2f0"))
            m.stick(prints.text(f"TR {p.text('volts')}V", 15, 3.5), (0, -62, 64.5), 15)
            for k, c in enumerate(("#35b34a", "#e0a21e")):
                m.add(facing_front(cylinder(1.2, 1, 0.4)), gloss(c), (6.4, -62, 52 + 6 * k))
        else:
            m.add(box(5, 24, 24, 0.6).translate((0, -60, 33)), plastic("#3a3c40"))
            m.stick(prints.text(f"{p.text('volts')}V", 4.6, 2.6, "#ffffff"), (0, -72, 46), 4.6)
            m.add(box(3, 3, 6, 0.4).translate((0, -63, 60)), plastic("#e0701c"))
    elif kind == "pcb":
        w, d, h = 19.0 + p.whole("knobs") * 4, 15.5, 15.0 + p.whole("poles")
        colour = "#2358a8" if p.whole("poles") < 4 else "#1d1e20"
        m.add(box(w, d, h, 0.9).translate((0, 0, 4)), plastic(colour, 0.3))
        for u, v in ((-1, -1), (-1, 1), (0.4, -1), (1, 0), (0.4, 1)):
            m.add(cylinder(0.6, 5, 0.1, 12), metal("nickel"), (u * w * 0.4, v * 5.5, 0))
        words = f"RL-{p.text('volts')}VDC\n{p.text('amps')}A 250VAC\n{p.text('amps')}A 30VDC"
        m.stick(prints.text(words, w * 0.86, h * 0.75, "#f2f2f2"), (0, -d / 2, 4 + h / 2), w * 0.86)
        m.stick(prints.text("RL" + p.text("volts"), w * 0.7, 7, "#f2f2f2"), (0, 0, 4 + h), w * 0.7)
    else:
        m.add(box(45, 58, 4, 0.6), metal("alu"))
        m.add(box(44, 44, 22, 1.4).translate((0, 0, 4)), body)
        m.add(box(44, 57, 12, 1.2).translate((0, 0, 4)), body)
        for i in (-1, 1):
            for j in (-1, 1):
                screw(m, (i * 13.0, j * 24.6, 16), 4.2, face="top")
        plate = prints.nameplate(
            f"SSR {p.text('amps')}A", ["IN 3-32VDC", "OUT 24-480VAC"], 34, 20, "#b33a2c"
        )
        m.stick(plate, (0, -2, 26), 34, "top")
        m.add(cylinder(1.6, 1.4, 0.5), gloss("#d8302a"), (14, 16, 25.6))
        m.stick(prints.text("3+   4-", 30, 4, "#f2f2f2"), (0, -28.5, 10), 30)
    return m


CATEGORIES = (
    Category(
        "contactors",
        "Контакторы",
        "Contactors",
        "контактор",
        _contactors,
        _draw_contactor,
        lies=-90,
    ),
    Category("relays", "Реле", "Relays", "реле", _relays, _draw_relay, elevation=(20, 40)),
)
