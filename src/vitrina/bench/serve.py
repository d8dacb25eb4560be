"""`vitrina bench serve`: a server under load, beside the ways that it is meant to replace.

Each way is a process of its own that is asked over HTTP by another process: first slowly, then
ever faster until it no longer keeps up, then twice as fast as that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Literal

from vitrina import atomic
from vitrina.baseline import baseline_command
from vitrina.bench.load_figures import Latency, RoundFigures
from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import Arrivals
from vitrina.bench.photo_mix import PhotoMix, make_mix, read_mix
from vitrina.bench.plain_server import plain_command
from vitrina.bench.resources import held_now
from vitrina.bench.server_load import DEADLINE, HeicFlood, Overload, ServerLoad
from vitrina.bench.sustainable import Step, find_sustainable_rate
from vitrina.bundle import Bundle, active_bundle
from vitrina.errors import EvaluationError
from vitrina.evaluation.candidate import Spread
from vitrina.evaluation.online import ROUTE, serve_command
from vitrina.evaluation.server_process import ServerProcess
from vitrina.folder import ShopFolder
from vitrina.machine import Machine, this_machine
from vitrina.progress import SILENT, Progress
from vitrina.progress import Step as Bar
from vitrina.store.database import open_database
from vitrina.store.products import list_photos

WayName = Literal["vitrina", "plain", "keras"]
BASELINES = ("plain", "keras")
PLACE = "bench"
"""Folder of a shop where the records lie."""

UNLIMITED = {
    "VITRINA_PHOTOS_PER_MINUTE": "0",
    "VITRINA_REQUESTS_PER_MINUTE": "0",
    # what is asked here are no shoppers' searches
    "VITRINA_EVENTS": "false",
}
"""Environment of a server that one client may ask as often as it likes: the load is one client."""

SOURCES = 16
_IDLE_SECONDS = 1.0
_LIBRARIES = (
    "vitrina", "fastapi", "h11", "httptools", "keras", "numpy", "onnxruntime", "pillow",
    "pillow-heif", "starlette", "tensorflow-cpu", "tensorflow", "uvicorn", "uvloop",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What each server goes through.

    Attributes:
        mix: As `read_mix` takes it.
        seed: Of photos and times.
        arrivals: How requests follow each other.
        starts: Fresh processes whose first answer is timed.
        in_turn: Requests one at a time.
        low_rate: Requests a second that no server minds.
        low_seconds: How long those.
        step_seconds: How long each rate is tried.
        confirm_seconds: How long the rate that was found is held.
        overload_seconds: How long twice that rate is offered; 0 leaves it out.
        rate: The sustainable rate where it is known; None has it looked for.
        heic_flood: HEIC photos a second that are sent beside half the sustainable rate, to see
            what they do to the others; 0 leaves it out.
    """

    mix: str = "all"
    seed: int = 0
    arrivals: Arrivals = "poisson"
    starts: int = 5
    in_turn: int = 60
    low_rate: float = 5.0
    low_seconds: float = 15.0
    step_seconds: float = 8.0
    confirm_seconds: float = 20.0
    overload_seconds: float = 60.0
    rate: float | None = None
    heic_flood: float = 0.0


@dataclass(frozen=True, kw_only=True)
class WayFigures:
    """One way of serving.

    Attributes:
        way: "vitrina": `vitrina serve`; "plain": FastAPI, a full decode, ONNX Runtime as it comes;
            "keras": the study's own way, `model.predict` in a FastAPI process.
        left_out: Kinds of photos that it does not take and was not sent.
        cold_start_ms: From the start of the process to its first answer to a photo.
        idle_mb: Resident memory of process and children a second after that, 10^6 bytes.
        one_at_a_time: Each sent when the answer before it was there.
        low: At a rate that no server minds.
        sustained: At the highest rate that it keeps up with.
        steps: Rates that were tried to find that.
        flood: Half that rate beside many HEIC photos; None where it was left out.
        overload: At twice that rate; None where it was left out.
        end_mb: Resident memory after everything.
    """

    way: WayName
    left_out: tuple[str, ...]
    cold_start_ms: Spread
    idle_mb: float
    one_at_a_time: Latency
    low: RoundFigures
    sustained: RoundFigures
    steps: tuple[Step, ...]
    flood: HeicFlood | None
    overload: Overload | None
    end_mb: float


