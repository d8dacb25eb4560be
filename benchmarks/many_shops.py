"""What a noisy shop does to the others in one server.

    python benchmarks/many_shops.py [--shop SHOP PHOTO ...] [--network mobilenet_v2] [--shops 50]
        [--load 0.5] [--seconds 20] [--repeats 3]

Makes so many copies of a shop (a given one with its active bundle; else a small drawn one, whose
network knows colours or, with `--network`, is a backbone with random weights), serves all of them
by `vitrina serve --shops` and asks them in open loop: a late answer delays no later question.
First it finds how many photos a second the server keeps up with. Each shop's share of that is one
part in so many. Then four kinds of rounds take turns, each `--repeats` times:

* even: each shop asks for `--load` of its share;
* noisy: one of them asks for ten times as much;
* noisy by its whole share: that one asks for ten times its share;
* flood: it alone asks for as much as the whole server can do.

Printed: milliseconds from the moment at which a photo of the *other* shops was due to its answer,
the same beside those of the even rounds, and what was turned away. Needs the train extra (psutil).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from vitrina.bench.load_figures import Latency, latency
from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import Order, Outcome, Request, Sent, Shares, plan
from vitrina.bundle import active_version
from vitrina.evaluation.server_process import ServerProcess
from vitrina.folder import ShopFolder
from vitrina.machine import this_machine
from vitrina.photos import MEDIA_TYPES, sniff

NOISE = 10.0
FLOOD = 1.0
PROBE_SECONDS = 3.0
FIRST_RATE, STEP = 40.0, 1.25
ENOUGH = 0.97


def main() -> None:
    """Prints one line a kind of round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shop", type=Path, nargs="+", metavar=("SHOP", "PHOTO"))
    parser.add_argument("--network", help="backbone of the drawn shop; needs the train extra")
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--load", type=float, default=0.5, help="part of its share a shop asks for")
    parser.add_argument("--seconds", type=float, default=20, help="of a round")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-mb", type=int, default=0, help="for models; 0: as by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vitrina-many-") as scratch:
        place = Path(scratch)
        if given.shop:
            shop, photos = ShopFolder.find(given.shop[0]), [p.read_bytes() for p in given.shop[1:]]
        else:
            shop, photos = drawn_shop(place / "drawn", given.network)
        file = copies(shop, place, given.shops, given.memory_mb)
        sent = [
            Sent(photo, MEDIA_TYPES[sniff(photo)], f"shop-{number}.test")
            for number in range(given.shops)
            for photo in photos
        ]
        command = [
            sys.executable, "-m", "vitrina", "serve", "--shops", str(file), "--port", "0",
        ]  # fmt: skip
        # every photo comes from one address
        limits = {"VITRINA_PHOTOS_PER_MINUTE": "0", "VITRINA_HOST": "127.0.0.1"}
        with ServerProcess(command, environment=limits) as server, LoadGenerator(sent) as generator:
            started = server.listening - server.started
            print(f"{given.shops} shops, listening after {started * 1e3:.0f} ms; {this_machine()}")
            measure(Asked(generator, server.port, given.shops, len(photos)), given)
            held = psutil.Process(server.pid).memory_info().rss
            print(f"memory of the server at the end: {held / 1e6:.0f} MB")


