"""Goods on the wall: light switches and dimmers.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import math
import random

from demo.generator import prints
from demo.generator.materials import Material, gloss, metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, plate, spun

from .details import DARK, cord, din_body, din_terminals, screw, shade

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


def frame(m: Model, w: float, h: float, d: float, colour: Material, corner: float) -> None:
    """Adds a wall frame: width, height and depth; its back is at y = 0, its foot at z = 0."""
    m.add(facing_front(plate(w, h, d, corner, min(1.8, d / 3))).translate((0, 0, h / 2)), colour)


def _finish(colour: str) -> Material:
    if colour == "oak":
        return plastic("#ffffff", 0.4).textured("oak", 60)
    if colour in ("silver", "champagne"):
        return Material("plastic", hex_of(colour), 0.25)
    return plastic(hex_of(colour), 0.3)


def _switches(rng: random.Random) -> list[Product]:
    kinds = {
        "one": ("Выключатель одноклавишный", "One-gang light switch", 150),
        "two": ("Выключатель двухклавишный", "Two-gang light switch", 190),
        "three": ("Выключатель трёхклавишный", "Three-gang light switch", 260),
        "lit": ("Выключатель с подсветкой", "Light switch with indicator", 210),
        "touch": ("Выключатель сенсорный", "Touch light switch", 1350),
        "retro": ("Выключатель поворотный ретро", "Retro rotary switch", 690),
        "surface": ("Выключатель накладной", "Surface-mounted light switch", 130),
        "toggle": ("Выключатель тумблерный", "Toggle light switch", 820),
        "cord": ("Выключатель проходной на шнур", "In-line cord switch", 90),
        "button": ("Кнопка звонка", "Bell push switch", 170),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % len(kinds)]
        colour = rng.choice(FRAME_COLOURS)
        r, e, price = kinds[kind]
        out.append(
            product(
                f"VK-{i + 300}-10",
                f"{r} 10А {ru(colour)}",
                f"{e} 10A {colour}",
                price * rng.uniform(0.85, 1.5),
                kind=kind,
                colour=colour,
                insert=rng.choice(("same", "white")),
                corner=rng.choice((2.5, 5, 9, 14)),
                size=rng.choice((80, 84, 90)),
                tilt=rng.choice((-4.0, 4.0)),
                n=rng.choice((1, 2, 3)),
            )
        )
    return out


def _rockers(
    m: Model,
    n: int,
    y: float,
    z: float,
    colour: Material,
    tilt: float,
    mark: bool,
    wide: float = 56.0,
) -> None:
    each = wide / n
    for i in range(n):
        x = each * (i - (n - 1) / 2)
        lean = tilt * (1 if i % 2 == 0 else -1)
        key = facing_front(plate(each - 0.8, wide, 5.5, 2.2, 0.9)).rotate((lean, 0, 0))
        m.add(key.translate((x, y + 1.5, z)), colour)
        if mark:
            led = box(7, 1.6, 2.2, 0.5).translate((x, y - 4.2, z + 14))
            m.add(led, gloss("#e8642c"))


def _draw_switch(p: Product) -> Model:
    m = Model()
    kind, s, tilt = p.text("kind"), p.num("size"), p.num("tilt")
    outer = _finish(p.text("colour"))
    inner = (
        outer
        if p.text("insert") == "same" and p.text("colour") != "oak"
        else plastic(hex_of("white"), 0.28)
    )
    under = plastic(shade(inner.colour, 0.6))
    if kind in ("one", "two", "three", "lit"):
        frame(m, s, s, 9, outer, p.num("corner"))
        m.add(facing_front(plate(58.5, 58.5, 1.2, 3, 0.3)).translate((0, -8.4, s / 2)), under)
        n = {"one": 1, "two": 2, "three": 3, "lit": min(2, p.whole("n"))}[kind]
        _rockers(m, n, -8, s / 2, inner, tilt, kind == "lit")
    elif kind == "surface":
        m.add(box(66, 34, 66, 4).translate((0, -17, 0)), outer)
        m.add(facing_front(plate(50, 50, 1.2, 3, 0.3)).translate((0, -33.4, 33)), under)
        _rockers(m, min(2, p.whole("n")), -33, 33, outer, tilt, p.whole("n") == 3, 48)
    elif kind == "touch":
        panel = gloss(
            hex_of("black" if p.text("colour") in ("black", "graphite", "brown") else "white")
        )
        m.add(facing_front(plate(s, s, 9, 4, 1)).translate((0, 0, s / 2)), panel)
        ink = "#f2f2f2" if panel.colour == hex_of("black") else "#8b8f95"
        n = p.whole("n")
        for i in range(n):
            x = 24.0 * (i - (n - 1) / 2)
            m.stick(prints.ring(15, ink, 0.1), (x, -9, s / 2), 15)
            m.add(facing_front(cylinder(1.2, 0.4, 0.1)), gloss("#3a8be0"), (x, -9, s / 2))
    elif kind == "retro":
        base = plastic("#ffffff", 0.35).textured("walnut", 70)
        m.add(facing_front(cylinder(45, 10, 3)).translate((0, 0, 45)), base)
        body = gloss(hex_of(p.text("colour") if p.text("colour") != "oak" else "ivory"))
        m.add(
            facing_front(spun([(32, 0), (32, 12), (28, 20), (18, 25)], 56)).translate((0, -9, 45)),
            body,
        )
        knob = box(9, 14, 30, 4).translate((0, -38, 30))
        m.add(knob, body if p.whole("n") != 1 else metal("brass"))
        m.add(facing_front(cylinder(10, 6, 2)).translate((0, -32, 45)), body)
    elif kind == "toggle":
        metal_plate = Material("metal", hex_of("champagne" if p.whole("n") == 1 else "silver"), 0.3)
        m.add(
            facing_front(plate(s, s, 4, 3, 0.8)).translate((0, 0, s / 2)),
            metal_plate.textured("brushed", 50) if p.whole("n") < 3 else plastic("#26272a"),
        )
        n = min(2, p.whole("n"))
        for i in range(n):
            x = 26.0 * (i - (n - 1) / 2)
            m.add(facing_front(cylinder(7, 3, 0.8)), metal("chrome"), (x, -3.8, s / 2))
            lever = spun([(2.2, 0), (3.8, 15), (3.2, 18)], 24)
            tip = facing_front(lever).rotate((-28, 0, 0)).translate((x, -6, s / 2))
            m.add(tip, metal("chrome"))
        for i in (-1, 1):
            screw(m, (0, -4, s / 2 + i * 30.0), 2.6, "line")
    elif kind == "cord":
        body = plastic(
            hex_of(
                p.text("colour")
                if p.text("colour") in ("white", "black", "brown", "champagne")
                else "white"
            )
        )
        m.add(box(68, 28, 20, 7), body)
        m.add(
            box(18, 9, 6, 2).rotate((0, 9, 0)).translate((0, 0, 17.5)),
            plastic("#c0282c") if p.whole("n") == 1 else body,
        )
        for side in (-1, 1):
            cord(
                m,
                [
                    (side * 32, 0, 9),
                    (side * 50, 0, 8),
                    (side * 75, side * 8, 4),
                    (side * 98, side * -6, 4),
                ],
                3.4,
                body,
            )
    else:
        m.add(box(46, 22, 78, 7).translate((0, -11, 0)), outer)
        m.add(facing_front(cylinder(14, 4, 1.4)), metal("chrome"), (0, -21, 39))
        m.add(facing_front(spun([(10, 0), (10, 3), (6, 5)], 40)), inner, (0, -24, 39))
        m.stick(prints.power_sign(9, "#55585c"), (0, -29.2, 39), 9)
    return m


def _dimmers(rng: random.Random) -> list[Product]:
    kinds = {
        "rotary": ("Светорегулятор поворотный", "Rotary dimmer", 640),
        "led": ("Диммер для светодиодных ламп", "LED dimmer", 980),
        "slide": ("Диммер ползунковый", "Slide dimmer", 1150),
        "remote": ("Диммер с пультом", "Dimmer with remote", 1490),
        "din": ("Диммер на DIN-рейку", "DIN rail dimmer", 1950),
        "cord": ("Диммер на шнур", "In-line cord dimmer", 480),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        colour = rng.choice(FRAME_COLOURS)
        watts = rng.choice((200, 300, 400, 600, 800))
        r, e, price = kinds[kind]
        out.append(
            product(
                f"DM-{i + 40}-{watts}",
                f"{r} {watts}Вт {ru(colour)}",
                f"{e} {watts}W {colour}",
                price * rng.uniform(0.85, 1.4),
                kind=kind,
                colour=colour,
                watts=watts,
                insert=rng.choice(("same", "white")),
                corner=rng.choice((2.5, 6, 10, 14)),
                size=rng.choice((80, 84, 88)),
                knob=rng.choice((13, 17, 21)),
                turn=rng.uniform(-120, 120),
            )
        )
    return out


def _knob(
    m: Model, r: float, h: float, at: tuple[float, float, float], turn: float, colour: Material
) -> None:
    body = spun([(r * 1.08, 0), (r, h * 0.25), (r * 0.94, h * 0.9), (r * 0.84, h)], 48)
    for i in range(24):
        a = math.radians(15 * i)
        cut = cylinder(r * 0.05, h * 2, 0, 8)
        body -= cut.translate((r * math.cos(a), r * math.sin(a), h * 0.2))
    m.add(facing_front(body), colour, at)
    line = box(max(0.8, r * 0.09), 0.8, r * 0.6, 0.1).translate((0, 0, r * 0.25))
    line = line.rotate((0, turn, 0)).translate((at[0], at[1] - h + 0.1, at[2]))
    dark = int(colour.colour[1:3], 16) < 110
    m.add(line, plastic("#f0f0f0" if dark else "#303236"))


def _draw_dimmer(p: Product) -> Model:
    m = Model()
    kind, s = p.text("kind"), p.num("size")
    outer = _finish(p.text("colour"))
    inner = (
        outer
        if p.text("insert") == "same" and p.text("colour") != "oak"
        else plastic(hex_of("white"), 0.28)
    )
    dark = int(inner.colour[1:3], 16) < 110
    ink = "#e8e8e8" if dark else "#55585c"
    if kind in ("rotary", "led", "slide"):
        frame(m, s, s, 9, outer, p.num("corner"))
        m.add(facing_front(plate(56, 56, 3, 4, 0.8)).translate((0, -8, s / 2)), inner)
        if kind == "slide":
            m.add(box(8, 2, 44, 0.6).translate((0, -10.6, s / 2 - 22)), DARK)
            m.add(box(18, 9, 8, 2).translate((0, -15, s / 2 + p.num("turn") / 10)), inner)
            m.stick(prints.text("MAX", 9, 3, ink), (16, -11, s / 2 + 20), 9)
            m.stick(prints.text("MIN", 9, 3, ink), (16, -11, s / 2 - 20), 9)
        else:
            r = p.num("knob")
            m.stick(prints.dial(2.75 * r, "0", "I", ink), (0, -11, s / 2), 2.75 * r)
            _knob(m, r, 13, (0, -10.6, s / 2), p.num("turn"), inner)
            if kind == "led":
                m.add(
                    facing_front(cylinder(1.3, 0.8, 0.3)), gloss("#35b34a"), (22, -10.8, s / 2 + 23)
                )
                m.stick(prints.text("LED", 8, 3, ink), (-21, -11, s / 2 + 23), 8)
    elif kind == "remote":
        frame(m, s, s, 9, outer, p.num("corner"))
        m.add(facing_front(plate(56, 56, 3, 4, 0.8)).translate((0, -8, s / 2)), inner)
        _knob(m, 14, 10, (0, -10.6, s / 2), p.num("turn"), inner)
        m.add(box(34, 9, 92, 3).translate((66, -8, 0)), plastic(hex_of("white")))
        for k, c in enumerate(("#c0282c", "#55585c", "#55585c", "#2358a8")):
            m.add(facing_front(cylinder(5.4, 2, 0.8)), plastic(c), (66, -12, 76 - 19 * k))
    elif kind == "din":
        body = plastic(hex_of("white" if p.text("insert") == "white" else "light grey"))
        din_body(m, 36, body)
        din_terminals(m, 36, 2)
        m.stick(prints.dial(26, "0", "100"), (0, -62, 45), 26)
        _knob(m, 8.5, 8, (0, -61.8, 45), p.num("turn"), plastic(hex_of("blue")))
        m.stick(prints.text(f"DIM {p.text('watts')}W", 24, 4.5), (0, -62, 26), 24)
    else:
        body = plastic(hex_of(p.text("colour") if p.text("colour") != "oak" else "white"))
        m.add(box(78, 36, 24, 9), body)
        wheel = spun([(14, 0), (14, 5), (12.5, 7)], 48)
        m.add(wheel.translate((8, 0, 23)), plastic(shade(body.colour, 0.8)))
        m.add(box(1.4, 9, 0.8, 0.1).translate((8, -6, 30)), plastic("#f0f0f0"))
        for side in (-1, 1):
            cord(
                m,
                [
                    (side * 36, 0, 11),
                    (side * 52, 0, 9),
                    (side * 78, side * 9, 4),
                    (side * 104, side * -6, 4),
                ],
                3.4,
                body,
            )
    return m


CATEGORIES = (
    Category(
        "switches",
        "Выключатели света",
        "Light switches",
        "выключатель света",
        _switches,
        _draw_switch,
        lies=-90,
    ),
    Category("dimmers", "Светорегуляторы", "Dimmers", "диммер", _dimmers, _draw_dimmer, lies=-90),
)
