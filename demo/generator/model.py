"""A product's geometry: solids and meshes with their materials, and prints upon them."""

from __future__ import annotations

from dataclasses import dataclass, field

import manifold3d as m3
import numpy as np
from PIL import Image

from .materials import Material
from .mesh import Floats, Mesh, from_grid, from_solid

Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Print:
    """A picture laid on a surface: ink where it is opaque, nothing where it is clear."""

    mesh: Mesh
    picture: Image.Image
    roughness: float = 0.4


@dataclass
class Model:
    """Parts and prints of one thing, in millimetres."""

    parts: list[tuple[Mesh, Material]] = field(default_factory=list)
    prints: list[Print] = field(default_factory=list)

    def add(
        self, shape: m3.Manifold | Mesh, material: Material, at: Vec3 = (0.0, 0.0, 0.0)
    ) -> None:
        """Adds a solid or a mesh, moved by ``at`` millimetres."""
        mesh = shape if isinstance(shape, Mesh) else from_solid(shape)
        if any(at):
            mesh = Mesh(mesh.points + np.asarray(at), mesh.normals, mesh.uv)
        if mesh.points.size:
            self.parts.append((mesh, material))

    def stick(
        self,
        picture: Image.Image,
        at: Vec3,
        width: float,
        face: str = "front",
        turn: float = 0.0,
    ) -> None:
        """Lays a flat print on a face.

        Args:
            picture: RGBA picture.
            at: Centre of the print, millimetres.
            width: Width of the print, millimetres; the height follows from the picture.
            face: ``front`` (-y), ``top`` (+z), ``right`` (+x) or ``left`` (-x).
            turn: Turn within the face, degrees anticlockwise.
        """
        frames = {
            "front": ((1, 0, 0), (0, 0, 1)),
            "top": ((1, 0, 0), (0, 1, 0)),
            "right": ((0, 1, 0), (0, 0, 1)),
            "left": ((0, -1, 0), (0, 0, 1)),
        }
        right, up = (np.asarray(v, dtype=np.float64) for v in frames[face])
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        right, up = c * right + s * up, c * up - s * right
        height = width * picture.height / picture.width
        # A hair above the surface, so that the two never fight for the same ray.
        middle = np.asarray(at) + 0.04 * np.cross(right, up)
        x = np.array([-0.5, 0.5]) * width
        y = np.array([-0.5, 0.5]) * height
        grid = middle + x[None, :, None] * right + y[:, None, None] * up
        self.prints.append(Print(from_grid(grid, _unit_uv(2, 2)), picture))

    def wrap(
        self,
        picture: Image.Image,
        r: float,
        z: float,
        height: float,
        start: float = -180.0,
        sweep: float = 360.0,
        axis: Vec3 = (0.0, 0.0, 0.0),
        roughness: float = 0.35,
        r_top: float | None = None,
    ) -> None:
        """Wraps a print round an upright cylinder (or cone, with ``r_top``).

        Args:
            picture: RGBA picture.
            r: Radius, millimetres.
            z: Height of the print's lower edge.
            height: Height of the print.
            start: Angle of the print's left edge; 0 faces the viewer, degrees anticlockwise.
            sweep: Angle that the print covers, degrees.
            axis: A point of the cylinder's axis.
            roughness: Roughness of the print.
            r_top: Radius at the upper edge, where it differs.
        """
        columns = max(3, int(abs(sweep) / 6))
        angle = np.radians(np.linspace(start, start + sweep, columns) - 90)
        rows = np.array([0.0, 1.0])
        radius = (r + 0.04) + ((r if r_top is None else r_top) - r) * rows
        x = radius[:, None] * np.cos(angle)[None, :]
        y = radius[:, None] * np.sin(angle)[None, :]
        grid = np.dstack([x, y, np.broadcast_to((z + height * rows)[:, None], x.shape)])
        uv = _unit_uv(2, columns)
        self.prints.append(Print(from_grid(grid + np.asarray(axis), uv), picture, roughness))

    def merge(self, other: Model, matrix: Floats | None = None) -> None:
        """Adds another model's parts and prints, moved by a 3 x 4 matrix where one is given."""
        for mesh, material in other.parts:
            self.parts.append((mesh if matrix is None else mesh.moved(matrix), material))
        for item in other.prints:
            mesh = item.mesh if matrix is None else item.mesh.moved(matrix)
            self.prints.append(Print(mesh, item.picture, item.roughness))

    def moved(self, matrix: Floats) -> Model:
        """Returns the model after a 3 x 4 affine map."""
        out = Model()
        out.merge(self, matrix)
        return out

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the lowest and the highest corner."""
        low = np.min([mesh.points.min(axis=0) for mesh, _ in self.parts], axis=0)
        high = np.max([mesh.points.max(axis=0) for mesh, _ in self.parts], axis=0)
        return low, high

    def cloud(self) -> Floats:
        """Returns all points, shape (n, 3)."""
        return np.concatenate([mesh.points for mesh, _ in self.parts])


def _unit_uv(rows: int, columns: int) -> Floats:
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    return np.dstack([u, v])


def turning(
    rx: float = 0.0,
    ry: float = 0.0,
    rz: float = 0.0,
    at: Vec3 = (0.0, 0.0, 0.0),
    scale: float = 1.0,
) -> Floats:
    """A 3 x 4 map: turn about x, then y, then z (degrees), scale, then move by ``at``."""
    a, b, c = np.radians([rx, ry, rz])
    mx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    my = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    mz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.column_stack([scale * (mz @ my @ mx), np.asarray(at, dtype=np.float64)])


def on_floor(model: Model) -> Model:
    """Returns the model centred over the origin with its lowest point at z = 0."""
    low, high = model.bounds()
    middle = (low + high) / 2
    return model.moved(turning(at=(-float(middle[0]), -float(middle[1]), -float(low[2]))))
