"""What the kept queries and events add up to within a period."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from vitrina.store.connection import PlainConnection
from vitrina.store.dialect import dialect_of

Period = Literal["day", "week", "month", "year"]
PERIODS: tuple[Period, ...] = ("day", "week", "month", "year")

_DAYS: dict[str, int] = {"day": 1, "week": 7, "month": 30, "year": 365}
_BARS: dict[str, str] = {"day": "%H", "week": "%Y-%m-%d", "month": "%Y-%m-%d", "year": "%Y-%m"}


@dataclass(frozen=True)
class Bar:
    """Searches of an hour, a day or a month.

    Attributes:
        begins: Of the hour, day or month, in the server's own time.
        filled: Answers that filled the search box.
        unsure: That asked the shopper.
        unknown: That said the shop has no such thing.
    """

    begins: datetime
    filled: int = 0
    unsure: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All searches."""
        return self.filled + self.unsure + self.unknown


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of the searches of one kind.

    Attributes:
        searches: How many there were.
        nothing: Of those, that found nothing: words without goods, photos of what is not sold.
        events: Events by their kind.
        with_event: Searches with at least one event of that kind.
        values: What was ordered, by currency, in hundredths.
    """

    searches: int
    nothing: int
    events: dict[str, int]
    with_event: dict[str, int]
    values: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One period in numbers.

    Attributes:
        period: Which.
        begins: In the server's own time.
        photos: What came of searches by photo.
        words: What came of searches by words.
        filled: Photos whose answer filled the search box.
        unsure: Whose answer asked the shopper.
        unknown: Whose answer said that the shop has no such thing.
        visitors: Different browsers that sent a photo, or an event of one.
        answer_ms: Median and 95th percentile of a photo's answer; None without any.
        bars: The period, piece by piece.
        categories: Slugs that were seen most often, with how often.
    """

    period: Period
    begins: datetime
    photos: Outcome
    words: Outcome
    filled: int
    unsure: int
    unknown: int
    visitors: int
    answer_ms: tuple[float, float] | None
    bars: tuple[Bar, ...]
    categories: tuple[tuple[str, int], ...]


def figures(connection: PlainConnection, period: Period, now: datetime | None = None) -> Figures:
    """Adds up one period, which ends now.

    Args:
        connection: A question to `server.db`.
        period: A day begins at midnight; the others with the day that many days ago.
        now: In the server's own time.
    """
    moment = now or datetime.now().astimezone()
    begins = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    begins -= timedelta(days=_DAYS[period] - 1)
    if period == "year":
        begins = begins.replace(day=1)
    since = int(begins.timestamp() * 1000)
    # no decision is both a photo's and words'
    decisions = dict(
        connection.execute(
            "SELECT decision, count(*) FROM queries WHERE asked >= ? GROUP BY decision", (since,)
        ).fetchall()
    )
    (visitors,) = connection.execute(
        "SELECT count(DISTINCT visitor) FROM queries WHERE asked >= ? AND search = 'photo'",
        (since,),
    ).fetchone()
    categories = connection.execute(
        "SELECT category, count(*) FROM queries WHERE asked >= ? AND decision = 'category' "
        "GROUP BY category ORDER BY 2 DESC, 1 LIMIT 8",
        (since,),
    ).fetchall()
    searches = sum(decisions.get(one, 0) for one in ("category", "unsure", "unknown"))
    found, nothing = decisions.get("found", 0), decisions.get("nothing", 0)
    return Figures(
        period=period,
        begins=begins,
        photos=_outcome(connection, since, "photo", searches, decisions.get("unknown", 0)),
        words=_outcome(connection, since, "text", found + nothing, nothing),
        filled=decisions.get("category", 0),
        unsure=decisions.get("unsure", 0),
        unknown=decisions.get("unknown", 0),
        visitors=visitors,
        answer_ms=_spread(connection, since, searches),
        bars=_bars(connection, period, begins, moment),
        categories=tuple(categories),
    )


def _outcome(
    connection: PlainConnection,
    since: int,
    search: Literal["photo", "text"],
    searches: int,
    nothing: int,
) -> Outcome:
    """Whatever came of searches since then, whenever it came."""
    counted = connection.execute(
        "SELECT kind, count(*), count(DISTINCT query_id) FROM events "
        "WHERE asked >= ? AND search = ? GROUP BY kind",
        (since, search),
    ).fetchall()
    values = connection.execute(
        "SELECT currency, sum(value_minor) FROM events WHERE asked >= ? AND search = ? "
        "AND kind = 'order' AND currency IS NOT NULL GROUP BY currency ORDER BY 2 DESC",
        (since, search),
    ).fetchall()
    return Outcome(
        searches=searches,
        nothing=nothing,
        events={kind: count for kind, count, _ in counted},
        with_event={kind: count for kind, _, count in counted},
        values=dict(values),
    )


def _spread(connection: PlainConnection, since: int, searches: int) -> tuple[float, float] | None:
    if not searches:
        return None
    at = (int(0.5 * (searches - 1)), int(0.95 * (searches - 1)))
    rows = connection.execute(
        "SELECT place, milliseconds FROM (SELECT milliseconds, "
        "row_number() OVER (ORDER BY milliseconds) - 1 AS place FROM queries "
        "WHERE asked >= ? AND search = 'photo') AS asked WHERE place IN (?, ?)",
        (since, *at),
    ).fetchall()
    found = dict(rows)
    return float(found[at[0]]), float(found[at[1]])


def _bars(
    connection: PlainConnection, period: Period, begins: datetime, now: datetime
) -> tuple[Bar, ...]:
    form = _BARS[period]
    rows = dialect_of(connection).decisions(connection, form, int(begins.timestamp() * 1000))
    counted = {piece: counts for piece, *counts in rows}
    return tuple(
        Bar(piece, *counted.get(piece.strftime(form), ())) for piece in _pieces(period, begins, now)
    )


def _pieces(period: Period, begins: datetime, now: datetime) -> list[datetime]:
    if period == "day":
        return [begins.replace(hour=hour) for hour in range(24)]
    if period == "year":
        months = (now.year - begins.year) * 12 + now.month - begins.month
        first = begins.year * 12 + begins.month - 1
        return [
            begins.replace(year=(first + more) // 12, month=(first + more) % 12 + 1)
            for more in range(months + 1)
        ]
    days = (now.date() - begins.date()).days
    return [begins + timedelta(days=more) for more in range(days + 1)]


def as_local(milliseconds: int) -> datetime:
    """A kept moment in the server's own time."""
    return datetime.fromtimestamp(milliseconds / 1000).astimezone()


def now_ms() -> int:
    """This moment as it is kept."""
    return time.time_ns() // 1_000_000
