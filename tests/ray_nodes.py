"""A cluster of two nodes on this machine, and what `test_scale` has done on it; prints JSON.

    python ray_nodes.py WORK ARGUMENTS...

In a process of its own: Ray changes what it is loaded into, and warns where tests take no warnings.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitrina import Shop, VitrinaError
from vitrina.progress import SILENT, Progress, Step

STORE_BYTES = 80_000_000
NOTICED_SOON = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 2,
}
"""A dead node is noticed in two seconds; Ray's own values let it take fifteen."""


@contextmanager
def two_nodes() -> Iterator[Any]:
    """One core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster()
    try:
        cluster.add_node(**node, _system_config=NOTICED_SOON)
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


class Killing(Progress):
    """Kills the second node when so many photos are embedded."""

    def __init__(self, cluster: Any, photos: int) -> None:
        self.cluster, self.photos, self.done = cluster, photos, 0
        self.killed = False

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        del total
        killing = self

        class Counting(Step):
            def advance(self, count: int = 1, *, note: str = "") -> None:
                del note
                killing.done += count
                if killing.done >= killing.photos and not killing.killed:
                    killing.killed = True
                    second = killing.cluster.list_all_nodes()[-1]
                    killing.cluster.remove_node(second, allow_graceful=False)

        yield Counting() if label.startswith("Embedding") else Step()


def refusal(work: Callable[[], object]) -> dict[str, str]:
    """The error that the work ends with."""
    try:
        work()
    except VitrinaError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {}


def embed(root: str) -> dict[str, Any]:
    """What cannot be done on this cluster, then everything while a node is lost."""
    import ray

    from vitrina.scale import cluster as connecting

    with two_nodes() as cluster:
        address = cluster.address
        folder = Path(root)

        def connect(*needed: Path) -> None:
            with connecting.connected(address, [folder, *needed], SILENT):
                pass

        refused = {"unseen": refusal(lambda: connect(folder / "nowhere"))}
        connecting.__version__, own = "0.0.1", connecting.__version__  # type: ignore[attr-defined]
        refused["vitrina"] = refusal(connect)
        connecting.__version__ = own  # type: ignore[attr-defined]
        ray.__version__, own = "1.0.0", ray.__version__
        refused["ray"] = refusal(connect)
        ray.__version__ = own
        progress = Killing(cluster, photos=100)
        embedded = Shop.open(root, progress=progress).embed_goods(engine="ray", cluster=address)
        again = Shop.open(root).embed_goods(engine="ray", cluster=address)
    return {
        "refused": refused, "embedded": embedded, "killed": progress.killed, "again": again
    }  # fmt: skip


def tune(root: str, trials: str, changes: str) -> list[dict[str, Any]]:
    """Tunes on a Ray of its own; values, losses and which one is chosen."""
    tried = Shop.open(root).tune(
        "mobilenet_v2", trials=int(trials), engine="ray", **json.loads(changes)
    )
    return [
        {"values": one.values, "loss": one.loss, "top1": one.top1, "chosen": one.chosen}
        for one in tried
    ]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    work, *arguments = sys.argv[1:]
    sys.stdout.write(json.dumps({"embed": embed, "tune": tune}[work](*arguments)))
