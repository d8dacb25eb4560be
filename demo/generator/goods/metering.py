"""Goods that count: energy meters.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import gloss, metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product, ru
from demo.generator.shapes import box, cylinder, facing_front, pipe

from .details import DARK, din_body, din_terminals, screw


def _meters(rng: random.Random) -> list[Product]:
    out = []
    for i in range(30):
        kind = ("wall", "din", "three", "wide-din", "round")[i % 5]
        phases = 3 if kind in ("three", "wide-din") else 1
        amps = rng.choice((60, 80, 100))
        digits = f"{rng.randrange(10**5):05d}.{rng.randrange(10)}"
        tariffs = rng.choice((1, 2, 4))
        price = {"wall": 1400, "din": 1150, "three": 3600, "wide-din": 2900, "round": 1700}[kind]
        body = rng.choice(("white", "light grey", "ivory", "white"))
        out.append(
            product(
                f"SE-{100 + i}-{phases}F-{amps}",
                f"Счётчик электроэнергии {'трёхфазный' if phases == 3 else 'однофазный'} "
                f"5-{amps}А {tariffs}-тарифный {ru(body)}",
                f"Energy meter {'three' if phases == 3 else 'single'}-phase 5-{amps}A "
                f"{tariffs}-tariff {body}",
                price * rng.uniform(0.9, 1.3) + tariffs * 220,
                kind=kind,
                phases=phases,
                amps=amps,
                digits=digits,
                body=body,
                wheel=rng.random() < 0.35,
                accent=rng.choice(("#2b62a8", "#1f8a55", "#c7382e", "#56606a")),
            )
        )
    return out


def _draw_meter(p: Product) -> Model:
    m = Model()
    kind = p.text("kind")
    body = plastic(hex_of(p.text("body")), 0.4)
    reading = p.text("digits")
    if kind in ("din", "wide-din"):
        w = 36.0 if kind == "din" else 90.0
        din_body(m, w, body, height=95, nose=50)
        din_terminals(m, w, 4 if kind == "din" else 8, height=95)
        dw = min(w * 0.82, 48)
        _display(m, p, dw, dw * 0.3, (0, -62, 58))
        words = f"kWh  {p.text('amps')}A\n230V 50Hz\n1000 imp"
        m.stick(prints.text(words, w * 0.6, 13), (-w * 0.12, -62, 37), w * 0.6)
        m.add(facing_front(cylinder(1.5, 1, 0.4)), gloss("#d8302a"), (w * 0.36, -62, 40))
        return m
    big = 1.0 if kind != "three" else 1.3
    w, h, d = 128 * big, (190 if kind != "round" else 160) * (1 if big == 1 else 1.25), 55.0
    m.add(box(w, d, h, 5).translate((0, -d / 2, 0)), body)
    m.add(box(w * 0.98, 12, h * 0.27, 4).translate((0, -d - 3, 2)), plastic("#d2d3d0", 0.4))
    for x in (-w * 0.36, w * 0.36):
        screw(m, (x, -d - 9, h * 0.06), 4.5, "line")
    face_z = h * 0.63
    fw, fh = w * 0.82, h * 0.52
    plate = prints.blank(fw, fh, "#f1f1ec")
    prints.put(plate, "kWh", 0.85, 0.30, 0.09)
    prints.put(plate, f"SE-{p.text('phases')}F", 0.22, 0.1, 0.09, p.text("accent"), bold=0.12)
    prints.put(plate, f"5({p.text('amps')})A  230V  50Hz", 0.42, 0.56, 0.065)
    prints.put(plate, "3200 imp/kWh   Class 1", 0.42, 0.67, 0.065)
    prints.put(plate, "||| ||| | || ||| | |||| || |", 0.4, 0.86, 0.12)
    m.stick(plate, (0, -d - 0.1, face_z), fw)
    _display(m, p, fw * 0.62, fh * 0.17, (-fw * 0.06, -d - 0.6, face_z + fh * 0.2))
    if p.flag("wheel") or kind == "round":
        m.add(box(fw * 0.5, 2, 5, 0.4).translate((0, -d - 0.2, face_z - fh * 0.08)), DARK)
        m.add(box(fw * 0.46, 2, 1.6, 0.3).translate((0, -d - 1, face_z - fh * 0.05)), metal("alu"))
    else:
        m.add(facing_front(cylinder(2.4, 2, 0.6)), gloss("#d8302a"), (fw * 0.38, -d, face_z - 2))
        m.add(
            facing_front(cylinder(4, 2.4, 0.8)),
            plastic(p.text("accent")),
            (fw * 0.38, -d, face_z - fh * 0.22),
        )
    frame = box(fw * 1.06, 8, fh * 1.08, 3) - box(fw * 0.96, 30, fh * 0.96, 3).translate(
        (0, 0, fh * 0.06)
    )
    m.add(frame.translate((0, -d - 1, face_z - fh * 0.54)), plastic("#dcdedd", 0.2))
    if kind == "round":
        ring = facing_front(pipe(w * 0.47, w * 0.43, 12, 2)).translate((0, -d, h * 0.6))
        m.add(ring, plastic("#3a3d42", 0.3))
    if reading.endswith("7"):
        m.stick(prints.bolt_sign(10), (w * 0.4, -d - 9.1, h * 0.2), 10)
    return m


def _display(m: Model, p: Product, w: float, h: float, at: tuple[float, float, float]) -> None:
    m.add(box(w * 1.1, 1.2, h * 1.35, 0.5).translate((at[0], at[1] + 0.2, at[2] - h * 0.67)), DARK)
    digits = p.text("digits")
    if p.flag("wheel"):
        strip = prints.text(" ".join(digits.split(".")[0]), w, h, "#f4f4f0", "#17181a")
    else:
        strip = prints.segments(digits, w, h)
    m.stick(strip, (at[0], at[1] - 0.45, at[2]), w)


CATEGORIES = (
    Category(
        "energy-meters",
        "Счётчики электроэнергии",
        "Energy meters",
        "счётчик электроэнергии",
        _meters,
        _draw_meter,
        (-28, 28),
        (14, 26),
        lies=-90,
    ),
)
