"""Figures of a classifier from its probabilities; NumPy only, knows no files and no models."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def top_k_accuracy(probabilities: Probabilities, labels: Labels, k: int) -> float:
    """Share of rows whose label is among the `k` most probable.

    Args:
        probabilities: (N, C) float32.
        labels: (N,) int64, 0 to C - 1.
        k: 1 to C; larger ones are taken as C.

    Returns:
        0 to 1; NaN for no rows.
    """
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels][:, None]
    # ties count against the label, and so does NaN: a network that answers the same for all, or
    # no numbers, must not score
    better = (~(probabilities < own)).sum(axis=1) - 1
    return float((better < k).mean())


def cross_entropy(probabilities: Probabilities, labels: Labels) -> float:
    """Mean negative log-likelihood of the labels, nats; (N, C) float32 and (N,) int64."""
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(own, 1e-12)).mean())


def fill_threshold(probabilities: Probabilities, labels: Labels, wrong_fills: float) -> float:
    """The lowest confidence from which filling the search box is wrong rarely enough.

    Args:
        probabilities: (N, C) float32, of photos that the network did not learn from.
        labels: (N,) int64.
        wrong_fills: Accepted share of wrong answers among those at or above the threshold.

    Returns:
        0 to 1; just above the highest confidence seen, so even above 1, where no threshold keeps
        to the share.
    """
    if not len(labels):
        return 1.0
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    share = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    # equal confidences are filled all or none, so only the last of them tells the share
    last = np.append(ranked[1:] < ranked[:-1], True)
    kept = np.flatnonzero((share <= wrong_fills) & last)
    if not len(kept):
        return float(ranked[0]) + 1e-6
    return float(ranked[kept[-1]])
