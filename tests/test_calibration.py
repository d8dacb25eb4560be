"""Weights of the evidence: probabilities that mean what they say, on photos of a made-up world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vitrina.evaluation.calibration import fit_weights
from vitrina.evaluation.evidence import (
    Answers,
    Evidence,
    Floats,
    Labels,
    References,
    Weights,
    weigh,
)
from vitrina.evaluation.metrics import calibration_error

CATEGORIES = 5


def softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    answer: Floats = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return answer


def honest_logits(photos: int, seed: int) -> tuple[Floats, Labels]:
    """Logits, and labels drawn from just the probabilities that they stand for."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (photos, CATEGORIES)).astype(np.float32)
    drawn = (softmax(logits).cumsum(axis=1) > random.random((photos, 1))).argmax(axis=1)
    return logits, drawn.astype(np.int64)


def weights(
    network: float = 1, nearness: float = 0, entropy: float = 1, lead: float = 0, typical: float = 0
) -> Weights:
    nothing = np.zeros(CATEGORIES, dtype=np.float32)
    return Weights(network, nearness, entropy, lead, typical, nothing)


def answers(network: Floats, nearness: Floats | None = None) -> Answers:
    """Of a network alone, or with nearness; typicality says nothing."""
    nothing = np.zeros_like(network)
    return Answers(network, nothing if nearness is None else nearness, nothing)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_temperature_is_found(temperature: float) -> None:
    logits, labels = honest_logits(4000, seed=1)
    network = softmax(logits / temperature)
    fitted = fit_weights(answers(network), labels)
    assert fitted.network == pytest.approx(temperature, rel=0.1)
    fresh_logits, fresh = honest_logits(20_000, seed=2)
    network = softmax(fresh_logits / temperature)
    answered = weigh(answers(network), fitted).probabilities
    after = calibration_error(answered, fresh)
    assert after < 0.03
    if temperature != 1.0:
        assert after < calibration_error(network, fresh) / 2


def test_nearness_counts_where_it_tells_something() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, CATEGORIES, 1000)
    clueless = softmax(random.normal(0, 0.3, (1000, CATEGORIES)).astype(np.float32))
    nearness = random.normal(0.5, 0.1, (1000, CATEGORIES)).astype(np.float32)
    nearness[np.arange(1000), labels] += 0.2
    fitted = fit_weights(answers(clueless[:500], nearness[:500]), labels[:500])
    pooled = weigh(answers(clueless[500:], nearness[500:]), fitted).probabilities
    assert (pooled.argmax(axis=1) == labels[500:]).mean() > 0.7
    assert (clueless[500:].argmax(axis=1) == labels[500:]).mean() < 0.5


def test_a_category_that_is_often_wrong_is_trusted_less() -> None:
    logits, labels = honest_logits(2000, seed=4)
    network = softmax(logits)
    taken_for = network.argmax(axis=1)
    swindler = np.where(taken_for == 2, 3, labels)  # whatever looks like 2 is 3
    honest, wary = (fit_weights(answers(network), each) for each in (labels, swindler))
    assert wary.offsets.argmin() == 2
    assert wary.offsets[2] < honest.offsets[2] - 0.3
    few = np.flatnonzero(taken_for == 2)[3:]
    kept = np.setdiff1d(np.arange(2000), few)
    unsure = fit_weights(answers(network[kept]), swindler[kept])
    # three photos are no proof: the category stays near the others
    spread = unsure.offsets.max() - unsure.offsets[2]
    assert spread < wary.offsets.max() - wary.offsets[2]


def test_a_few_photos_that_are_all_right_do_not_make_sure() -> None:
    labels = np.arange(25) % CATEGORIES
    network = np.full((25, CATEGORIES), 0.1, dtype=np.float32)
    network[np.arange(25), labels] = 0.6
    nearness = np.full((25, CATEGORIES), 0.3, dtype=np.float32)
    nearness[np.arange(25), labels] = 0.5
    fitted = fit_weights(answers(network, nearness), labels)
    assert fitted.network < 3
    assert fitted.nearness < 100
    assert weigh(answers(network, nearness), fitted).probabilities.max() < 1 - 1e-6


