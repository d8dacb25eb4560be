"""Connects to a Ray cluster, and says in plain words why that cannot be done."""

from __future__ import annotations

import importlib
import io
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vitrina.errors import ClusterError, ClusterUnreachable, ClusterVersion, MissingExtra
from vitrina.machine import usable_cores
from vitrina.progress import Progress
from vitrina.version import __version__

_NEEDED = ("ray", "pyarrow", "pandas")
_ANSWER_SECONDS = 5.0
_LOOK_SECONDS = 120.0
"""Until every node has said what it has: it starts a worker for that."""

# Every HTTP/2 connection begins with this and a SETTINGS frame; a server answers with its own
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4


@dataclass(frozen=True)
class Cluster:
    """What a job runs on.

    Attributes:
        nodes: Machines that are there now.
        cores: Of all of them, as Ray counts them.
    """

    nodes: int
    cores: int


@dataclass(frozen=True)
class _Looked:
    """What a node has.

    Attributes:
        version: Of Vitrina.
        missing: Which of the paths that the work needs are not there.
    """

    version: str
    missing: tuple[str, ...]


def require_ray() -> None:
    """Makes sure that Ray is installed; loads nothing of it.

    Raises:
        MissingExtra: it is not.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Work on a cluster needs {', '.join(missing)}, which this installation does not have.",
            hint="pip install 'vitrina[scale]'",
        )


@contextmanager
def connected(
    address: str | None, needed: list[Path], progress: Progress, *, loads: str = ""
) -> Iterator[Cluster]:
    """A cluster to work on, until the block ends.

    Args:
        address: HOST:PORT of its head; "auto": the one that this machine is a node of. None: what
            RAY_ADDRESS names, else a Ray of its own on this machine's cores, which ends with the
            block.
        needed: Files and folders that every node must see at the same path.
        progress: Told what is worked on.
        loads: A module that the work takes long to load: every node begins with it at once.

    Raises:
        MissingExtra: Ray is not installed here.
        ClusterUnreachable: nothing answers there, or this machine is none of its nodes.
        ClusterVersion: a node has another Ray, Python or Vitrina.
        ClusterError: a node does not see what it needs.
    """
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported about the shop
    # Ray would let OpenTelemetry's export wait for an agent that is not there when it ends
    os.environ.setdefault("RAY_enable_open_telemetry", "0")
    # what goes wrong is raised as well; its own lines are for those who work on Ray
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address not in (None, "auto"):
        _require_answer(address)
    import ray

    with redirect_stdout(io.StringIO()):  # Ray talks there, from threads of its own
        try:
            _connect(address)
            cluster = _require_nodes(needed, loads)
            progress.say(
                f"Ray {ray.__version__}: {cluster.cores} cores on {cluster.nodes} "
                f"{'node' if cluster.nodes == 1 else 'nodes'}."
            )
            yield cluster
            if lost := sum(not node["Alive"] for node in ray.nodes()):
                progress.say(f"Nodes that were lost: {lost}; others did their part.")
        finally:
            ray.shutdown()


@contextmanager
def told_plainly() -> Iterator[None]:
    """What Ray raises in the block becomes an error of ours.

    Raises:
        ClusterError: the cluster is lost, or a worker ended with an error.
    """
    import ray

    try:
        yield
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"The work on the cluster broke off: {_last_line(error)}",
            hint="What had come is kept. Look at the cluster (ray status), then run the command "
            "again.",
        ) from error


def _connect(address: str | None) -> None:
    import ray

    try:
        if address is None:
            ray.init(
                num_cpus=usable_cores(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise ClusterUnreachable(
            "No Ray cluster was found"
            + (
                f" at {address}: {_first_line(error)}" if address != "auto" else " on this machine."
            ),
            hint=_START,
        ) from error
    except RuntimeError as error:
        if "ersion mismatch" in str(error):
            raise ClusterVersion(
                f"The cluster's Ray or Python is not this machine's: {_in_one_line(error)}.",
                hint=f"Install the same on all: Python as on the head, ray=={ray.__version__} "
                "(constraints.txt pins it).",
            ) from error
        raise ClusterUnreachable(
            f"The cluster at {address} does not take this machine: {_first_line(error)}",
            hint="Run the command on one of its nodes, as with ray exec or ray job submit; or make "
            "this machine a node: ray start --address HOST:PORT.",
        ) from error


_START = (
    "Start one with ray start --head, name the head of another with --cluster HOST:PORT, or leave "
    "--cluster out to use this machine's cores."
)


def _require_answer(address: str) -> None:
    """Makes sure that something like a cluster's head listens: Ray itself would wait minutes."""
    if address.startswith("ray://"):
        raise ClusterUnreachable(
            f"{address} is for Ray's client, which does not run these jobs.",
            hint="Run the command on a node of the cluster, as with ray exec or ray job submit, "
            "and give --cluster auto.",
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ClusterUnreachable(
            f"{address!r} is no address of a cluster; expected HOST:PORT or auto.",
            hint="The port of a head is 6379 unless ray start was told another.",
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS) as connection:
            connection.sendall(_PREFACE)
            answer = connection.recv(9)
    except OSError as error:
        raise ClusterUnreachable(
            f"Nothing answers at {address}: {error.strerror or error}.", hint=_START
        ) from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ClusterUnreachable(
            f"What answers at {address} is no head of a Ray cluster.",
            hint="The port of a head is 6379 unless ray start was told another; 8265 is that of "
            "its page, 10001 that of Ray's client.",
        )


def _require_nodes(needed: list[Path], loads: str) -> Cluster:
    """Asks every node what it has.

    Raises:
        ClusterError: some do not have what the work needs.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = {
        str(node["NodeManagerAddress"]) + f" ({node['NodeID'][:8]})": str(node["NodeID"])
        for node in ray.nodes()
        if node["Alive"]
    }
    look = ray.remote(_look)
    paths = [str(path) for path in needed]
    looks = {
        name: look.options(
            num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote(paths, loads)
        for name, node in nodes.items()
    }
    if loads:
        importlib.import_module(loads)  # here, while the nodes do the same
    for name, looked in looks.items():
        try:
            found: _Looked = ray.get(looked, timeout=_LOOK_SECONDS)
        except ray.exceptions.RayError as error:
            raise ClusterVersion(
                f"Node {name} cannot run Vitrina: {_last_line(error)}",
                hint=f"Install vitrina[scale]=={__version__} there, in the Python that starts Ray.",
            ) from error
        if found.version != __version__:
            raise ClusterVersion(
                f"Node {name} has Vitrina {found.version}, this machine has {__version__}.",
                hint="Install the same version on every node.",
            )
        if found.missing:
            raise ClusterError(
                f"Node {name} does not see {found.missing[0]}.",
                hint="Every node must see the shop's folder at the same path: mount a shared one.",
            )
    return Cluster(len(nodes), max(1, int(ray.cluster_resources().get("CPU", 1))))


def _look(paths: list[str], loads: str) -> _Looked:
    if loads:
        importlib.import_module(loads)  # this process may well get the work
    return _Looked(__version__, tuple(path for path in paths if not Path(path).exists()))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
