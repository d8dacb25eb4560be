"""JPEG as cameras, printers and attackers write it."""

from __future__ import annotations

import io
import re
import struct
import time

import numpy as np
import pytest
from drawing import drawn_photo, drawn_picture, encoded, four_corners
from jpeg_making import frame, huffman, many_scans, quantisation, scan, segment
from PIL import Image, ImageCms

from vitrina.errors import PhotoDamaged, PhotoDimensions, PhotoError
from vitrina.photos import SIZE, Limits, decode, read_header
from vitrina.photos.jpeg_scans import MOST_SCANNED_PIXELS, MOST_SCANS, count_scans


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).mean())


def progressive(size: tuple[int, int] = (64, 48)) -> bytes:
    return drawn_photo(size=size, kind="JPEG", progressive=True)


def inserted(photo: bytes, marker: int, content: bytes) -> bytes:
    """The photo with a segment right after its start."""
    return photo[:2] + segment(marker, content) + photo[2:]


def test_scans_of_ordinary_files() -> None:
    assert count_scans(drawn_photo(kind="JPEG")) == 1
    assert count_scans(encoded(Image.new("L", (40, 40)), "JPEG")) == 1
    assert count_scans(progressive()) == 10
    assert count_scans(many_scans(64, 64, 30)) == 32
    assert count_scans(many_scans(64, 64, 30, components=3)) == 34


def test_scans_that_are_none() -> None:
    thumbnail = drawn_photo(kind="JPEG")
    for photo, scans in ((drawn_photo(kind="JPEG"), 1), (progressive(), 10)):
        assert count_scans(inserted(photo, 0xE1, b"Exif\0\0" + thumbnail)) == scans
        assert count_scans(inserted(photo, 0xFE, b"\xff\xda\0\x08" * 500)) == scans
        # what cameras append: more pictures, a film
        assert count_scans(photo + thumbnail + b"\xff\xda" * 500) == scans


def test_hidden_scans_are_counted() -> None:
    photo = many_scans(64, 64, 20)
    end = b"\xff\xd9"
    # an end within a comment is none
    first = photo.index(b"\xff\xda", 200)
    hidden = photo[:first] + segment(0xFE, end * 10) + photo[first:]
    assert count_scans(hidden) == 22
    filled = re.sub(rb"\xff\xda", b"\xff\xff\xff\xda", photo)
    assert count_scans(filled) == 22
    assert decode(photo).shape == decode(hidden).shape == decode(filled).shape == (SIZE, SIZE, 3)


