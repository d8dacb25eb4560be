"""Figures of a classifier, by hand and by property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.evaluation.metrics import (
    Labels,
    Probabilities,
    accuracy_by_category,
    calibration_error,
    cross_entropy,
    guesses,
    macro_f1,
    top_k_accuracy,
)
from vitrina.evaluation.offline import classify_all, score
from vitrina.photos import Pixels


def table(*rows: tuple[float, ...]) -> Probabilities:
    return np.array(rows, dtype=np.float32)


def labels(*values: int) -> Labels:
    return np.array(values, dtype=np.int64)


def test_top_k() -> None:
    answers = table((0.7, 0.2, 0.1), (0.5, 0.3, 0.2), (0.1, 0.2, 0.7))
    wanted = labels(0, 1, 0)
    assert top_k_accuracy(answers, wanted, 1) == pytest.approx(1 / 3)
    assert top_k_accuracy(answers, wanted, 2) == pytest.approx(2 / 3)
    assert top_k_accuracy(answers, wanted, 3) == 1
    assert top_k_accuracy(answers, wanted, 10) == 1


def test_ties_count_against_the_label() -> None:
    answers = table((0.25, 0.25, 0.25, 0.25), (0.4, 0.4, 0.1, 0.1))
    assert top_k_accuracy(answers, labels(0, 0), 1) == 0
    assert top_k_accuracy(answers, labels(0, 0), 2) == 0.5
    assert top_k_accuracy(answers, labels(3, 1), 3) == 0.5
    assert top_k_accuracy(answers, labels(3, 1), 4) == 1


def test_no_numbers_are_no_success() -> None:
    answers = table((math.nan,) * 3, (0.8, 0.1, 0.1))
    assert top_k_accuracy(answers, labels(0, 0), 1) == 0.5
    assert math.isnan(cross_entropy(answers, labels(0, 0)))


def test_cross_entropy() -> None:
    answers = table((0.5, 0.5), (0.25, 0.75))
    assert cross_entropy(answers, labels(0, 1)) == pytest.approx(
        -(math.log(0.5) + math.log(0.75)) / 2, rel=1e-6
    )
    assert cross_entropy(table((1.0, 0.0)), labels(0)) == 0
    assert cross_entropy(table((1.0, 0.0)), labels(1)) == pytest.approx(-math.log(1e-12))


def test_nothing_to_measure() -> None:
    empty, none = np.empty((0, 3), dtype=np.float32), labels()
    assert math.isnan(top_k_accuracy(empty, none, 1))
    assert math.isnan(cross_entropy(empty, none))
    assert math.isnan(macro_f1(empty, none))
    assert math.isnan(calibration_error(empty, none))
    assert accuracy_by_category(empty, none, ("a", "b", "c")) == {}


def test_macro_f1() -> None:
    answers = table((0.9, 0.1, 0), (0.8, 0.2, 0), (0.7, 0.3, 0), (0.1, 0.9, 0))
    # first category: 2 of 3 guesses right, 2 of 2 found; second: 1 of 1 right, 1 of 2 found
    assert macro_f1(answers, labels(0, 0, 1, 1)) == pytest.approx((0.8 + 2 / 3) / 2)


def test_macro_f1_leaves_out_categories_without_photos() -> None:
    answers = table((0.9, 0.05, 0.05), (0.1, 0.8, 0.1))
    assert macro_f1(answers, labels(0, 1)) == 1
    # what is wrongly taken for the category without photos costs its own category
    assert macro_f1(table((0.9, 0, 0.1), (0, 0.2, 0.8)), labels(0, 1)) == 0.5


def test_a_rare_category_weighs_as_much_as_a_common_one() -> None:
    answers = table(*[(0.9, 0.1)] * 10)
    wanted = labels(*[0] * 9, 1)
    assert top_k_accuracy(answers, wanted, 1) == pytest.approx(0.9)
    assert macro_f1(answers, wanted) == pytest.approx((18 / 19 + 0) / 2)


def test_calibration_error() -> None:
    # ten answers of confidence 0.8, seven of them right: 0.1 too sure
    answers = table(*[(0.8, 0.2)] * 10)
    assert calibration_error(answers, labels(*[0] * 7, *[1] * 3)) == pytest.approx(0.1, abs=1e-6)
    # sure and right, unsure and wrong half the time
    honest = table((1.0, 0.0), (1.0, 0.0), (0.51, 0.49), (0.51, 0.49))
    assert calibration_error(honest, labels(0, 0, 0, 1)) == pytest.approx(0.005, abs=1e-6)
    assert calibration_error(table((1.0, 0.0)), labels(1)) == 1
    # in two bins an error up and an error down do not cancel; in one they do
    mixed = table((0.6, 0.4), (0.9, 0.1), (0.9, 0.1))
    assert calibration_error(mixed, labels(0, 0, 1)) == pytest.approx((0.4 + 0.8) / 3, abs=1e-6)
    assert calibration_error(mixed, labels(0, 0, 1), 1) == pytest.approx(0.4 / 3, abs=1e-6)


def test_calibration_of_no_numbers_is_no_number() -> None:
    assert math.isnan(calibration_error(table((math.nan, math.nan)), labels(0)))


def test_accuracy_by_category() -> None:
    answers = table((0.9, 0.1, 0), (0.2, 0.8, 0), (0.1, 0.9, 0))
    found = accuracy_by_category(answers, labels(0, 0, 1), ("lamps", "cables", "sockets"))
    assert found == {"lamps": 0.5, "cables": 1.0}


def test_guesses_in_a_tie_or_without_numbers() -> None:
    nan = math.nan
    answers = table((0.4, 0.4, 0.2), (0.4, 0.4, 0.2), (nan, 0.7, 0.3), (nan, nan, nan))
    found = guesses(answers, labels(0, 1, 1, 0))
    assert list(found[:2]) == [1, 0]
    assert found[2] != 1
    assert found[3] != 0


rows = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=3, max_size=3), st.integers(0, 2)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(rows)
def test_more_guesses_are_never_worse(drawn: list[tuple[list[int], int]]) -> None:
    answers = np.array([weights for weights, _ in drawn], dtype=np.float32)
    wanted = labels(*(label for _, label in drawn))
    shares = [top_k_accuracy(answers, wanted, k) for k in (1, 2, 3)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@settings(max_examples=300, deadline=None)
@given(rows, st.sets(st.tuples(st.integers(0, 29), st.integers(0, 2))))
def test_all_figures_agree_on_what_is_right(
    drawn: list[tuple[list[int], int]], broken: set[tuple[int, int]]
) -> None:
    answers = np.array([weights for weights, _ in drawn], dtype=np.float32)
    for row, column in broken:
        if row < len(answers):
            answers[row, column] = math.nan
    wanted = labels(*(label for _, label in drawn))
    right = float((guesses(answers, wanted) == wanted).mean())
    assert right == top_k_accuracy(answers, wanted, 1)
    shares = accuracy_by_category(answers, wanted, ("a", "b", "c"))
    sizes = np.bincount(wanted, minlength=3)
    mean = sum(share * sizes["abc".index(name)] for name, share in shares.items()) / len(wanted)
    assert mean == pytest.approx(right)
    assert 0 <= macro_f1(answers, wanted) <= 1


@settings(max_examples=100, deadline=None)
@given(rows)
def test_calibration_error_is_at_least_the_mean_surplus_of_confidence(
    drawn: list[tuple[list[int], int]],
) -> None:
    raw = np.array([weights for weights, _ in drawn], dtype=np.float64) + 0.1
    answers = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    wanted = labels(*(label for _, label in drawn))
    error = calibration_error(answers, wanted)
    surplus = abs(float(answers.max(axis=1).mean()) - top_k_accuracy(answers, wanted, 1))
    assert surplus - 1e-6 <= error <= 1


def test_score_asks_photos_one_by_one() -> None:
    asked = []

    def classify(photos: Pixels) -> Probabilities:
        asked.append(photos.shape)
        return table((0.8, 0.1, 0.06, 0.04))

    photos = [np.zeros((224, 224, 3), dtype=np.uint8)] * 3
    answers = classify_all(classify, photos, label="Measuring")
    assert asked == [(1, 224, 224, 3)] * 3
    figures = score(answers, labels(0, 1, 3))
    assert (figures.photos, figures.top1, figures.top3) == (3, 1 / 3, 2 / 3)
    assert figures.as_json()["top1"] == 0.3333
    assert classify_all(classify, [], label="Measuring").shape == (0, 0)
