"""Finds what a print lies on, so that clear prints can be drawn as opaque ones.

A print over one plain surface is drawn as ink on that surface's own colour. That leaves no
see-through layer, which would give the denoiser a wrong picture of the surface's colour.
"""

from __future__ import annotations

import numpy as np

from .materials import Material
from .mesh import Floats, Mesh
from .model import Model, Print

REACH = 0.8
"""How far below a print its ground may lie, as a share of the print's longer side / 10."""


def ground_of(item: Print, model: Model) -> Material | None:
    """Returns the one material all over which a print lies, or None."""
    corners = item.mesh.points.reshape(-1, 3, 3)
    middle = item.mesh.points.mean(axis=0)
    if corners.shape[0] <= 2:
        spots = np.concatenate([[middle], middle + 0.92 * (item.mesh.points - middle)])
        normals = np.repeat(item.mesh.normals[:1], spots.shape[0], axis=0)
    else:
        chosen = np.linspace(0, corners.shape[0] - 1, 8).astype(int)
        spots = corners[chosen].mean(axis=1)
        normals = item.mesh.normals.reshape(-1, 3, 3)[chosen].mean(axis=1)
    size = float(np.linalg.norm(np.ptp(item.mesh.points, axis=0)))
    reach = REACH * size / 10
    # Start a little above the print, for it may hover.
    starts = spots + normals * size * 0.002
    best = np.full(len(starts), reach)
    found: list[Material | None] = [None] * len(starts)
    for mesh, material in model.parts:
        for i, far in enumerate(_first_hits(mesh, starts, -normals)):
            if far < best[i]:
                best[i] = far
                found[i] = material
    first = found[0]
    if first is None or any(other != first for other in found):
        return None
    return None if first.kind in ("clear", "glass", "glow") or first.texture else first


def _first_hits(mesh: Mesh, starts: Floats, ways: Floats) -> Floats:
    """Returns the distance to the mesh along each ray, infinite where it misses."""
    corners = mesh.points.reshape(-1, 3, 3)
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    out = np.full(len(starts), np.inf)
    if np.any(starts.max(axis=0) < low - 30) or np.any(starts.min(axis=0) > high + 30):
        return out
    a = corners[:, 0]
    e1, e2 = corners[:, 1] - a, corners[:, 2] - a
    for i, (start, way) in enumerate(zip(starts, ways, strict=True)):
        p = np.cross(way, e2)
        det = np.einsum("ij,ij->i", e1, p)
        inv = 1.0 / np.where(np.abs(det) > 1e-12, det, 1.0)
        t = start - a
        u = np.einsum("ij,ij->i", t, p) * inv
        q = np.cross(t, e1)
        v = (q @ way) * inv
        far = np.einsum("ij,ij->i", e2, q) * inv
        hit = (np.abs(det) > 1e-12) & (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6) & (far > 0)
        if hit.any():
            out[i] = far[hit].min()
    return out
