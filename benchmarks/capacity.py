"""How many servers a rush of photos needs: a queueing simulation with measured service times.

    python benchmarks/capacity.py simulate [serve-widget.json | --photo-ms 12.2] [--rate 1000]
    python benchmarks/capacity.py events SHOP PHOTO [--batches 1500]

`simulate` reads what `vitrina bench serve` wrote (SHOP/bench/serve-<mix>.json): the processor's
milliseconds of a photo, and, from the shares of its kinds and the median of each, how they are
spread; or takes a mean that you give. Photos come at random (Poisson) at `--rate` a second. A
balancer gives each to the server that has fewest, or, with `--balancer random`, to any: many
balancers that know nothing of one another lie between. A server has `--cores`, works on as many
photos at once, and turns one away that would wait longer than the setting `deadline_seconds`, as
Vitrina does. `--beside-ms` is what each photo takes of the same processors besides: searching
among many goods. Printed is, for each number of servers from too few on, what of the processors is
used, the percentiles of answers and the share that is turned away; then the fewest servers that
keep p99 below `--p99-ms` with less than `--refused` turned away, also while one of them is gone.

A photo's network time on two threads is counted as one core's work: the sum is what is measured.
Not simulated: the way to the shopper, and a database that is slower when it is asked more.

`events` measures what an event costs: a server of SHOP is sent batches of one event for answered
photos; processor time of the server for each, and bytes that the database grows by. Needs the
train extra, which brings psutil.
"""

from __future__ import annotations

import argparse
import heapq
import http.client
import json
import math
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.machine import this_machine
from vitrina.settings import Settings

WITHIN_A_KIND = 0.2
"""Spread of the service times of one kind of photo, of their logarithm."""


