"""The charts of the page as `<svg>` elements, each with a text that says what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.canvas import as_svg
from vitrina.evaluation.report.charts import bar_chart, curve_chart
from vitrina.evaluation.report.numerals import Numerals, is_figure
from vitrina.evaluation.report.panels import (
    Panel,
    offline_panels,
    online_panels,
    series_colour,
)
from vitrina.evaluation.report.pareto import pareto_chart
from vitrina.evaluation.report.points import pareto_points


@dataclass(frozen=True)
class Curves:
    """How one model learned.

    Attributes:
        title: What people call it.
        charts: Loss and accuracy.
    """

    title: str
    charts: tuple[Markup, ...]


@dataclass(frozen=True)
class Drawings:
    """All charts of a page.

    Attributes:
        pareto: Accuracy against the time of an answer; empty where nothing was measured.
        left_out: Models that are not in that picture.
        offline: A bar chart of each offline figure.
        online: A bar chart of each online figure.
        curves: Of each model that has a history.
    """

    pareto: Markup
    left_out: tuple[str, ...]
    offline: tuple[Markup, ...]
    online: tuple[Markup, ...]
    curves: tuple[Curves, ...]


def draw_page(comparison: Comparison, words: Mapping[str, str], numerals: Numerals) -> Drawings:
    """Draws every chart of a page."""
    shown = {point.position for point in pareto_points(comparison)}
    return Drawings(
        pareto=_pareto(comparison, words, numerals),
        left_out=tuple(
            candidate.title or candidate.backbone
            for position, candidate in enumerate(comparison.candidates)
            if position not in shown
        ),
        offline=tuple(_bars(each, words, numerals) for each in offline_panels(comparison, words)),
        online=tuple(_bars(each, words, numerals) for each in online_panels(comparison, words)),
        curves=tuple(
            _curves(candidate, position, words, numerals)
            for position, candidate in enumerate(comparison.candidates)
            if candidate.history
        ),
    )


def _bars(panel: Panel, words: Mapping[str, str], numerals: Numerals) -> Markup:
    figure = bar_chart(panel.bars, title=panel.title, share=panel.share, numerals=numerals)
    write = numerals.percent if panel.share else numerals.number
    told = ", ".join(f"{bar.label} {write(bar.reading.value)}" for bar in panel.bars)
    title = words["chart_alt"].format(title=panel.title, bars=told)
    return Markup(as_svg(figure, name=f"bars-{panel.name}", title=title))  # noqa: S704


def _pareto(comparison: Comparison, words: Mapping[str, str], numerals: Numerals) -> Markup:
    points = pareto_points(comparison)
    if not points:
        return Markup()
    told = []
    for point in points:
        known = point.memory is not None
        told.append(
            words["pareto_alt_point_memory" if known else "pareto_alt_point"].format(
                model=point.title,
                top1=numerals.percent(point.top1),
                time=words["unit_ms"].format(value=numerals.number(point.time)),
                memory=words["unit_mb"].format(value=numerals.number(point.memory)),
            )
        )
    # a limit on the whole answer says nothing about one inference
    limit = comparison.budget.latency if points[0].whole_answer else None
    figure = pareto_chart(points, limit=limit, words=words, numerals=numerals)
    title = words["pareto_alt"].format(points="; ".join(told))
    return Markup(as_svg(figure, name="pareto", title=title))  # noqa: S704


def _curves(
    candidate: Candidate, position: int, words: Mapping[str, str], numerals: Numerals
) -> Curves:
    charts = []
    title = candidate.title or candidate.backbone
    for name in ("loss", "accuracy"):
        figure = curve_chart(
            candidate.history,
            name,
            colour=series_colour(position),
            words=words,
            numerals=numerals,
        )
        watched = [
            value
            for epoch in candidate.history
            if (value := epoch.get(f"val_{name}")) is not None and is_figure(value)
        ]
        write = numerals.percent if name == "accuracy" else numerals.number
        told = words["curve_alt"].format(
            model=title,
            title=words[f"curve_{name}"],
            epochs=len(candidate.history),
            first=write(watched[0] if watched else None),
            last=write(watched[-1] if watched else None),
        )
        svg = as_svg(figure, name=f"curve-{position}-{name}", title=told)
        charts.append(Markup(svg))  # noqa: S704
    return Curves(title, tuple(charts))
