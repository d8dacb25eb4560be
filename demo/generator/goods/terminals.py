"""Terminal blocks and strips.

Lengths are millimetres; prices are roubles.
"""

from __future__ import annotations

import random

from demo.generator import prints
from demo.generator.materials import clear, metal, plastic
from demo.generator.model import Model
from demo.generator.product import Category, Product, hex_of, product
from demo.generator.shapes import box, cylinder, facing_front, pipe, side_prism

from .details import DARK, screw


def _terminals(rng: random.Random) -> list[Product]:
    kinds = {
        "strip": ("Колодка клеммная", "Terminal strip"),
        "din": ("Клемма проходная на DIN-рейку", "DIN rail terminal block"),
        "barrier": ("Блок зажимов", "Barrier terminal block"),
        "ceramic": ("Клемма керамическая", "Ceramic terminal block"),
        "pcb": ("Клеммник на плату", "PCB terminal block"),
        "bus": ("Шина нулевая", "Neutral busbar"),
    }
    out = []
    for i in range(30):
        kind = list(kinds)[i % 6]
        r, e = kinds[kind]
        n = rng.choice(
            {"strip": (3, 6, 12), "ceramic": (2, 3), "pcb": (2, 3, 4, 6)}.get(kind, (4, 6, 8))
        )
        area = rng.choice((1.5, 2.5, 4, 6, 10))
        out.append(
            product(
                f"KL-{i + 36}-{n}X{str(area).replace('.', '')}",
                f"{r} {n}х{area} мм²",
                f"{e} {n}x{area} mm2",
                rng.uniform(12, 30) * n + 20,
                kind=kind,
                n=n,
                area=area,
                colour=rng.choice(("grey", "blue", "green", "ivory", "orange", "white", "black")),
                size=rng.uniform(0.85, 1.2),
                lever=rng.random() < 0.5,
            )
        )
    return out


