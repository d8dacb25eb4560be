"""What kind of picture bytes are: told by the bytes, never by a name or a header of HTTP."""

from __future__ import annotations

from typing import Literal

from vitrina.errors import EmptyPhoto, NotAPhoto

Kind = Literal["jpeg", "png", "webp", "heic", "avif"]

SUFFIXES: dict[Kind, str] = {
    "jpeg": ".jpg",
    "png": ".png",
    "webp": ".webp",
    "heic": ".heic",
    "avif": ".avif",
}
MEDIA_TYPES: dict[Kind, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "avif": "image/avif",
}
HEAVY: frozenset[Kind] = frozenset({"heic", "avif"})
"""Kinds that only a child process decodes: `HeavyDecoder`."""

ACCEPTED = "JPEG, PNG, WebP, HEIC or AVIF"

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_CONTAINER_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
_MOST_BRANDS = 64


def sniff(content: bytes) -> Kind:
    """The format that the first bytes of `content` give away.

    Raises:
        EmptyPhoto: there are no bytes.
        NotAPhoto: it is none of the kinds that are opened.
    """
    if not content:
        raise EmptyPhoto("The photo is empty: 0 bytes.", hint="Choose a photo and send it again.")
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:8] == b"ftyp" and (kind := _by_brands(content)):
        return kind
    raise NotAPhoto(
        f"This is not a photo that can be opened: {_describe_unknown(content)}.",
        hint=f"Send a {ACCEPTED} picture.",
    )


def is_heavy(content: bytes) -> bool:
    """Whether `content` is of a kind that takes a child process and most of a second to decode.

    Anything that is no photo is not.
    """
    return content[4:8] == b"ftyp" and _by_brands(content) in HEAVY


def _by_brands(content: bytes) -> Kind | None:
    """HEIC or AVIF by the brands of `ftyp`; None for videos and what nobody here knows."""
    size = int.from_bytes(content[:4], "big")
    major = content[8:12]
    others = content[16 : min(size, 16 + 4 * _MOST_BRANDS)]
    if major in _HEIC_BRANDS:
        return "heic"
    if major in _AVIF_BRANDS:
        return "avif"
    if major not in _CONTAINER_BRANDS:
        return None
    # a container's brand says nothing of the codec: the compatible brands do
    brands = {others[start : start + 4] for start in range(0, len(others) - 3, 4)}
    if brands & _HEIC_BRANDS:
        return "heic"
    return "avif" if brands & _AVIF_BRANDS else None


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
    start = content[:16]
    for mark, name in known.items():
        if start.startswith(mark):
            return name
    if start[4:8] == b"ftyp":
        return "a video, or a picture of a kind that is not known"
    return "its first bytes belong to no known picture format"
