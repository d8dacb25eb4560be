"""Goods of the switchboard: circuit breakers.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box

from .details import DARK, din_body, din_terminals, screw


def _breakers(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        case = i % 10 == 9
        poles = (1, 2, 3, 1, 4, 3, 1, 2, 3, 3)[i % 10]
        amps = rng.choice((125, 160, 250) if case else (6, 10, 16, 20, 25, 32, 40, 63))
        curve = rng.choice("BCCD")
        toggle = rng.choice(("black", "blue", "green", "red", "orange", "grey"))
        body = "graphite" if case else rng.choice(("white", "white", "white", "light grey"))
        ka = rng.choice((4.5, 6, 10)) if not case else 25
        if case:
            sku, price = f"AVM-{amps}-{poles}P", 4200.0 + amps * 18
            name = f"Автоматический выключатель в литом корпусе {poles}P {amps}А {ka}кА"
            name_en = f"Moulded case circuit breaker {poles}P {amps}A {ka}kA"
        else:
            sku = f"AV-{i + 11}-{poles}P-{curve}{amps}"
            price = (120 + amps * 1.6) * poles * rng.uniform(0.9, 1.6)
            name = f"Автоматический выключатель {poles}P {amps}А {curve} {ka}кА {ru(body)}"
            name_en = f"Circuit breaker {poles}P {amps}A curve {curve} {ka}kA {body}"
        out.append(
            product(
                sku,
                name,
                name_en,
                price,
                case=case,
                poles=poles,
                amps=amps,
                curve=curve,
                toggle=toggle,
                body=body,
                on=rng.random() < 0.6,
                ka=ka,
                stripe=rng.choice(("#1f5fae", "#c7382e", "#1f8a55", "#3a3d42", "#e08a1e")),
                window=rng.random() < 0.5,
                wide=rng.random() < 0.4,
            )
        )
    return out


def _draw_breaker(p: Product) -> Model:
    m = Model()
    poles, amps = p.whole("poles"), p.whole("amps")
    body = plastic(hex_of(p.text("body")), 0.4)
    toggle = plastic(hex_of(p.text("toggle")), 0.3)
    if p.flag("case"):
        w, h = 30.0 * poles, 140.0
        m.add(box(w, 60, h, 2.2).translate((0, -30, 0)), body)
        m.add(box(w * 0.94, 74, h * 0.5, 2.0).translate((0, -37, h * 0.25)), body)
        m.add(box(w * 0.5, 77, 32, 1.6).translate((0, -38.5, h * 0.41)), plastic("#c9cccd", 0.4))
        m.add(box(13, 20, 13, 2).translate((0, -86, h * (0.53 if p.flag("on") else 0.43))), toggle)
        for i in range(poles):
            x = -w / 2 + 30 * (i + 0.5)
            for z in (8.0, h - 26):
                m.add(box(18, 6, 18, 0.5).translate((x, -58.5, z)), DARK)
                m.add(box(14, 4, 14, 0.5).translate((x, -60.5, z + 2)), metal("copper"))
                screw(m, (x, -62.4, z + 9), 4.6, "hex")
        label = prints.nameplate(
            f"AVM {amps}",
            [f"Ue 400V~  Icu {p.text('ka')}kA", f"In {amps}A", "50Hz  IEC 60947-2"],
            w * 0.6,
            18,
            p.text("stripe"),
        )
        m.stick(label, (0, -74, h * 0.33), w * 0.6)
        return m
    unit = 18.0 if not p.flag("wide") else 19.5
    w = unit * poles
    for i in range(poles):
        x = -w / 2 + unit * (i + 0.5)
        din_body(m, unit, body, x=x)
        din_terminals(m, unit, 1, x=x)
        text = f"{p.text('curve')}{amps}"
        mark = prints.text(f"{text}\n400V~ {p.text('ka')}kA", 13, 8)
        m.stick(mark, (x, -62, 29), 13)
        if p.flag("window"):
            flag = "#c7382e" if p.flag("on") else "#2c8a4a"
            m.stick(prints.text(" ", 6, 3.4, paper=flag), (x, -62, 56.5), 6)
        m.add(box(12, 4, 18, 0.8).translate((x, -61.2, 34)), plastic("#55585c", 0.4))
    stripe = prints.text("AV-" + str(16 + amps % 7), w * 0.86, 4.4, "#ffffff", p.text("stripe"))
    m.stick(stripe, (0, -62, 61.5), w * 0.86)
    z = 44 if p.flag("on") else 34.5
    handle = box(unit * (poles - 1) + 11, 17, 8, 2.0).translate((0, -68, z))
    m.add(handle, toggle)
    m.stick(
        prints.text("I ON" if p.flag("on") else "O OFF", 8, 3.4, "#ffffff"), (0, -76.5, z + 4), 8
    )
    return m


CATEGORIES = (
    Category(
        "circuit-breakers",
        "Автоматические выключатели",
        "Circuit breakers",
        "автоматический выключатель",
        _breakers,
        _draw_breaker,
        lies=-90,
    ),
)
