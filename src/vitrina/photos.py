"""Bytes -> checked -> upright RGB -> (224, 224, 3) uint8: the one way in which photos are decoded.

Training, indexing and serving all pass through `decode`, so that a network sees the same pixels
wherever it runs. The bytes are sniffed before anything is opened: only JPEG, PNG and WebP decoders
ever see them, and never before the header's dimensions were found acceptable.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from vitrina.errors import EmptyPhoto, NotAPhoto, PhotoDamaged, PhotoDimensions, PhotoTooLarge

Pixels = npt.NDArray[np.uint8]
Kind = Literal["jpeg", "png", "webp"]

SIZE = 224
"""Side of the square that every network of Vitrina takes, pixels."""

DECODER_VERSION = 2
"""Rises whenever `decode` gives other pixels for the same bytes; caches are keyed by it."""

MIN_SIDE = 16
_BAND_PIXELS = 1_000_000
MAX_ASPECT = 20
SUFFIXES: dict[Kind, str] = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
MEDIA_TYPES: dict[Kind, str] = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


@dataclass(frozen=True)
class Limits:
    """How large a photo may be.

    Attributes:
        max_bytes: Of the file.
        max_pixels: Width times height as the header says. WebP may have half of it: its decoder
            keeps four copies of the picture.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 64_000_000


@dataclass(frozen=True)
class Header:
    """What a photo says about itself before any pixel of it is decoded.

    Attributes:
        kind: Format, by its first bytes.
        width: Pixels, before the EXIF orientation is applied.
        height: Pixels, likewise.
    """

    kind: Kind
    width: int
    height: int


DEFAULT_LIMITS = Limits()

# Named here so that Image.open finds them without loading every decoder that Pillow has.
_DECODERS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)


def sniff(content: bytes) -> Kind:
    """The format that the first bytes of `content` give away; names and headers are not believed.

    Raises:
        EmptyPhoto: there are no bytes.
        NotAPhoto: it is none of JPEG, PNG, WebP.
    """
    if not content:
        raise EmptyPhoto("The photo is empty: 0 bytes.", hint="Choose a photo and send it again.")
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    raise NotAPhoto(
        f"This is not a photo that can be opened: {_describe_unknown(content)}.",
        hint="Send a JPEG, PNG or WebP picture.",
    )


