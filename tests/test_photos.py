"""What the one decoder gives: upright, sRGB, on white, squeezed into a square."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from drawing import drawn_photo, drawn_picture, encoded, four_corners
from PIL import Image, ImageCms, ImageDraw, ImageOps

from vitrina.errors import EmptyPhoto, NotAPhoto, PhotoDamaged, PhotoDimensions, PhotoTooLarge
from vitrina.photos import MEDIA_TYPES, SIZE, SUFFIXES, Limits, decode, read_header, sniff

KINDS = ("JPEG", "PNG", "WEBP")


def apart(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Mean difference of two pictures, in levels of 255."""
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).mean())


def mean_colour(pixels: npt.NDArray[np.uint8]) -> tuple[int, ...]:
    return tuple(round(part) for part in pixels.reshape(-1, 3).mean(axis=0))


def near(colour: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 4) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, expected, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (224, 224), (500, 300), (300, 5900)])
def test_shape(kind: str, size: tuple[int, int]) -> None:
    pixels = decode(drawn_photo(size=size, kind=kind))
    assert pixels.shape == (SIZE, SIZE, 3)
    assert pixels.dtype == np.uint8
    assert near(mean_colour(pixels), (200, 60, 40), 12)


@pytest.mark.parametrize("kind", KINDS)
def test_header(kind: str) -> None:
    header = read_header(drawn_photo(size=(90, 60), kind=kind))
    assert (header.kind.upper(), header.width, header.height) == (kind, 90, 60)
    assert SUFFIXES[header.kind] in (".jpg", ".png", ".webp")
    assert MEDIA_TYPES[header.kind] == f"image/{header.kind}"


def test_same_bytes_give_same_pixels() -> None:
    photo = drawn_photo(size=(1500, 1100), kind="JPEG")
    assert np.array_equal(decode(photo), decode(photo))


@pytest.mark.parametrize("size", [(400, 224), (224, 400)])
def test_whole_picture_is_kept(size: tuple[int, int]) -> None:
    pixels = decode(encoded(four_corners(size)))
    assert apart(pixels, decode(encoded(four_corners((224, 224))))) < 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int, kind: str) -> None:
    upright = four_corners()
    exif = Image.Exif()
    exif[0x0112] = orientation
    # what a camera stores: exif_transpose undoes it, so the inverse is stored
    back = {6: 8, 8: 6}.get(orientation, orientation)
    inverse = Image.Exif()
    inverse[0x0112] = back
    carrier = Image.open(io.BytesIO(encoded(upright, "PNG", exif=inverse)))
    stored = ImageOps.exif_transpose(carrier)
    options = {"exif": exif} | ({"lossless": True} if kind == "WEBP" else {})
    photo = encoded(Image.fromarray(np.asarray(stored)), kind, **options)
    assert apart(decode(photo), decode(encoded(upright))) < 3


