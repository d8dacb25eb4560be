"""Charts of a comparison: bars of each figure, the Pareto picture, learning curves.

Each chart is a `Figure` of its own, drawn without pyplot; `as_svg` puts it into a page, `write_png`
into a file. Needs the train extra (matplotlib, seaborn).
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import seaborn
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from vitrina import atomic
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.inline_svg import inline_svg
from vitrina.evaluation.report.measures import OFFLINE, ONLINE, Reading
from vitrina.evaluation.report.numerals import Numerals, is_figure
from vitrina.evaluation.report.points import Point, pareto_points
from vitrina.evaluation.report.texts import texts

INK, SOFT, LINE, PAPER, LIMIT = "#1d1c1a", "#605d57", "#dfdcd5", "#ffffff", "#93261d"
SERIES = (
    "#0f5f57", "#b4531a", "#3b5bb5", "#8a3f8f", "#7a6a00", "#b02a4c", "#2f7d32", "#5a5a5a",
)  # fmt: skip
"""One colour a model, in the order of the comparison; report.css has the same for dark pages."""

PAGE_COLOURS = {
    INK: "var(--ink)",
    SOFT: "var(--ink-soft)",
    LINE: "var(--line)",
    PAPER: "var(--surface)",
    LIMIT: "var(--bad)",
} | {colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, 1)}

_FONT = "DejaVu Sans"  # comes with matplotlib and has Cyrillic
_LONGEST_LABEL = 22
_WIDE_RANGE = 8  # from this ratio on, times are drawn on a logarithmic axis
_SETTINGS = {
    "font.family": _FONT,
    "font.size": 10,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "grid.color": LINE,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.unicode_minus": False,
    "svg.fonttype": "none",  # text stays text: small, and it can be searched and copied
    "svg.hashsalt": "vitrina",
}


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


def series_colour(position: int) -> str:
    """The colour of the model at that place of the comparison."""
    return SERIES[position % len(SERIES)]


def drawable(text: str) -> str:
    """The text with a box for every sign that the charts' font lacks, cut where it is long."""
    known = _known_signs()
    shown = "".join(sign if ord(sign) in known else "□" for sign in " ".join(text.split()))
    return shown if len(shown) <= _LONGEST_LABEL else f"{shown[: _LONGEST_LABEL - 1]}…"


def bar_chart(bars: Sequence[Bar], *, title: str, share: bool, numerals: Numerals) -> Figure:
    """One figure of every model, one bar a model; whiskers where there is an interval."""
    with _settings():
        figure = _new_figure(4.2, 0.75 + 0.36 * max(len(bars), 1))
        _draw_bars(figure.subplots(), bars, title, share, numerals)
    return figure


def pareto_chart(
    points: Sequence[Point], *, limit: float | None, words: Mapping[str, str], numerals: Numerals
) -> Figure:
    """Accuracy against the time of an answer; the size of a mark is memory.

    Args:
        points: At least one.
        limit: Longest time allowed, milliseconds.
        words: Texts of the report.
        numerals: Writes the figures.
    """
    with _settings():
        figure = _new_figure(5.4, 4.0)
        _draw_pareto(figure.subplots(), points, limit, words, numerals)
    return figure


def curve_chart(
    history: Sequence[Mapping[str, float]],
    name: str,
    *,
    colour: str,
    words: Mapping[str, str],
    numerals: Numerals,
) -> Figure:
    """Loss or accuracy over the epochs of both phases.

    Args:
        history: One entry an epoch, as in `Candidate.history`.
        name: "loss" or "accuracy".
        colour: Of the model.
        words: Texts of the report.
        numerals: Writes the figures.
    """
    share = name == "accuracy"
    with _settings():
        figure = _new_figure(4.2, 2.6)
        axes = figure.subplots()
        numbers = range(1, len(history) + 1)
        for key, label, dashes in (
            (name, words["curve_train"], "--"),
            (f"val_{name}", words["curve_watched"], "-"),
        ):
            values = [_finite(epoch.get(key)) for epoch in history]
            if any(map(is_figure, values)):
                axes.plot(
                    numbers, values, dashes, color=colour, label=label, marker=".", markersize=4
                )
        starts = [n for n, epoch in enumerate(history, 1) if epoch.get("phase") == 2]
        if starts and starts[0] > 1:
            axes.axvline(starts[0] - 0.5, color=SOFT, linestyle=":", label=words["curve_phase_2"])
        axes.set_title(words[f"curve_{name}"], loc="left", fontsize=11, color=INK)
        axes.set_xlabel(words["curve_epoch"])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        _write_ticks(axes.yaxis, numerals, share)
        axes.grid(axis="y")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=9)
        seaborn.despine(ax=axes)
    return figure