@dataclass(frozen=True, kw_only=True)
class ServeBenchmark:
    """All ways, measured in one run.

    Attributes:
        date: When it began, UTC, ISO 8601.
        bundle: Version that was served.
        backbone: What its network is built on.
        plan: What each server went through.
        photos: Of each kind: how many different ones, their mean size in 10^3 bytes, their share.
        source: "shop": the photos show goods of the shop; "drawn": it has none.
        deadline: Seconds within which an answer is of use.
        threads: For one inference, as the shop sets it.
        slots: Photos worked on at the same time, likewise.
        environment: Set for `vitrina serve` beside the shop's own settings.
        versions: Of what serves.
        machine: Where it was measured, load generator and server alike.
        ways: Vitrina first.
    """

    date: str
    bundle: str
    backbone: str
    plan: LoadPlan
    photos: dict[str, dict[str, float]]
    source: Literal["shop", "drawn"]
    deadline: float
    threads: int
    slots: int
    environment: dict[str, str]
    versions: dict[str, str]
    machine: Machine
    ways: tuple[WayFigures, ...]

    def ratios(self, way: WayFigures) -> dict[str, float]:
        """How many times better Vitrina is than another way; above 1 is better."""
        own = self.ways[0]
        return {
            "throughput": way.sustained.goodput and own.sustained.goodput / way.sustained.goodput,
            "latency": way.low.accepted.p50 / own.low.accepted.p50,
            "cold_start": way.cold_start_ms.median / own.cold_start_ms.median,
            "idle_memory": way.idle_mb / own.idle_mb,
            "end_memory": way.end_mb / own.end_mb,
        }


def benchmark_serving(
    folder: ShopFolder,
    plan: LoadPlan,
    baselines: Sequence[str] = (),
    progress: Progress = SILENT,
) -> ServeBenchmark:
    """Measures the active bundle in `vitrina serve`, and in other ways in the same run.

    Args:
        folder: The shop; nothing in it changes but the record, bench/serve-<mix>.json.
        plan: What each server goes through.
        baselines: Names of `BASELINES`.
        progress: Where the work reports to.

    Raises:
        NoBundle: nothing is published.
        MissingExtra: psutil is not installed.
        EvaluationError: the mix or a baseline is unknown, or a server cannot be measured.
    """
    bundle = active_bundle(folder.bundles)
    shares = read_mix(plan.mix)
    commands = _commands(folder, bundle, baselines)
    sources = shop_pictures(folder)
    with progress.step("Drawing photos", 1):
        mix = make_mix(shares, sources, seed=plan.seed)
        if plan.heic_flood:
            mix = mix.beside("heic", sources)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    ways = []
    with LoadGenerator(mix.photos) as generator:
        for way, command in commands.items():
            with progress.step(f"Loading {way}", 4 + plan.starts) as bar:
                ways.append(_measure(way, command, plan, mix, generator, bar))
    result = ServeBenchmark(
        date=began,
        bundle=bundle.info.version,
        backbone=bundle.info.backbone,
        plan=plan,
        photos={
            kind: {
                "count": mix.kinds.count(kind),
                "mean_kb": round(mix.kilobytes(kind), 1),
                "share": round(share, 4),
            }
            for kind, share in mix.weights.items()
        },
        source="shop" if sources else "drawn",
        deadline=DEADLINE,
        threads=folder.settings.inference_threads,
        slots=folder.settings.slots,
        environment=UNLIMITED,
        versions=_versions(),
        machine=this_machine(),
        ways=tuple(ways),
    )
    name = "".join(c if c.isalnum() else "-" for c in plan.mix)
    atomic.write_json(folder.root / PLACE / f"serve-{name}.json", asdict(result))
    return result