@pytest.mark.parametrize("orientation", [0, 9, 77, 65535])
def test_orientation_that_does_not_exist(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = four_corners()
    photo = encoded(upright, "PNG", exif=exif)
    assert apart(decode(photo), decode(encoded(upright))) == 0


@pytest.mark.filterwarnings("ignore:.*EXIF.*:UserWarning")
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\x00\x00",
        b"Exif\x00\x00garbage that is no TIFF at all",
        b"Exif\x00\x00II*\x00\xff\xff\xff\x7f",
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\x01\x12" * 40,
        # orientation as a fraction by zero, and as text
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x05\x00\x01\x00\x00\x00"
        b"\x1a\x00\x00\x00\x00\x00\x00\x00" + bytes(8),
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x02\x00\x04\x00\x00\x00six\x00"
        b"\x00\x00\x00\x00",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_corrupt_exif_is_ignored(exif: bytes, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = encoded(four_corners(), kind, **options)
    assert apart(decode(encoded(four_corners(), kind, exif=exif, **options)), decode(plain)) == 0


def test_cmyk() -> None:
    picture = drawn_picture((200, 60, 40))
    photo = encoded(picture.convert("CMYK"), "JPEG", quality=95)
    assert apart(decode(photo), decode(encoded(picture))) < 6


@pytest.mark.parametrize(("stored", "seen"), [(0, 0), (32896, 128), (65535, 255)])
def test_16_bit_grey_is_scaled(stored: int, seen: int) -> None:
    grey = Image.fromarray(np.full((40, 40), stored, dtype=np.uint16))
    assert mean_colour(decode(encoded(grey))) == (seen, seen, seen)


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG of raw scanlines, with further chunks between header and data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    middle = b"".join(chunk(part[:4], part[4:]) for part in more)
    data = chunk(b"IDAT", zlib.compress(rows))
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + data + end


def test_16_bit_colour() -> None:
    row = b"\x00" + struct.pack(">HHH", 65535, 32896, 0) * 20
    assert mean_colour(decode(png(20, 20, 16, 2, row * 20))) == (255, 128, 0)


@pytest.mark.parametrize(("depth", "byte", "seen"), [(1, 0xFF, 255), (2, 0x55, 85), (4, 0, 0)])
def test_few_bits_of_grey(depth: int, byte: int, seen: int) -> None:
    row = b"\x00" + bytes([byte]) * (16 * depth // 8)
    assert mean_colour(decode(png(16, 16, depth, 0, row * 16))) == (seen, seen, seen)


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (200, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 0, 0, 255), (200, 0, 0)),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (40, 255), (40, 40, 40)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_lies_on_white(
    mode: str, colour: tuple[int, ...], seen: tuple[int, ...], kind: str
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = encoded(Image.new(mode, (40, 40), colour), kind, **options)
    assert near(mean_colour(decode(photo)), seen, 1)


def test_palette_with_transparent_entry() -> None:
    row = b"\x00" + b"\x00" * 10 + b"\x01" * 10
    photo = png(20, 20, 8, 3, row * 20, b"PLTE\xc8\x00\x00\x00\x00\xc8", b"tRNS\x00\xff")
    pixels = decode(photo)
    assert tuple(pixels[100, 20]) == (255, 255, 255)
    assert tuple(pixels[100, 200]) == (0, 0, 200)


def test_grey_and_colour_with_transparent_value() -> None:
    grey = png(16, 16, 8, 0, (b"\x00" + b"\x28" * 16) * 16, b"tRNS\x00\x28")
    assert mean_colour(decode(grey)) == (255, 255, 255)
    colour = png(
        16, 16, 8, 2, (b"\x00" + b"\xc8\x0a\x0a" * 16) * 16, b"tRNS\x00\xc8\x00\x0a\x00\x0a"
    )
    assert mean_colour(decode(colour)) == (255, 255, 255)


def swapped_profile() -> bytes:
    """A profile in which red and green have changed places: far from sRGB, easy to see."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    description = content.find("sRGB".encode("utf-16-be"))
    while description >= 0:
        content[description : description + 8] = "wide".encode("utf-16-be")
        description = content.find("sRGB".encode("utf-16-be"))
    red, green = content.find(b"rXYZ"), content.find(b"gXYZ")
    content[red : red + 4], content[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(content)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_profile_is_converted(mode: str, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = Image.new(mode, (40, 40), (200, 30, 30))
    photo = encoded(picture, kind, icc_profile=swapped_profile(), **options)
    assert near(mean_colour(decode(photo)), (30, 200, 30), 12)


def test_profile_of_a_palette_is_converted() -> None:
    picture = Image.new("RGB", (40, 40), (200, 30, 30)).quantize(4)
    photo = encoded(picture, "PNG", icc_profile=swapped_profile())
    assert near(mean_colour(decode(photo)), (30, 200, 30), 12)


def test_profile_keeps_transparency() -> None:
    picture = Image.new("RGBA", (40, 40), (200, 30, 30, 0))
    photo = encoded(picture, "PNG", icc_profile=swapped_profile())
    assert mean_colour(decode(photo)) == (255, 255, 255)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", [b"nonsense", swapped_profile()[:200], bytes(128)])
def test_broken_profile_is_ignored(kind: str, profile: bytes) -> None:
    plain = drawn_photo(kind=kind)
    assert apart(decode(drawn_photo(kind=kind, icc_profile=profile)), decode(plain)) == 0


@pytest.mark.parametrize("quality", [60, 95])
def test_scaled_decode_is_close_to_full(quality: int) -> None:
    picture = drawn_picture(size=(2400, 1900), seed=3)
    photo = encoded(picture, "JPEG", quality=quality)
    full = encoded(Image.open(io.BytesIO(photo)), "PNG")
    assert apart(decode(photo), decode(full)) < 1.5


def in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in `mode`, with a transparent disc where the mode knows transparency."""
    if not mode.endswith("A"):
        return picture.quantize(64) if mode == "P" else picture.convert(mode)
    alpha = Image.new("L", picture.size, 255)
    ImageDraw.Draw(alpha).ellipse((100, 100, 900, 700), fill=0)
    picture = picture.convert(mode)
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
@pytest.mark.parametrize("size", [(2400, 1900), (1797, 900), (899, 9001)])
def test_averaging_is_close_to_full(mode: str, size: tuple[int, int]) -> None:
    picture = in_mode(drawn_picture(size=size, seed=3), mode)
    plain = picture.convert("RGBA" if mode.endswith("A") else "RGB")
    paper = Image.new("RGBA", size, "white")
    flat = Image.alpha_composite(paper, plain.convert("RGBA")).convert("RGB")
    expected = np.asarray(flat.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    # dots that stand for shades differ more than the shades do
    assert apart(decode(encoded(picture)), expected) < (4 if mode == "1" else 1.5)


def test_averaging_weighs_colours_by_alpha() -> None:
    # every second column is red and seen through: none of its red may reach the picture
    stripes = np.zeros((1000, 1000, 4), dtype=np.uint8)
    stripes[:, ::2] = (255, 0, 0, 0)
    stripes[:, 1::2] = (0, 0, 200, 255)
    assert near(mean_colour(decode(encoded(Image.fromarray(stripes)))), (127, 127, 227), 1)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_of_a_large_picture(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = decode(encoded(four_corners((1800, 1350)), "PNG", exif=exif))
    assert apart(large, decode(encoded(four_corners((400, 300)), "PNG", exif=exif))) < 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_profile_of_a_large_picture(mode: str) -> None:
    picture = Image.new("RGB", (1000, 900), (200, 30, 30))
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    photo = encoded(picture, "PNG", icc_profile=swapped_profile())
    assert near(mean_colour(decode(photo)), (30, 200, 30), 12)


def test_progressive() -> None:
    picture = drawn_picture(size=(700, 500))
    photo = encoded(picture, "JPEG", progressive=True, quality=95)
    assert apart(decode(photo), decode(encoded(picture))) < 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated(kind: str, part: float) -> None:
    photo = drawn_photo(size=(400, 300), kind=kind)
    with pytest.raises(PhotoDamaged, match="damaged or breaks off") as refusal:
        decode(photo[: int(len(photo) * part)])
    assert refusal.value.hint


def test_wrong_checksum_inside() -> None:
    photo = bytearray(drawn_photo(size=(200, 200)))
    photo[photo.find(b"IDAT") + 12] ^= 0xFF
    with pytest.raises(PhotoDamaged):
        decode(bytes(photo))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [b"PK\x03\x04" + bytes(500), b"<html><script>alert(1)</script>"])
def test_tail_of_another_kind_changes_nothing(kind: str, tail: bytes) -> None:
    photo = drawn_photo(kind=kind)
    assert np.array_equal(decode(photo + tail), decode(photo))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    first, *others = (Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "lime"))
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = encoded(first, kind, save_all=True, append_images=others, **options)
    assert mean_colour(decode(photo)) == (255, 0, 0)


@pytest.mark.parametrize(
    "size", [(15, 300), (300, 15), (1, 1), (3, 3), (20, 401), (100_000, 20), (1, 100_000)]
)
def test_tiny_and_strips(size: tuple[int, int]) -> None:
    with pytest.raises(PhotoDimensions, match=f"{size[0]} x {size[1]}"):
        decode(encoded(Image.new("L", size)))


def test_limits() -> None:
    photo = drawn_photo(size=(100, 100))
    with pytest.raises(PhotoTooLarge, match=r"at most 0\.0001 MB"):
        decode(photo, Limits(max_bytes=100))
    assert decode(photo, Limits(max_bytes=len(photo), max_pixels=10_000)).any()
    with pytest.raises(PhotoDimensions, match="100 x 100"):
        decode(photo, Limits(max_pixels=9_999))


def test_no_bytes() -> None:
    with pytest.raises(EmptyPhoto):
        sniff(b"")


def test_not_a_photo_says_what_it_is() -> None:
    for content, name in (
        (b"%PDF-1.7", "PDF"),
        (b"GIF89a", "GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\x00\x00\x00\x18ftypisom", "video"),
        (b"PK\x03\x04", "ZIP"),
    ):
        with pytest.raises(NotAPhoto, match=name):
            sniff(content)