def as_svg(figure: Figure, *, name: str, title: str) -> str:
    """The chart as an `<svg>` element that takes the page's colours; see `inline_svg`."""
    file = io.StringIO()
    with _settings():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return inline_svg(file.getvalue(), name=name, title=title, colours=PAGE_COLOURS)


def write_png(figure: Figure, path: Path) -> None:
    """Puts the chart at `path` as a PNG on white."""
    file = io.BytesIO()
    with _settings():
        figure.savefig(file, format="png", dpi=130, facecolor=PAPER)
    atomic.write_bytes(path, file.getvalue())


def draw_charts(comparison: Comparison, folder: Path, language: str = "") -> list[Path]:
    """Pictures for documents and slides: `offline.png`, `online.png`, `pareto.png`.

    Args:
        comparison: What to draw; pictures for which it has no figures are left out.
        folder: Where they go.
        language: "ru" or "en"; the shop's own where it is empty.

    Returns:
        The pictures that were written.
    """
    language = language or comparison.language
    words, numerals = texts(language), Numerals(language)
    written = []
    with _settings():
        for name, panels in (
            ("offline", offline_bars(comparison, words)),
            ("online", online_bars(comparison, words)),
        ):
            if panels:
                write_png(_panel_figure(panels, numerals), folder / f"{name}.png")
                written.append(folder / f"{name}.png")
    points = pareto_points(comparison)
    if points:
        limit = comparison.budget.latency
        figure = pareto_chart(points, limit=limit, words=words, numerals=numerals)
        write_png(figure, folder / "pareto.png")
        written.append(folder / "pareto.png")
    return written


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


def offline_bars(comparison: Comparison, words: Mapping[str, str]) -> list[Panel]:
    """Bars of every offline figure that at least one model has."""
    records = [candidate.offline for candidate in comparison.candidates]
    return [
        Panel(measure.name, words[f"chart_{measure.name}"], measure.share, bars)
        for measure in OFFLINE
        if measure.charted
        and (
            bars := _bars(
                comparison, [measure.read(record) if record else None for record in records]
            )
        )
    ]


def online_bars(comparison: Comparison, words: Mapping[str, str]) -> list[Panel]:
    """Bars of every online figure that at least one model has."""
    records = [candidate.online for candidate in comparison.candidates]
    return [
        Panel(measure.name, words[f"chart_{measure.name}"], measure.share, bars)
        for measure in ONLINE
        if (
            bars := _bars(
                comparison, [measure.read(record) if record else None for record in records]
            )
        )
    ]


def _bars(comparison: Comparison, readings: Sequence[Reading | None]) -> tuple[Bar, ...]:
    return tuple(
        Bar(candidate.title or candidate.backbone, reading, series_colour(position))
        for position, (candidate, reading) in enumerate(
            zip(comparison.candidates, readings, strict=True)
        )
        if reading is not None and is_figure(reading.value)
    )


def _panel_figure(panels: Sequence[Panel], numerals: Numerals) -> Figure:
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    most = max(len(panel.bars) for panel in panels)
    figure = _new_figure(4.2 * columns, rows * (0.75 + 0.36 * most))
    places = figure.subplots(rows, columns, squeeze=False).flat
    for axes, panel in zip(places, panels, strict=False):
        _draw_bars(axes, panel.bars, panel.title, panel.share, numerals)
    for axes in list(places)[len(panels) :]:
        axes.set_axis_off()
    return figure


