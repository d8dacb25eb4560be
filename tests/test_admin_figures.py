"""What queries and events add up to, by period, and what the server tells of itself."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vitrina.admin.figures import PERIODS, Figures, Outcome, Period, figures
from vitrina.admin.overview import draw
from vitrina.admin.photo_and_words import beside
from vitrina.admin.texts import clock, day, lasting, money, number, percent, share
from vitrina.events.kept import keep
from vitrina.serving.admin_wiring import quantile, resident_mb
from vitrina.serving.metrics import Distribution
from vitrina.store.server_database import ServerDatabase

NOON = datetime(2026, 3, 31, 12, 30).astimezone()


def put(
    database: ServerDatabase,
    moment: datetime,
    decision: str = "category",
    events: tuple[str, ...] = (),
    *,
    milliseconds: float = 10,
    visitor: str = "",
    value: int = 100,
    currency: str = "RUB",
    later: timedelta = timedelta(0),
) -> None:
    at = int(moment.timestamp() * 1000)
    with database.writing() as connection:
        (before,) = connection.execute("SELECT count(*) FROM queries").fetchone()
        query = f"{before:032x}"
        row = {"id": query, "asked": at, "decision": decision, "milliseconds": milliseconds}
        if decision in ("found", "nothing"):
            row["search"] = "text"
        else:
            row |= {"bundle": "b", "category": "lamps", "confidence": 0.9}
        received = at + int(later.total_seconds() * 1000)
        empty = dict.fromkeys(("category", "sku", "position", "value_minor", "currency"))
        kept = [
            {"query_id": query, "id": str(number), "received": received, "kind": kind, **empty}
            for number, kind in enumerate(events)
        ]
        for one in kept:
            if one["kind"] == "order":
                one.update(value_minor=value, currency=currency)
        keep(connection, [row], kept, [(query, visitor)] if visitor else [])


def found(database: ServerDatabase, period: Period, now: datetime = NOON) -> Figures:
    with database.reading() as connection:
        return figures(connection, period, now)


@pytest.fixture
def database(tmp_path: Path) -> ServerDatabase:
    return ServerDatabase(tmp_path / "server.db")


def test_nothing_yet(database: ServerDatabase) -> None:
    for period in PERIODS:
        told = found(database, period)
        nothing = Outcome(searches=0, nothing=0, events={}, with_event={}, values={})
        assert (told.photos, told.words, told.visitors) == (nothing, nothing, 0)
        assert told.answer_ms is None
        assert told.bars
        assert all(not bar.parts for bar in draw(told))


def test_periods_begin_at_midnight(database: ServerDatabase) -> None:
    midnight = NOON.replace(hour=0, minute=0)
    for days in (0, 6, 29, 200):
        put(database, midnight - timedelta(days=days))
    put(database, midnight - timedelta(minutes=1))
    assert [found(database, period).photos.searches for period in PERIODS] == [1, 3, 4, 5]
    assert [len(found(database, period).bars) for period in PERIODS] == [24, 7, 30, 12]
    for period in PERIODS:
        told = found(database, period)
        assert sum(bar.total for bar in told.bars) == told.photos.searches, period
    assert found(database, "year").begins == datetime(2025, 4, 1).astimezone()


def test_answers_and_events(database: ServerDatabase) -> None:
    for decision, times in (("category", 6), ("unsure", 3), ("unknown", 1)):
        for _ in range(times):
            put(database, NOON, decision)
    put(database, NOON, events=("click", "click", "order"), visitor="a", value=12345)
    put(database, NOON, events=("chip", "order", "order"), visitor="a", value=100)
    put(database, NOON, events=("wrong", "order"), visitor="b", currency="USD")
    told = found(database, "day")
    assert (told.photos.searches, told.filled, told.unsure, told.unknown) == (13, 9, 3, 1)
    assert told.photos.events == {"chip": 1, "click": 2, "order": 4, "wrong": 1}
    assert told.photos.with_event == {"chip": 1, "click": 1, "order": 3, "wrong": 1}
    assert told.photos.values == {"RUB": 12545, "USD": 100}
    assert told.visitors == 2
    assert told.categories == (("lamps", 9),)
    (bar,) = (one for one in draw(told) if one.parts)
    assert [kind for kind, _, _ in bar.parts] == ["filled", "unsure", "unknown"]
    heights = [height for _, _, height in bar.parts]
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.05)


def test_words_stand_beside_photos(database: ServerDatabase) -> None:
    for _ in range(3):
        put(database, NOON, events=("click", "order"), visitor="a", value=300)
    put(database, NOON, "unknown")
    for decision, events in (("found", ("click",)), ("found", ("order",)), ("nothing", ())):
        put(database, NOON, decision, events, visitor="b", milliseconds=1000, value=50)
    told = found(database, "day")
    assert told.photos == Outcome(
        searches=4, nothing=1, events={"click": 3, "order": 3},
        with_event={"click": 3, "order": 3}, values={"RUB": 900},
    )  # fmt: skip
    assert told.words == Outcome(
        searches=3, nothing=1, events={"click": 1, "order": 1},
        with_event={"click": 1, "order": 1}, values={"RUB": 50},
    )  # fmt: skip
    # what is said of photos alone
    assert (told.filled, told.visitors, told.answer_ms) == (3, 1, (10, 10))
    assert told.categories == (("lamps", 3),)
    assert sum(bar.total for bar in told.bars) == 4
    compared = beside(told)
    assert (compared.judged, compared.verdict) == ("order", "open")
    assert compared.shares == pytest.approx((0.75, 1 / 3))


def test_an_order_belongs_to_the_day_of_its_search(database: ServerDatabase) -> None:
    """Otherwise more searches of a day could lead to an order than there were."""
    yesterday = NOON - timedelta(days=1)
    put(database, yesterday, events=("order",), later=timedelta(hours=20))
    put(database, yesterday, "found", ("order",), later=timedelta(hours=20))
    put(database, NOON)
    today, week = found(database, "day"), found(database, "week")
    assert (today.photos.with_event, today.words.with_event) == ({}, {})
    assert (week.photos.with_event, week.words.with_event) == ({"order": 1}, {"order": 1})


@pytest.mark.parametrize(
    ("photos", "words", "verdict"),
    [(300, 60, "more"), (60, 300, "less"), (105, 100, "open"), (0, 0, "open")],
)
def test_what_is_said_of_both(photos: int, words: int, verdict: str) -> None:
    def side(ordered: int) -> Outcome:
        counts = {"click": 500, **({"order": ordered} if ordered else {})}
        return Outcome(searches=2000, nothing=0, events=counts, with_event=counts, values={})

    told = Figures(
        period="day", begins=NOON, photos=side(photos), words=side(words), filled=0, unsure=0,
        unknown=0, visitors=0, answer_ms=None, bars=(), categories=(),
    )  # fmt: skip
    compared = beside(told)
    assert (compared.judged, compared.verdict) == ("order" if photos else "click", verdict)
    assert compared.knows_orders == bool(photos)
    assert compared.can_compare


def test_times_of_answers(database: ServerDatabase, tmp_path: Path) -> None:
    for milliseconds in range(1, 102):
        put(database, NOON, milliseconds=milliseconds)
    assert found(database, "day").answer_ms == (51, 96)
    only = ServerDatabase(tmp_path / "one.db")
    put(only, NOON, milliseconds=7)
    assert found(only, "day").answer_ms == (7, 7)


def test_quantiles_of_a_histogram() -> None:
    bounds = (0.01, 0.02, 0.05)
    assert quantile(Distribution([0, 0, 0, 0]), bounds, 0.5) is None
    assert quantile(Distribution([0, 10, 0, 0]), bounds, 0.5) == pytest.approx(0.015)
    assert quantile(Distribution([10, 0, 10, 0]), bounds, 0.95) == pytest.approx(0.047)
    assert quantile(Distribution([0, 0, 0, 4]), bounds, 0.5) == 0.05


def test_memory_is_told() -> None:
    told = resident_mb()
    assert told is not None
    assert 10 < told < 10_000
    assert time.process_time() > 0


def test_how_it_is_written() -> None:
    assert number(1290.5, "ru", 1) == "1\u00a0290,5"
    assert number(1290.5, "en", 1) == "1,290.5"
    assert share(1, 0, "ru") == "—"
    assert [share(part, 200, "en") for part in (0, 1, 20, 200)] == ["0%", "0.5%", "10%", "100%"]
    assert percent(0.914, "ru", 1) == "91,4\u00a0%"
    assert percent(-0.153, "ru", 1) == "\u221215,3\u00a0%"
    assert money(129050, "RUB", "ru") == "1\u00a0290,50\u00a0₽"
    assert money(5, "USD", "en") == "$0.05"
    assert (day(NOON, "ru"), day(NOON, "en")) == ("31.03.2026", "2026-03-31")
    assert clock(NOON, "en") == "2026-03-31\u00a012:30"
    assert [lasting(hours, "en") for hours in (0.25, 3, 72)] == [
        "15\u00a0min",
        "3.0\u00a0h",
        "3\u00a0days",
    ]
