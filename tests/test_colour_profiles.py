"""Colour profiles that ask for memory: grids that they do not hold."""

from __future__ import annotations

import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from drawing import encoded
from PIL import Image, ImageCms

from vitrina.photos import decode
from vitrina.photos.colour_profiles import LARGEST, may_be_opened

PHOTO = Image.new("RGB", (64, 64), (200, 60, 40))
IDENTITY = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
LINEAR = struct.pack(">2H", 0, 65535)
BLACK = struct.pack(">3H", 0, 0x8000, 0x8000)
"""In Lab, as profiles of version 2 write it."""


def profile(table: bytes, name: bytes = b"A2B0") -> bytes:
    """A scanner's profile with one table of colours."""
    words = b"made up\x00"
    description = b"desc" + bytes(4) + struct.pack(">I", len(words)) + words + bytes(79)
    tags = {b"desc": description, name: table}
    directory, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, told in tags.items():
        directory += struct.pack(">4sII", tag, start + len(content), len(told))
        content += told + bytes(-len(told) % 4)
    body = directory + content
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02400000, b"scnr", b"RGB ", b"Lab "
    )
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)  # D50
    return header.ljust(128, b"\x00") + body


def whole_numbers(steps: int, nodes: int, kind: bytes = b"mft2") -> bytes:
    """A table of `steps` in each of three dimensions, of which `nodes` are there; all black."""
    head = kind + bytes(4) + bytes([3, 3, steps, 0]) + IDENTITY
    tables = struct.pack(">2H", 2, 2) if kind == b"mft2" else b""
    return head + tables + 3 * LINEAR + nodes * BLACK + 3 * LINEAR


def in_parts(steps: int, nodes: int) -> bytes:
    """The same as newer profiles have it, without the curves."""
    head = b"mAB " + bytes(4) + bytes([3, 3, 0, 0]) + struct.pack(">5I", 0, 0, 0, 32, 0)
    return head + bytes([steps] * 3 + [0] * 13 + [2, 0, 0, 0]) + nodes * BLACK


HOSTILE = {
    "a grid of 255": profile(whole_numbers(255, 8)),
    "of bytes": profile(whole_numbers(255, 8, b"mft1")),
    "in parts": profile(in_parts(255, 8)),
    "steps": profile(b"mpet" + bytes(60)),
    "a tag that breaks off": profile(whole_numbers(2, 8))[:-40],
    "as large as a photo": profile(whole_numbers(2, 8)).ljust(LARGEST + 1, b"\x00"),
    "very many tags": profile(whole_numbers(2, 8))[:128] + struct.pack(">I", 1 << 30) + bytes(600),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_asks_for_more_than_it_holds_is_never_opened(content: bytes) -> None:
    with mock.patch.object(ImageCms, "ImageCmsProfile") as opened:
        pixels = decode(encoded(PHOTO, "WEBP", lossless=True, icc_profile=content))
    opened.assert_not_called()
    assert np.array_equal(pixels, decode(encoded(PHOTO, "WEBP", lossless=True)))


def test_a_table_that_is_there_is_followed() -> None:
    assert decode(encoded(PHOTO, "PNG", icc_profile=profile(whole_numbers(2, 8)))).max() < 5
    assert may_be_opened(profile(in_parts(2, 8)))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert may_be_opened(srgb)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells of memory")
def test_opening_one_would_have_cost_a_hundred_megabytes(tmp_path: Path) -> None:
    """Why they are looked at first."""
    (tmp_path / "hostile.icc").write_bytes(HOSTILE["a grid of 255"])
    program = """
        import io, sys
        from PIL import Image, ImageCms
        photo = Image.new("RGB", (64, 64))
        source = ImageCms.ImageCmsProfile(io.BytesIO(open(sys.argv[1], "rb").read()))
        def most():
            return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
        before = most()
        try:
            ImageCms.profileToProfile(photo, source, ImageCms.createProfile("sRGB"))
        except ImageCms.PyCMSError:
            pass
        print(most() - before)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "hostile.icc")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert int(ended.stdout) > 50_000