def drawn_shop(place: Path, network: str | None) -> tuple[ShopFolder, list[bytes]]:
    """The small shop of the tests, and photos of its goods."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from drawing import COLOURS, draw_catalogue, drawn_photo
    from tiny_network import tiny_model, write_tiny

    from vitrina import Shop
    from vitrina.bundle import activate

    shop = Shop.create(place / "shop", name="Shop")
    shop.import_catalogue(draw_catalogue(place))
    model, size = tiny_model(), 4
    if network:
        from vitrina.bench.random_network import random_network
        from vitrina.training.backbones import describe_backbone

        model, size = random_network(network, 3), describe_backbone(network).feature_dim
    bundle = write_tiny(shop.folder, encoding=model, changes={"embedding_size": size})
    activate(shop.folder.bundles, bundle.info.version)
    photos = [drawn_photo(one, (640, 480), seed=5, kind="JPEG") for one in COLOURS.values()]
    return shop.folder, photos


def copies(shop: ShopFolder, place: Path, number: int, memory_mb: int) -> Path:
    """So many shops like that one, with their databases and bundles; the file that names them."""
    version = active_version(shop.bundles)
    assert version is not None, "the shop has nothing published"
    lines = [f"[service]\nmodels_memory_mb = {memory_mb}\n"]
    for each in range(number):
        folder = place / f"shop-{each}"
        folder.mkdir()
        shutil.copy(shop.toml, folder)
        for file in shop.root.glob("vitrina.db*"):
            shutil.copy(file, folder)
        shutil.copytree(shop.bundles / version, folder / "bundles" / version)
        shutil.copy(shop.bundles / "active", folder / "bundles")
        lines.append(f'[shops.s{each}]\nfolder = "shop-{each}"\nhosts = ["shop-{each}.test"]\n')
    file = place / "shops.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


class Asked:
    """A server of several shops that is asked."""

    def __init__(self, generator: LoadGenerator, port: int, shops: int, photos: int) -> None:
        self._generator = generator
        self._port = port
        self._photos = photos
        self.shops = shops

    def shop_of(self, outcome: Outcome) -> int:
        """Number of the shop that a photo was sent to."""
        return outcome.photo // self._photos

    def wake(self) -> list[Outcome]:
        """One photo of each shop, which has its model loaded."""
        schedule = [Request(0.0, shop * self._photos) for shop in range(self.shops)]
        return self._generator.ask_in_turn(self._order(schedule)).outcomes

    def offer(self, rates: Sequence[float], seconds: float, seed: int) -> list[Outcome]:
        """A round in which each shop has its rate."""
        kinds = [
            range(shop * self._photos, (shop + 1) * self._photos) for shop in range(self.shops)
        ]
        schedule = plan(sum(rates), seconds, Shares(kinds, rates), seed=seed)
        return self._generator.offer(self._order(schedule)).outcomes

    def _order(self, schedule: Sequence[Request]) -> Order:
        return Order(host="127.0.0.1", port=self._port, schedule=schedule)


def measure(asked: Asked, given: argparse.Namespace) -> None:
    """Finds what the server can do, then lets the rounds take turns."""
    cold = asked.wake()
    assert all(one.status == 200 for one in cold), "a shop was not answered"
    print(f"first photo of a shop, its model loaded with it: {told(times(cold))}")
    print(f"the second: {told(times(asked.wake()))}")
    capacity = sustained(asked)
    share = capacity / asked.shops
    print(f"it keeps up with {capacity:.0f} photos a second; a shop's share is {share:.2f}")
    quiet = share * given.load
    others = [quiet] * (asked.shops - 1)
    kinds = {
        "even": [quiet, *others],
        "noisy": [NOISE * quiet, *others],
        "noisy by its whole share": [NOISE * share, *others],
        "flood": [FLOOD * capacity, *others],
    }
    found: dict[str, list[Outcome]] = {kind: [] for kind in kinds}
    for turn in range(given.repeats):
        for kind, rates in kinds.items():
            found[kind] += asked.offer(rates, given.seconds, seed=10 + turn)
    even = None
    for kind, outcomes in found.items():
        figures = times([o for o in outcomes if asked.shop_of(o) and o.status == 200])
        even = even or figures
        refused = [o for o in outcomes if o.status != 200]
        of_others = sum(asked.shop_of(o) > 0 for o in refused)
        noisy = [o for o in outcomes if not asked.shop_of(o)]
        print(
            f"{kind}: {sum(kinds[kind]):.0f}/s, others {told(figures)} "
            f"(p95 x{figures.p95 / even.p95:.2f}), {of_others} of theirs turned away; shop 0 has "
            f"{sum(o.status == 200 for o in noisy)} of {len(noisy)} answered"
        )


def sustained(asked: Asked) -> float:
    """The highest rate tried, all shops alike, of which nearly all photos are answered."""
    rate = FIRST_RATE
    while True:
        outcomes = asked.offer([rate / asked.shops] * asked.shops, PROBE_SECONDS, seed=1)
        if sum(one.status == 200 for one in outcomes) < ENOUGH * len(outcomes):
            return rate / STEP
        rate *= STEP


def times(outcomes: Sequence[Outcome]) -> Latency:
    """From the moments at which photos were due to their answers."""
    return latency([one.seconds for one in outcomes])


def told(figures: Latency) -> str:
    """Figures in one line."""
    return (
        f"{figures.count} photos: median {figures.p50:.1f} ms, p95 {figures.p95:.1f} ms, "
        f"p99 {figures.p99:.1f} ms"
    )


if __name__ == "__main__":
    main()
