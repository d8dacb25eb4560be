"""Details that many goods share: DIN modules, terminals, sockets' faces, plugs, lamp caps, cords.

Lengths are millimetres; every function adds to the model that it is given.
"""

from __future__ import annotations

import math

import manifold3d as m3
import numpy as np

from demo.generator.materials import Material, metal, plastic, rubber
from demo.generator.mesh import Floats
from demo.generator.model import Model, turning
from demo.generator.shapes import (
    Point3,
    box,
    curve,
    cylinder,
    facing_front,
    pipe,
    rod,
    screw_head,
    spun,
    thread,
    tube,
)

DARK = plastic("#1b1c1e", 0.5)


def screw(
    model: Model,
    at: Point3,
    r: float = 2.6,
    slot: str = "cross",
    face: str = "front",
    material: Material | None = None,
) -> None:
    """Adds a screw head whose seat is at ``at``, facing ``front`` or ``top``."""
    head = screw_head(r, max(0.8, r * 0.4), slot)
    if face == "front":
        head = facing_front(head)
    model.add(head, material or metal("zinc"), at)


def well(model: Model, at: Point3, r: float = 3.4) -> None:
    """Adds a terminal's screw deep in a dark round hole of a front face."""
    model.add(facing_front(cylinder(r, 0.3, 0.1, 24)), DARK, at)
    screw(model, (at[0], at[1] - 0.1, at[2]), r * 0.72)


def din_body(
    model: Model,
    w: float,
    colour: Material,
    height: float = 85.0,
    nose: float = 45.0,
    back: float = 44.0,
    front: float = 62.0,
    x: float = 0.0,
) -> None:
    """Adds the stepped housing of a DIN rail module; its back is at y = 0."""
    body = box(w - 0.3, back, height, 1.0).translate((x, -back / 2, 0))
    mid = box(w - 0.3, front, nose, 1.0).translate((x, -front / 2, (height - nose) / 2))
    rail = m3.Manifold.cube((w + 2, 9, 35), True).translate((x, 0, height / 2))
    model.add((body - rail) + mid, colour)
    clip = box(min(8, w * 0.5), 9, 7, 0.6).translate((x, -5, -3))
    model.add(clip, DARK)


def din_terminals(
    model: Model,
    w: float,
    poles: int,
    height: float = 85.0,
    back: float = 44.0,
    x: float = 0.0,
    top: bool = True,
    bottom: bool = True,
) -> None:
    """Adds screw wells and wire entries on the shoulders of a DIN module."""
    step = w / poles
    for i in range(poles):
        px = x - w / 2 + step * (i + 0.5)
        r = min(3.4, step * 0.3)
        for z, wanted in ((10.0, bottom), (height - 10.0, top)):
            if wanted:
                well(model, (px, -back, z), r)
        if top:
            model.add(cylinder(r, 0.2, 0.05, 20), DARK, (px, -back * 0.62, height - 0.1))


def socket_face(
    model: Model,
    x: float,
    z: float,
    y: float,
    colour: Material,
    r: float = 19.5,
    earth: bool = True,
    shutters: bool = False,
    deep: float = 1.4,
) -> None:
    """Adds a round mains outlet whose rim lies in the plane ``y``, its floor ``deep`` behind."""
    bowl = pipe(r + 1.8, r, deep + 2.5, 0.7).translate((0, 0, -deep))
    model.add(facing_front(bowl), colour, (x, y, z))
    floor = cylinder(r + 0.5, 1.0, 0.1).translate((0, 0, -deep))
    dull = Material("plastic", _shade(colour.colour, 0.84), 0.4)
    model.add(facing_front(floor), dull, (x, y, z))
    for side in (-1, 1):
        hole = cylinder(2.7, 0.6, 0.1, 24).translate((side * 9.5, 0, 0.7 - deep))
        model.add(facing_front(hole), DARK if not shutters else plastic("#6b6d70"), (x, y, z))
        if earth:
            clip = box(4.5, deep + 2.4, 5.0, 0.7)
            clip = clip.translate((x, y + deep / 2 - 1, z + side * (r - 1.8) - 2.5))
            model.add(clip, metal("nickel"))
    screw(model, (x, y + deep - 0.9, z), 2.4)


def _shade(colour: str, by: float) -> str:
    raw = [int(int(colour[i : i + 2], 16) * by) for i in (1, 3, 5)]
    return "#" + "".join(f"{min(255, max(0, v)):02x}" for v in raw)


def shade(colour: str, by: float) -> str:
    """Returns a hex colour made darker (``by`` below 1) or lighter."""
    return _shade(colour, by)


def plug_pins(model: Model, matrix: Floats, length: float = 19.0, r: float = 2.4) -> None:
    """Adds two round mains pins that grow along the matrix's +z from its origin."""
    pins = Model()
    for side in (-1, 1):
        pins.add(cylinder(r, length, r * 0.7, 24).translate((side * 9.5, 0, 0)), metal("nickel"))
    model.merge(pins, matrix)