def _draw_bars(axes: Any, bars: Sequence[Bar], title: str, share: bool, numerals: Numerals) -> None:
    values = [_finite(bar.reading.value) for bar in bars]
    order = [str(position) for position in range(len(bars))]  # two models may have one title
    seaborn.barplot(
        x=values,
        y=order,
        hue=order,
        order=order,
        hue_order=order,
        palette=[bar.colour for bar in bars],
        saturation=1,
        width=0.62,
        errorbar=None,
        legend=False,
        orient="h",
        ax=axes,
    )
    ends = [end for bar in bars for end in (bar.reading.value, bar.reading.high) if is_figure(end)]
    longest = max((end for end in ends if end is not None), default=0.0) or 1.0
    for place, bar in enumerate(bars):
        value, low, high = bar.reading.value, bar.reading.low, bar.reading.high
        if not is_figure(value):
            continue
        end = value
        if low is not None and high is not None and is_figure(low) and is_figure(high):
            axes.plot([low, high], [place, place], color=INK, linewidth=1.2, marker="|")
            end = max(value, high)
        written = numerals.percent(value) if share else numerals.number(value)
        axes.text(end + 0.03 * longest, place, written, va="center", fontsize=10, color=INK)
    axes.set_xlim(0, longest * 1.32)
    axes.set_yticks(range(len(bars)), [drawable(bar.label) for bar in bars], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set(xlabel="", ylabel="")
    seaborn.despine(ax=axes, bottom=True)


def _draw_pareto(
    axes: Any,
    points: Sequence[Point],
    limit: float | None,
    words: Mapping[str, str],
    numerals: Numerals,
) -> None:
    times = [point.time for point in points] + ([limit] if limit and is_figure(limit) else [])
    if min(times) > 0 and max(times) / min(times) >= _WIDE_RANGE:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(min(times) / 1.5, max(times) * 2.2)
    else:
        axes.set_xlim(0, max(times) * 1.3)
    edge = sorted((point for point in points if point.on_the_edge), key=lambda point: point.time)
    if len(edge) > 1:
        axes.plot(
            [point.time for point in edge],
            [point.top1 for point in edge],
            color=SOFT,
            linewidth=1,
            linestyle=(0, (4, 3)),
            zorder=1,
            label=words["pareto_edge"],
        )
    if limit is not None and is_figure(limit):
        axes.axvline(limit, color=LIMIT, linewidth=1.4, label=words["pareto_limit"], zorder=1)
    heaviest = max((point.memory for point in points if point.memory), default=None)
    for point in points:
        colour = series_colour(point.position)
        if is_figure(point.low) and is_figure(point.high):
            axes.plot([point.time] * 2, [point.low, point.high], color=colour, linewidth=1)
        area = 420 * (point.memory or 0) / heaviest if heaviest else 0
        axes.scatter(
            [point.time],
            [point.top1],
            s=max(area, 36),
            color=colour,
            edgecolors=INK if point.chosen else PAPER,
            linewidths=2 if point.chosen else 1,
            zorder=3,
        )
        axes.annotate(
            drawable(point.title) + (" ★" if point.chosen else ""),
            (point.time, point.top1),
            xytext=(6 + math.sqrt(max(area, 36)) / 2, 4),
            textcoords="offset points",
            fontsize=10,
            color=INK,
            zorder=4,
        )
    axes.set_xlabel(words["pareto_time"] if points[0].whole_answer else words["chart_cpu_ms"])
    axes.set_ylabel(words["pareto_accuracy"])
    axes.margins(y=0.18)
    _write_ticks(axes.yaxis, numerals, share=True)
    _write_ticks(axes.xaxis, numerals, share=False)
    axes.grid()
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    seaborn.despine(ax=axes)


def _write_ticks(axis: Any, numerals: Numerals, share: bool) -> None:
    def write(value: float, _position: int | None = None) -> str:
        if share:
            return numerals.percent(value, 0 if float(round(100 * value, 6)).is_integer() else 1)
        return numerals.number(value, 0 if float(value).is_integer() else None)

    axis.set_major_formatter(FuncFormatter(write))


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan


def _new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def _settings() -> Iterator[None]:
    with matplotlib.rc_context(_SETTINGS):
        yield


@cache
def _known_signs() -> frozenset[int]:
    font = get_font(findfont(FontProperties(family=_FONT)))
    return frozenset(font.get_charmap())
