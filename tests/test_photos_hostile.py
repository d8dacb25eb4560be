"""Bytes that were made to hurt: nothing but a PhotoError comes of them, and little memory."""

from __future__ import annotations

import gc
import io
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest
from drawing import drawn_photo, encoded, four_corners
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from vitrina.errors import NotAPhoto, PhotoDamaged, PhotoDimensions, PhotoError
from vitrina.photos import Limits, decode, read_header

OTHER_KINDS = {
    "eps": encoded(four_corners((60, 60)), "EPS"),
    "pdf": encoded(four_corners((60, 60)), "PDF"),
    "tiff": encoded(four_corners((60, 60)), "TIFF"),
    "tiff, big-endian": b"MM\x00*" + bytes(200),
    "gif": encoded(four_corners((60, 60)).convert("P"), "GIF"),
    "bmp": encoded(four_corners((60, 60)), "BMP"),
    "ico": encoded(four_corners((60, 60)), "ICO"),
    "psd": b"8BPS\x00\x01" + bytes(200),
    "ppm": encoded(four_corners((60, 60)), "PPM"),
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(100),
    "mp4 that names heic": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mif1heic" + bytes(100),
    "quicktime": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + bytes(100),
    "heif of an unknown codec": b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1vvic" + bytes(100),
    "heif that names none": b"\x00\x00\x00\x10ftypmif1\x00\x00\x00\x00heicheic" + bytes(100),
    "canon raw": b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + bytes(100),
    "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "svg in xml": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'a'>]><svg/>",
    "svgz": b"\x1f\x8b\x08" + bytes(60),
    "html": b"<!DOCTYPE html><title>photo.jpg</title>",
    "text": b"photo",
    "one byte": b"\xff",
    "start of a jpeg": b"\xff\xd8",
    "riff, no webp": b"RIFF\x00\x00\x00\x00WAVE" + bytes(60),
}


