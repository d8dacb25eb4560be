"""The figures of both tables, in their order: one list for HTML, charts and CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from vitrina.evaluation.candidate import OfflineRecord, OnlineRecord, SetFigures, Spread

Record = TypeVar("Record")


@dataclass(frozen=True)
class Reading:
    """One figure of one model.

    Attributes:
        value: In the measure's unit; shares are 0 to 1.
        low: Lower end of its interval or spread; None where there is none.
        high: Upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Measure(Generic[Record]):
    """A figure that every model has.

    Attributes:
        name: Its column in comparison.csv; texts are found by it.
        better: Which way is better.
        read: Takes it from a record.
        share: Whether it is a share, shown as a percentage.
        charted: Whether it has a bar chart of its own.
    """

    name: str
    better: Literal["more", "less"]
    read: Callable[[Record], Reading]
    share: bool = False
    charted: bool = True


def _top1(figures: SetFigures) -> Reading:
    return Reading(figures.top1, *figures.top1_interval)


def _top3(figures: SetFigures) -> Reading:
    return Reading(figures.top3, *figures.top3_interval)


def _spread(spread: Spread) -> Reading:
    return Reading(spread.median, spread.low, spread.high)


OFFLINE: tuple[Measure[OfflineRecord], ...] = (
    Measure("top1", "more", lambda record: _top1(record.test), share=True),
    Measure("top3", "more", lambda record: _top3(record.test), share=True),
    Measure("phone_top1", "more", lambda record: _top1(record.phone), share=True),
    Measure("phone_top3", "more", lambda record: _top3(record.phone), share=True),
    Measure("loss", "less", lambda record: Reading(record.test.loss)),
    Measure("macro_f1", "more", lambda record: Reading(record.test.macro_f1), share=True),
    Measure(
        "calibration_error",
        "less",
        lambda record: Reading(record.test.calibration_error),
        share=True,
    ),
    Measure("size_mb", "less", lambda record: Reading(record.size_mb)),
    Measure("parameters_m", "less", lambda record: Reading(record.parameters_m)),
    Measure("cpu_ms", "less", lambda record: Reading(record.cpu_ms)),
    Measure("cpu_ms_p50", "less", lambda record: Reading(record.cpu_ms_p50), charted=False),
    Measure("cpu_ms_p95", "less", lambda record: Reading(record.cpu_ms_p95), charted=False),
    Measure("evaluation_s", "less", lambda record: Reading(record.evaluation_s)),
)
"""Measured on test photos (the study's figure 4, and beyond it)."""

ONLINE: tuple[Measure[OnlineRecord], ...] = (
    Measure("inference_time_ms", "less", lambda record: _spread(record.inference_time_ms)),
    Measure("cold_start_ms", "less", lambda record: _spread(record.cold_start_ms)),
    Measure("ram_usage_mb", "less", lambda record: _spread(record.ram_usage_mb)),
    Measure("cpu_percent", "less", lambda record: _spread(record.cpu_percent)),
    Measure("model_size_mb", "less", lambda record: Reading(record.model_size_mb)),
    Measure("request_ms", "less", lambda record: _spread(record.request_ms)),
)
"""Measured in a running server (the study's table 1, and the whole answer)."""
