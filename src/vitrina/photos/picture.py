"""An encoded picture -> an upright sRGB square: what every photo goes through, in this order.

Needs Pillow alone, so that the child process which decodes HEIC starts quickly and small.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import Any

from PIL import (
    ExifTags,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from vitrina.errors import PhotoDamaged, PhotoDimensions
from vitrina.photos.colour_profiles import may_be_opened
from vitrina.photos.jpeg_scans import check_scans
from vitrina.photos.kinds import Kind
from vitrina.photos.limits import Limits, check_dimensions

SIZE = 224
"""Side of the square that every network of Vitrina takes, pixels."""

DECODER_VERSION = 3
"""Rises whenever `decode` gives other pixels for the same bytes; caches are keyed by it."""

JPEG_SIDE = 336
"""Least short side of a scaled decode, 1.5 times the target: a 12-megapixel photo is decoded at an
eighth. docs/photos.md has what the network makes of it."""

PREVIEW_SIDE = 2 * SIZE
"""Least short side of a preview that stands for its HEIC picture: it was made small by others."""

SHOWN_QUALITY = 80
"""Of the WebP that pages show."""

_BAND_PIXELS = 1_000_000
_PLAIN = ("RGB", "RGBA", "L", "LA")
_FAULTS = (
    OSError, ValueError, SyntaxError, struct.error, MemoryError,
    RuntimeError, EOFError, ArithmeticError,  # how those of HEIC and AVIF say it
)  # fmt: skip
"""What Pillow's decoders raise for bytes that they cannot make a picture of."""


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of each EXIF orientation upright; 1 is upright already."""

_FORMATS: dict[Kind, str] = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "heic": "HEIF",
    "avif": "AVIF",
}

# Named here so that Image.open finds them without loading every decoder that Pillow has.
_DECODERS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)


def open_picture(content: bytes, kind: Kind, limits: Limits) -> Image.Image:
    """The picture with its dimensions checked and no pixel decoded.

    Args:
        content: Bytes of the file.
        kind: Its format; only that decoder is asked.
        limits: What is refused.

    Raises:
        PhotoDimensions: too large, too small, a strip, or more scans than so many pixels may have.
        PhotoDamaged: it cannot be opened.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=[_FORMATS[kind]])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoDimensions(
            f"The picture has far more than {limits.max_pixels / 1e6:g} million pixels.",
            hint="Send a smaller copy of it.",
        ) from error
    except _FAULTS as error:
        raise _damaged(error) from error
    check_dimensions(picture.width, picture.height, limits.pixels_of(kind))
    if kind == "jpeg":
        check_scans(content, picture.width, picture.height, limits)
    return picture


def decode_picture(content: bytes, kind: Kind, limits: Limits) -> Image.Image:
    """The square that networks see, (224, 224) RGB.

    JPEG is decoded at the smallest scale whose short side still has `JPEG_SIDE` pixels; HEIC by its
    preview where that is a scaled copy with `PREVIEW_SIDE` of them; other kinds, which have
    neither, are averaged down right after decoding. The picture is then turned upright by its
    orientation, brought to sRGB, laid on white where transparent, and brought to the square by one
    antialiased resize.

    Raises:
        PhotoError: the class that fits what is wrong.
    """
    with open_picture(content, kind, limits) as picture:
        least = JPEG_SIDE if kind == "jpeg" else PREVIEW_SIDE
        try:
            # The scaled decode is chosen for the short side: draft() keeps both sides at or
            # above what it is asked for.
            picture.draft(None, (least, least))
            picture.load()
        except _FAULTS as error:
            raise _damaged(error) from error
        # From here on a picture is small: each further step makes a copy of it.
        small = picture if kind == "jpeg" else _reduce(picture)
        return _to_square(_to_rgb(_upright(small)))


def shrink_picture(content: bytes, kind: Kind, limits: Limits, longest: int) -> bytes:
    """The picture for people to look at, as WebP: upright sRGB on white, never enlarged.

    Args:
        content: Bytes of the file.
        kind: Its format.
        limits: What is refused.
        longest: Its longer side in the answer at most, pixels.

    Returns:
        A file without EXIF, in the picture's own proportions.

    Raises:
        PhotoError: the class that fits what is wrong.
    """
    with open_picture(content, kind, limits) as picture:
        try:
            picture.draft(None, (longest, longest))
            picture.load()
        except _FAULTS as error:
            raise _damaged(error) from error
        # averaged down in whole steps first: what is converted after that is small
        least = max(1, max(picture.size) // (2 * longest))
        small = _to_plain(picture)
        small = small.reduce(least) if least > 1 else small
        small.info = {k: v for k, v in picture.info.items() if k != "transparency"}
        shown = _to_rgb(_upright_as(picture, small))
        shown.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    shown.info = {}  # what its file told beside the pixels is nobody's business
    file = io.BytesIO()
    shown.save(file, "WEBP", quality=SHOWN_QUALITY)
    return file.getvalue()


def _reduce(picture: Image.Image) -> Image.Image:
    """A decoded picture with plain modes, each side averaged down to at least twice the target.

    It is walked in bands, so that converting palettes, bits and transparency never copies the
    whole. The last cell of a side may average fewer pixels, as in JPEG's scaled decode.
    """
    wide, high = (max(1, side // (2 * SIZE)) for side in picture.size)
    if wide == high == 1 and picture.mode in _PLAIN and "transparency" not in picture.info:
        return picture
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
    if picture.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        return picture.convert("I").point(lambda grey: grey * (1 / 257) + 0.5).convert("L")
    if picture.mode == "PA" or "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode == "P":
        return picture.convert("RGB")
    return picture.convert("L") if picture.mode == "1" else picture


def _upright(picture: Image.Image) -> Image.Image:
    return _upright_as(picture, picture)


def _upright_as(told: Image.Image, picture: Image.Image) -> Image.Image:
    """`picture`, turned as the EXIF of `told` says: what was made of a file has no EXIF itself."""
    turn = None
    # broken EXIF says nothing about which side is up, and fails in every way that there is
    with suppress(Exception):
        # ImageOps.exif_transpose would also write all the rest of it anew
        orientation: Any = told.getexif().get(ExifTags.Base.Orientation)
        turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image) -> Image.Image:
    picture = _to_srgb(picture)
    if picture.mode in ("RGBA", "LA", "RGBa", "La"):
        rgba = picture.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    if not may_be_opened(profile):
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


def _to_square(picture: Image.Image) -> Image.Image:
    # The whole picture is kept and its proportions are not: a screwdriver's ends tell what it is.
    # docs/experiments.md has the figures for this, for the central square, and for bars.
    return picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def _damaged(error: BaseException) -> PhotoDamaged:
    # what names a file or an address in memory is not for those who send photos
    unnamed = isinstance(error, UnidentifiedImageError) or getattr(error, "filename", None)
    said = "its header cannot be read" if unnamed else str(error) or type(error).__name__
    return PhotoDamaged(
        f"The picture is damaged or breaks off: {said.rstrip('.')}.",
        hint="Take or save the photo once more and send it again.",
    )
