"""Fuzzes the photo path: whatever the bytes are, a square or a `PhotoError` comes of them, soon.

    python fuzz/fuzz_photo.py -max_total_time=120 fuzz/corpus/photo

All options are libFuzzer's. What breaks the rule is written to the current folder, or where
`-artifact_prefix` says, and the exit status is not 0; giving that file instead of a folder repeats
it. The Python of Vitrina and Pillow is instrumented, their C is not. HEIC and AVIF are decoded as a
server does it, in a child process: faults there are counted, not findings, as long as this process
answers as it should.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vitrina.photos", "PIL"]):
    from vitrina.errors import PhotoError
    from vitrina.photos import SIZE, HeavyDecoder, Limits, decode, read_header

LIMITS = Limits(max_bytes=200_000, max_pixels=1_000_000)
"""Small pictures: a fuzzer that waits for large ones finds little else."""

MOST_SECONDS = 2.0
"""Of processor time, for one of them; far more than any needs, far less than a server can spare."""

ROOT = str(Path(__file__).parents[1])

heavy = HeavyDecoder(seconds=3, max_memory=1 << 30)


def fuzz_one(content: bytes) -> None:
    """Raises where the photo path does not keep its word."""
    start = time.process_time()
    try:
        pixels = decode(content, LIMITS, heavy)
    except PhotoError as error:
        if not error.message or not error.hint:
            raise AssertionError("a refusal that says nothing") from error
        if any(part in error.message for part in (ROOT, "site-packages", " at 0x")):
            raise AssertionError("a refusal that tells of this machine") from error
    else:
        if pixels.shape != (SIZE, SIZE, 3) or pixels.dtype != "uint8":
            raise AssertionError(f"{pixels.shape} {pixels.dtype} is no square")
        header = read_header(content, LIMITS)
        if header.width * header.height > LIMITS.max_pixels:
            raise AssertionError(f"{header} is larger than what is accepted")
    if time.process_time() - start > MOST_SECONDS:
        raise AssertionError("it took too long")


def main() -> None:
    """Runs until libFuzzer has enough."""
    warnings.simplefilter("ignore")  # Pillow warns of broken EXIF, and goes on
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