def test_counting_ends() -> None:
    photo = many_scans(64, 64, 5000)
    assert count_scans(photo) == MOST_SCANS + 1
    for content in (b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff\xd8" + b"\xff" * 3_000_000):
        start = time.process_time()
        assert count_scans(content) <= 1
        assert time.process_time() - start < 1
    assert count_scans(photo[: len(photo) // 100]) < MOST_SCANS


@pytest.mark.parametrize("components", [1, 3])
def test_too_many_scans(components: int) -> None:
    decode(many_scans(64, 64, MOST_SCANS - 2 * components - 2, components))
    with pytest.raises(PhotoDamaged, match="more than 256 scans"):
        read_header(many_scans(64, 64, MOST_SCANS, components))


@pytest.mark.parametrize(
    ("side", "refinements"), [(8000, 10), (8000, 250), (5600, 30), (1500, 250)]
)
def test_scans_over_many_pixels(side: int, refinements: int) -> None:
    photo = many_scans(side, side, refinements)
    assert len(photo) < 300_000
    start = time.process_time()
    with pytest.raises(PhotoDimensions, match=f"{side} x {side} pixels in {refinements + 2} scans"):
        decode(photo)
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(("side", "refinements"), [(5600, 10), (1240, 250)])
def test_most_that_is_accepted_takes_less_than_a_second(side: int, refinements: int) -> None:
    assert 0.9 < side**2 * (refinements + 2) / MOST_SCANNED_PIXELS <= 1
    photo = many_scans(side, side, refinements)
    start = time.process_time()
    decode(photo)
    assert time.process_time() - start < 1


def test_several_scans_may_have_half_of_the_pixels() -> None:
    limits = Limits(max_pixels=10_000)
    assert read_header(drawn_photo(size=(100, 100), kind="JPEG"), limits).width == 100
    assert read_header(progressive((100, 50)), limits).width == 100
    with pytest.raises(PhotoDimensions, match="10 scans"):
        read_header(progressive((100, 60)), limits)


def test_film_behind_a_photo_changes_nothing() -> None:
    photo = drawn_photo(size=(640, 480), kind="JPEG")
    film = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()
    assert np.array_equal(decode(photo + film), decode(photo))


def baseline_grey(marker: int, *, precision: int = 8, side: int = 64) -> bytes:
    blocks = (side // 8) ** 2
    return b"".join(
        [
            b"\xff\xd8",
            quantisation(),
            frame(marker, side, side, 1, precision),
            huffman(0x00, 0),
            huffman(0x10, 0),
            scan([1], 0 if marker != 0xC3 else 1, 63 if marker != 0xC3 else 0, 0, bytes(blocks)),
            b"\xff\xd9",
        ]
    )


def test_what_the_unusual_are_compared_with() -> None:
    assert tuple(decode(baseline_grey(0xC0))[0, 0]) == (128, 128, 128)


@pytest.mark.parametrize("precision", [2, 8, 12, 16])
@pytest.mark.parametrize("marker", [0xC1, 0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xCF])
def test_unusual_processes_never_crash(marker: int, precision: int) -> None:
    # extended, lossless, hierarchical, arithmetic; 12 and 16 bits
    photo = baseline_grey(marker, precision=precision)
    try:
        assert decode(photo).shape == (SIZE, SIZE, 3)
    except PhotoError as error:
        assert error.hint  # noqa: PT017


@pytest.mark.parametrize("marker", range(0xC0, 0xD0))
def test_real_photo_under_another_process(marker: int) -> None:
    photo = drawn_photo(size=(320, 200), kind="JPEG")
    changed = photo.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)
    try:
        assert decode(changed).shape == (SIZE, SIZE, 3)
    except PhotoError as error:
        assert error.hint  # noqa: PT017


def test_ycck() -> None:
    ink = np.asarray(drawn_picture((200, 60, 40)).convert("CMYK")).astype(np.float64)
    cyan, magenta, yellow, black = np.moveaxis(ink, 2, 0)
    # printers' JPEG: the inks are kept as if they were red, green and blue
    luma = 0.299 * cyan + 0.587 * magenta + 0.114 * yellow
    blue, red = 128 + (yellow - luma) / 1.772, 128 + (cyan - luma) / 1.402
    # Pillow turns all four over when it writes
    planes = np.stack([255 - luma, 255 - blue, 255 - red, black], axis=2)
    stored = Image.fromarray(np.clip(np.rint(planes), 0, 255).astype(np.uint8), "CMYK")
    photo = encoded(stored, "JPEG", quality=98)
    adobe = photo.index(b"Adobe")
    ycck = photo[: adobe + 11] + b"\x02" + photo[adobe + 12 :]
    assert apart(decode(ycck), decode(encoded(drawn_picture((200, 60, 40))))) < 6
    assert apart(decode(photo), decode(ycck)) > 30


def display_p3() -> bytes:
    """A profile with the primaries of Apple's displays and the curve of sRGB."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    name, other = ("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    content = bytearray(bytes(content).replace(name, other))
    for number in range(struct.unpack_from(">I", content, 128)[0]):
        tag, place, _ = struct.unpack_from(">4sII", content, 132 + 12 * number)
        if tag in P3:
            struct.pack_into(">3i", content, place + 8, *(round(65536 * part) for part in P3[tag]))
    return bytes(content)


P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}
"""In the D50 of profiles."""

_SRGB = np.array(
    [[0.43607, 0.38515, 0.14308], [0.22249, 0.71689, 0.06062], [0.01392, 0.09708, 0.71410]]
)


def p3_in_srgb(colour: tuple[int, int, int]) -> np.ndarray:
    """By the formulas, without the library that is tested."""
    part = np.array(colour) / 255
    light = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    linear = np.linalg.inv(_SRGB) @ np.array(list(P3.values())).T @ light
    linear = np.clip(linear, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(255 * coded)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("colour", [(200, 100, 50), (60, 180, 90), (128, 128, 128), (255, 0, 0)])
def test_display_p3(kind: str, colour: tuple[int, int, int]) -> None:
    options = {"quality": 98} if kind == "JPEG" else {}
    photo = encoded(Image.new("RGB", (64, 64), colour), kind, icc_profile=display_p3(), **options)
    seen = decode(photo).reshape(-1, 3).mean(axis=0)
    assert np.abs(seen - p3_in_srgb(colour)).max() < 4
    if colour == (200, 100, 50):
        assert np.abs(seen - colour).max() > 5  # so that doing nothing would be noticed


def test_scaled_decode_is_close_to_full() -> None:
    random = np.random.default_rng(4)
    scene = drawn_picture(size=(4032, 3024), seed=2)
    grain = random.normal(0, 8, (3024, 4032, 1))
    photo = encoded(
        Image.fromarray(np.clip(np.asarray(scene) + grain, 0, 255).astype(np.uint8)), "JPEG",
        quality=90,
    )  # fmt: skip
    with Image.open(io.BytesIO(photo)) as full:
        expected = np.asarray(full.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    assert apart(decode(photo), expected) < 1


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((4032, 3024), 8), ((3264, 2448), 4), ((2688, 2688), 8), ((2687, 2687), 4),
        ((1344, 9000), 4), ((671, 640), 1), ((672, 672), 2), ((8000, 400), 1),
        ((640, 480), 1), ((300, 6000), 1),
    ],
)  # fmt: skip
def test_scale_goes_by_the_short_side(size: tuple[int, int], scale: int) -> None:
    from unittest import mock

    from vitrina.photos import picture

    photo = encoded(Image.new("RGB", size), "JPEG")
    with mock.patch.object(picture, "_to_square", wraps=picture._to_square) as square:
        decode(photo)
    assert square.call_args.args[0].size == tuple(-(-side // scale) for side in size)


def test_orientation_of_a_scaled_photo() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large = encoded(four_corners((3600, 2700)), "JPEG", exif=exif)
    assert apart(decode(large), decode(encoded(four_corners((400, 300)), "PNG", exif=exif))) < 3


def test_missing_end() -> None:
    photo = drawn_photo(size=(400, 300), kind="JPEG")
    assert photo.endswith(b"\xff\xd9")
    # one policy for all that breaks off, although here every pixel may be there
    with pytest.raises(PhotoDamaged, match="damaged or breaks off"):
        decode(photo[:-2])


def test_metadata_without_end() -> None:
    photo = drawn_photo(size=(64, 64), kind="JPEG")
    for marker, content in ((0xE1, b"Exif\0\0"), (0xE2, b"ICC_PROFILE\0\1\1"), (0xFE, b"")):
        filled = photo[:2] + segment(marker, content + bytes(65_000)) * 250 + photo[2:]
        start = time.process_time()
        assert np.array_equal(decode(filled), decode(photo))
        assert time.process_time() - start < 1