@pytest.mark.parametrize("content", OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_other_kinds_are_never_opened(content: bytes) -> None:
    with mock.patch.object(Image, "open") as opened, pytest.raises(NotAPhoto) as refusal:
        decode(content)
    opened.assert_not_called()
    assert "JPEG, PNG, WebP, HEIC or AVIF" in refusal.value.hint


def test_only_the_sniffed_decoder_is_asked() -> None:
    with mock.patch.object(Image, "open", wraps=Image.open) as opened:
        decode(drawn_photo(kind="WEBP"))
    assert opened.call_args.kwargs["formats"] == ["WEBP"]


def test_known_faults_of_the_decoders_are_mended() -> None:
    import pillow_heif
    from PIL import features

    least = {
        "Pillow": (Image.__version__, (12, 3)),
        "libwebp": (features.version("webp"), (1, 3, 2)),  # CVE-2023-4863
        "libheif": (pillow_heif.libheif_info()["libheif"], (1, 23)),  # CVE-2026-32740 and others
    }
    for name, (found, floor) in least.items():
        assert tuple(int(part) for part in found.split(".")) >= floor, f"{name} {found}"


def png_header(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that promises pixels and holds next to none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    few = (b"IDAT", zlib.compress(bytes(3000)))
    for name, content in ((b"IHDR", header), *chunks, few, (b"IEND", b"")):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        parts.append(struct.pack(">I", len(content)) + name + content + checksum)
    return b"".join(parts)


def jpeg_header(width: int, height: int) -> bytes:
    photo = drawn_photo(size=(32, 32), kind="JPEG")
    place = photo.find(b"\xff\xc0") + 5
    return photo[:place] + struct.pack(">HH", height, width) + photo[place + 4 :]


def webp_header(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    lossy = encoded(Image.new("RGB", (16, 16)), "WEBP")[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides + lossy
    return b"RIFF" + struct.pack("<I", len(body)) + body


def largest_while(content: bytes, error: type[PhotoError] | tuple[type[PhotoError], ...]) -> int:
    """Bytes that Python took while the photo was refused."""
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(error):
            decode(content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        png_header(65_535, 65_535),
        png_header(20_000, 20_000),
        png_header(2**31 - 1, 2**31 - 1),
        png_header(9_000, 9_000),
        jpeg_header(65_535, 65_535),
        jpeg_header(20_000, 20_000),
    ],
    ids=["png-65535", "png-20000", "png-largest", "png-9000", "jpeg-65535", "jpeg-20000"],
)
def test_promised_pixels_are_refused_before_they_are_made(content: bytes) -> None:
    core = "PIL.Image.core"
    with mock.patch(f"{core}.new") as made, mock.patch(f"{core}.fill") as fill:
        assert largest_while(content, PhotoDimensions) < 4_000_000
    made.assert_not_called()
    fill.assert_not_called()


def test_promised_webp_pixels() -> None:
    # the decoder itself compares the promise with the picture inside
    assert largest_while(webp_header(16_384, 16_384), (PhotoDimensions, PhotoDamaged)) < 4_000_000


PEAK = """
import sys
from pathlib import Path
from vitrina.photos import decode
pixels = decode(Path(sys.argv[1]).read_bytes())
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0], *pixels[112, 112])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (200, 60, 40, 128), (227, 157, 147)),
        ("RGB", (200, 60, 40), (200, 60, 40)),
        ("LA", (0, 128), (127, 127, 127)),
        ("P", 0, (0, 0, 0)),
        ("1", 1, (255, 255, 255)),
        ("I;16", 32896, (128, 128, 128)),
    ],
)
def test_largest_png_takes_little_memory(
    tmp_path: Path, mode: str, colour: int | tuple[int, ...], seen: tuple[int, ...]
) -> None:
    photo = tmp_path / "large.png"
    Image.new(mode, (8000, 8000), colour).save(photo, compress_level=1)
    told = subprocess.run(
        [sys.executable, "-c", PEAK, str(photo)], check=True, capture_output=True, timeout=120
    )
    kibibytes, *pixel = map(int, told.stdout.split())
    assert kibibytes < 450 * 1024
    assert tuple(pixel) == seen


def test_webp_may_have_half_the_pixels() -> None:
    photo = drawn_photo(size=(100, 100), kind="WEBP")
    assert decode(photo, Limits(max_pixels=20_000)).any()
    with pytest.raises(PhotoDimensions, match=r"at most 0\.009999 million"):
        decode(photo, Limits(max_pixels=19_999))


def test_metadata_that_expands() -> None:
    bomb = zlib.compress(bytes(80_000_000), 9)
    for chunk in ((b"zTXt", b"Comment\x00\x00" + bomb), (b"iCCP", b"icc\x00\x00" + bomb)):
        content = png_header(32, 32, chunk)
        gc.collect()
        tracemalloc.start()
        with suppress(PhotoError):
            decode(content)
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert largest < 70_000_000


def photo_of(photo: bytes) -> None:
    """Looks at a photo that may be refused, but not for long."""
    start = time.process_time()
    with suppress(PhotoError):
        decode(photo)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"gAMA", b"sRGB", b"prIv"])
def test_chunks_without_end(name: bytes) -> None:
    content = b"Comment\x00\x00" + zlib.compress(bytes(100)) if name == b"zTXt" else b"c\x00" * 20
    photo_of(png_header(32, 32, *[(name, content)] * 20_000))


def test_compressed_profile_that_expands_and_is_named_often() -> None:
    bomb = b"icc\x00\x00" + zlib.compress(bytes(20_000_000), 9)
    photo_of(png_header(32, 32, *[(b"iCCP", bomb)] * 50))


def with_frames(frames: int) -> bytes:
    """An animated WebP, the second frame of which comes `frames` times."""
    first, second = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    photo = encoded(first, "WEBP", save_all=True, append_images=[second], lossless=True)
    place = photo.rindex(b"ANMF")
    body = photo[8:place] + photo[place:] * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_ten_thousand_frames_of_webp() -> None:
    photo = with_frames(10_000)
    with Image.open(io.BytesIO(photo)) as opened:
        assert opened.n_frames == 10_001
    start = time.process_time()
    assert tuple(decode(photo)[0, 0]) == (255, 0, 0)
    assert time.process_time() - start < 1


def test_ten_thousand_frames_of_png() -> None:
    first, *others = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "lime"))
    photo = encoded(first, "PNG", save_all=True, append_images=others)
    place = photo.index(b"acTL")
    announced = struct.pack(">4sII", b"acTL", 10_000, 0)
    photo = (
        photo[:place] + announced + struct.pack(">I", zlib.crc32(announced)) + photo[place + 16 :]
    )
    start = time.process_time()
    assert tuple(decode(photo)[0, 0]) == (255, 0, 0)
    assert time.process_time() - start < 1


def test_frame_larger_than_its_canvas() -> None:
    photo = with_frames(1)
    place = photo.index(b"ANMF") + 8 + 6
    photo_of(photo[:place] + b"\xff\x3f\x00\xff\x3f\x00" + photo[place + 6 :])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"\xff\xd8\xff")
@example(b"\x89PNG\r\n\x1a\n")
@example(b"RIFF\x00\x00\x00\x00WEBP")
def test_any_bytes(content: bytes) -> None:
    with pytest.raises(PhotoError):
        decode(content)


BASES = {
    "jpeg": drawn_photo(size=(40, 30), kind="JPEG", exif=Image.Exif().tobytes()),
    "progressive": drawn_photo(size=(40, 30), kind="JPEG", progressive=True),
    "png": drawn_photo(size=(40, 30)),
    "palette": encoded(four_corners((40, 30)).quantize(8), "PNG", transparency=0),
    "webp": drawn_photo(size=(40, 30), kind="WEBP"),
    "webp-lossless": drawn_photo(size=(40, 30), kind="WEBP", lossless=True),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(BASES)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
    st.binary(max_size=30),
)
def test_mutated_photos(
    base: str, changes: list[tuple[float, int]], cut: float, inserted: bytes
) -> None:
    content = bytearray(BASES[base])
    for place, value in changes:
        content[int(place * len(content))] = value
    middle = int(cut * len(content))
    for photo in (bytes(content), bytes(content[:middle] + inserted + content[middle:])):
        try:
            pixels = decode(photo, Limits(max_pixels=1_000_000))
        except PhotoError as error:
            assert error.message  # noqa: PT017
            assert " at 0x" not in error.message  # noqa: PT017
        else:
            assert pixels.shape == (224, 224, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(["jpeg", "webp", "png"]))
def test_any_exif(exif: bytes, kind: str) -> None:
    head = b"Exif\x00\x00II*\x00\x08\x00\x00\x00"
    photo = encoded(Image.new("RGB", (20, 20)), kind.upper(), exif=head + exif)
    assert decode(photo).max() < 10
    assert read_header(photo).width == 20
