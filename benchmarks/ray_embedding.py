"""How much faster two nodes of a Ray cluster embed a catalogue than one, and what a lost one costs.

    python benchmarks/ray_embedding.py [FOLDER] [--bundle BUNDLE] [--photos 5000] [--rounds 1]
                                       [--out FILE]

Makes a shop of `--photos` pictures, of FOLDER (category folders) or drawn ones, which serves the
network of BUNDLE (a folder in a shop's `bundles/`) or a MobileNetV2 with random weights: one costs
what the other costs. Then `vitrina embed --engine ray` embeds all of them, each time anew, on a
cluster started here: on one node, on two, and on two of which one is killed when half is done. A
node is bound to one core of this machine, which must have two; the command itself, and the head's
own processes, take their share of both. Timed is the whole command, from its start to its end.

Printed: seconds and photos a second of each, how many times faster two nodes are, and for every run
whether each photo has one embedding: none lost, none doubled. Needs the extras scale and train.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from vitrina import Shop
from vitrina.bundle import Bundle, BundleInfo, activate, active_bundle, goods_array, write_bundle
from vitrina.encoder import Encoder
from vitrina.golden import make_golden
from vitrina.machine import this_machine
from vitrina.search.vectors import open_vectors, segment_files

SIDE = 1200
CATEGORIES = 5
STORE_BYTES = 150_000_000
"""Of each node's object store."""


@dataclass(frozen=True)
class Embedding:
    """One run of the command.

    Attributes:
        nodes: Of the cluster.
        killed: Whether one of them was killed when half was done.
        seconds: Of the whole command.
        photos: That have an embedding afterwards.
        doubled: That have more than one.
    """

    nodes: int
    killed: bool
    seconds: float
    photos: int
    doubled: int


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?", help="category folders with photos")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON of every run")
    given = parser.parse_args()
    # being told to end unwinds what was begun: no node is left running
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    cores = sorted(psutil.Process().cpu_affinity())[:2]
    if len(cores) < 2:
        sys.exit("error: two cores are needed, one for each node")
    with tempfile.TemporaryDirectory(prefix="vitrina-ray-") as scratch:
        place = Path(scratch)
        folder = given.folder or draw_catalogue(place / "goods", given.photos)
        shop = Shop.create(place / "shop", name="Ray")
        shop.import_catalogue(folder, embed=False)
        bundle = publish(shop, given.bundle)
        photos = count_photos(shop)
        print(f"{photos} photos, {bundle.info.backbone}; {this_machine()}", flush=True)
        runs = []
        for _ in range(given.rounds):
            for nodes, kill in ((1, False), (2, False), (2, True)):
                runs.append(embed(shop, nodes, cores, photos, kill=kill))
                print(describe(runs[-1], photos), flush=True)
    one, two = (
        statistics.median(run.seconds for run in runs if (run.nodes, run.killed) == (nodes, False))
        for nodes in (1, 2)
    )
    print(f"two nodes are {one / two:.2f} times as fast as one")
    if given.out:
        content = {"machine": asdict(this_machine()), "runs": [asdict(run) for run in runs]}
        given.out.write_text(json.dumps(content, indent=1), encoding="utf-8")
    sys.exit(any(run.photos != photos or run.doubled for run in runs))


def draw_catalogue(place: Path, photos: int) -> Path:
    """Category folders of JPEG pictures, each of them another one."""
    random = np.random.default_rng(0)
    for number in range(photos):
        folder = place / f"category-{number % CATEGORIES}"
        folder.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        picture.save(folder / f"{number:06}.jpg", quality=85)
    return place


def publish(shop: Shop, given: Path | None) -> Bundle:
    """Has a network served that has no embedding of any photo."""
    folder = shop.folder
    if given is None:
        from vitrina.bench.random_network import random_network
        from vitrina.training.backbones import describe_backbone

        name = "mobilenet_v2"
        model, size = random_network(name, CATEGORIES), describe_backbone(name).feature_dim
        categories = tuple(f"category-{number}" for number in range(CATEGORIES))
    else:
        described = json.loads((given / "bundle.json").read_text(encoding="utf-8"))
        name, size = described["backbone"], described["embedding_size"]
        model, categories = (given / "model.onnx").read_bytes(), tuple(described["categories"])
    info = BundleInfo(
        version="ray-1", backbone=name, run="", created=datetime.now(UTC).isoformat(),
        categories=categories, embedding_size=size, metrics={}, provenance={},
    )  # fmt: skip
    file = folder.cache / "model.onnx"
    file.write_bytes(model)
    golden = make_golden(Encoder(file, threads=1))
    nothing = goods_array([], np.empty((0, size), dtype=np.float32))
    bundle = write_bundle(folder.bundles, info, model, nothing, None, golden=golden)
    activate(folder.bundles, info.version)
    return bundle


def count_photos(shop: Shop) -> int:
    """Different pictures of the shop's goods."""
    return sum(1 for file in shop.folder.photos.rglob("*") if file.is_file())


def embed(shop: Shop, nodes: int, cores: list[int], photos: int, *, kill: bool) -> Embedding:
    """Embeds all goods on a cluster of so many nodes, from nothing."""
    bundle = active_bundle(shop.folder.bundles)
    for file in segment_files(bundle):
        file.unlink()
    with cluster(cores[:nodes]) as started:
        began = time.perf_counter()
        command = subprocess.Popen(
            [
                sys.executable, "-m", "vitrina", "embed", "--engine", "ray",
                "--cluster", started.address, "--shop", str(shop.folder.root), "--json",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            if kill:
                while command.poll() is None and len(open_vectors(bundle)) < photos / 2:
                    time.sleep(0.2)
                started.remove_node(started.list_all_nodes()[-1], allow_graceful=False)
            _, said = command.communicate()
        finally:
            command.kill()
        seconds = time.perf_counter() - began
    if command.returncode:
        sys.exit(f"vitrina embed ended with {command.returncode}: {said[-2000:]}")
    names = open_vectors(bundle).names().tolist()
    return Embedding(nodes, kill, seconds, len(set(names)), len(names) - len(set(names)))


@contextmanager
def cluster(cores: list[int]) -> Iterator[Any]:
    """Nodes on this machine, each bound to one of the cores; all are gone afterwards."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    started = Cluster()
    try:
        for core in cores:
            node = started.add_node(
                num_cpus=1, object_store_memory=STORE_BYTES, include_dashboard=False
            )
            psutil.Process(node.all_processes["raylet"][0].process.pid).cpu_affinity([core])
        started.wait_for_nodes()
        yield started
    finally:
        started.shutdown()


def describe(run: Embedding, photos: int) -> str:
    """One line of a run."""
    lost = photos - run.photos
    return (
        f"{run.nodes} node{'s' * (run.nodes > 1)}{', one killed at half' * run.killed}: "
        f"{run.seconds:.1f} s, {photos / run.seconds:.1f} photos/s; lost {lost}, "
        f"doubled {run.doubled}"
    )


if __name__ == "__main__":
    main()
