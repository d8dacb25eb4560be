"""Which model a shop is told to run."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from comparing import answers, candidate, figures, offline, online
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.evaluation.bootstrap import lead
from vitrina.evaluation.budget import excess, parse_budget
from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.choose import choose
from vitrina.evaluation.comparison import Budget, Choice, Verdict


def right(hits: int, photos: int = 10) -> list[bool]:
    return [number < hits for number in range(photos)]


def verdict(choice: Choice, backbone: str) -> Verdict:
    (found,) = (each for each in choice.verdicts if each.backbone == backbone)
    return found


SMALL = candidate("small", right(6), online=online(ram=100, latency=10, cold_start=300, size=5))
MIDDLE = candidate("middle", right(8), online=online(ram=200, latency=20, cold_start=600, size=9))
LARGE = candidate("large", right(9), online=online(ram=500, latency=80, cold_start=900, size=95))


def test_accuracy_decides_inside_the_budget() -> None:
    choice = choose([SMALL, MIDDLE, LARGE], parse_budget("ram=300MB,latency=30ms"))
    assert (choice.best, choice.nearest) == ("middle", None)
    assert [each.outcome for each in choice.verdicts] == ["less_accurate", "chosen", "over_budget"]
    assert verdict(choice, "middle").lead is None
    assert [each.limit for each in verdict(choice, "large").excess] == ["ram", "latency"]
    assert verdict(choice, "small").excess == ()


def test_leads_are_of_the_best_over_each_even_where_they_are_negative() -> None:
    choice = choose([SMALL, MIDDLE, LARGE], Budget(ram=300))
    small, large = verdict(choice, "small").lead, verdict(choice, "large").lead
    assert small is not None
    assert large is not None
    assert small.points == pytest.approx(20)
    assert large.points == pytest.approx(-10)


def test_without_limits_the_most_accurate_wins() -> None:
    assert choose([SMALL, MIDDLE, LARGE], Budget()).best == "large"


def test_exact_ties_go_to_phone_photos_then_to_the_faster_then_to_the_smaller() -> None:
    hits = right(8)
    plain = candidate("plain", hits, phone=0.4, online=online(latency=5, size=1))
    robust = candidate("robust", hits, phone=0.6, online=online(latency=30, size=30))
    fast = candidate("fast", hits, phone=0.6, online=online(latency=10, size=30))
    light = candidate("light", hits, phone=0.6, online=online(latency=10, size=10))
    choice = choose([plain, robust, fast, light], Budget())
    assert choice.best == "light"
    assert [each.outcome for each in choice.verdicts] == [
        "less_accurate",
        "costlier",
        "costlier",
        "chosen",
    ]
    found = verdict(choice, "robust").lead
    assert found is not None
    assert not found.beyond_noise


def test_where_nothing_is_inside_the_nearest_is_named() -> None:
    # small is over one limit by three times, middle over two by twice
    budget = Budget(ram=100, cold_start=300, latency=10 / 3, size=100)
    middle = replace(MIDDLE, online=online(ram=200, latency=10 / 3, cold_start=600))
    choice = choose([SMALL, middle, LARGE], budget)
    assert (choice.best, choice.nearest) == (None, "middle")
    assert {each.outcome for each in choice.verdicts} == {"over_budget"}
    assert verdict(choice, "middle").lead is None
    ahead = verdict(choice, "large").lead
    assert ahead is not None
    assert ahead.points == pytest.approx(-10)


def test_failed_ones_have_no_say() -> None:
    broken = candidate("broken", failed="weights not found")
    # figures of an earlier run do not count once it has failed
    stale = replace(LARGE, failed="no space left on the disk")
    unmeasured = Candidate(backbone="unmeasured", title="unmeasured")
    no_number = replace(
        MIDDLE,
        backbone="no_number",
        offline=replace(offline(right(10)), test=figures(math.nan)),
    )
    choice = choose([broken, stale, unmeasured, no_number, SMALL], Budget())
    assert choice.best == "small"
    assert [each.outcome for each in choice.verdicts] == [*["failed"] * 4, "chosen"]
    assert all(each.lead is None and not each.on_the_edge for each in choice.verdicts[:4])


@pytest.mark.parametrize("names", ["", "ab"], ids=["nobody", "all failed"])
def test_nothing_to_choose_from(names: str) -> None:
    choice = choose([candidate(name, failed="no weights") for name in names], Budget(ram=1))
    assert (choice.best, choice.nearest) == (None, None)
    assert [each.outcome for each in choice.verdicts] == ["failed"] * len(names)


def test_without_online_figures_only_limits_on_them_keep_a_model_out() -> None:
    offline_only = candidate("offline", right(10))
    assert choose([offline_only, SMALL], Budget(cores=2)).best == "offline"
    choice = choose([offline_only, SMALL], Budget(ram=1000))
    assert choice.best == "small"
    (over,) = verdict(choice, "offline").excess
    assert math.isnan(over.measured)
    # how far it is over is unknown, so it is nobody's nearest
    choice = choose([offline_only], Budget(ram=1000))
    assert (choice.best, choice.nearest) == (None, None)
    assert choice.verdicts[0].outcome == "over_budget"
    assert choose([offline_only, SMALL], Budget(ram=1)).nearest == "small"


def test_leads_join_answers_by_photo_not_by_place() -> None:
    hits = [number % 3 > 0 for number in range(90)]
    shuffled = list(answers(hits))
    random.Random(1).shuffle(shuffled)
    same = candidate("same", hits)
    assert same.offline is not None
    moved = replace(
        same, backbone="moved", offline=replace(same.offline, answers=tuple(shuffled[:80]))
    )
    found = verdict(choose([same, moved], Budget()), "moved").lead
    assert found is not None
    assert found.points == 0
    none = replace(moved, offline=replace(same.offline, answers=()))
    assert verdict(choose([same, none], Budget()), "moved").lead is None


def test_whether_a_lead_is_noise() -> None:
    for photos, sure in ((10, False), (1000, True)):
        a, b = right(photos * 9 // 10, photos), right(photos * 8 // 10, photos)
        found = verdict(choose([candidate("a", a), candidate("b", b)], Budget()), "b").lead
        assert found is not None
        assert found.points == pytest.approx(10)
        assert found.beyond_noise is sure


def test_the_edge_holds_what_nothing_else_beats() -> None:
    beaten = candidate("beaten", right(7), online=online(ram=210, latency=20, cold_start=600))
    choice = choose([SMALL, MIDDLE, LARGE, beaten], Budget(ram=1))
    assert [each.on_the_edge for each in choice.verdicts] == [True, True, True, False]
    twin = replace(SMALL, backbone="twin")
    assert all(each.on_the_edge for each in choose([SMALL, twin], Budget()).verdicts)
    # unknown costs beat nobody
    unknown = candidate("unknown", right(5))
    edge = {
        each.backbone
        for each in choose([SMALL, unknown, candidate("good", right(10))], Budget()).verdicts
        if each.on_the_edge
    }
    assert edge == {"small", "good"}


costs = st.floats(1, 100) | st.just(math.nan)
models = st.builds(
    lambda hits, phone, measured, ram, latency, cold_start, size, failed: candidate(
        "?",
        right(hits),
        phone=phone / 10,
        online=online(ram=ram, latency=latency, cold_start=cold_start, size=size)
        if measured
        else None,
        failed="broke" if failed else "",
    ),
    st.integers(0, 10),
    st.integers(0, 10),
    st.booleans() | st.just(True),
    costs,
    costs,
    costs,
    costs,
    st.integers(0, 5).map(lambda lot: lot == 0),
)
candidates = st.lists(models, max_size=6).map(
    lambda drawn: [replace(each, backbone=f"m{number}") for number, each in enumerate(drawn)]
)
limits = st.none() | st.floats(1, 100)
budgets = st.builds(Budget, ram=limits, latency=limits, cold_start=limits, size=limits)


def top1(model: Candidate) -> float:
    assert model.offline is not None
    return model.offline.test.top1


@settings(max_examples=200, deadline=None)
@given(candidates, budgets)
def test_the_choice_is_inside_the_budget_and_nothing_inside_is_better(
    drawn: list[Candidate], budget: Budget
) -> None:
    choice = choose(drawn, budget)
    assert [each.backbone for each in choice.verdicts] == [each.backbone for each in drawn]
    inside = [each for each in drawn if not each.failed and not excess(each, budget)]
    assert (choice.best is None) == (not inside)
    assert choice.best is None or choice.nearest is None
    named = {each.backbone: each for each in drawn}
    if choice.best is not None:
        assert named[choice.best] in inside
        assert top1(named[choice.best]) == max(map(top1, inside))
    for each in choice.verdicts:
        model = named[each.backbone]
        assert (each.outcome == "failed") == bool(model.failed)
        assert (each.outcome == "chosen") == (each.backbone == choice.best)
        assert (each.outcome == "over_budget") == bool(each.excess)
        if each.outcome in ("less_accurate", "costlier"):
            assert model in inside
    leader = choice.best or choice.nearest
    for each in choice.verdicts:
        if each.outcome == "failed" or leader in (None, each.backbone):
            assert each.lead is None
        else:
            assert each.lead is not None
            assert leader is not None
            distance = top1(named[leader]) - top1(named[each.backbone])
            assert each.lead.points == pytest.approx(100 * distance)


@settings(max_examples=200, deadline=None)
@given(candidates, budgets, models)
def test_one_more_model_outside_the_budget_never_changes_the_best(
    drawn: list[Candidate], budget: Budget, another: Candidate
) -> None:
    another = replace(another, backbone="another")
    before, after = choose(drawn, budget), choose([*drawn, another], budget)
    if another.failed or excess(another, budget):
        assert after.best == before.best
    else:
        assert after.best in (before.best, "another")


@settings(max_examples=100, deadline=None)
@given(candidates, budgets)
def test_the_best_without_a_budget_or_something_as_good_is_on_the_edge(
    drawn: list[Candidate], budget: Budget
) -> None:
    choice = choose(drawn, budget)
    named = {each.backbone: each for each in drawn}
    edge = [each.backbone for each in choice.verdicts if each.on_the_edge]
    measured = [each for each in drawn if not each.failed]
    if measured:
        assert max(map(top1, measured)) == max(top1(named[name]) for name in edge)


@settings(max_examples=100, deadline=None)
@given(candidates, budgets, st.randoms())
def test_the_order_of_the_candidates_decides_nothing_but_full_ties(
    drawn: list[Candidate], budget: Budget, lot: random.Random
) -> None:
    shuffled = list(drawn)
    lot.shuffle(shuffled)
    first, second = choose(drawn, budget), choose(shuffled, budget)
    named = {each.backbone: each for each in drawn}
    assert (first.best is None) == (second.best is None)
    if first.best and second.best:
        assert top1(named[first.best]) == top1(named[second.best])
    edges = [
        {each.backbone for each in choice.verdicts if each.on_the_edge}
        for choice in (first, second)
    ]
    assert edges[0] == edges[1]


def test_a_lead_is_the_paired_bootstrap_of_the_answers() -> None:
    found = verdict(choose([SMALL, MIDDLE], Budget()), "small").lead
    assert found == lead(np.array(right(8)), np.array(right(6)))
