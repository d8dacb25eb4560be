"""The test of an A/B: right about what differs, and seldom wrong however often it is looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrina.evaluation.sequential import MISTAKES, Share, compare_shares, doubt_of_split

MONTHS, VISITORS, DAYS = 200, 10_000, 30


def months_called_different(first: float, second: float, seed: int) -> tuple[int, int]:
    """Of months looked at every day: how many are called different, and how many the right way."""
    rng = np.random.default_rng(seed)
    sure = right = 0
    for _ in range(MONTHS):
        arms = [
            np.cumsum(rng.binomial(VISITORS // DAYS // 2, share, size=DAYS))
            for share in (first, second)
        ]
        for day in range(DAYS):
            come = VISITORS // DAYS // 2 * (day + 1)
            one, other = (Share(int(arm[day]), come) for arm in arms)
            found = compare_shares(one, other)
            if found.is_sure:
                sure += 1
                right += found.estimate > 0
                break
    return sure, right


@pytest.mark.parametrize("rate", [0.02, 0.4])
@pytest.mark.parametrize("dealt", [0.1, 0.25])
def test_equal_bundles_that_few_visitors_get(rate: float, dealt: float) -> None:
    # with own variances alone 5.7 of 100 such months were called different, all the same way
    rng = np.random.default_rng(3)
    sure = 0
    for _ in range(MONTHS):
        second = rng.random(VISITORS) < dealt
        won = rng.random(VISITORS) < rate
        for come in range(100, VISITORS + 1, 100):
            arms = [second[:come] == arm for arm in (False, True)]
            shares = [Share(int(won[:come][arm].sum()), int(arm.sum())) for arm in arms]
            if compare_shares(*shares).is_sure:
                sure += 1
                break
    assert sure <= 0.03 * MONTHS


@pytest.mark.parametrize("expected", [0.05, 0.5])
def test_a_split_is_doubted_where_it_is_wrong(expected: float) -> None:
    rng = np.random.default_rng(4)
    wrong, right = (
        sum(
            any(
                doubt_of_split(Share(int(second), 100 * (day + 1)), expected) <= 0.01
                for day, second in enumerate(np.cumsum(rng.binomial(100, share, size=100)))
            )
            for _ in range(MONTHS)
        )
        for share in (1.2 * expected, expected)
    )
    assert wrong >= 0.9 * MONTHS if expected == 0.5 else wrong > 0.2 * MONTHS
    assert right <= 0.01 * MONTHS
    assert doubt_of_split(Share(0, 0), expected) == 1


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_equal_bundles_are_seldom_called_different(share: float) -> None:
    sure, _ = months_called_different(share, share, seed=1)
    assert sure <= MISTAKES * MONTHS


def test_a_better_bundle_is_found() -> None:
    sure, right = months_called_different(0.40, 0.45, seed=2)
    assert sure >= 0.95 * MONTHS
    assert right == sure


@given(st.integers(0, 500), st.integers(100, 500), st.integers(0, 500), st.integers(100, 500))
def test_sure_means_that_no_difference_is_outside(a: int, n: int, b: int, m: int) -> None:
    first, second = Share(min(a, n), n), Share(min(b, m), m)
    found = compare_shares(first, second)
    assert found.low <= found.estimate <= found.high
    assert 0 <= found.doubt <= 1
    assert found.is_sure == (not found.low < 0 < found.high) or math.isclose(
        min(abs(found.low), abs(found.high)), 0, abs_tol=1e-9
    )
    other_way = compare_shares(second, first)
    assert other_way.estimate == pytest.approx(-found.estimate)
    assert other_way.is_sure == found.is_sure


def test_few_visitors_decide_nothing() -> None:
    assert not compare_shares(Share(0, 99), Share(99, 99)).is_sure
    assert not compare_shares(Share(0, 5000), Share(19, 5000)).is_sure
    nobody = compare_shares(Share(0, 0), Share(0, 0))
    assert (nobody.estimate, nobody.low, nobody.high) == (0.0, -1.0, 1.0)
