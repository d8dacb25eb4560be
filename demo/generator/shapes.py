"""The shapes that goods are made of: bevelled boxes, lathe work, tubes, threads, screws.

All lengths are millimetres, angles degrees. x points right, y away from the viewer, z up. Boxes
and cylinders stand on z = 0, centred on the z axis, unless they are moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import manifold3d as m3
import numpy as np

from .mesh import Floats, Mesh, from_grid

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]

ROUND_SEGMENTS = 40


def box(w: float, d: float, h: float, r: float = 0.6) -> m3.Manifold:
    """A box of width, depth and height with edges rounded to radius ``r``."""
    r = min(r, w / 2.01, d / 2.01, h / 2.01)
    if r <= 0.01:
        return m3.Manifold.cube((w, d, h)).translate((-w / 2, -d / 2, 0))
    segments = 12 if r < 2.5 else 20
    ball = m3.Manifold.sphere(r, segments)
    x, y = w / 2 - r, d / 2 - r
    spots = [(i * x, j * y, z) for i in (-1, 1) for j in (-1, 1) for z in (r, h - r)]
    return m3.Manifold.batch_hull([ball.translate(s) for s in spots])


def plate(w: float, d: float, h: float, corner: float, r: float = 0.6) -> m3.Manifold:
    """A flat plate: large rounded corners seen from above, small rounding of its edges."""
    r = min(r, h / 2.01, corner)
    ring = torus(corner - r, r) if corner > r * 1.05 else m3.Manifold.sphere(r, 16)
    x, y = w / 2 - corner, d / 2 - corner
    spots = [(i * x, j * y, z) for i in (-1, 1) for j in (-1, 1) for z in (r, h - r)]
    return m3.Manifold.batch_hull([ring.translate(s) for s in spots])


def torus(ring: float, r: float, segments: int = 32) -> m3.Manifold:
    """A ring of tube radius ``r`` about the z axis, its middle line at radius ``ring``."""
    section = m3.CrossSection.circle(r, 14).translate((ring, 0))
    return m3.Manifold.revolve(section, segments)


def lathe(profile: Sequence[Point2], segments: int = ROUND_SEGMENTS) -> m3.Manifold:
    """Turns a closed outline of (radius, height) points about the z axis."""
    outline = m3.CrossSection([list(profile)], m3.FillRule.NonZero)
    return m3.Manifold.revolve(outline, segments)


def spun(profile: Sequence[Point2], segments: int = ROUND_SEGMENTS) -> m3.Manifold:
    """Turns an open outline about the z axis, closed along the axis."""
    points = [(0.0, profile[0][1]), *profile, (0.0, profile[-1][1])]
    return lathe(points, segments)


def shell(profile: Sequence[Point2], wall: float, segments: int = 56) -> m3.Manifold:
    """Turns an open outline about the z axis into a thin wall, open at its ends."""
    line = np.asarray(profile, dtype=np.float64)
    step = np.gradient(line, axis=0)
    step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    side = np.column_stack([-step[:, 1], step[:, 0]])
    inner = line + side * wall
    inner[:, 0] = np.maximum(inner[:, 0], 0.0)
    outline = [tuple(p) for p in np.concatenate([line, inner[::-1]])]
    return lathe([(float(a), float(b)) for a, b in outline], segments)


def cylinder(r: float, h: float, bevel: float = 0.4, segments: int = ROUND_SEGMENTS) -> m3.Manifold:
    """A cylinder with rounded rims."""
    bevel = min(bevel, h / 2.01, r / 1.01)
    if bevel <= 0.01:
        return m3.Manifold.cylinder(h, r, r, segments)
    turn = [math.radians(a) for a in (0, 30, 60, 90)]
    low = [(r - bevel + bevel * math.sin(t), bevel - bevel * math.cos(t)) for t in turn]
    high = [(r - bevel + bevel * math.cos(t), h - bevel + bevel * math.sin(t)) for t in turn]
    return spun([*low, *high], segments)


def pipe(outer: float, inner: float, h: float, bevel: float = 0.3) -> m3.Manifold:
    """A tube standing on z = 0."""
    hole = m3.Manifold.cylinder(h * 3, inner, inner, ROUND_SEGMENTS).translate((0, 0, -h))
    return cylinder(outer, h, bevel) - hole


def prism(outline: Sequence[Point2], h: float, r: float = 0.0) -> m3.Manifold:
    """Extrudes an outline upwards; a convex outline can have edges rounded to radius ``r``."""
    section = m3.CrossSection([list(outline)], m3.FillRule.NonZero)
    if r <= 0.01:
        return m3.Manifold.extrude(section, h)
    thin = section.offset(-r, m3.JoinType.Miter)
    mid = section.offset(-0.3 * r, m3.JoinType.Miter)
    return m3.Manifold.batch_hull(
        [
            m3.Manifold.extrude(thin, h),
            m3.Manifold.extrude(mid, h - 0.6 * r).translate((0, 0, 0.3 * r)),
            m3.Manifold.extrude(section, h - 2 * r).translate((0, 0, r)),
        ]
    )


def side_prism(outline: Sequence[Point2], w: float, r: float = 0.0) -> m3.Manifold:
    """Extrudes an outline of (y, z) points along x, centred on x = 0."""
    return prism(outline, w, r).rotate((90, 0, 90)).translate((-w / 2, 0, 0))


def hexagon(across: float, h: float, bevel: float = 0.5) -> m3.Manifold:
    """A hexagonal prism (nut or bolt head) with turned corners; ``across`` is across flats."""
    r = across / math.sqrt(3)
    prism6 = m3.Manifold.cylinder(h, r, r, 6)
    return prism6 ^ cylinder(r * 0.995, h, bevel * 1.6, 48)


def thread(r: float, h: float, pitch: float) -> m3.Manifold:
    """A single-start screw thread: an off-centre circle twisted while it is extruded."""
    depth = min(0.32 * pitch, r * 0.25)
    section = m3.CrossSection.circle(r - depth / 2, 32).translate((depth / 2, 0))
    steps = max(8, int(h / pitch * 14))
    return m3.Manifold.extrude(section, h, steps, 360.0 * h / pitch)


def screw_head(r: float, h: float = 1.2, slot: str = "cross") -> m3.Manifold:
    """A screw head; ``slot`` is ``cross``, ``line``, ``hex`` or ``plain``."""
    head = cylinder(r, h, 0.25, 24)
    width, deep = r * 0.34, h * 1.2
    line = m3.Manifold.cube((r * 1.7, width, deep), True).translate((0, 0, h))
    if slot == "line":
        return head - line
    if slot == "cross":
        return head - line.rotate((0, 0, 35)) - line.rotate((0, 0, 125))
    if slot == "hex":
        return head - m3.Manifold.cylinder(deep, r * 0.55, r * 0.55, 6).translate((0, 0, h * 0.3))
    return head


def facing_front(solid: m3.Manifold) -> m3.Manifold:
    """Turns a solid that grows along +z so that it grows towards the viewer (-y)."""
    return solid.rotate((90, 0, 0))


def facing_right(solid: m3.Manifold) -> m3.Manifold:
    """Turns a solid that grows along +z so that it grows along +x."""
    return solid.rotate((0, 90, 0))


def curve(points: Sequence[Point3], per_span: int = 10) -> Floats:
    """A Catmull-Rom curve through the points, shape (n, 3)."""
    p = np.asarray(points, dtype=np.float64)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, per_span, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        spans.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.concatenate([*spans, p[-2:-1]])


def helix(ring: float, h: float, turns: float, per_turn: int = 40) -> Floats:
    """Points of a helix about the z axis from z = 0 to ``h``."""
    t = np.linspace(0, 1, max(8, int(turns * per_turn)))
    angle = 2 * np.pi * turns * t
    return np.column_stack([ring * np.cos(angle), ring * np.sin(angle), h * t])


def tube(path: Floats | Sequence[Point3], r: float | Floats, sides: int = 12) -> Mesh:
    """A round tube along a path; ``r`` is one radius, or one for each point of the path.

    Texture coordinates are millimetres: u runs round the tube, v along it.
    """
    line = np.asarray(path, dtype=np.float64)
    radius = np.broadcast_to(np.asarray(r, dtype=np.float64), (line.shape[0],))
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    start = np.array([0.0, 0.0, 1.0]) if abs(tangent[0, 2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    side = np.empty_like(line)
    for i, along in enumerate(tangent):
        start = start - along * float(start @ along)
        start /= max(float(np.linalg.norm(start)), 1e-9)
        side[i] = start
    other = np.cross(tangent, side)
    # Zero-radius rings at both ends close the tube.
    line = np.concatenate([line[:1], line[:1], line, line[-1:], line[-1:]])
    radius = np.concatenate([[1e-4], radius[:1], radius, radius[-1:], [1e-4]])
    side = np.concatenate([side[:1], side[:1], side, side[-1:], side[-1:]])
    other = np.concatenate([other[:1], other[:1], other, other[-1:], other[-1:]])
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    around = side[:, None] * np.cos(angle)[None, :, None]
    around = around + other[:, None] * np.sin(angle)[None, :, None]
    grid = line[:, None] + radius[:, None, None] * around
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    mean = float(radius.mean())
    u, v = np.meshgrid(angle * mean, length)
    return from_grid(grid, np.dstack([u, v]), closed_u=True)


def ball(r: float, segments: int = 40) -> m3.Manifold:
    """A sphere about the origin."""
    return m3.Manifold.sphere(r, segments)


def hull(*solids: m3.Manifold) -> m3.Manifold:
    """The convex hull of several solids."""
    return m3.Manifold.batch_hull(list(solids))


def union(*solids: m3.Manifold) -> m3.Manifold:
    """All solids as one."""
    return m3.Manifold.batch_boolean(list(solids), m3.OpType.Add)


def rod(a: Point3, b: Point3, r: float) -> Mesh:
    """A straight round bar between two points."""
    return tube(np.linspace(np.asarray(a), np.asarray(b), 3), r, 16)
