"""What `vitrina bench serve` prints for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console

from vitrina.cli.output import percent, print_table

if TYPE_CHECKING:
    from vitrina.bench.load_figures import Latency
    from vitrina.bench.serve import ServeBenchmark, WayFigures
    from vitrina.bench.server_load import Overload

_WAYS = {
    "vitrina": "vitrina serve",
    "plain": "plain FastAPI, full decode, ONNX Runtime",
    "keras": "the study's way: Keras in the process",
}
_RATIOS = {
    "throughput": "throughput",
    "latency": "latency at a low rate",
    "cold_start": "time to the first answer",
    "idle_memory": "memory, idle",
    "end_memory": "memory, at the end",
}


def print_serving(console: Console, result: ServeBenchmark) -> None:
    """Each way's figures side by side, then how many times better Vitrina is."""
    for name, photos in result.photos.items():
        console.print(
            f"{name}: {percent(photos['share'])} of the requests, {photos['count']:.0f} photos of "
            f"{photos['mean_kb']:.0f} KB",
            highlight=False,
        )
    columns = ("", *(way.way for way in result.ways))
    rows = [(label, *(show(way) for way in result.ways)) for label, show in _ROWS]
    print_table(console, columns, rows)
    if any(way.overload for way in result.ways):
        console.print(f"\nTwice that rate for {result.plan.overload_seconds:g} s", highlight=False)
        rows = [
            (label, *(show(way.overload) if way.overload else "-" for way in result.ways))
            for label, show in _OVERLOAD_ROWS
        ]
        print_table(console, columns, rows)
    for way in result.ways[1:]:
        told = ", ".join(
            f"{_RATIOS[name]} {ratio:.1f}" for name, ratio in result.ratios(way).items()
        )
        console.print(
            f"\nTimes better than {_WAYS[way.way]}: {told}.", highlight=False, soft_wrap=True
        )
    _print_conditions(console, result)


def _print_conditions(console: Console, result: ServeBenchmark) -> None:
    for way in result.ways:
        if way.left_out:
            console.print(
                f"{way.way} takes no {', '.join(way.left_out)} photos: it got none.",
                highlight=False,
            )
        if way.flood is not None:
            console.print(
                f"{way.way}, beside {result.plan.heic_flood:g} HEIC photos a second: p99 of the "
                f"others {way.flood.beside.p99:g} ms, without them {way.flood.alone.p99:g} ms.",
                highlight=False,
                soft_wrap=True,
            )
    machine = result.machine
    console.print(
        f"\n{machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GB; "
        f"{result.backbone}, {result.threads} threads, {result.slots} slots; "
        f"{result.plan.arrivals} arrivals, seed {result.plan.seed}; the sending side on the same "
        f"machine; the server's limit on requests of one client was off; {result.date}.",
        highlight=False,
        soft_wrap=True,
    )


def _three(shown: Latency) -> str:
    return f"{shown.p50:.1f} / {shown.p95:.1f} / {shown.p99:.1f}" if shown.count else "-"


_ROWS: tuple[tuple[str, Callable[[WayFigures], object]], ...] = (
    ("first answer, ms", lambda way: f"{way.cold_start_ms.median:.0f}"),
    ("memory, idle, MB", lambda way: f"{way.idle_mb:.0f}"),
    ("one at a time, ms: p50 / p95 / p99", lambda way: _three(way.one_at_a_time)),
    ("low rate, ms: p50 / p95 / p99", lambda way: _three(way.low.accepted)),
    ("sustained, answers a second", lambda way: f"{way.sustained.goodput:.1f}"),
    ("  ms: p50 / p95 / p99", lambda way: _three(way.sustained.accepted)),
    ("  not answered", lambda way: percent(way.sustained.not_answered)),
    ("  processor, ms a photo", lambda way: f"{way.sustained.cpu_ms:.1f}"),
    ("  processor, % of a core", lambda way: f"{way.sustained.server_cpu_percent:.0f}"),
    ("  of the sending side", lambda way: f"{way.sustained.client_cpu_percent:.0f}"),
    ("  sent too late, ms: p99", lambda way: f"{way.sustained.late_ms_p99:.1f}"),
    ("memory, at the end, MB", lambda way: f"{way.end_mb:.0f}"),
)

_OVERLOAD_ROWS: tuple[tuple[str, Callable[[Overload], object]], ...] = (
    ("offered a second", lambda over: f"{over.figures.rate:.1f}"),
    ("answered in time a second", lambda over: f"{over.figures.goodput:.1f}"),
    ("accepted, ms: p50 / p95 / p99", lambda over: _three(over.figures.accepted)),
    ("refused, ms: p50 / p95 / p99", lambda over: _three(over.figures.refused)),
    ("refused: 429, 503", lambda over: f"{over.figures.refused_429}, {over.figures.refused_503}"),
    ("  without Retry-After", lambda over: over.figures.without_retry_after),
    (
        "no answer: too late, broken, wrong",
        lambda over: f"{over.figures.timed_out}, {over.figures.broken}, {over.figures.wrong}",
    ),
    (
        "memory, MB: before, peak, after",
        lambda over: (
            f"{over.memory_before_mb:.0f}, {over.memory_peak_mb:.0f}, {over.memory_after_mb:.0f}"
        ),
    ),
    (
        "as before after, s",
        lambda over: "-" if over.normal_after is None else f"{over.normal_after:.2f}",
    ),
)
