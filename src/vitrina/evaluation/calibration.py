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
_START = (1.0, 20.0)
_MOST = (10.0, 200.0)
_SLOPES = (1e-3, 30.0)
"""Photos that are told apart without a mistake would want no end of it."""


def fit_weights(network: Floats, nearness: Floats, labels: Labels) -> Weights:
    """Fits everything that `vitrina.evaluation.evidence.weigh` needs.

    The two weights of the pool minimise cross-entropy, as temperature scaling does. Certainty is a
    logistic regression on the entropy with an offset for each category. Offsets are drawn towards
    0 as a random effect is, so a category with few photos keeps the common threshold and one with
    many gets its own. It learns from each photo twice: as it is, and as if the photo's own
    category were not sold, which makes it wrong whatever comes first.

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

    def loss(values: npt.NDArray[np.float64]) -> float:
        logits = pool(network, nearness, float(values[0]), float(values[1])).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[rows, labels]).mean())

    found = minimize(
        loss,
        _START,
        method="Nelder-Mead",
        bounds=[(0.05, _MOST[0]), (0.0, _MOST[1])],
        options={"maxiter": 300, "xatol": 1e-3, "fatol": 1e-6},
    )
    return float(found.x[0]), float(found.x[1])


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
        common, slope, own = values[0], values[1], values[2:]
        odds = common - slope * entropy + own[first]
        error = weight * ((1 + np.tanh(odds / 2)) / 2 - right)  # the logistic, never overflowing
        total = weight @ (np.logaddexp(0, odds) - right * odds) + (own**2).sum() / (2 * _SPREAD**2)
        by_category = np.bincount(first, error, minlength=categories)
        towards: Any = by_category + own / _SPREAD**2
        return float(total), np.concatenate([[error.sum(), -(error @ entropy)], towards])

    start = np.concatenate([[1.0, 1.0], np.zeros(categories)])
    bounds = [(None, None), _SLOPES, *[(None, None)] * categories]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[1]), (found[0] + found[2:]).astype(np.float32)
