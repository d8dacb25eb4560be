"""Budgets as an owner writes them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from comparing import candidate, online
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from vitrina.errors import SettingError
from vitrina.evaluation.budget import describe, excess, parse_budget
from vitrina.evaluation.comparison import Budget, Excess


def test_the_whole_budget() -> None:
    budget = parse_budget("ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=2")
    assert budget == Budget(ram=300, latency=30, cold_start=1000, size=50, cores=2)


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_nothing_is_no_limit(text: str) -> None:
    assert parse_budget(text) == Budget()
    assert describe(Budget()) == ""


@pytest.mark.parametrize(
    ("text", "ram"),
    [
        ("ram=500kB", 0.5),
        ("ram=1.5GB", 1500),
        ("ram=1MiB", 1.048576),
        ("ram=2gib", 2147.483648),
        (" RAM = 300 mb ", 300),
        ("Ram=.5Gb,", 500),
        ("ram=3e2MB", 300),
    ],
)
def test_memory_units(text: str, ram: float) -> None:
    assert parse_budget(text) == Budget(ram=pytest.approx(ram))


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("0.03s", 30), ("30 ms", 30), ("2S", 2000), ("1.5MS", 1.5)]
)
def test_time_units(text: str, milliseconds: float) -> None:
    assert parse_budget(f"cold-start={text}").cold_start == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latncy=30ms", "latency"),
        ("memory=30MB", "ram, latency, cold_start, size, cores"),
        ("latency=30", "ms, s"),
        ("ram=300", "kB, MB, GB, MiB, GiB"),
        ("ram=300ms", "kB, MB, GB, MiB, GiB"),
        ("latency=30MB", "ms, s"),
        ("latency=-5ms", "above 0"),
        ("latency=0ms", "above 0"),
        ("ram=nanMB", "number"),
        ("ram=infMB", "number"),
        ("ram=1e999MB", "above 0"),
        ("ram=MB", "number"),
        ("ram=", "number"),
        ("ram=1.2.3MB", "number"),
        ("ram=1,5GB", "decimals have a point"),
        ("ram", "name"),
        ("=5MB", "ram, latency"),
        ("ram=300MB,RAM=200MB", "twice"),
        ("cores=1.5", "whole number"),
        ("cores=0", "whole number"),
        ("cores=-1", "whole number"),
        ("cores=two", "number"),
        ("cores=2ms", "whole number"),
        ("cores=nan", "number"),
        ("ram=300MB;latency=30ms", "number"),
        ("ram=٣٠٠ мегабайт", "kB, MB"),
    ],
)
def test_what_cannot_be_kept_says_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_budget(text)
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint or "there are" in caught.value.message


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"(ram|size|latency|cores) ?=[0-9a-zA-Z.,= -]{0,12}"))
def test_any_text_is_a_budget_or_a_setting_error(text: str) -> None:
    try:
        budget = parse_budget(text)
    except SettingError:
        return
    assert parse_budget(describe(budget)) == budget


limits = st.none() | st.floats(1e-6, 1e12) | st.integers(1, 10**6).map(float)
budgets = st.builds(
    Budget,
    ram=limits,
    latency=limits,
    cold_start=limits,
    size=limits,
    cores=st.none() | st.integers(1, 512),
)


@settings(max_examples=300, deadline=None)
@given(budgets)
def test_a_described_budget_reads_back(budget: Budget) -> None:
    assert parse_budget(describe(budget)) == budget


def test_the_canonical_spelling() -> None:
    text = "ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=2"
    assert describe(parse_budget(text)) == text
    other = "cores=2, size=0.05gb,COLD-START=1000ms,latency = 30 ms,ram=.3GB"
    assert describe(parse_budget(other)) == text
    assert describe(parse_budget("ram=2000MB,size=1500kB")) == "ram=2GB,size=1.5MB"


def test_excess_names_each_limit_with_both_figures() -> None:
    model = candidate("a", online=online(ram=400, latency=20, cold_start=1500, size=50))
    over = excess(model, parse_budget("ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=1"))
    assert over == (
        Excess(limit="ram", measured=400, allowed=300),
        Excess(limit="cold_start", measured=1500, allowed=1000),
    )
    assert excess(model, Budget()) == ()


def test_what_was_not_measured_is_over_the_limit() -> None:
    (over,) = excess(candidate("a", online=None), Budget(ram=1e9))
    assert math.isnan(over.measured)
    (over,) = excess(candidate("a", online=online(latency=math.nan)), Budget(latency=1e9))
    assert over.limit == "latency"
    assert excess(candidate("a", online=None), Budget(cores=1)) == ()


def test_an_unmeasured_excess_outlives_a_file() -> None:
    record = Excess(limit="ram", measured=math.nan, allowed=300)
    adapter = TypeAdapter(Excess)
    back = adapter.validate_json(adapter.dump_json(record))
    assert math.isnan(back.measured)
    assert replace(back, measured=0) == replace(record, measured=0)
