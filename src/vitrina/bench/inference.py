"""`vitrina bench inference`: what one photo costs in the network, set up in every way that counts.

Ways take turns, so that what else the machine does falls on all of them alike; figures are medians
over the rounds, and every one is also told as a share of how Vitrina serves. Beside them stands
the floor: how fast this processor multiplies matrices that fit into its caches, times how much the
network multiplies. No way of running it is faster than that in the same precision.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from vitrina.bench.inference_worker import Started, Turn, Way, Worker, multiply_adds_per_second
from vitrina.bench.measured_networks import Measured
from vitrina.encoder import SERVING, Engine, SessionChoices, openvino_installed
from vitrina.machine import Machine, this_machine, usable_cores, vector_units
from vitrina.progress import SILENT, Progress

CALLERS = (1, 2)
_SECONDS_A_TURN = 0.25
_IDLE_SECONDS = 0.3

OTHER_CHOICES: Mapping[str, SessionChoices] = {
    "threads that spin": replace(SERVING, spinning=True),
    "no arena": replace(SERVING, arena=False),
    "graph: extended": replace(SERVING, optimisation="extended"),
    "graph: basic": replace(SERVING, optimisation="basic"),
}
"""Each differs from how Vitrina serves in one thing."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way, with so many callers at the same time.

    Attributes:
        name: Of the network.
        precision: fp32 or int8.
        engine: onnxruntime or openvino.
        threads: For one inference.
        choice: What is set up otherwise than Vitrina serves; empty: nothing.
        callers: Photos at the same time.
        ms: Wall milliseconds of one photo.
        photos_per_second: All callers together.
        processor_ms: For one photo, all threads.
        ratio: Of `processor_ms` to that of fp32 in ONNX Runtime with the same threads and callers,
            as Vitrina serves it, the median over rounds.
        floor_share: Share of `processor_ms` in which all its products could have been made; None
            for whole numbers, which have another floor, and where products were not counted.
        started: What it took to have it ready.
    """

    name: str
    precision: str
    engine: Engine
    threads: int
    choice: str
    callers: int
    ms: float
    photos_per_second: float
    processor_ms: float
    ratio: float
    floor_share: float | None
    started: Started


@dataclass(frozen=True, kw_only=True)
class InferenceBenchmark:
    """What was measured.

    Attributes:
        rows: Every way.
        multiply_adds: Of each network, by name; 0 where it is not known.
        floor_ms: Of each network, by name, on one thread; 0 where it is not known. On n threads it
            is an n-th of that.
        giga_products: Multiply-adds a second of matrix products on one thread, 10^9.
        rounds: How many turns each way had.
        others: Share of the processors that other work took while nothing was timed, the median;
            None where the system does not tell it.
        machine: Where.
        vector_units: Instructions that this processor has for it.
    """

    rows: tuple[Row, ...]
    multiply_adds: Mapping[str, int]
    floor_ms: Mapping[str, float]
    giga_products: float
    rounds: int
    others: float | None
    machine: Machine
    vector_units: tuple[str, ...]


def benchmark_inference(
    networks: Sequence[Measured],
    rounds: int = 9,
    threads: Sequence[int] = (),
    progress: Progress = SILENT,
) -> InferenceBenchmark:
    """Runs every way in turns.

    Args:
        networks: One after another; processes of one at a time.
        rounds: Turns of each way.
        threads: Numbers of threads to try; 1 and 2 where empty, as far as there are cores.
        progress: Where the work reports to.
    """
    tried = tuple(threads) or tuple(sorted({1, min(2, usable_cores())}))
    rows: list[Row] = []
    rate = 0.0
    measured = []
    others: list[float] = []
    for network in networks:
        turns, started, products, idle = _measure(network, tried, rounds, progress)
        others += idle
        rate = max(rate, products)
        measured.append((network, turns, started))
    floors = {network.name: network.multiply_adds / rate * 1e3 for network in networks}
    for network, turns, started in measured:
        rows += _rows(network.name, turns, started, floors[network.name])
    return InferenceBenchmark(
        rows=tuple(rows),
        multiply_adds={network.name: network.multiply_adds for network in networks},
        floor_ms=floors,
        giga_products=rate / 1e9,
        rounds=rounds,
        others=statistics.median(others) if others else None,
        machine=this_machine(),
        vector_units=vector_units(),
    )


def ways(precisions: Iterable[str], threads: Sequence[int]) -> list[tuple[str, Way]]:
    """Every way, with the name of what differs from how Vitrina serves."""
    engines: list[Engine] = ["onnxruntime"]
    if openvino_installed():
        engines.append("openvino")
    tried = [
        ("", Way(precision, engine, number))
        for precision in precisions
        for engine in engines
        for number in threads
    ]
    tried += [
        (name, Way("fp32", "onnxruntime", threads[0], choices))
        for name, choices in OTHER_CHOICES.items()
    ]
    # one thread that spins has nothing to wait for
    tried += [
        (name, replace(way, threads=threads[-1]))
        for name, way in tried
        if way.choices.spinning and threads[-1] != way.threads
    ]
    return [each for each in tried if not each[1].choices.spinning or each[1].threads > 1]


Key = tuple[str, Way, int]


def _measure(
    network: Measured, threads: Sequence[int], rounds: int, progress: Progress
) -> tuple[dict[Key, list[Turn]], dict[Way, Started], float, list[float]]:
    tried = ways(network.files, threads)
    with ExitStack() as stack:

        def worker(model: Path | None, way: Way) -> Worker:
            made = Worker(model, way)
            stack.callback(made.close)
            return made

        with progress.step(f"Starting {network.name}", len(tried)) as step:
            workers = {}
            for _, way in tried:
                try:
                    workers[way] = worker(network.files[way.precision], way)
                except RuntimeError as error:
                    progress.say(f"{network.name}, {way.engine} {way.precision}: {error}")
                step.advance()
        products = worker(None, Way("fp32", "onnxruntime", 1))
        keys = [
            (name, way, callers) for name, way in tried if way in workers for callers in CALLERS
        ]
        photos = {key: _photos_a_turn(workers[key[1]], key[2]) for key in keys}
        turns: dict[Key, list[Turn]] = {key: [] for key in keys}
        rate = 0.0
        idle: list[float] = []
        with progress.step(f"Measuring {network.name}", rounds) as step:
            for number in range(rounds):
                if (others := _others_share()) is not None:
                    idle.append(others)
                rate = max(rate, multiply_adds_per_second(products.turn(1, 100)))
                # each round begins with another, so that none always follows the same one
                begin = number * len(keys) // rounds
                for key in keys[begin:] + keys[:begin]:
                    turns[key].append(workers[key[1]].turn(key[2], photos[key]))
                step.advance()
        return turns, {way: one.started for way, one in workers.items()}, rate, idle


def _photos_a_turn(worker: Worker, callers: int) -> int:
    return max(3, round(_SECONDS_A_TURN * 1e3 / max(worker.turn(callers, 3).ms, 0.1)))


def _rows(
    name: str,
    turns: Mapping[Key, Sequence[Turn]],
    started: Mapping[Way, Started],
    floor: float,
) -> list[Row]:
    rows = []
    for (choice, way, callers), taken in turns.items():
        plain = turns[("", Way("fp32", "onnxruntime", way.threads), callers)]
        ratios = [
            one.processor_ms / other.processor_ms for one, other in zip(taken, plain, strict=True)
        ]
        processor_ms = statistics.median(turn.processor_ms for turn in taken)
        rows.append(
            Row(
                name=name,
                precision=way.precision,
                engine=way.engine,
                threads=way.threads,
                choice=choice,
                callers=callers,
                ms=statistics.median(turn.ms for turn in taken),
                photos_per_second=statistics.median(turn.photos_per_second for turn in taken),
                processor_ms=processor_ms,
                ratio=statistics.median(ratios),
                floor_share=floor / processor_ms if floor and way.precision == "fp32" else None,
                started=started[way],
            )
        )
    return rows


def _others_share() -> float | None:
    """Share of all processors that is used while this command waits."""
    before = _processor_ticks()
    time.sleep(_IDLE_SECONDS)
    after = _processor_ticks()
    if before is None or after is None:
        return None
    passed = after[1] - before[1]
    return (after[0] - before[0]) / passed if passed else 0.0


def _processor_ticks() -> tuple[int, int] | None:
    """Busy, and all, since the machine was started."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0]
    except OSError:
        return None
    ticks = [int(number) for number in first.split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
