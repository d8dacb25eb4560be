"""How long a server takes from its start to its first answer to a photo, and what it then holds.

    python benchmarks/cold_start.py SHOP PHOTO [--rounds 10] [--photos 50]

Each round starts a fresh `vitrina serve`. Printed as median (smallest to largest): seconds to
listening and to the first answer, milliseconds of later answers over one connection, resident
memory after them, megabytes. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import http.client
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shop", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--photos", type=int, default=50)
    asked = parser.parse_args()
    photo = asked.photo.read_bytes()
    rounds = [start_once(asked.shop, photo, asked.photos) for _ in range(asked.rounds)]
    print(f"{platform.machine()}, {asked.rounds} rounds, {asked.photos} photos each")
    labels = ("listening, s", "first answer, s", "later answers, ms", "memory, MB")
    for label, values in zip(labels, zip(*rounds, strict=True), strict=True):
        print(f"{label}: {summary(values)}")


def start_once(shop: Path, photo: bytes, photos: int) -> tuple[float, float, float, float]:
    """Starts a server, asks it, stops it."""
    start = time.monotonic()
    command = [sys.executable, "-m", "vitrina", "serve", "--port", "0", "--shop", str(shop)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        listening = time.monotonic() - start
        (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)", line)
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        ask(connection, photo)
        first = time.monotonic() - start
        later = [ask(connection, photo) for _ in range(photos)]
        status = Path(f"/proc/{server.pid}/status").read_text()
        (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
        return listening, first, statistics.median(later) * 1e3, int(kilobytes) / 1e3
    finally:
        server.terminate()
        server.communicate(timeout=60)


def ask(connection: http.client.HTTPConnection, photo: bytes) -> float:
    """Seconds for one photo."""
    start = time.monotonic()
    connection.request("POST", "/v1/search/photo", photo, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"The server answered {answer.status}.")
    return time.monotonic() - start


def summary(values: Sequence[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
