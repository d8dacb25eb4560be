"""Triangle meshes: what the renderer gets, made from solids or built as grids.

All lengths are millimetres. A mesh is a bag of unshared triangle corners (three rows a triangle),
so that every corner can have its own normal and texture coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass

import manifold3d as m3
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMOOTH_DEGREES = 38.0
"""Neighbouring faces that meet at less than this angle are shaded as one curved surface."""


@dataclass(frozen=True)
class Mesh:
    """Corners of triangles, three rows a triangle.

    Attributes:
        points: Positions in millimetres, shape (3 * n, 3).
        normals: Unit shading normals, shape (3 * n, 3).
        uv: Texture coordinates; millimetres for solids, 0 to 1 for prints, shape (3 * n, 2).
    """

    points: Floats
    normals: Floats
    uv: Floats

    def moved(self, matrix: Floats) -> Mesh:
        """Returns the mesh after a 3 x 4 rigid or uniformly scaling affine map."""
        turn = matrix[:, :3]
        normals = self.normals @ turn.T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(self.points @ turn.T + matrix[:, 3], normals, self.uv)


def joined(meshes: list[Mesh]) -> Mesh:
    """Returns one mesh with the triangles of all."""
    return Mesh(
        np.concatenate([m.points for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.uv for m in meshes]),
    )


def from_solid(solid: m3.Manifold) -> Mesh:
    """Turns a solid into a mesh with smooth normals and box-projected texture coordinates."""
    raw = solid.to_mesh()
    vertices = np.asarray(raw.vert_properties, dtype=np.float64)[:, :3]
    faces = np.asarray(raw.tri_verts, dtype=np.int64)
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    keep = area > 1e-9
    faces, corners, cross, area = faces[keep], corners[keep], cross[keep], area[keep]
    flat = cross / area[:, None]
    normals = _corner_normals(faces, corners, flat, area)
    points = corners.reshape(-1, 3)
    return Mesh(points, normals.reshape(-1, 3), _box_uv(points, np.repeat(flat, 3, axis=0)))


def _corner_normals(
    faces: npt.NDArray[np.int64], corners: Floats, flat: Floats, area: Floats
) -> Floats:
    """Averages face normals at each corner, a large plane outweighing the bevel beside it.

    Weighting by the area of the whole plane keeps flat faces flat next to small rounded edges;
    plain averaging would make every box look like a pillow.
    """
    offset = np.einsum("ij,ij->i", flat, corners[:, 0])
    key = np.column_stack([np.round(flat, 3), np.round(offset, 2)[:, None]])
    _, group = np.unique(key, axis=0, return_inverse=True)
    weight = np.bincount(group.ravel(), weights=area)[group.ravel()]
    welded = np.round(corners.reshape(-1, 3), 4)
    _, vertex = np.unique(welded, axis=0, return_inverse=True)
    vertex = vertex.ravel()
    order = np.argsort(vertex, kind="stable")
    counts = np.bincount(vertex)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    # Every pair of corners that share a vertex, as two flat lists.
    per_corner = counts[vertex]
    left = np.repeat(np.arange(vertex.size), per_corner)
    inner = np.arange(per_corner.sum()) - np.repeat(np.cumsum(per_corner) - per_corner, per_corner)
    right = order[starts[vertex[left]] + inner]
    face_left, face_right = left // 3, right // 3
    near = np.einsum("ij,ij->i", flat[face_left], flat[face_right]) > np.cos(
        np.radians(SMOOTH_DEGREES)
    )
    out = np.zeros((vertex.size, 3))
    pull = (weight[face_right] * near)[:, None] * flat[face_right]
    for axis in range(3):
        out[:, axis] = np.bincount(left, weights=pull[:, axis], minlength=vertex.size)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
    return out.reshape(faces.shape[0], 3, 3)


def _box_uv(points: Floats, flat: Floats) -> Floats:
    """Projects along the axis that the face looks along, in millimetres."""
    axis = np.argmax(np.abs(flat), axis=1)
    u = np.where(axis == 0, points[:, 1], points[:, 0])
    v = np.where(axis == 2, points[:, 1], points[:, 2])
    return np.column_stack([u, v])


def from_grid(points: Floats, uv: Floats, closed_u: bool = False) -> Mesh:
    """Builds a smooth surface from a grid of points.

    Args:
        points: Positions in millimetres, shape (rows, columns, 3).
        uv: Texture coordinates, shape (rows, columns, 2).
        closed_u: Whether the last column is the first one again, so that normals meet there.
    """
    along = np.gradient(points, axis=0)
    around = np.gradient(points, axis=1)
    if closed_u:
        seam = points[:, 1] - points[:, -2]
        around[:, 0] = around[:, -1] = seam / 2
    normals = np.cross(around, along)
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])]).ravel()
    return Mesh(
        points.reshape(-1, 3)[faces], normals.reshape(-1, 3)[faces], uv.reshape(-1, 2)[faces]
    )