def shop_pictures(folder: ShopFolder, count: int = SOURCES) -> list[bytes]:
    """Pictures of a shop's goods, spread over all of them."""
    with open_database(folder.database).reading() as connection:
        files = [folder.photo(photo.sha256, photo.suffix) for photo in list_photos(connection)]
    present = [file for file in files if file.is_file()]
    return [file.read_bytes() for file in present[:: max(1, len(present) // count)][:count]]


def _commands(
    folder: ShopFolder, bundle: Bundle, baselines: Sequence[str]
) -> dict[WayName, list[str]]:
    if unknown := sorted(set(baselines) - set(BASELINES)):
        raise EvaluationError(
            f"There is no baseline {', '.join(unknown)}.", hint=f"There are {', '.join(BASELINES)}."
        )
    commands: dict[WayName, list[str]] = {
        "vitrina": serve_command(folder.root, bundle.info.version)
    }
    if "plain" in baselines:
        commands["plain"] = plain_command(bundle.folder)
    if "keras" in baselines:
        commands["keras"] = baseline_command(folder.runs / bundle.info.run)
    return commands


def _measure(
    way: WayName,
    command: Sequence[str],
    plan: LoadPlan,
    mix: PhotoMix,
    generator: LoadGenerator,
    bar: Bar,
) -> WayFigures:
    environment = UNLIMITED if way == "vitrina" else {}
    first = next(photo for photo, kind in zip(mix.photos, mix.kinds, strict=True) if kind != "bad")
    starts = []
    for _ in range(plan.starts - 1):
        with ServerProcess(command, environment=environment) as server:
            starts.append(_first_answer(server, first.content, first.media_type))
        bar.advance(note=f"first answer after {starts[-1]:.0f} ms")
    with ServerProcess(command, environment=environment) as server:
        starts.append(_first_answer(server, first.content, first.media_type))
        bar.advance(note=f"first answer after {starts[-1]:.0f} ms")
        time.sleep(_IDLE_SECONDS)  # what it does after its first answer is over then
        idle = held_now(server.pid).resident_mb
        load = ServerLoad(server, generator, mix, arrivals=plan.arrivals, seed=plan.seed)
        left_out = tuple(kind for kind in mix.weights if kind != "bad" and not load.takes(kind))
        for kind in left_out:
            mix = mix.without(kind)
            load = ServerLoad(server, generator, mix, arrivals=plan.arrivals, seed=plan.seed)
        in_turn = load.one_at_a_time(plan.in_turn)
        bar.advance(note=f"{in_turn.p50:.1f} ms, one at a time")
        low = load.offer(plan.low_rate, plan.low_seconds)
        bar.advance(note=f"{low.accepted.p50:.1f} ms at {plan.low_rate:g} a second")
        sustained, steps = _sustained(load, plan, in_turn)
        bar.advance(note=f"{sustained.rate:.0f} a second")
        flood = None
        if plan.heic_flood and load.takes("heic"):
            flood = load.heic_flood(sustained.rate / 2, plan.heic_flood, plan.confirm_seconds)
        overload = None
        if plan.overload_seconds:
            overload = load.overload(2 * sustained.rate, plan.overload_seconds)
        bar.advance()
        end = held_now(server.pid).resident_mb
    return WayFigures(
        way=way,
        left_out=left_out,
        cold_start_ms=_spread(starts),
        idle_mb=idle,
        one_at_a_time=in_turn,
        low=low,
        sustained=sustained,
        steps=steps,
        flood=flood,
        overload=overload,
        end_mb=end,
    )


def _sustained(
    load: ServerLoad, plan: LoadPlan, in_turn: Latency
) -> tuple[RoundFigures, tuple[Step, ...]]:
    if plan.rate is not None:
        return load.offer(plan.rate, plan.confirm_seconds), ()
    found = find_sustainable_rate(
        lambda rate: load.offer(rate, plan.step_seconds),
        lambda rate: load.offer(rate, plan.confirm_seconds),
        # one at a time leaves the processor idle now and then, so this is well below the limit
        start=1e3 / in_turn.p50,
        deadline=DEADLINE,
    )
    return found.confirmed, found.steps


def _first_answer(server: ServerProcess, content: bytes, media_type: str) -> float:
    """Milliseconds from the start of a process to its first answer."""
    server.post(ROUTE, content, media_type)
    return (time.perf_counter() - server.started) * 1e3


def _spread(figures: Sequence[float]) -> Spread:
    ordered = sorted(figures)
    median = ordered[len(ordered) // 2]
    return Spread(median=round(median, 1), low=round(ordered[0], 1), high=round(ordered[-1], 1))


def _versions() -> dict[str, str]:
    versions = {}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions
