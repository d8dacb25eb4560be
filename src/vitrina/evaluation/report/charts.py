"""Charts of a comparison: bars of each figure and learning curves; all of them as pictures.

Needs the train extra (matplotlib, seaborn).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import seaborn
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.canvas import (
    INK,
    SOFT,
    chart_settings,
    drawable,
    finite,
    new_figure,
    write_png,
    write_ticks,
)
from vitrina.evaluation.report.numerals import Numerals, is_figure
from vitrina.evaluation.report.panels import Bar, Panel, offline_panels, online_panels
from vitrina.evaluation.report.pareto import pareto_chart
from vitrina.evaluation.report.points import pareto_points
from vitrina.evaluation.report.texts import texts


def bar_chart(bars: Sequence[Bar], *, title: str, share: bool, numerals: Numerals) -> Figure:
    """One figure of every model, one bar a model; whiskers where there is an interval."""
    with chart_settings():
        figure = new_figure(4.2, 0.75 + 0.36 * max(len(bars), 1))
        _draw_bars(figure.subplots(), bars, title, share, numerals)
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
    with chart_settings():
        figure = new_figure(4.2, 2.6)
        axes = figure.subplots()
        numbers = range(1, len(history) + 1)
        for key, label, dashes in (
            (name, words["curve_train"], "--"),
            (f"val_{name}", words["curve_watched"], "-"),
        ):
            values = [finite(epoch.get(key)) for epoch in history]
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
        axes.set_xlim(0.5, max(len(history), 1) + 0.5)
        write_ticks(axes.yaxis, numerals, share)
        axes.grid(axis="y")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=9)
        seaborn.despine(ax=axes)
    return figure


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
    with chart_settings():
        for name, panels in (
            ("offline", offline_panels(comparison, words)),
            ("online", online_panels(comparison, words)),
        ):
            if panels:
                write_png(_panel_figure(panels, numerals), folder / f"{name}.png")
                written.append(folder / f"{name}.png")
    points = pareto_points(comparison)
    if points:
        limit = comparison.budget.latency if points[0].whole_answer else None
        figure = pareto_chart(points, limit=limit, words=words, numerals=numerals)
        write_png(figure, folder / "pareto.png")
        written.append(folder / "pareto.png")
    return written


def _panel_figure(panels: Sequence[Panel], numerals: Numerals) -> Figure:
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    most = max(len(panel.bars) for panel in panels)
    figure = new_figure(4.2 * columns, rows * (0.75 + 0.36 * most))
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, panel in zip(places, panels, strict=False):
        _draw_bars(axes, panel.bars, panel.title, panel.share, numerals)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    return figure


def _draw_bars(axes: Any, bars: Sequence[Bar], title: str, share: bool, numerals: Numerals) -> None:
    values = [finite(bar.reading.value) for bar in bars]
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
