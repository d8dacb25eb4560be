"""Fits how evidence is weighed, on photos that the network did not learn from; needs SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.evaluation.evidence import Answers, Floats, Labels, Weights, pool, weigh
from vitrina.evaluation.metrics import guesses

UNSOLD_WEIGHT = 0.3
"""Of photos whose category is taken for unheard of, beside all others, when certainty is fitted."""

_SPREAD = 0.6
"""Standard deviation that categories' offsets are expected to have, log-odds."""
_USUAL = np.log([1.0, 20.0])
_SCATTER = np.array([0.5, 0.7])
"""How the logarithms of the pool's two weights are expected to lie: a few dozen photos that are
told apart without a mistake would want no end of them, some hundreds have their own way."""
_USUAL_OF_CERTAINTY = np.log([0.7, 1.0, 3.0])
_SCATTER_OF_CERTAINTY = 0.7
"""The same for the weights of entropy, lead and typicality, for standard deviations of each."""


def fit_weights(answers: Answers, labels: Labels) -> Weights:
    """Fits everything that `vitrina.evaluation.evidence.weigh` needs.

    The two weights of the pool minimise cross-entropy, as temperature scaling does; where there are
    few photos they stay near what is usual. Certainty is a logistic regression on the entropy, the
    lead and the typicality with an offset for each category. Offsets are drawn towards 0 as a
    random effect is, so a category with few photos keeps the common threshold and one with many
    gets its own. It learns from each photo twice: as it is, and as if the photo's own category were
    not sold, which makes it wrong whatever comes first.

    Args:
        answers: Of N photos, 1 or more.
        labels: (N,) int64.
    """
    categories = answers.network.shape[1]
    network_weight, nearness_weight = _fit_pool(answers.network, answers.nearness, labels)
    nothing = np.zeros(categories, dtype=np.float32)
    plain = Weights(network_weight, nearness_weight, 0.0, 0.0, 0.0, nothing)
    sold = weigh(answers, plain)
    unsold = weigh(answers, plain, without=labels)
    kinds = np.concatenate(
        [np.stack([-e.entropy, e.lead, e.own_typicality], axis=1) for e in (sold, unsold)]
    ).astype(np.float64)
    scales = np.maximum(kinds.std(axis=0), 1e-6)
    middle = kinds.mean(axis=0)
    first = guesses(sold.probabilities, labels)
    found, offsets = _fit_certainty(
        (kinds - middle) / scales,
        first=np.concatenate([first, unsold.first]),
        right=np.concatenate([first == labels, np.zeros(len(labels), dtype=np.bool_)]),
        weight=np.repeat([1 - UNSOLD_WEIGHT, UNSOLD_WEIGHT], len(labels)),
        categories=categories,
    )
    entropy, lead, typicality = (float(each) for each in found / scales)
    offsets -= (found / scales) @ middle
    return Weights(
        network_weight, nearness_weight, entropy, lead, typicality, offsets.astype(np.float32)
    )


def _fit_pool(network: Floats, nearness: Floats, labels: Labels) -> tuple[float, float]:
    from scipy.optimize import minimize

    rows = np.arange(len(labels))
    # pooling is linear: with one weight 1 and the other 0 it gives each kind of evidence alone
    kinds = [
        pool(network, nearness, *alone).astype(np.float64) for alone in ((1.0, 0.0), (0.0, 1.0))
    ]

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = np.exp(values)
        logits = weights[0] * kinds[0] + weights[1] * kinds[1]
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        total = odds.sum(axis=1)
        fit = (np.log(total) - logits[rows, labels]).sum()
        too_much = odds / total[:, None]
        too_much[rows, labels] -= 1
        steps = weights * [(too_much * kind).sum() for kind in kinds]
        steps += (values - _USUAL) / _SCATTER**2
        return float(fit + _surprise(values, _USUAL, _SCATTER)), steps

    found = minimize(loss, _USUAL, jac=True, method="L-BFGS-B").x
    return float(np.exp(found[0])), float(np.exp(found[1]))


def _surprise(
    values: npt.NDArray[np.float64],
    usual: npt.NDArray[np.float64],
    scatter: npt.NDArray[np.float64],
) -> float:
    """Minus the logarithm of a normal density, up to a constant."""
    return float((((values - usual) / scatter) ** 2).sum() / 2)


def _fit_certainty(
    kinds: npt.NDArray[np.float64],
    first: Labels,
    right: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    categories: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights of the columns of (N, K) `kinds`, and (C,) offsets with the common one in them."""
    from scipy.optimize import minimize

    count = kinds.shape[1]
    usual, scatter = _USUAL_OF_CERTAINTY, np.full(count, _SCATTER_OF_CERTAINTY)

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        common, logs, own = values[0], values[1 : 1 + count], values[1 + count :]
        slopes = np.exp(logs)
        odds = common + kinds @ slopes + own[first]
        error = weight * ((1 + np.tanh(odds / 2)) / 2 - right)  # the logistic, never overflowing
        total = (
            weight @ (np.logaddexp(0, odds) - right * odds)
            + (own**2).sum() / (2 * _SPREAD**2)
            + _surprise(logs, usual, scatter)
        )
        steeper = (error @ kinds) * slopes + (logs - usual) / scatter**2
        by_category = np.bincount(first, error, minlength=categories)
        towards: Any = by_category + own / _SPREAD**2
        return float(total), np.concatenate([[error.sum()], steeper, towards])

    start = np.concatenate([[0.0], usual, np.zeros(categories)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return np.exp(found[1 : 1 + count]), found[0] + found[1 + count :]
