"""The same product as a shopper's phone sees it: a harder copy of every test photo.

A shop has pictures of its catalogue, seldom of its shoppers. So each test photo is put before a
made-up phone: held at an angle and too near or too far, over a table instead of a studio's white,
in bad light, out of focus, grainy, and sent through a messenger. Nothing here is shared with the
views that training makes (`vitrina.training.views`): a network must not be tested on what it
practised.
"""

from __future__ import annotations

import hashlib
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vitrina.photos import SIZE, Pixels

PHONE_VERSION = "phone-test-1"
"""Names what `phone_variant` does; figures are comparable only where it is the same."""

_Rng = np.random.Generator
_Float = npt.NDArray[np.floating[Any]]
_Mask = npt.NDArray[np.bool_]
_Homography = npt.NDArray[np.float64]

_LIGHT = 175
_TOLERANCE = 18
_BORDER_SHARE = 0.85
_MARGIN = SIZE // 2

_ROWS = np.arange(SIZE, dtype=np.float32)[:, None] / SIZE
_COLUMNS = _ROWS.T
_GROUND = SIZE // 2
"""Side in which surfaces are made up: they lie a little out of focus anyway."""


def phone_variant(pixels: Pixels, sha256: str) -> Pixels:
    """The photo as a careless shopper might have taken it; always the same for the same photo.

    Args:
        pixels: (224, 224, 3) uint8.
        sha256: Of the photo's bytes; with `PHONE_VERSION` it decides every accident.

    Returns:
        (224, 224, 3) uint8.
    """
    seed = hashlib.sha256(f"{PHONE_VERSION}/{sha256}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    product = _product_mask(pixels)
    if product is None:
        scene = _scene_at_an_angle(pixels, rng)
    else:
        scene = _product_on_a_surface(pixels, product, rng)
    scene = _light(scene, rng)
    scene = _noise(_blur(scene, rng), rng)
    return _messenger(scene, rng)


def _product_mask(pixels: Pixels) -> _Mask | None:
    """True on the product of a studio photo; None where the background is no plain light one.

    The background is what can be reached from the border over pixels of nearly its colour.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border, axis=0).astype(np.float32)
    if colour.min() < _LIGHT or _near(border, colour).mean() < _BORDER_SHARE:
        return None
    product = ~_reached_from_border(_near(pixels, colour))
    # next to nothing left, or nearly everything: the flood has run over the product or stopped
    return product if 0.02 < product.mean() < 0.97 else None


def _near(pixels: Pixels, colour: _Float) -> _Mask:
    near = np.abs(pixels - colour) < _TOLERANCE
    every: _Mask = near[..., 0] & near[..., 1] & near[..., 2]
    return every


def _reached_from_border(plain: _Mask) -> _Mask:
    """Flood fill along rows and columns: whole runs of plain pixels at a time."""
    reached = np.zeros_like(plain)
    reached[0], reached[-1] = plain[0], plain[-1]
    reached[:, 0], reached[:, -1] = plain[:, 0], plain[:, -1]
    known = -1
    while (count := int(reached.sum())) != known:
        known = count
        reached = _along_rows(plain, reached)
        reached = _along_rows(plain.T, reached.T).T
    return reached


def _along_rows(plain: _Mask, reached: _Mask) -> _Mask:
    walls = ~plain
    walls[:, 0] = True  # a run does not go on in the next row
    runs = np.cumsum(walls.ravel())
    found = np.zeros(int(runs[-1]) + 1, dtype=bool)
    found[runs[reached.ravel()]] = True
    spread: _Mask = found[runs].reshape(plain.shape) & plain
    return spread


def _camera(rng: _Rng, size: float, reach: float) -> _Homography:
    """Where a phone, held at an angle, sees the plane of the photo: 3 x 3, photo to frame.

    Both are measured from their middle, half a side being 1.

    Args:
        rng: Of this photo.
        size: Of the photo in the frame; 1 fills it.
        reach: How far the middle may be off, in half sides.
    """
    turn, tilt = np.deg2rad(rng.uniform(-25, 25, size=2))
    roll = np.deg2rad(rng.normal(0, 9))
    around_y = np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    around_x = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    around_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    rotation = around_z @ around_x @ around_y
    distance = rng.uniform(2.4, 4.0)  # a phone is held near: its perspective is strong
    # the plane is z = 0, so the third column falls away
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, distance]])
    # sizes differ between sides because every photo is squeezed into a square
    squeeze = np.exp(rng.uniform(-0.14, 0.14))
    shift_x, shift_y = rng.uniform(-reach, reach, size=2)
    lens = np.array(
        [
            [size * distance * squeeze, 0, shift_x],
            [0, size * distance / squeeze, shift_y],
            [0, 0, 1],
        ]
    )
    view: _Homography = lens @ plane
    return view


def _see(picture: Image.Image, view: _Homography, margin: int = 0) -> Image.Image:
    """The frame that `view` gives of a picture with `margin` more pixels on each side."""
    half = SIZE / 2
    to_frame = np.array([[half, 0, half], [0, half, half], [0, 0, 1]])
    to_source = np.array([[half, 0, half + margin], [0, half, half + margin], [0, 0, 1]])
    back = to_source @ np.linalg.inv(view) @ np.linalg.inv(to_frame)
    back /= back[2, 2]
    return picture.transform(
        (SIZE, SIZE),
        Image.Transform.PERSPECTIVE,
        tuple(back.ravel()[:8]),
        Image.Resampling.BILINEAR,
    )


def _scene_at_an_angle(pixels: Pixels, rng: _Rng) -> _Float:
    """A photo with surroundings of its own: what lies beyond its edge is mirrored."""
    view = _camera(rng, size=rng.uniform(0.9, 1.4), reach=0.2)
    around = np.pad(pixels, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="symmetric")
    return np.asarray(_see(Image.fromarray(around), view, _MARGIN), dtype=np.float32)


def _product_on_a_surface(pixels: Pixels, product: _Mask, rng: _Rng) -> _Float:
    """The product of a studio photo, cut out and laid on something that shops do not sell."""
    top, bottom = np.flatnonzero(product.any(axis=1))[[0, -1]] / SIZE
    left, right = np.flatnonzero(product.any(axis=0))[[0, -1]] / SIZE
    extent = max(float(bottom - top), float(right - left), 0.05)
    # small in the frame, or too near and partly cut off
    wanted = rng.uniform(0.55, 0.9) if rng.random() < 0.75 else rng.uniform(0.95, 1.2)
    view = _camera(rng, size=wanted / extent, reach=0.25)
    # half a side is 1, measured from the photo's middle
    to_middle = np.array([[1, 0, 1 - left - right], [0, 1, 1 - top - bottom], [0, 0, 1]])
    view = view @ to_middle
    cover = Image.fromarray(product.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(0.8))
    layers = np.dstack([pixels, np.asarray(cover)])
    seen = np.asarray(_see(Image.fromarray(layers, "RGBA"), view), dtype=np.float32)
    share = seen[..., 3:] / 255
    ground = _surface(rng) * _contact_shadow(seen[..., 3], rng)
    mixed: _Float = seen[..., :3] - ground
    mixed *= share
    mixed += ground
    return mixed


def _contact_shadow(cover: _Float, rng: _Rng) -> _Float:
    """(224, 224, 1): how much light the product leaves on the surface under and beside it."""
    across, down = (int(v) for v in rng.integers(-9, 10, size=2))
    moved = Image.fromarray(np.roll(cover, (down, across), axis=(0, 1)).astype(np.uint8))
    soft = moved.filter(ImageFilter.BoxBlur(float(rng.uniform(3, 9))))
    dark = np.asarray(soft, dtype=np.float32) * (rng.uniform(0.25, 0.6) / 255)
    return (1 - dark)[..., None]


def _surface(rng: _Rng) -> _Float:
    """(224, 224, 3): wood, cloth, stone or clutter, in a colour of its own."""
    kind = rng.choice(["wood", "cloth", "stone", "clutter"])
    rows, columns = _ROWS[::2], _COLUMNS[:, ::2]
    angle = rng.uniform(0, math.pi)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    if kind == "wood":
        warm = rng.uniform(0.5, 1.1)
        colour = (np.array([205, 150, 100]) * warm).astype(np.float32)
        bend = across + _clouds(rng, 2) * 0.06
        rings = np.sin(bend * rng.uniform(30, 70)) + np.sin(bend * rng.uniform(90, 200))
        planks = np.floor(across * rng.uniform(1.5, 4))
        relief = 6 * rings + 10 * np.sin(planks * 12.9) + 5 * _clouds(rng, 60)
    elif kind == "cloth":
        colour = _muted(rng, 40, 210)
        pitch = rng.uniform(60, 90)
        check = np.sign(np.sin(along * rng.uniform(10, 40))) + np.sign(np.sin(across * 22))
        weave = np.sin(along * pitch * 3) * np.sin(across * pitch * 3)
        folds = _clouds(rng, 4)
        relief = 8 * weave + rng.uniform(0, 22) * check + 16 * folds
    elif kind == "stone":
        colour = _muted(rng, 60, 200)
        relief = 12 * _clouds(rng, 5) + 12 * _clouds(rng, 24) + 12 * _clouds(rng, 110)
    else:
        colour = _muted(rng, 60, 190)
        relief = 7 * _clouds(rng, 30)
    ground = colour + relief[..., None]
    if kind == "clutter" or rng.random() < 0.35:
        _strew(ground, rng)
    picture = Image.fromarray(_to_pixels(ground)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32)


def _strew(ground: _Float, rng: _Rng) -> None:
    """Sheets, boxes and table edges that happen to lie there."""
    rows, columns = _ROWS[::2], _COLUMNS[:, ::2]
    for _ in range(int(rng.integers(2, 6))):
        angle = rng.uniform(0, math.pi)
        y, x = rng.uniform(-0.1, 1.1, size=2).tolist()
        along = (columns - x) * math.cos(angle) + (rows - y) * math.sin(angle)
        across = (rows - y) * math.cos(angle) - (columns - x) * math.sin(angle)
        inside = (np.abs(along) < rng.uniform(0.06, 0.5)) & (
            np.abs(across) < rng.uniform(0.03, 0.3)
        )
        stripes = np.sin(along[inside] * rng.uniform(20, 160)) * rng.uniform(0, 25)
        ground[inside] = _muted(rng, 25, 235) + stripes[:, None]


def _muted(rng: _Rng, low: float, high: float) -> _Float:
    grey = rng.uniform(low, high)
    return np.clip(grey + rng.normal(0, 13, size=3), 10, 245).astype(np.float32)


def _clouds(rng: _Rng, cells: int) -> _Float:
    """(112, 112) smooth noise, about -1 to 1, with `cells` swellings along a side."""
    coarse = rng.standard_normal((cells + 1, cells + 1), dtype=np.float32) * 0.6
    smooth = Image.fromarray(coarse).resize((_GROUND, _GROUND), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32)


def _light(scene: _Float, rng: _Rng) -> _Float:
    """Too dark or too bright, yellow lamps or blue shade, uneven, with somebody's shadow."""
    exposure = math.exp(rng.uniform(-0.5, 0.35))
    warmth = rng.uniform(-0.16, 0.26)
    cast = np.exp(np.array([warmth, rng.normal(0, 0.04), -warmth]))
    angle = rng.uniform(0, 2 * math.pi)
    across = (_COLUMNS - 0.5) * math.cos(angle) + (_ROWS - 0.5) * math.sin(angle)
    level = 1 + rng.uniform(0.1, 0.7) * across
    if rng.random() < 0.6:
        # the edge of a hand or of the phone itself, soft
        angle, offset = rng.uniform(0, 2 * math.pi), rng.uniform(-0.25, 0.35)
        edge = (_COLUMNS - 0.5) * math.cos(angle) + (_ROWS - 0.5) * math.sin(angle) - offset
        shade = 1 / (1 + np.exp(-np.clip(edge * rng.uniform(8, 40), -30, 30)))
        level = level * (1 - rng.uniform(0.2, 0.5) * shade)
    lit = scene * (level[..., None] * (exposure * cast)).astype(np.float32)
    if rng.random() < 0.25:
        y, x = rng.uniform(0.1, 0.9, size=2).tolist()
        spot = ((_COLUMNS - x) ** 2 + (_ROWS - y) ** 2) / rng.uniform(0.004, 0.03)
        lit += (np.exp(-spot) * rng.uniform(60, 170))[..., None].astype(np.float32)
    # phones lift the shadows and press the lights together
    curve = (np.arange(256, dtype=np.float32) / 255) ** rng.uniform(0.8, 1.25) * 255
    toned: _Float = curve[_to_pixels(lit)]
    return toned


def _blur(scene: _Float, rng: _Rng) -> _Float:
    accident = rng.random()
    if accident < 0.4:
        picture = Image.fromarray(_to_pixels(scene))
        # two boxes are nearly the flat disc of an open lens
        radius = rng.uniform(0.5, 1.7)
        soft = picture.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius / 2))
        return np.asarray(soft, dtype=np.float32)
    if accident < 0.75:
        return _shake(scene, rng.uniform(2, 7), rng.uniform(0, math.pi))
    return scene


