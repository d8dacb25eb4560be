"""How long a server takes from its start to its first answer to a photo, and what it then holds.

    python benchmarks/cold_start.py SHOP PHOTO [--bundle VERSION] [--rounds 10] [--photos 50]

Each round starts a fresh `vitrina serve`. Printed as median (smallest to largest): seconds to
listening and to the first answer, milliseconds of later answers over one connection, the most
resident memory during them, megabytes. Needs the train extra, which brings psutil.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from vitrina.bundle import active_bundle
from vitrina.evaluation.online import ROUTE, serve_command
from vitrina.evaluation.server_process import ServerProcess
from vitrina.folder import ShopFolder
from vitrina.photos import MEDIA_TYPES, sniff


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shop", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--bundle", help="the active one unless named")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--photos", type=int, default=50)
    asked = parser.parse_args()
    bundle = asked.bundle or active_bundle(ShopFolder.find(asked.shop).bundles).info.version
    command, photo = serve_command(asked.shop, bundle), asked.photo.read_bytes()
    rounds = [start_once(command, photo, asked.photos) for _ in range(asked.rounds)]
    print(f"{platform.machine()}, {asked.rounds} rounds, {asked.photos} photos each")
    labels = ("listening, s", "first answer, s", "later answers, ms", "memory, MB")
    for label, values in zip(labels, zip(*rounds, strict=True), strict=True):
        print(f"{label}: {summary(values)}")


def start_once(command: Sequence[str], photo: bytes, photos: int) -> tuple[float, ...]:
    """Starts a server, asks it, ends it."""
    kind = MEDIA_TYPES[sniff(photo)]
    with ServerProcess(command) as server:
        server.post(ROUTE, photo, kind)
        first = time.perf_counter() - server.started
        later = []
        with server.usage() as usage:
            for _ in range(photos):
                sent = time.perf_counter()
                server.post(ROUTE, photo, kind)
                later.append(time.perf_counter() - sent)
        listening = server.listening - server.started
        return listening, first, statistics.median(later) * 1e3, usage.peak_mb


def summary(values: Sequence[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