def test_probabilities_sum_to_one_and_certainty_falls_with_entropy() -> None:
    logits, _ = honest_logits(50, seed=5)
    found = weigh(answers(softmax(logits)), weights(network=2))
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.certainty[np.argsort(found.entropy)]) <= 1e-6).all()
    assert found.probabilities == pytest.approx(softmax(2 * logits), abs=1e-4)


def test_a_network_that_is_quite_sure_gives_no_nan() -> None:
    certain = np.eye(CATEGORIES, dtype=np.float32)
    found = weigh(answers(certain), weights(nearness=30))
    for part in (found.probabilities, found.entropy, found.certainty):
        assert np.isfinite(part).all()


def test_without_its_own_category_a_photo_is_taken_for_another() -> None:
    logits, labels = honest_logits(40, seed=6)
    nearness = np.full_like(logits, 0.2)
    nearness[np.arange(40), labels] = 0.9
    typicality = np.where(nearness > 0.5, 9, 1).astype(np.float32)
    given = Answers(softmax(logits), nearness, typicality), weights(nearness=5)
    found: Evidence = weigh(*given, without=labels)
    assert (found.probabilities[np.arange(40), labels] == 0).all()
    assert found.nearness == pytest.approx(0.2)
    assert found.typicality == pytest.approx(1)
    plain = weigh(*given)  # what was given is not changed
    assert plain.nearness == pytest.approx(0.9)
    assert plain.typicality == pytest.approx(9)


def test_lead_and_typicality_count_for_the_first_category() -> None:
    network = np.full((2, CATEGORIES), 0.1, dtype=np.float32)
    network[:, 0] = 0.6
    nearness = np.full_like(network, 0.2)
    nearness[:, 0] = [0.9, 0.1]  # in the second photo all others are nearer
    typicality = np.zeros_like(network)
    typicality[:, 0], typicality[:, 3] = [5, -5], 8
    both = Answers(network, nearness, typicality)
    found = weigh(both, weights(entropy=0, lead=2, typical=0.5))
    assert found.lead == pytest.approx([0.7, -0.1], abs=1e-6)
    assert found.own_typicality == pytest.approx([5, -5])
    assert found.typicality == pytest.approx([8, 8])
    assert found.certainty == pytest.approx([2 * 0.7 + 2.5, -0.2 - 2.5], abs=1e-5)


def test_certainty_learns_which_sign_tells_strangers() -> None:
    """Entropy and lead say nothing here; typicality tells goods from what is not sold."""
    random = np.random.default_rng(8)
    labels = random.integers(0, CATEGORIES, 2000)
    network = np.full((2000, CATEGORIES), 0.01, dtype=np.float32)
    network[np.arange(2000), labels] = 0.96
    nearness = random.normal(0.5, 0.01, network.shape).astype(np.float32)
    typicality = random.normal(0, 1, network.shape).astype(np.float32)
    typicality[np.arange(2000), labels] += 6
    given = Answers(network, nearness, typicality)
    fitted = fit_weights(given.of(np.arange(2000) < 1000), labels[:1000])
    held = given.of(np.arange(2000) >= 1000)
    sold = weigh(held, fitted).certainty
    unsold = weigh(held, fitted, without=labels[1000:]).certainty
    assert np.quantile(sold, 0.05) > np.quantile(unsold, 0.95)


def test_nearness_is_that_of_the_nearest_photo_of_each_category() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    references = References(np.eye(3, 2, dtype=np.float32), vectors, np.array([0, 0, 2]), 3)
    asked = np.array([[0.6, 0.8, 0], [0, 0, 1]], dtype=np.float32)
    assert references.nearness(asked) == pytest.approx(
        np.array([[1, -1, 0.8], [0, -1, 0]]), abs=1e-6
    )
    empty = replace(references, vectors=vectors[:0], labels=np.empty(0, dtype=np.int64))
    assert (empty.nearness(asked) == -1).all()
