"""JPEG files that no encoder writes: many scans, unusual processes."""

from __future__ import annotations

import struct


def segment(marker: int, content: bytes) -> bytes:
    """A marker with its content."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame(marker: int, width: int, height: int, components: int, precision: int = 8) -> bytes:
    """A start of frame without subsampling."""
    parts = bytes(byte for number in range(1, components + 1) for byte in (number, 0x11, 0))
    return segment(marker, struct.pack(">BHHB", precision, height, width, components) + parts)


def quantisation() -> bytes:
    """One table of ones."""
    return segment(0xDB, bytes([0]) + bytes([1] * 64))


def huffman(table: int, symbol: int) -> bytes:
    """A table that knows one symbol, whose code is a single 0."""
    return segment(0xC4, bytes([table, 1] + [0] * 15 + [symbol]))


def scan(components: list[int], first: int, last: int, approximation: int, data: bytes) -> bytes:
    """A scan of some coefficients of some components."""
    parts = bytes(byte for component in components for byte in (component, 0))
    head = bytes([len(components)]) + parts + bytes([first, last, approximation])
    return segment(0xDA, head) + data


def many_scans(width: int, height: int, refinements: int, components: int = 1) -> bytes:
    """A grey progressive JPEG with `refinements` scans in which nothing changes.

    Each scan costs a hundred bytes of the file and a walk over every block of the picture.
    """
    blocks = -(-width // 8) * -(-height // 8)
    # one code stands for 32767 blocks without anything: 0, then fourteen ones; the last for the
    # rest, of which there are at least 16384
    whole, rest = divmod(blocks, 32767)
    if rest < 16384 and whole:
        whole, rest = whole - 1, rest + 32767
    bits = ("0" + "1" * 14) * whole + "0" + f"{min(max(rest - 16384, 0), 16383):014b}"
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    everyone = list(range(1, components + 1))
    dc = scan(everyone, 0, 0, 0, bytes(-(-blocks * components // 8)))
    parts = [
        b"\xff\xd8",
        quantisation(),
        frame(0xC2, width, height, components),
        huffman(0x00, 0),
        huffman(0x10, 0xE0),
        dc,
        *(scan([one], 1, 63, 0x01, packed) for one in everyone),
    ]
    parts += [scan([1 + number % components], 1, 63, 0x10, packed) for number in range(refinements)]
    return b"".join(parts) + b"\xff\xd9"