def read_header(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Format and dimensions of a photo, checked against `limits`; no pixel is decoded.

    Raises:
        PhotoError: the class that fits what is wrong.
    """
    with _open(content, limits) as picture:
        return Header(sniff(content), picture.width, picture.height)


def decode(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """A photo as the networks see it.

    JPEG is decoded at the smallest scale whose short side is still at least twice the target;
    other kinds, which have no such scale, are averaged down right after decoding. The picture is
    then turned upright by its EXIF orientation, brought to sRGB, laid on white where transparent,
    brought to the square that networks take by one antialiased resize.

    Args:
        content: The bytes of a JPEG, PNG or WebP file.
        limits: What is refused before decoding.

    Returns:
        (224, 224, 3) uint8, RGB.

    Raises:
        PhotoError: the class that fits what is wrong.
    """
    with _open(content, limits) as picture:
        try:
            # The scaled decode is chosen for the short side: draft() keeps both sides at or
            # above what it is asked for.
            picture.draft(None, (2 * SIZE, 2 * SIZE))
            picture.load()
        except (OSError, ValueError, SyntaxError, struct.error, MemoryError) as error:
            raise _damaged(error) from error
        # From here on a picture is small: each further step makes a copy of it.
        small = picture if sniff(content) == "jpeg" else _reduce(picture)
        return _to_square(_to_rgb(_upright(small)))


def _open(content: bytes, limits: Limits) -> Image.Image:
    kind = sniff(content)
    if len(content) > limits.max_bytes:
        raise PhotoTooLarge(
            f"The photo has {len(content) / 1e6:.1f} MB; at most {limits.max_bytes / 1e6:g} MB "
            "are accepted.",
            hint="Send a smaller copy of it.",
        )
    try:
        picture = Image.open(io.BytesIO(content), formats=[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoDimensions(
            f"The picture has far more than {limits.max_pixels / 1e6:g} million pixels.",
            hint="Send a smaller copy of it.",
        ) from error
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise _damaged(error) from error
    most = limits.max_pixels // 2 if kind == "webp" else limits.max_pixels
    _check_dimensions(picture.width, picture.height, most)
    return picture


def _check_dimensions(width: int, height: int, most: int) -> None:
    shape = f"{width} x {height} pixels"
    if width * height > most:
        raise PhotoDimensions(
            f"The picture has {shape}; at most {most / 1e6:g} million are accepted.",
            hint="Send a smaller copy of it.",
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoDimensions(
            f"The picture has {shape}; each side must have at least {MIN_SIDE}.",
            hint="Send a larger picture of the product.",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoDimensions(
            f"The picture has {shape}: a strip, more than {MAX_ASPECT} times longer than wide.",
            hint="Send a picture that shows the whole product.",
        )


def _reduce(picture: Image.Image) -> Image.Image:
    """A decoded picture with plain modes, each side averaged down to at least twice the target.

    It is walked in bands, so that converting palettes, bits and transparency never copies the
    whole. The last cell of a side may average fewer pixels, as in JPEG's scaled decode.
    """
    wide, high = (max(1, side // (2 * SIZE)) for side in picture.size)
    rows = high * max(1, _BAND_PIXELS // (picture.width * high))
    bands = []
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        band = _to_plain(picture.crop((0, top, picture.width, bottom)))
        bands.append(band.reduce((wide, high)))  # weighs colours by alpha
    small = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    top = 0
    for band in bands:
        small.paste(band, (0, top))
        top += band.height
    small.info = {name: entry for name, entry in picture.info.items() if name != "transparency"}
    return small


def _to_plain(picture: Image.Image) -> Image.Image:
    """The same picture in a mode whose pixels can be averaged."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        grey = np.asarray(picture, dtype=np.float32)
        return Image.fromarray(np.clip(grey / 257.0, 0, 255).astype(np.uint8))
    if picture.mode == "PA" or "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode == "P":
        return picture.convert("RGB")
    return picture.convert("L") if picture.mode == "1" else picture


def _upright(picture: Image.Image) -> Image.Image:
    # broken EXIF says nothing about which side is up
    with suppress(OSError, ValueError, SyntaxError, TypeError, KeyError, struct.error):
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    picture = _to_srgb(picture)
    if picture.mode in ("RGBA", "LA", "RGBa", "La"):
        rgba = picture.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return picture.convert("RGB")


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return picture
        target = ImageCms.createProfile("sRGB")
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(picture, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture  # a broken profile is ignored: the numbers are then taken as sRGB
    return converted if converted is not None else picture


def _to_square(picture: Image.Image) -> Pixels:
    # The whole picture is kept and its proportions are not: a screwdriver's ends tell what it is.
    # docs/experiments.md has the figures for this, for the central square, and for bars.
    square = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(square, dtype=np.uint8)


def _damaged(error: BaseException) -> PhotoDamaged:
    return PhotoDamaged(
        f"The picture is damaged or breaks off: {error}.",
        hint="Take or save the photo once more and send it again.",
    )


def _describe_unknown(content: bytes) -> str:
    known = {
        b"%PDF": "a PDF document",
        b"GIF8": "a GIF picture",
        b"BM": "a BMP picture",
        b"II*\x00": "a TIFF picture",
        b"MM\x00*": "a TIFF picture",
        b"PK\x03\x04": "a ZIP archive or office document",
        b"<svg": "an SVG drawing",
        b"<?xml": "an XML document",
        b"<!DOC": "a web page",
        b"<html": "a web page",
    }
    for start, name in known.items():
        if content.startswith(start):
            return name
    if content[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    return "its first bytes belong to no known picture format"
