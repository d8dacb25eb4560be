"""The Pareto picture: accuracy against the time of an answer, memory as the size of a mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import seaborn
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from vitrina.evaluation.report.canvas import (
    INK,
    LIMIT,
    PAPER,
    SOFT,
    chart_settings,
    drawable,
    new_figure,
    write_ticks,
)
from vitrina.evaluation.report.numerals import Numerals, is_figure
from vitrina.evaluation.report.panels import series_colour
from vitrina.evaluation.report.points import Point

_WIDE_RANGE = 8  # from this ratio on, times are drawn on a logarithmic axis


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
    with chart_settings():
        figure = new_figure(5.4, 4.0)
        labels = _draw_pareto(figure.subplots(), points, limit, words, numerals)
        _keep_labels_apart(figure, labels)
    return figure


def _draw_pareto(
    axes: Any,
    points: Sequence[Point],
    limit: float | None,
    words: Mapping[str, str],
    numerals: Numerals,
) -> list[tuple[Any, float]]:
    """Draws the picture.

    Returns:
        Each model's name, to be moved once all is laid out, and the radius of its mark, points.
    """
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
    labels: list[tuple[Any, float]] = []
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
        radius = math.sqrt(max(area, 36)) / 2
        label = axes.annotate(
            drawable(point.title) + (" ★" if point.chosen else ""),
            (point.time, point.top1),
            xytext=(radius + 4, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=INK,
            zorder=4,
        )
        label.set_in_layout(False)
        labels.append((label, radius))
    axes.set_xlabel(words["pareto_time"] if points[0].whole_answer else words["chart_cpu_ms"])
    axes.set_ylabel(words["pareto_accuracy"])
    axes.margins(y=0.1)
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= min(high, 1)])
    axes.set_ylim(max(low, -0.02), min(high, 1.02))  # no room for shares that cannot be
    write_ticks(axes.yaxis, numerals, share=True)
    write_ticks(axes.xaxis, numerals, share=False)
    axes.grid()
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    seaborn.despine(ax=axes)
    return labels


def _keep_labels_apart(figure: Figure, labels: Sequence[tuple[Any, float]]) -> None:
    """Moves each name to that side of its mark where it covers the least of what is there."""
    figure.draw_without_rendering()
    frame = figure.axes[0].bbox
    marks = [_mark_box(label, radius, figure.dpi) for label, radius in labels]
    taken = list(marks)
    for (label, radius), own in zip(labels, marks, strict=True):
        away = radius + 4
        sides = [
            ((away, 0), "left", "center"),
            ((-away, 0), "right", "center"),
            ((4, away), "left", "bottom"),
            ((4, -away), "left", "top"),
            ((-4, away), "right", "bottom"),
            ((-4, -away), "right", "top"),
        ]
        found = []
        for order, (shift, ha, va) in enumerate(sides):
            label.set(position=shift, ha=ha, va=va)
            box = label.get_window_extent()
            inside = frame.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and frame.y0 <= box.y0
            covered = sum(bool(box.overlaps(other)) for other in taken if other is not own)
            found.append((not inside, covered, order, box))
        *_, order, box = min(found, key=lambda each: each[:3])
        shift, ha, va = sides[order]
        label.set(position=shift, ha=ha, va=va)
        taken.append(box)


def _mark_box(label: Any, radius: float, dpi: float) -> Any:
    x, y = label.axes.transData.transform(label.xy)
    pixels = radius * dpi / 72
    return Bbox([[x - pixels, y - pixels], [x + pixels, y + pixels]])
