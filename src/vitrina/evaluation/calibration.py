"""Fits how evidence is weighed, on photos that the network did not learn from; needs SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.evaluation.evidence import Floats, Labels, Weights, pool, weigh
from vitrina.evaluation.metrics import guesses

UNSOLD_WEIGHT = 0.3
"""Of photos whose category is taken for unheard of, beside all others, when certainty is fitted."""

_SPREAD = 0.6
"""Standard deviation that categories' offsets are expected to have, log-odds."""
_USUAL = np.log([1.0, 20.0, 3.0])
_SCATTER = np.array([0.5, 0.7, 0.7])
"""How the logarithms of the two weights and the slope are expected to lie: a few dozen photos that
are told apart without a mistake would want no end of them, some hundreds have their own way."""


def fit_weights(network: Floats, nearness: Floats, labels: Labels) -> Weights:
    """Fits everything that `vitrina.evaluation.evidence.weigh` needs.

    The two weights of the pool minimise cross-entropy, as temperature scaling does; where there are
    few photos they stay near what is usual. Certainty is a logistic regression on the entropy with
    an offset for each category. Offsets are drawn towards 0 as a random effect is, so a category
    with few photos keeps the common threshold and one with many gets its own. It learns from each
    photo twice: as it is, and as if the photo's own category were not sold, which makes it wrong
    whatever comes first.

    Args:
        network: (N, C) float32, the network's probabilities; N is 1 or more.
        nearness: (N, C) float32.
        labels: (N,) int64.
    """
    network_weight, nearness_weight = _fit_pool(network, nearness, labels)
    plain = Weights(
        network_weight, nearness_weight, 1.0, np.zeros(network.shape[1], dtype=np.float32)
    )
    as_sold = weigh(network, nearness, plain)
    as_unsold = weigh(network, nearness, plain, without=labels)
    first = guesses(as_sold.probabilities, labels)
    slope, offsets = _fit_certainty(
        entropy=np.concatenate([as_sold.entropy, as_unsold.entropy]),
        first=np.concatenate([first, as_unsold.probabilities.argmax(axis=1)]),
        right=np.concatenate([first == labels, np.zeros(len(labels), dtype=np.bool_)]),
        weight=np.repeat([1 - UNSOLD_WEIGHT, UNSOLD_WEIGHT], len(labels)),
        categories=network.shape[1],
    )
    return Weights(network_weight, nearness_weight, slope, offsets)


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
        steps += (values - _USUAL[:2]) / _SCATTER[:2] ** 2
        return float(fit + _surprise(values, _USUAL[:2], _SCATTER[:2])), steps

    found = minimize(loss, _USUAL[:2], jac=True, method="L-BFGS-B").x
    return float(np.exp(found[0])), float(np.exp(found[1]))


def _surprise(
    values: npt.NDArray[np.float64],
    usual: npt.NDArray[np.float64],
    scatter: npt.NDArray[np.float64],
) -> float:
    """Minus the logarithm of a normal density, up to a constant."""
    return float((((values - usual) / scatter) ** 2).sum() / 2)


def _fit_certainty(
    entropy: Floats,
    first: Labels,
    right: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    categories: int,
) -> tuple[float, Floats]:
    """Slope, and (C,) float32 offsets with the common one in them."""
    from scipy.optimize import minimize

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        common, slope, own = values[0], np.exp(values[1]), values[2:]
        odds = common - slope * entropy + own[first]
        error = weight * ((1 + np.tanh(odds / 2)) / 2 - right)  # the logistic, never overflowing
        total = (
            weight @ (np.logaddexp(0, odds) - right * odds)
            + (own**2).sum() / (2 * _SPREAD**2)
            + _surprise(values[1:2], _USUAL[2:], _SCATTER[2:])
        )
        steeper = -(error @ entropy) * slope + (values[1] - _USUAL[2]) / _SCATTER[2] ** 2
        by_category = np.bincount(first, error, minlength=categories)
        towards: Any = by_category + own / _SPREAD**2
        return float(total), np.concatenate([[error.sum(), steeper], towards])

    start = np.concatenate([[1.0, _USUAL[2]], np.zeros(categories)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(np.exp(found[1])), (found[0] + found[2:]).astype(np.float32)
