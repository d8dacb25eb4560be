"""Makes the photos that fuzzing begins with: one small file for each thing that is decoded apart.

    python fuzz/make_photo_corpus.py [FOLDER]

The folder is corpus/photo beside this file unless another is named.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from heif_making import avif, header_of, heic
from jpeg_making import frame, huffman, many_scans, quantisation, scan

FOLDER = Path(__file__).parent / "corpus" / "photo"


def main(folder: Path) -> None:
    """Writes all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (jpegs() | pngs() | webps() | heifs()).items():
        (folder / name).write_bytes(content)
        print(f"{len(content):6} {name}")


def drawing(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A small picture with an edge and a gradient."""
    across = np.linspace(0, 255, size[0], dtype=np.uint8)
    grey = Image.fromarray(np.tile(across, (size[1], 1)))
    shown = Image.merge("RGB", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey))
    ImageDraw.Draw(shown).ellipse((8, 8, 24, 24), fill=(200, 60, 40))
    if mode.endswith("A"):
        shown.putalpha(grey)
    return shown.convert(mode)


def encoded(shown: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    shown.save(file, kind, **options)
    return file.getvalue()


def exif() -> bytes:
    """On its side, and taken somewhere."""
    told = Image.Exif()
    told[0x0112], told[0x010E] = 6, "a picture"
    told.get_ifd(0x8825).update({1: "N", 2: (55.0, 44.0, 0.0)})
    return told.tobytes()


def jpegs() -> dict[str, bytes]:
    """JPEG."""
    return {
        "baseline.jpg": encoded(drawing(), "JPEG"),
        "progressive.jpg": encoded(drawing(), "JPEG", progressive=True),
        "grey.jpg": encoded(drawing("L"), "JPEG"),
        "cmyk.jpg": encoded(drawing("CMYK"), "JPEG"),
        "restarts.jpg": encoded(drawing(), "JPEG", restart_marker_blocks=1),
        "exif.jpg": encoded(drawing(), "JPEG", exif=exif(), comment=b"a comment"),
        "scans.jpg": many_scans(48, 32, 20),
        "scans-in-colour.jpg": many_scans(48, 32, 9, components=3),
        "lossless.jpg": b"".join(
            (b"\xff\xd8", quantisation(), frame(0xC3, 48, 32, 1), huffman(0, 0),
             scan([1], 1, 0, 0, bytes(200)), b"\xff\xd9")
        ),
    }  # fmt: skip


def pngs() -> dict[str, bytes]:
    """PNG."""
    found = {f"{mode.lower()}.png": encoded(drawing(mode), "PNG")
             for mode in ("RGB", "RGBA", "L", "LA", "1", "P")}  # fmt: skip
    sixteen = Image.fromarray(np.arange(48 * 32, dtype=np.uint16).reshape(32, 48) * 40)
    return found | {
        "16-bit.png": encoded(sixteen, "PNG"),
        "transparent-entry.png": encoded(drawing("P"), "PNG", transparency=0),
        "animated.png": encoded(
            drawing(), "PNG", save_all=True, append_images=[drawing().rotate(90), drawing()]
        ),
        "exif.png": encoded(drawing(), "PNG", exif=exif()),
    }


def webps() -> dict[str, bytes]:
    """WebP."""
    return {
        "lossy.webp": encoded(drawing(), "WEBP"),
        "lossless.webp": encoded(drawing(), "WEBP", lossless=True),
        "alpha.webp": encoded(drawing("RGBA"), "WEBP", exif=exif()),
        "animated.webp": encoded(
            drawing(), "WEBP", save_all=True, append_images=[drawing().rotate(90)]
        ),
    }


def heifs() -> dict[str, bytes]:
    """HEIC and AVIF."""
    large = drawing(size=(160, 96))
    return {
        "plain.heic": heic(drawing(), quality=50),
        "alpha.heic": heic(drawing("RGBA"), quality=50),
        "grey.heic": heic(drawing("L"), quality=50),
        "exif.heic": heic(drawing(), quality=50, exif=exif()),
        "tiles.heic": heic(large, quality=50, tile_size=64),
        "preview.heic": heic(large, quality=50, thumbnails=[64]),
        "header.heic": header_of(64, 48, rotation=1),
        "plain.avif": avif(drawing(), quality=50),
        "alpha.avif": avif(drawing("RGBA"), quality=50, exif=exif()),
        "animated.avif": avif(
            drawing(), quality=50, save_all=True, append_images=[drawing().rotate(90)]
        ),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
