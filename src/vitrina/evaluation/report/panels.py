"""The bars of every figure, ready to be drawn: one panel a figure, one bar a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.measures import OFFLINE, ONLINE, Measure, Reading, Record
from vitrina.evaluation.report.numerals import is_figure

SERIES = (
    "#0f5f57", "#b4531a", "#3b5bb5", "#8a3f8f", "#7a6a00", "#b02a4c", "#2f7d32", "#5a5a5a",
)  # fmt: skip
"""One colour a model, in the order of the comparison; report.css renames them on dark pages."""


@dataclass(frozen=True)
class Bar:
    """One model's bar.

    Attributes:
        label: What it is called.
        reading: How long it is; NaN leaves a gap.
        colour: `#rrggbb`.
    """

    label: str
    reading: Reading
    colour: str


@dataclass(frozen=True)
class Panel:
    """The bars of one figure.

    Attributes:
        name: Of the measure.
        title: Its name with its unit.
        share: Whether it is a share.
        bars: One a model that has the figure.
    """

    name: str
    title: str
    share: bool
    bars: tuple[Bar, ...]


def series_colour(position: int) -> str:
    """The colour of the model at that place of the comparison."""
    return SERIES[position % len(SERIES)]


def offline_panels(comparison: Comparison, words: Mapping[str, str]) -> list[Panel]:
    """Bars of every offline figure that at least one model has."""
    return _panels(comparison, OFFLINE, lambda candidate: candidate.offline, words)


def online_panels(comparison: Comparison, words: Mapping[str, str]) -> list[Panel]:
    """Bars of every online figure that at least one model has."""
    return _panels(comparison, ONLINE, lambda candidate: candidate.online, words)


def _panels(
    comparison: Comparison,
    measures: Sequence[Measure[Record]],
    record_of: Callable[[Candidate], Record | None],
    words: Mapping[str, str],
) -> list[Panel]:
    panels = []
    for measure in measures:
        bars = []
        for position, candidate in enumerate(comparison.candidates):
            record = record_of(candidate)
            reading = measure.read(record) if record is not None else None
            if reading and is_figure(reading.value):
                label = candidate.title or candidate.backbone
                bars.append(Bar(label, reading, series_colour(position)))
        if bars and measure.charted:
            title = words[f"chart_{measure.name}"]
            panels.append(Panel(measure.name, title, measure.share, tuple(bars)))
    return panels