def plug_head(style: str, colour: Material) -> Model:
    """A mains plug about the z axis: pins upwards, cord side down.

    ``style`` is ``straight``, ``angled``, ``flat`` (no earth), ``round`` or ``grip``.
    """
    out = Model()
    dark = plastic(_shade(colour.colour, 0.9), 0.5)
    if style == "flat":
        shape = m3.Manifold.batch_hull(
            [
                box(32, 13, 4, 1.6).translate((0, 0, 12)),
                box(26, 12, 3, 1.4).translate((0, 0, 0)),
                box(10, 10, 4, 1.6).translate((0, 0, -14)),
            ]
        )
        out.add(shape, colour)
        plug_pins(out, turning(at=(0, 0, 15.5)), r=2.0)
        out.add(spun([(3.6, -32), (5, -12)], 24), dark)
        return out
    out.add(spun([(17.6, -4), (18.6, -2), (18.6, 12), (17.8, 13)], 48), colour)
    for side in (-1, 1):
        out.add(box(4.4, 1.2, 13, 0.4).translate((0, side * 18.4, -0.5)), metal("nickel"))
        out.add(box(6.5, 2.2, 6, 0.4).translate((side * 0.0, side * 17.6, 7)), dark)
    plug_pins(out, turning(at=(0, 0, 12.8)))
    if style == "angled":
        arm = m3.Manifold.batch_hull(
            [
                cylinder(18, 3, 1.2).translate((0, 0, -7)),
                cylinder(14, 4, 2).translate((0, 0, -14)),
                box(14, 10, 12, 3).translate((0, -26, -15)),
            ]
        )
        out.add(arm, colour)
        out.merge(_strain_relief(dark, 22), turning(rx=90, at=(0, -28, -9)))
    else:
        if style == "round":
            profile = [(5.0, -42), (9, -40), (13, -30), (17.5, -12), (18.4, -3)]
        elif style == "grip":
            profile = [
                (6, -48),
                (11, -46),
                (12, -34),
                (10.5, -24),
                (14, -14),
                (18.4, -8),
                (18.4, -3),
            ]
        else:
            profile = [(6, -36), (12, -34), (16.5, -20), (18.4, -10), (18.4, -3)]
        out.add(spun(profile, 48), colour)
        if style == "grip":
            for i in range(5):
                a = math.radians(72 * i)
                rib = rod(
                    (12.5 * math.cos(a), 12.5 * math.sin(a), -44),
                    (12.2 * math.cos(a), 12.2 * math.sin(a), -26),
                    1.2,
                )
                out.add(rib, dark)
        out.merge(_strain_relief(dark, 20), turning(rx=180, at=(0, 0, profile[0][1] + 1)))
    return out


def _strain_relief(material: Material, length: float) -> Model:
    out = Model()
    out.add(spun([(5.4, 0), (3.8, length)], 24), material)
    for i in range(4):
        ring = pipe(5.7 - 0.35 * i, 3.0, 2.2, 0.4).translate((0, 0, 2 + i * length / 4.5))
        out.add(ring, material)
    return out


def cord(
    model: Model, points: list[Point3], r: float = 3.2, colour: Material | None = None
) -> None:
    """Adds a smooth cord through points."""
    model.add(tube(curve(points, 12), r, 12), colour or rubber())


def lamp_cap(model: Model, kind: str, z: float = 0.0) -> float:
    """Adds a lamp cap that grows upwards from its contact at ``z``; returns the height reached."""
    if kind in ("E27", "E14", "E40"):
        r = {"E27": 13.2, "E14": 6.9, "E40": 19.6}[kind]
        h = {"E27": 18.0, "E14": 15.0, "E40": 28.0}[kind]
        pitch = {"E27": 3.6, "E14": 2.8, "E40": 6.3}[kind]
        model.add(spun([(r * 0.3, 0), (r * 0.36, 1.4)], 24), metal("nickel"), (0, 0, z))
        model.add(spun([(r * 0.4, 1.2), (r * 0.9, 5)], 32), plastic("#17181a", 0.2), (0, 0, z))
        model.add(thread(r, h, pitch).translate((0, 0, 4.4)), metal("nickel"), (0, 0, z))
        model.add(cylinder(r * 0.96, 4, 0.3).translate((0, 0, h + 3)), metal("nickel"), (0, 0, z))
        return z + h + 6.5
    r, h = {
        "GU10": (12.0, 12.0),
        "GU5.3": (11.0, 10.0),
        "G9": (7.5, 9.0),
        "G4": (5.0, 7.0),
        "GX53": (37.0, 8.0),
    }[kind]
    body = metal("nickel") if kind in ("G9", "G4") else plastic("#e8e8e4", 0.4)
    model.add(cylinder(r, h, 0.8), body, (0, 0, z + 6))
    gap = {"GU10": 5.0, "GU5.3": 2.65, "G9": 4.5, "G4": 2.0, "GX53": 26.5}[kind]
    thick = {"GU10": 2.4, "GU5.3": 0.8, "G9": 0.7, "G4": 0.5, "GX53": 2.6}[kind]
    for side in (-1, 1):
        pin = cylinder(thick, 7, 0.3, 20)
        if kind in ("GU10", "GX53"):
            pin = pin + cylinder(thick * 1.35, 2, 0.3, 20)
        model.add(pin, metal("nickel"), (side * gap, 0, z))
    return z + h + 6


def ribs(
    model: Model,
    count: int,
    r: float,
    z: float,
    h: float,
    material: Material,
    depth: float = 1.6,
    thick: float = 1.4,
) -> None:
    """Adds upright cooling ribs round a cylinder."""
    fin = box(thick, depth * 2, h, 0.4).translate((0, -r, z))
    model.add(
        m3.Manifold.compose([fin.rotate((0, 0, 360 * i / count)) for i in range(count)]), material
    )


def wavy(length: float, sway: float, z: float, turns: float = 1.5) -> list[Point3]:
    """Points of a loose cord lying along x from 0 to ``length``."""
    t = np.linspace(0, 1, 10)
    return [(float(length * s), float(sway * np.sin(2 * np.pi * turns * s)), z) for s in t]
