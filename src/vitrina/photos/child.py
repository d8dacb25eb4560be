"""The process that decodes HEIC and AVIF: started by `HeavyDecoder`, killed without regret.

It reads photos from its standard input and writes small pictures to its standard output. Before
the first photo it gives up what it does not need: it can open no file and no socket, write to no
file, and take no more memory than it was allowed. A photo that makes it crash takes nothing else
along.

    request   kind (1 byte), most pixels (8), longest side (2), length (4), the photo
    answer    outcome (1 byte), length (4), and where the longest side was 0: 224 x 224 x 3 bytes of
              RGB, else a WebP file of that size; or an error as JSON

All numbers are big-endian. It ends when its input does, so it does not outlive its parent; where
it hangs in a decoder at that moment, its own alarm ends it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

from vitrina.errors import PhotoError
from vitrina.photos.kinds import Kind
from vitrina.photos.limits import Limits
from vitrina.photos.picture import decode_picture, shrink_picture

REQUEST = struct.Struct(">cQHI")
ANSWER = struct.Struct(">cI")
KINDS: dict[bytes, Kind] = {b"h": "heic", b"a": "avif", b"w": "webp", b"p": "png", b"j": "jpeg"}

READY, DECODED, REFUSED = b"R", b"D", b"E"
OUT_OF_MEMORY = 3
"""Exit status."""

_NICE = 5
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_ALARM_GRACE = 2.0


def main() -> None:
    """Decodes photos until the input ends.

    Command line: largest address space in bytes, longest time for a photo in seconds.
    """
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    _load_decoders()
    photos, answers = 0, os.dup(1)
    os.dup2(2, 1)  # what a C library prints must not be taken for an answer
    _give_up(memory)
    _write(answers, ANSWER.pack(READY, 0))
    while head := _read(photos, REQUEST.size):
        mark, most_pixels, longest, length = REQUEST.unpack(head)
        content = _read(photos, length)
        # the parent kills sooner; this one is for a parent that is gone
        signal.setitimer(signal.ITIMER_REAL, seconds + _ALARM_GRACE)
        outcome, told = _decode(content, KINDS[mark], most_pixels, longest)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del content
        _write(answers, ANSWER.pack(outcome, len(told)) + told)


def _decode(content: bytes, kind: Kind, most_pixels: int, longest: int) -> tuple[bytes, bytes]:
    limits = Limits(max_bytes=len(content), max_pixels=most_pixels)
    try:
        if longest:
            return DECODED, shrink_picture(content, kind, limits, longest)
        return DECODED, decode_picture(content, kind, limits).tobytes()
    except PhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            os._exit(OUT_OF_MEMORY)
        told = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        return REFUSED, json.dumps(told).encode()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # what it left half made is nothing to go on with


def _load_decoders() -> None:
    # now, with what they import when first used: later nothing can be opened any more
    from PIL import AvifImagePlugin, Image, TiffImagePlugin
    from pillow_heif import register_heif_opener

    del TiffImagePlugin  # reads EXIF
    Image.preinit()

    # one thread: the other core is for those who sent JPEG
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    register_heif_opener(decode_threads=1, depth_images=False, aux_images=False)


def _give_up(memory: int) -> None:
    """Leaves what is not needed to decode a picture."""
    with suppress(OSError):
        os.nice(_NICE)
    limits = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),  # a core dump would hold the photo
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # no file, no socket, no pipe but those that are open
    ]
    _leave_network()
    for what, most in limits:
        with suppress(OSError, ValueError):  # systems differ in what they let a process limit
            resource.setrlimit(what, (most, most))


def _leave_network() -> None:
    """What only Linux can: no new rights, a network without interfaces, the first to be killed."""
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # refused in many containers; that no descriptor can be opened holds there all the same
    system.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _read(descriptor: int, size: int) -> bytes:
    """Exactly `size` bytes; none where the input has ended."""
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


if __name__ == "__main__":
    main()
