"""Test photos as a shopper's phone takes them."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vitrina.evaluation import phone
from vitrina.evaluation.phone import phone_variant
from vitrina.photos import SIZE, Pixels

NAMES = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(40)]


def studio_photo(shade: int = 250) -> Pixels:
    """A blue product with a white label before a plain ground."""
    picture = Image.new("RGB", (SIZE, SIZE), (shade, shade, shade))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 50, 160, 180), fill=(30, 60, 200))
    draw.rectangle((90, 80, 130, 110), fill=(shade, shade, shade))
    return np.asarray(picture)


def scene_photo() -> Pixels:
    """A photo with surroundings of its own."""
    rng = np.random.default_rng(4)
    cells = rng.integers(0, 256, (14, 14, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(cells).resize((SIZE, SIZE)))


def blueness(pixels: Pixels) -> np.ndarray:
    values = pixels.astype(int)
    return values[..., 2] - values[..., 0]


@pytest.mark.parametrize("photo", [studio_photo(), scene_photo()], ids=["studio", "scene"])
def test_a_variant_is_a_photo_of_the_same_kind_and_leaves_the_first_alone(photo: Pixels) -> None:
    before = photo.copy()
    variant = phone_variant(photo, NAMES[0])
    assert variant.shape == (SIZE, SIZE, 3)
    assert variant.dtype == np.uint8
    assert np.array_equal(photo, before)
    assert np.abs(variant.astype(int) - photo).mean() > 5


def test_the_same_photo_always_gets_the_same_variant() -> None:
    photo = studio_photo()
    first = [phone_variant(photo, name) for name in NAMES[:4]]
    again = [phone_variant(photo, name) for name in reversed(NAMES[:4])]
    for one, other in zip(first, reversed(again), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(first[0], first[1])


def test_another_process_makes_the_same_variant() -> None:
    code = (
        "import sys, hashlib, numpy as np; from vitrina.evaluation.phone import phone_variant\n"
        "photo = np.full((224, 224, 3), 240, np.uint8); photo[60:160, 70:150] = 40\n"
        "print(hashlib.sha256(phone_variant(photo, sys.argv[1]).tobytes()).hexdigest())\n"
        "print(any(name.split('.')[0] in ('scipy', 'keras', 'tensorflow') for name in sys.modules))"
    )
    photo = np.full((SIZE, SIZE, 3), 240, np.uint8)
    photo[60:160, 70:150] = 40
    told = subprocess.run(
        [sys.executable, "-c", code, NAMES[2]], capture_output=True, text=True, check=True
    ).stdout.split()
    assert told[0] == hashlib.sha256(phone_variant(photo, NAMES[2]).tobytes()).hexdigest()
    assert told[1] == "False"


def test_another_version_makes_another_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    first = phone_variant(studio_photo(), NAMES[0])
    monkeypatch.setattr(phone, "PHONE_VERSION", "another")
    assert not np.array_equal(first, phone_variant(studio_photo(), NAMES[0]))


def test_the_studio_ground_gives_way_and_the_product_stays() -> None:
    photo = studio_photo()
    grounds, seen = [], 0
    for name in NAMES:
        variant = phone_variant(photo, name)
        grounds.append(float((variant.min(axis=2) > 225).mean()))
        # its own blue stands out from whatever it lies on
        contrast = np.percentile(blueness(variant), 97) - np.median(blueness(variant))
        seen += contrast > 15 or float((blueness(variant) > 20).mean()) > 0.3
    plain = float((photo.min(axis=2) > 225).mean())
    assert np.mean(grounds) < plain / 3
    assert seen > 0.75 * len(NAMES)


def test_a_white_label_inside_the_product_is_no_background() -> None:
    mask = phone._product_mask(studio_photo())
    assert mask is not None
    assert mask[95, 110]
    assert not mask[10, 10]
    assert abs(int(mask.sum()) - 101 * 131) < 50


def test_a_spiral_is_flooded_to_its_end() -> None:
    picture = Image.new("L", (SIZE, SIZE), 255)
    draw = ImageDraw.Draw(picture)
    for ring in range(10, 100, 20):
        draw.rectangle((ring, ring, SIZE - ring, SIZE - ring), outline=0, width=3)
        # a gap in each wall, on sides in turn
        at = 60 if ring % 40 == 10 else 160
        side = ring if ring % 40 == 10 else SIZE - ring - 2
        draw.rectangle((at - 4, side - 1, at + 4, side + 4), fill=255)
    plain = np.asarray(picture) == 255
    flooded = picture.copy()
    ImageDraw.floodfill(flooded, (0, 0), 128)
    assert np.array_equal(phone._reached_from_border(plain), np.asarray(flooded) == 128)


@pytest.mark.parametrize("shade", [20, 120])
def test_dark_grounds_are_left(shade: int) -> None:
    assert phone._product_mask(studio_photo(shade)) is None


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_photos_without_anything_on_them(shade: int) -> None:
    empty = np.full((SIZE, SIZE, 3), shade, dtype=np.uint8)
    for name in NAMES[:8]:
        assert phone_variant(empty, name).shape == (SIZE, SIZE, 3)


def test_specks_and_checks_are_no_trouble() -> None:
    speck = np.full((SIZE, SIZE, 3), 255, dtype=np.uint8)
    speck[100:140, 100:140] = 0
    checks = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    checks[::2, ::2] = 255
    for name in NAMES[:8]:
        for photo in (speck, checks):
            assert phone_variant(photo, name).dtype == np.uint8


def test_read_only_pixels_are_enough() -> None:
    photo = studio_photo().copy()
    photo.flags.writeable = False
    phone_variant(photo, NAMES[1])