def _shake(scene: _Float, length: float, angle: float) -> _Float:
    """Motion blur: the mean along a line of `length` pixels."""
    reach = math.ceil(length / 2)
    around = np.pad(scene, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    steps = math.ceil(length) + 1
    total = np.zeros_like(scene)
    for distance in np.linspace(-length / 2, length / 2, steps):
        down = reach + round(distance * math.sin(angle))
        right = reach + round(distance * math.cos(angle))
        total += around[down : down + SIZE, right : right + SIZE]
    return total / steps


def _noise(scene: _Float, rng: _Rng) -> _Float:
    """Shot noise grows with the light, read noise does not; small sensors have much of both."""
    read, shot = rng.uniform(1, 6), rng.uniform(0.1, 0.6)
    noise = rng.standard_normal(scene.shape, dtype=np.float32)
    noise *= np.sqrt(read**2 + shot**2 * scene)
    noise += scene
    return noise


def _messenger(scene: _Float, rng: _Rng) -> Pixels:
    """Through a JPEG file of low quality and back."""
    picture = Image.fromarray(_to_pixels(scene))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(30, 66)), subsampling="4:2:0")
    with Image.open(file, formats=("JPEG",)) as sent:
        return np.asarray(sent.convert("RGB"), dtype=np.uint8)


def _to_pixels(scene: _Float) -> Pixels:
    return np.clip(scene, 0, 255).astype(np.uint8)
