"""Procedural textures: every one is a small seamless picture made from noise and sines."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .mesh import Floats

SIZE = 256
"""Pixels along one side of a texture."""


def smooth_noise(seed: int, cells: int, size: int = SIZE, cells_y: int | None = None) -> Floats:
    """Seamless value noise from 0 to 1 with ``cells`` bumps across (``cells_y`` down)."""
    rows = cells if cells_y is None else cells_y
    grid = np.random.default_rng(seed).random((rows, cells))
    y = np.arange(size) * rows / size
    x = np.arange(size) * cells / size
    y0, x0 = y.astype(int), x.astype(int)
    fy, fx = y - y0, x - x0
    fy, fx = (fy * fy * (3 - 2 * fy))[:, None], (fx * fx * (3 - 2 * fx))[None, :]
    y1, x1 = (y0 + 1) % rows, (x0 + 1) % cells
    top = grid[np.ix_(y0, x0)] * (1 - fx) + grid[np.ix_(y0, x1)] * fx
    low = grid[np.ix_(y1, x0)] * (1 - fx) + grid[np.ix_(y1, x1)] * fx
    return np.asarray(top * (1 - fy) + low * fy)


def layered(seed: int, cells: int, octaves: int = 4) -> Floats:
    """Several noises of rising fineness, 0 to 1."""
    total = np.zeros((SIZE, SIZE))
    for i in range(octaves):
        total += smooth_noise(seed + i, min(cells * 2**i, SIZE)) / 2**i
    return np.asarray(total / sum(1 / 2**i for i in range(octaves)))


def _mix(a: tuple[float, float, float], b: tuple[float, float, float], t: Floats) -> Floats:
    return np.asarray(a) * (1 - t[..., None]) + np.asarray(b) * t[..., None]


def _wood(dark: tuple[float, float, float], light: tuple[float, float, float]) -> Floats:
    y = np.linspace(0, 1, SIZE, endpoint=False)[:, None]
    warp = smooth_noise(3, 2, cells_y=5) * 0.12 + smooth_noise(5, 5, cells_y=24) * 0.02
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (6 * y + 7 * warp))
    fibre = smooth_noise(11, 5, cells_y=160) * 0.6 + smooth_noise(13, 3, cells_y=40) * 0.4
    return _mix(dark, light, 0.3 * rings + 0.7 * fibre)


def _planks() -> Floats:
    out = _wood((0.33, 0.20, 0.11), (0.55, 0.37, 0.22))
    tone = np.repeat(np.array([0.95, 1.12, 0.85, 1.03]), SIZE // 4)[:, None, None]
    out = out * tone
    out[:: SIZE // 4] *= 0.25
    out[1 :: SIZE // 4] *= 0.45
    return np.asarray(out)


def _tiles() -> Floats:
    base = 0.72 + 0.10 * layered(21, 6)
    out = _mix((0.62, 0.60, 0.56), (0.86, 0.84, 0.80), base)
    line = np.arange(SIZE) % (SIZE // 2) < 5
    out[line] = out[:, line] = (0.40, 0.38, 0.36)
    return out


def _carpet() -> Floats:
    tuft = smooth_noise(31, 90) * 0.7 + np.random.default_rng(7).random((SIZE, SIZE)) * 0.3
    blotch = layered(33, 4)
    return _mix((0.22, 0.24, 0.30), (0.55, 0.56, 0.60), 0.75 * tuft + 0.25 * blotch)


def _carpet_red() -> Floats:
    out = _carpet() * np.array([1.3, 0.72, 0.6])
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    pattern = (np.abs((x * 4) % 1 - 0.5) + np.abs((y * 4) % 1 - 0.5)) < 0.3
    out[pattern] *= np.array([1.25, 1.35, 1.2])
    return np.asarray(out)


def _concrete() -> Floats:
    t = layered(41, 5, 5)
    out = _mix((0.42, 0.42, 0.41), (0.68, 0.67, 0.65), t)
    pits = smooth_noise(47, 110) > 0.93
    out[pits] *= 0.75
    return out


def _cloth() -> Floats:
    y, x = np.mgrid[0:SIZE, 0:SIZE] * (2 * np.pi * 32 / SIZE)
    weave = 0.5 + 0.25 * np.sin(x) * np.sign(np.sin(y / 2)) + 0.25 * np.sin(y)
    return _mix((0.50, 0.53, 0.56), (0.80, 0.81, 0.80), 0.7 * weave + 0.3 * layered(51, 6))


def _osb() -> Floats:
    rng = np.random.default_rng(61)
    out = np.full((SIZE, SIZE, 3), (0.62, 0.46, 0.27))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    for _ in range(420):
        cx, cy, turn = rng.random(3) * (SIZE, SIZE, np.pi)
        dx = (x - cx + SIZE / 2) % SIZE - SIZE / 2
        dy = (y - cy + SIZE / 2) % SIZE - SIZE / 2
        a = np.abs(dx * np.cos(turn) + dy * np.sin(turn)) < rng.uniform(12, 30)
        b = np.abs(dy * np.cos(turn) - dx * np.sin(turn)) < rng.uniform(2, 6)
        out[a & b] = np.array((0.70, 0.53, 0.32)) * rng.uniform(0.62, 1.18)
    return np.asarray(np.clip(out, 0, 1))


def _paper() -> Floats:
    """Squared note paper."""
    out = np.full((SIZE, SIZE, 3), (0.93, 0.93, 0.90))
    line = np.arange(SIZE) % 32 < 2
    out[line] = out[:, line] = (0.62, 0.72, 0.84)
    return out


def _newsprint() -> Floats:
    """Rows of grey bars that read as printed text from a distance."""
    rng = np.random.default_rng(71)
    out = np.full((SIZE, SIZE, 3), (0.86, 0.85, 0.80))
    for row in range(4, SIZE - 6, 11):
        x = 6
        while x < SIZE - 20:
            word = int(rng.integers(6, 26))
            if rng.random() > 0.06:
                out[row : row + 5, x : min(x + word, SIZE - 8)] = 0.35 + 0.2 * rng.random()
            x += word + 4
    return out


def _brushed() -> Floats:
    streak = smooth_noise(81, 3, cells_y=200) * 0.6 + smooth_noise(82, 8, cells_y=256) * 0.4
    return _mix((0.82, 0.82, 0.82), (1.0, 1.0, 1.0), streak)


def _braid() -> Floats:
    y, x = np.mgrid[0:SIZE, 0:SIZE] * (2 * np.pi * 8 / SIZE)
    t = 0.5 + 0.5 * np.maximum(np.sin(x + y) ** 3, np.sin(x - y) ** 3)
    return _mix((0.45, 0.45, 0.45), (1.0, 1.0, 1.0), t)


def _laminate() -> Floats:
    stacks = np.tile(np.where(np.arange(SIZE) % 8 < 2, 0.55, 1.0)[:, None], (1, SIZE))
    return _mix((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), stacks * (0.85 + 0.15 * layered(91, 8)))


def _linoleum() -> Floats:
    speck = layered(101, 40, 3)
    out = _mix((0.40, 0.44, 0.36), (0.66, 0.68, 0.58), speck)
    out[smooth_noise(103, 120) > 0.9] = (0.80, 0.78, 0.70)
    return out


_MAKERS: dict[str, Callable[[], Floats]] = {
    "oak": lambda: _wood((0.50, 0.33, 0.18), (0.78, 0.58, 0.36)),
    "walnut": lambda: _wood((0.16, 0.09, 0.055), (0.36, 0.22, 0.13)),
    "pine": lambda: _wood((0.76, 0.58, 0.36), (0.92, 0.78, 0.56)),
    "planks": _planks,
    "tiles": _tiles,
    "carpet": _carpet,
    "carpet-red": _carpet_red,
    "concrete": _concrete,
    "cloth": _cloth,
    "osb": _osb,
    "paper": _paper,
    "newsprint": _newsprint,
    "brushed": _brushed,
    "braid": _braid,
    "laminate": _laminate,
    "linoleum": _linoleum,
}


@lru_cache(maxsize=32)
def texture(name: str) -> Floats:
    """Returns a texture as sRGB values, 0 to 1, shape (SIZE, SIZE, 3)."""
    return np.clip(_MAKERS[name](), 0.0, 1.0).astype(np.float64)
