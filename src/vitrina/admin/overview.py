"""What shoppers looked for with photos, what they were told, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin.figures import PERIODS, Bar, Figures, Period, figures
from vitrina.admin.photo_and_words import STEPS, beside
from vitrina.admin.screens import Screens
from vitrina.admin.sessions import Session
from vitrina.store.shown import list_categories

_WIDTH, _HEIGHT = 640, 170
_FOOT = 26
"""Of the chart, units: for what stands under the bars."""


@dataclass(frozen=True)
class DrawnBar:
    """A bar of the chart.

    Attributes:
        x: Its left edge.
        width: Its width.
        parts: Of each kind of answer, from below: its name, its upper edge, its height.
        label: Under it; empty where its neighbours' would be too near.
        bar: What it shows.
    """

    x: float
    width: float
    parts: tuple[tuple[str, float, float], ...]
    label: str
    bar: Bar


def routes(screens: Screens) -> list[Route]:
    """The first page."""

    def show(request: Request, session: Session) -> Response:
        asked = request.query_params.get("period", "week")
        period: Period = next((one for one in PERIODS if one == asked), "week")
        screens.shop.settle()
        with screens.shop.database.reading() as connection:
            found = figures(connection, period)
        language = screens.language(request)
        return screens.render(
            request,
            "overview.html",
            session,
            periods=PERIODS,
            figures=found,
            beside=beside(found),
            steps=STEPS,
            bars=draw(found),
            width=_WIDTH,
            height=_HEIGHT,
            foot=_FOOT,
            names=_category_names(screens, language),
            live=screens.shop.live(),
        )

    return [Route("/", screens.show(show))]


def draw(found: Figures) -> list[DrawnBar]:
    """The chart's bars, in its own units."""
    most = max((bar.total for bar in found.bars), default=0) or 1
    step = _WIDTH / len(found.bars)
    tall = _HEIGHT - _FOOT - 4
    every = max(1, round(len(found.bars) / 8))
    form = {"day": "%H:00", "year": "%m.%y"}.get(found.period, "%d.%m")
    drawn = []
    for place, bar in enumerate(found.bars):
        parts, below = [], float(_HEIGHT - _FOOT)
        for kind in ("filled", "unsure", "unknown"):
            height = tall * getattr(bar, kind) / most
            below -= height
            if height:
                parts.append((kind, round(below, 2), round(height, 2)))
        label = bar.begins.strftime(form) if place % every == every // 2 else ""
        gap = min(6.0, step / 4)
        drawn.append(
            DrawnBar(
                round(place * step + gap / 2, 2), round(step - gap, 2), tuple(parts), label, bar
            )
        )
    return drawn


def _category_names(screens: Screens, language: str) -> dict[str, str]:
    with screens.shop.catalogue.asking() as connection:
        return {
            category.slug: (category.name_en if language == "en" else None) or category.name
            for category, _ in list_categories(connection)
        }