def _draw_terminal(p: Product) -> Model:
    m = Model()
    kind, n, k = p.text("kind"), p.whole("n"), p.num("size")
    if kind == "strip":
        body = plastic("#e9e8e2" if p.text("colour") != "black" else "#2b2d30", 0.5)
        step = 11.0 * k
        for i in range(n):
            x = step * (i - (n - 1) / 2)
            m.add(box(step * 0.82, 20 * k, 11 * k, 1.6).translate((x, 0, 0)), body)
            for y in (-5.2 * k, 5.2 * k):
                tower = pipe(3.6 * k, 2.4 * k, 6 * k, 0.4).translate((x, y, 9.5 * k))
                m.add(tower, body)
                screw(m, (x, y, 13 * k), 2.3 * k, "line", "top")
            for y in (-1, 1):
                m.add(
                    facing_front(cylinder(2.6 * k, 0.5, 0.1)),
                    metal("brass"),
                    (x, y * 10 * k + (0.2 if y < 0 else 0.3), 5.4 * k),
                )
                m.add(facing_front(cylinder(1.9 * k, 0.5, 0.1)), DARK, (x, -10.2 * k, 5.4 * k))
            if i < n - 1:
                m.add(box(step, 5 * k, 5 * k, 0.8).translate((x + step / 2, 0, 0)), body)
    elif kind == "din":
        colour = plastic(hex_of(p.text("colour")), 0.4)
        outline = [
            (-24, 0),
            (24, 0),
            (24, 14),
            (18, 30),
            (9, 34),
            (9, 40),
            (-9, 40),
            (-9, 34),
            (-18, 30),
            (-24, 14),
        ]
        w = 6.2 * k
        for i in range(min(n, 6)):
            tone = colour if i % 4 or n < 6 else plastic(hex_of("blue"), 0.4)
            if i == n - 2:
                tone = plastic("#4c9a3a", 0.4)
            x = (w + 0.25) * i
            m.add(side_prism([(y * k, z * k) for y, z in outline], w).translate((x, 0, 8)), tone)
            for y in (-14, 14):
                m.add(cylinder(w * 0.36, 0.6, 0.1, 20), DARK, (x, y * k, 8 + 31.6 * k))
                m.add(cylinder(w * 0.34, 1.2, 0.3, 20), metal("zinc"), (x, y * k, 8 + 31.2 * k))
                m.add(
                    facing_front(cylinder(w * 0.32, 0.6, 0.1, 20)), DARK, (x, -24 * k + 0.2, 15 * k)
                )
            m.stick(
                prints.text(str(i + 1), w * 0.8, 5, paper="#f4f4f0"),
                (x, 0, 8 + 40 * k),
                w * 0.8,
                "top",
            )
        rail = box((w + 0.25) * n + 40, 35, 1.2, 0.2)
        m.add(rail, metal("yellowzinc"), ((w + 0.25) * (min(n, 6) - 1) / 2, 0, 6.4))
        for y in (-15, 15):
            m.add(
                box((w + 0.25) * n + 40, 1.2, 7, 0.2),
                metal("yellowzinc"),
                ((w + 0.25) * (min(n, 6) - 1) / 2, y, 0),
            )
    elif kind == "barrier":
        step, d = 15 * k, 34 * k
        base = plastic("#232427" if p.text("colour") != "ivory" else "#e2d8bf", 0.35)
        m.add(box(step * n + 18, d, 10, 1), base)
        for i in range(n + 1):
            m.add(box(2.2, d, 18, 0.6).translate((step * (i - n / 2), 0, 0)), base)
        for i in range(n):
            x = step * (i - (n - 1) / 2)
            m.add(box(step * 0.72, d * 0.86, 1, 0.2), metal("nickel"), (x, 0, 10))
            for y in (-d * 0.25, d * 0.25):
                screw(m, (x, y, 11), 4.2 * k, "cross", "top")
        if p.flag("lever"):
            m.add(box(step * n + 4, d * 0.6, 1.6, 0.4), clear(), (0, 0, 18.4))
    elif kind == "ceramic":
        white = plastic("#efede6", 0.15)
        w = 16 * k * n
        m.add(box(w, 24 * k, 20 * k, 3), white)
        for i in range(n):
            x = 16 * k * (i - (n - 1) / 2)
            for y in (-6 * k, 6 * k):
                m.add(cylinder(4 * k, 0.4, 0.1), DARK, (x, y, 19.8 * k))
                screw(m, (x, y, 20 * k), 3 * k, "line", "top")
            m.add(facing_front(pipe(4.4 * k, 3 * k, 1, 0.3)), metal("brass"), (x, -11.8 * k, 9 * k))
            m.add(facing_front(cylinder(3 * k, 0.4, 0.1)), DARK, (x, -11.9 * k, 9 * k))
    elif kind == "pcb":
        colour = plastic(
            hex_of(
                p.text("colour")
                if p.text("colour") in ("green", "blue", "black", "grey", "orange")
                else "green"
            ),
            0.35,
        )
        step = 5.1
        for i in range(n):
            x = step * (i - (n - 1) / 2)
            shape = [(-4, 0), (4, 0), (4, 8), (2, 10.5), (-2.4, 10.5), (-4, 7)]
            m.add(side_prism(shape, step - 0.1).translate((x, 0, 3.5)), colour)
            m.add(cylinder(1.7, 0.3, 0.1, 24), DARK, (x, 0, 13.9))
            screw(m, (x, 0, 13.9), 1.5, "line", "top")
            m.add(box(3, 0.4, 3.2, 0.1), DARK, (x, -4, 5))
            m.add(cylinder(0.5, 5, 0.1, 10), metal("nickel"), (x, 0, 0))
            if p.flag("lever"):
                m.add(box(2.6, 5, 2, 0.6).rotate((-30, 0, 0)), plastic("#e0701c"), (x, -3, 11))
    else:
        length = 12.0 * n * 0.9
        m.add(box(length, 9, 7, 0.6), metal("brass"), (0, 0, 16))
        for i in range(n):
            x = length * ((i + 0.5) / n - 0.5)
            screw(m, (x, 0, 23), 2.9, "line", "top")
            m.add(facing_front(cylinder(2.4, 0.4, 0.1)), DARK, (x, -4.5, 19.5))
        body = plastic(hex_of("blue" if p.flag("lever") else "green"), 0.35)
        for x in (-1, 1):
            m.add(box(10, 16, 16, 1.5), body, (x * length * 0.42, 0, 0))
        m.add(box(length * 0.7, 12, 4, 1), body, (0, 0, 0))
    return m


CATEGORIES = (
    Category(
        "terminal-blocks",
        "Клеммные колодки",
        "Terminal blocks",
        "клеммная колодка",
        _terminals,
        _draw_terminal,
        elevation=(24, 44),
    ),
)
