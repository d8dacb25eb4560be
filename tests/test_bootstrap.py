"""Intervals of accuracy and of differences."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.evaluation.bootstrap import Outcomes, lead, share_interval


def outcomes(right: int, photos: int) -> Outcomes:
    return np.arange(photos) < right


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_is_never_a_point(counts: tuple[int, int]) -> None:
    right, photos = counts
    low, high = share_interval(outcomes(right, photos))
    assert 0 <= low <= right / photos <= high <= 1
    assert low < high


def test_more_photos_make_it_narrower() -> None:
    widths = [np.ptp(share_interval(outcomes(8 * n, 10 * n))) for n in (1, 10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_all_right_after_a_few_photos_is_not_certain(right: float) -> None:
    low, high = share_interval(np.full(3, bool(right)))
    assert low <= right <= high
    assert high - low > 0.3
    assert np.ptp(share_interval(np.full(3000, bool(right)))) < 0.01


def test_counts_are_drawn_as_resampled_photos_would_be() -> None:
    right = outcomes(37, 60)
    rng = np.random.default_rng(5)
    resampled = right[rng.integers(60, size=(20_000, 60))].mean(axis=1)
    expected = np.percentile(resampled, (2.5, 97.5))
    assert share_interval(right, resamples=20_000) == pytest.approx(expected, abs=1.01 / 60)


def test_the_same_outcomes_give_the_same_interval() -> None:
    right = outcomes(30, 40)
    assert share_interval(right) == share_interval(right[::-1])
    assert lead(right, ~right) == lead(right, ~right)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        low, high = share_interval(rng.random(200) < 0.8)
        held += low <= 0.8 <= high
    assert 0.9 <= held / 400 <= 0.99


def test_no_photos() -> None:
    none = np.empty(0, dtype=bool)
    assert all(math.isnan(end) for end in share_interval(none))
    found = lead(none, none)
    assert math.isnan(found.points)
    assert not found.beyond_noise


def test_a_hundred_thousand_photos_need_no_room() -> None:
    right, other = outcomes(80_000, 100_000), outcomes(79_000, 100_000)
    tracemalloc.start()
    share_interval(right)
    found = lead(right, other)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert found.points == pytest.approx(1)
    assert found.beyond_noise


pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


@settings(max_examples=200, deadline=None)
@given(pairs)
def test_a_lead_is_the_difference_of_accuracies(drawn: list[tuple[bool, bool]]) -> None:
    a, b = (np.array(side) for side in zip(*drawn, strict=True))
    found = lead(a, b)
    assert found.points == pytest.approx(100 * (a.mean() - b.mean()))
    assert lead(b, a).points == -found.points
    low, high = found.interval
    assert -100 <= low < high <= 100
    assert low - 1e-9 <= found.points <= high + 1e-9
    assert found.beyond_noise == (not low <= 0 <= high)


def test_the_same_answers_are_never_a_lead() -> None:
    for photos in (1, 5, 1000):
        right = outcomes(photos // 2, photos)
        found = lead(right, right)
        assert found.points == 0
        assert not found.beyond_noise


def test_pairing_makes_a_lead_surer() -> None:
    # the same two accuracies: answers alike but for twenty photos, or as unlike as can be
    a = outcomes(600, 1000)
    alike, unlike = outcomes(580, 1000), outcomes(580, 1000)[::-1]
    assert lead(a, alike).points == lead(a, unlike).points
    assert lead(a, alike).beyond_noise
    assert not lead(a, unlike).beyond_noise


@pytest.mark.parametrize(("photos", "sure"), [(2, False), (3, False), (30, True)])
def test_a_few_photos_prove_nothing(photos: int, sure: bool) -> None:
    assert lead(np.ones(photos, dtype=bool), np.zeros(photos, dtype=bool)).beyond_noise is sure


def test_equal_models_seldom_seem_different() -> None:
    rng = np.random.default_rng(3)
    alarms = sum(lead(rng.random(40) < 0.9, rng.random(40) < 0.9).beyond_noise for _ in range(400))
    assert alarms / 400 < 0.08


def test_answers_to_other_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="same photos"):
        lead(outcomes(1, 3), outcomes(1, 4))
