"""What shoppers notice when a running server takes another bundle.

    python benchmarks/switch_bundle.py SHOP PHOTO [--rate 15] [--switches 20] [--every 3]

Works on a copy of the shop that holds its active bundle twice, under two versions. A server is
asked at a fixed rate (a late answer delays no later question) while `bundles/active` goes back and
forth between the two. Printed: milliseconds from the moment a question was due to its answer,
for questions due while a bundle was being taken and for all others; how long that took from the
change of the file to the first answer of the other version; answers that failed, and those whose
version was neither; resident memory before and after. Needs the train extra, which brings psutil.
"""

from __future__ import annotations

import argparse
import http.client
import json
import platform
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from vitrina.bundle import activate, active_bundle
from vitrina.evaluation.online import ROUTE, serve_command
from vitrina.evaluation.server_process import ServerProcess
from vitrina.folder import ShopFolder
from vitrina.photos import MEDIA_TYPES, sniff

_VERSIONS = ("first", "second")
_CONNECTIONS = 32


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        due: When it was due, `time.perf_counter`.
        answered: When its answer was there.
        version: Of the bundle that answered; empty where none did.
        failure: Why none did.
    """

    due: float
    answered: float
    version: str
    failure: str = ""


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shop", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--rate", type=float, default=15, help="questions a second")
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--every", type=float, default=3, help="seconds between switches")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vitrina-switch-") as scratch:
        shop = copy_of(ShopFolder.find(given.shop), Path(scratch) / "shop")
        measure(shop, given.photo.read_bytes(), given.rate, given.switches, given.every)


def copy_of(shop: ShopFolder, place: Path) -> ShopFolder:
    """What a server needs of the shop, with its active bundle under two versions."""
    bundle = active_bundle(shop.bundles)
    place.mkdir()
    shutil.copy(shop.toml, place)
    for file in shop.root.glob("vitrina.db*"):
        shutil.copy(file, place)
    for version in _VERSIONS:
        folder = place / "bundles" / version
        shutil.copytree(bundle.folder, folder)
        description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        described = json.dumps(description | {"version": version})
        (folder / "bundle.json").write_text(described, encoding="utf-8")
    activate(place / "bundles", _VERSIONS[0])
    return ShopFolder.find(place)


def measure(shop: ShopFolder, photo: bytes, rate: float, switches: int, every: float) -> None:
    """Asks and switches, then prints."""
    kind = MEDIA_TYPES[sniff(photo)]
    unlimited = {"VITRINA_PHOTOS_PER_MINUTE": "0"}
    named = serve_command(shop.root, _VERSIONS[0])
    start = named.index("--bundle")
    command = [*named[:start], *named[start + 2 :]]  # the active bundle, whichever that is
    with ServerProcess(command, environment=unlimited) as server:
        for _ in range(20):
            server.post(ROUTE, photo, kind)
        process, ended = psutil.Process(server.pid), threading.Event()
        before = process.memory_info().rss
        asked: list[Asked] = []
        asking = threading.Thread(target=ask, args=(server.port, photo, kind, rate, ended, asked))
        asking.start()
        time.sleep(every)
        spans = []
        for number in range(switches):
            wanted = _VERSIONS[(number + 1) % 2]
            began = time.perf_counter()
            activate(shop.bundles, wanted)
            time.sleep(every)
            spans.append((began, wanted))
        ended.set()
        asking.join()
        after = process.memory_info().rss
    windows = []
    for began, wanted in spans:
        first = min(one.answered for one in asked if one.due > began and one.version == wanted)
        windows.append((began, first))
    during = [one for one in asked if any(a <= one.answered and one.due <= b for a, b in windows)]
    others = [one for one in asked if one not in during]
    print(f"{platform.machine()}, {rate:g} photos/s, {len(asked)} in all, {switches} switches")
    print(f"from the change of the file to the first answer, s: {spread(windows)}")
    for label, some in (("while a bundle is taken", during), ("otherwise", others)):
        took = [one.answered - one.due for one in some if not one.failure]
        failed = Counter(one.failure for one in some if one.failure)
        print(f"{label}, {len(some)} photos, ms: {quantiles(took)}; failed: {dict(failed)}")
    print(f"of no version: {sum(one.version not in ('', *_VERSIONS) for one in asked)}")
    print(f"memory, MB: {before / 1e6:.0f} before, {after / 1e6:.0f} after")


def ask(
    port: int, photo: bytes, kind: str, rate: float, ended: threading.Event, asked: list[Asked]
) -> None:
    """Asks at a fixed rate until it is ended."""
    kept = threading.local()

    def one(due: float) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        version = failure = ""
        try:
            kept.connection.request("POST", ROUTE, photo, {"Content-Type": kind})
            answer = kept.connection.getresponse()
            content = answer.read()
            if answer.status == 200:
                version = json.loads(content)["model"]["version"]
            else:
                failure = f"{answer.status} {json.loads(content).get('code')}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            kept.connection.close()
            failure = type(error).__name__
        asked.append(Asked(due, time.perf_counter(), version, failure))

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        due = time.perf_counter()
        while not ended.is_set():
            time.sleep(max(0.0, due - time.perf_counter()))
            pool.submit(one, due)
            due += 1 / rate


def quantiles(seconds: Sequence[float]) -> str:
    """Median, 99th percentile and largest, in milliseconds."""
    ordered = sorted(each * 1e3 for each in seconds)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):.1f}, p99 {p99:.1f}, largest {ordered[-1]:.1f}"


def spread(windows: Sequence[tuple[float, float]]) -> str:
    """Median, smallest and largest length of the windows, in seconds."""
    lengths = [end - begin for begin, end in windows]
    return f"{statistics.median(lengths):.2f} ({min(lengths):.2f} to {max(lengths):.2f})"


if __name__ == "__main__":
    main()
