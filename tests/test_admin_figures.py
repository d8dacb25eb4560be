"""What queries and events add up to, by period, and what the server tells of itself."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vitrina.admin.figures import PERIODS, Figures, Period, figures
from vitrina.admin.overview import draw
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
) -> None:
    at = int(moment.timestamp() * 1000)
    with database.writing() as connection:
        (before,) = connection.execute("SELECT count(*) FROM queries").fetchone()
        query = f"{before:032x}"
        row = {"id": query, "asked": at, "bundle": "b", "decision": decision, "category": "lamps",
               "confidence": 0.9, "milliseconds": milliseconds}  # fmt: skip
        empty = dict.fromkeys(("category", "sku", "position", "value_minor", "currency"))
        kept = [
            {"query_id": query, "id": str(number), "received": at, "kind": kind, **empty}
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
        assert (told.searches, told.visitors, told.events, told.values) == (0, 0, {}, {})
        assert told.answer_ms is None
        assert told.bars
        assert all(not bar.parts for bar in draw(told))


def test_periods_begin_at_midnight(database: ServerDatabase) -> None:
    midnight = NOON.replace(hour=0, minute=0)
    for days in (0, 6, 29, 200):
        put(database, midnight - timedelta(days=days))
    put(database, midnight - timedelta(minutes=1))
    assert [found(database, period).searches for period in PERIODS] == [1, 3, 4, 5]
    assert [len(found(database, period).bars) for period in PERIODS] == [24, 7, 30, 12]
    for period in PERIODS:
        told = found(database, period)
        assert sum(bar.total for bar in told.bars) == told.searches, period
    assert found(database, "year").begins == datetime(2025, 4, 1).astimezone()


def test_answers_and_events(database: ServerDatabase) -> None:
    for decision, times in (("category", 6), ("unsure", 3), ("unknown", 1)):
        for _ in range(times):
            put(database, NOON, decision)
    put(database, NOON, events=("click", "click", "order"), visitor="a", value=12345)
    put(database, NOON, events=("chip", "order", "order"), visitor="a", value=100)
    put(database, NOON, events=("wrong", "order"), visitor="b", currency="USD")
    told = found(database, "day")
    assert (told.searches, told.filled, told.unsure, told.unknown) == (13, 9, 3, 1)
    assert told.events == {"chip": 1, "click": 2, "order": 4, "wrong": 1}
    assert told.with_event == {"chip": 1, "click": 1, "order": 3, "wrong": 1}
    assert told.values == {"RUB": 12545, "USD": 100}
    assert told.visitors == 2
    assert told.categories == (("lamps", 9),)
    (bar,) = (one for one in draw(told) if one.parts)
    assert [kind for kind, _, _ in bar.parts] == ["filled", "unsure", "unknown"]
    heights = [height for _, _, height in bar.parts]
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.05)


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
