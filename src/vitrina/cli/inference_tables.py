"""What `vitrina bench inference` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitrina.cli.output import percent, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from vitrina.bench.inference import InferenceBenchmark, Row


def print_inference(console: Console, result: InferenceBenchmark) -> None:
    """The floor of each network, then every way."""
    units = ", ".join(result.vector_units) or "not known"
    console.print(
        f"{result.machine.processor}, {result.machine.cores} cores, {units}; "
        f"{result.rounds} rounds in turns"
        + ("" if result.others is None else f"; other work took {percent(result.others)} of them")
    )
    console.print(
        f"Matrix products on one thread: {result.giga_products:.1f} G multiply-adds a second"
    )
    for name, floor in result.floor_ms.items():
        if floor:
            work = result.multiply_adds[name] / 1e9
            console.print(f"{name}: {work:.3f} G multiply-adds; floor {floor:.2f} ms on one thread")
        print_table(
            console,
            ("way", "at once", "ms", "a second", "cpu ms", "time", "floor", "start", "MB"),
            [
                (
                    _way(row), row.callers, f"{row.ms:.2f}", f"{row.photos_per_second:.0f}",
                    f"{row.processor_ms:.2f}", f"{row.ratio:.2f}",
                    "-" if row.floor_share is None else percent(row.floor_share),
                    f"{row.started.seconds * 1e3:.0f}", f"{row.started.memory_mb:.0f}",
                )
                for row in result.rows
                if row.name == name
            ],
        )  # fmt: skip
    console.print(
        "ms: wall time of one photo; a second: photos, all callers together; cpu ms: of all "
        "threads, for one photo, which hardly changes when others work beside it; time: share of "
        "the processor time of fp32 in ONNX Runtime; floor: share of cpu ms in which all "
        "products could have been made; start: ms until the first answer."
    )


def _way(row: Row) -> str:
    engine = {"onnxruntime": "ORT", "openvino": "OV"}.get(row.engine, row.engine)
    plain = f"{row.precision} {engine} {row.threads}T"
    return f"{plain}, {row.choice}" if row.choice else plain
