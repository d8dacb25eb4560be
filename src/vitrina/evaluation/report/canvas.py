"""What all charts share: font, colours, ticks, and the way into a page or a file.

A chart is a `Figure` of its own, drawn without pyplot. Needs the train extra (matplotlib).
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from vitrina import atomic
from vitrina.evaluation.report.inline_svg import inline_svg
from vitrina.evaluation.report.numerals import Numerals
from vitrina.evaluation.report.panels import SERIES

INK, SOFT, LINE, PAPER, LIMIT = "#1d1c1a", "#605d57", "#dfdcd5", "#ffffff", "#93261d"
PAGE_COLOURS = {
    INK: "var(--ink)",
    SOFT: "var(--ink-soft)",
    LINE: "var(--line)",
    PAPER: "var(--surface)",
    LIMIT: "var(--bad)",
} | {colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, 1)}

_FONT = "DejaVu Sans"  # comes with matplotlib and has Cyrillic
_LONGEST_LABEL = 22
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


def drawable(text: str) -> str:
    """The text with a box for every sign that the charts' font lacks, cut where it is long."""
    known = _known_signs()
    shown = "".join(sign if ord(sign) in known else "□" for sign in " ".join(text.split()))
    return shown if len(shown) <= _LONGEST_LABEL else f"{shown[: _LONGEST_LABEL - 1]}…"


def as_svg(figure: Figure, *, name: str, title: str) -> str:
    """The chart as an `<svg>` element that takes the page's colours; see `inline_svg`."""
    file = io.StringIO()
    with chart_settings():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return inline_svg(file.getvalue(), name=name, title=title, colours=PAGE_COLOURS)


def write_png(figure: Figure, path: Path) -> None:
    """Puts the chart at `path` as a PNG on white."""
    file = io.BytesIO()
    with chart_settings():
        figure.savefig(file, format="png", dpi=130, facecolor=PAPER)
    atomic.write_bytes(path, file.getvalue())


def write_ticks(axis: Any, numerals: Numerals, share: bool) -> None:
    """Has the ticks of an axis written in the language of the page."""

    def write(value: float, _position: int | None = None) -> str:
        if share:
            return numerals.percent(value, 0 if float(round(100 * value, 6)).is_integer() else 1)
        return numerals.short(value)

    axis.set_major_formatter(FuncFormatter(write))


def finite(value: float | None) -> float:
    """The value; NaN, which is drawn as a gap, where there is none."""
    return value if value is not None and math.isfinite(value) else math.nan


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; inches."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def chart_settings() -> Iterator[None]:
    """Font and colours of the charts, for what is drawn in this block."""
    with matplotlib.rc_context(_SETTINGS):
        yield


@cache
def _known_signs() -> frozenset[int]:
    font = get_font(findfont(FontProperties(family=_FONT)))
    return frozenset(font.get_charmap())