@dataclass(frozen=True)
class Service:
    """What a photo takes of the processor.

    Attributes:
        mean_ms: Of all photos.
        kinds: Share and relative cost of each kind; the mean of the latter is 1.
        source: Where that is known from.
    """

    mean_ms: float
    kinds: tuple[tuple[float, float], ...]
    source: str

    def draw(self, count: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
        """Seconds of so many photos."""
        shares = np.array([share for share, _ in self.kinds])
        costs = np.array([cost for _, cost in self.kinds])
        kinds = random.choice(len(shares), count, p=shares / shares.sum())
        spread = random.lognormal(-(WITHIN_A_KIND**2) / 2, WITHIN_A_KIND, count)
        return np.asarray(costs[kinds] * spread * self.mean_ms / 1e3, dtype=np.float64)


@dataclass(frozen=True)
class Served:
    """What a number of servers comes to.

    Attributes:
        servers: How many.
        used: Share of their processors' time.
        p50: Of an answer, milliseconds.
        p95: Likewise.
        p99: Likewise.
        refused: Share that is turned away.
    """

    servers: int
    used: float
    p50: float
    p95: float
    p99: float
    refused: float


def main() -> None:
    """Simulates, or measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parts = parser.add_subparsers(dest="part", required=True)
    asked = parts.add_parser("simulate")
    asked.add_argument("measured", type=Path, nargs="?", help="bench/serve-<mix>.json")
    asked.add_argument("--photo-ms", type=float, help="processor milliseconds of a photo")
    asked.add_argument("--beside-ms", type=float, default=0.0, help="and of its search besides")
    asked.add_argument("--rate", type=float, default=1000.0, help="photos a second")
    asked.add_argument("--cores", type=int, default=2, help="of a server")
    asked.add_argument("--balancer", choices=("fewest", "random"), default="fewest")
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--p99-ms", type=float, default=250.0)
    asked.add_argument("--refused", type=float, default=0.001, help="share that is accepted")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", action="store_true")
    events = parts.add_parser("events")
    events.add_argument("shop", type=Path)
    events.add_argument("photo", type=Path)
    events.add_argument("--batches", type=int, default=1500)
    given = parser.parse_args()
    if given.part == "events":
        measure_events(given.shop, given.photo, given.batches)
    else:
        answer(given)


def answer(given: argparse.Namespace) -> None:
    """Prints how many servers are needed."""
    if (given.measured is None) == (given.photo_ms is None):
        sys.exit("error: give the file that vitrina bench serve wrote, or --photo-ms")
    service = (
        Service(given.photo_ms, ((1.0, 1.0),), "given")
        if given.measured is None
        else measured_service(given.measured)
    )
    tried = enough(service, given)
    fewest = tried[-1].servers
    if given.json:
        print(json.dumps({"fewest": fewest, "tried": [one.__dict__ for one in tried]}))
        return
    print(
        f"{service.mean_ms:.1f} ms of the processor a photo ({service.source}), "
        f"{given.beside_ms:g} ms beside; {given.rate:g} photos a second, {given.cores} cores a "
        f"server, balancer: {given.balancer}"
    )
    print("servers  used   p50   p95   p99 ms  turned away")
    for one in tried:
        print(
            f"{one.servers:7d} {one.used:5.0%} {one.p50:5.0f} {one.p95:5.0f} {one.p99:5.0f} "
            f"{one.refused:12.2%}"
        )
    print(
        f"{fewest} servers keep p99 below {given.p99_ms:g} ms; {fewest + 1} do while one is gone: "
        f"{(fewest + 1) * given.cores} cores."
    )


def enough(service: Service, given: argparse.Namespace) -> list[Served]:
    """Numbers of servers from too few on; the last one is the first that keeps up."""
    mean = (service.mean_ms + given.beside_ms) / 1e3
    servers = max(1, math.floor(given.rate * mean / given.cores))
    tried = []
    while True:
        tried.append(simulate(service, servers, given))
        if tried[-1].p99 <= given.p99_ms and tried[-1].refused <= given.refused:
            return tried
        if servers > 10 * given.rate * mean / given.cores + 10:
            sys.exit("error: no number of servers keeps that p99: a photo alone takes longer")
        servers += max(1, servers // 20)


def simulate(service: Service, servers: int, given: argparse.Namespace) -> Served:
    """What so many servers make of the rush; its first fifth warms up and is not counted."""
    random = np.random.default_rng(given.seed)
    count = int(given.rate * given.seconds)
    arrivals = np.cumsum(random.exponential(1 / given.rate, count))
    works = service.draw(count, random) + given.beside_ms / 1e3
    deadline = float(Settings.model_fields["deadline_seconds"].default)
    mean = float(works.mean())
    # when each core of a server is free, and when each of its photos is answered
    free = [[0.0] * given.cores for _ in range(servers)]
    ending: list[tuple[float, int]] = []
    inside = [0] * servers
    fewest = [(0, server) for server in range(servers)]
    took, refused, busy = [], 0, 0.0
    for arrived, work in zip(arrivals.tolist(), works.tolist(), strict=True):
        while ending and ending[0][0] <= arrived:
            _, server = heapq.heappop(ending)
            inside[server] -= 1
            heapq.heappush(fewest, (inside[server], server))
        while fewest[0][0] != inside[fewest[0][1]]:
            heapq.heappop(fewest)  # of a moment that has passed
        server = fewest[0][1] if given.balancer == "fewest" else int(random.integers(servers))
        begins = max(arrived, free[server][0])
        counted = arrived > arrivals[-1] / 5
        if begins - arrived + mean > deadline:
            refused += counted
            continue
        heapq.heapreplace(free[server], begins + work)
        inside[server] += 1
        heapq.heappush(fewest, (inside[server], server))
        heapq.heappush(ending, (begins + work, server))
        if counted:
            took.append(begins + work - arrived)
            busy += work
    total = len(took) + refused
    p50, p95, p99 = np.percentile(np.array(took) * 1e3, (50, 95, 99))
    used = busy / (0.8 * arrivals[-1] * servers * given.cores)
    return Served(servers, float(used), float(p50), float(p95), float(p99), refused / total)


def measured_service(file: Path) -> Service:
    """What `vitrina bench serve` measured of `vitrina serve`."""
    content = json.loads(file.read_text(encoding="utf-8"))
    (way,) = (one for one in content["ways"] if one["way"] == "vitrina")
    low: dict[str, Any] = way["low"]
    shares = {kind: photos["share"] for kind, photos in content["photos"].items()}
    medians = {kind: each["p50"] for kind, each in low["by_kind"].items() if each["count"]}
    known = [kind for kind in shares if kind in medians]
    mean = sum(shares[kind] * medians[kind] for kind in known) / sum(shares[k] for k in known)
    kinds = tuple((shares[kind], medians[kind] / mean) for kind in known)
    machine = content["machine"]
    source = f"{file.name}, {content['backbone']}, {machine['processor']}, {content['date']}"
    return Service(float(low["cpu_ms"]), kinds, source)


def measure_events(shop: Path, photo: Path, batches: int) -> None:
    """Prints what an event costs the server."""
    import psutil

    from vitrina.evaluation.online import ROUTE, serve_command
    from vitrina.evaluation.server_process import ServerProcess
    from vitrina.folder import ShopFolder
    from vitrina.photos import MEDIA_TYPES, sniff

    content = photo.read_bytes()
    with tempfile.TemporaryDirectory(prefix="vitrina-events-") as scratch:
        copy = Path(shutil.copytree(shop, Path(scratch) / "shop"))
        active = (ShopFolder.find(copy).bundles / "active").read_text().split()[0]
        unlimited = {"VITRINA_EVENTS_PER_MINUTE": "0", "VITRINA_PHOTOS_PER_MINUTE": "0"}
        with ServerProcess(serve_command(copy, active), environment=unlimited) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

            def send(route: str, body: bytes, kind: str) -> Any:
                connection.request("POST", route, body, {"Content-Type": kind})
                answered = connection.getresponse()
                said = answered.read()
                if answered.status not in (200, 202):
                    sys.exit(f"error: {route} answered {answered.status}: {said[:300]!r}")
                return json.loads(said)

            queries = [
                send(ROUTE, content, MEDIA_TYPES[sniff(content)])["query_id"]
                for _ in range(max(1, batches // 80))
            ]
            time.sleep(2.5)  # written behind the answers, once a second
            process, before = psutil.Process(server.pid), size_of(copy)
            start = sum(process.cpu_times()[:2])
            for number in range(batches):
                event = {"id": str(number), "kind": "click", "sku": "SW-17", "position": 3}
                body = {"query_id": queries[number % len(queries)], "events": [event]}
                send("/v1/events", json.dumps(body).encode(), "application/json")
            time.sleep(2.5)
            seconds = sum(process.cpu_times()[:2]) - start
            grown = size_of(copy) - before
    print(f"{this_machine()}")
    print(f"{batches} events, one a batch: {1e3 * seconds / batches:.2f} ms of the processor each")
    print(f"{grown / batches:.0f} bytes of server.db each")


def size_of(shop: Path) -> int:
    """Bytes of what the server writes."""
    return sum(file.stat().st_size for file in shop.glob("server.db*"))


if __name__ == "__main__":
    main()
