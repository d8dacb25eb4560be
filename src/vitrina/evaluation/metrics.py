"""Figures of a classifier from its probabilities; NumPy only, knows no files and no models."""

from __future__ import annotations

from collections.abc import Sequence

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
    return float(top_k_right(probabilities, labels, k).mean()) if len(labels) else float("nan")


def top_k_right(probabilities: Probabilities, labels: Labels, k: int) -> npt.NDArray[np.bool_]:
    """Which rows have their label among the `k` most probable; arguments as `top_k_accuracy`.

    Returns:
        (N,) bool.
    """
    own = probabilities[np.arange(len(labels)), labels][:, None]
    # ties count against the label, and so does NaN: a network that answers the same for all, or
    # no numbers, must not score
    better = (~(probabilities < own)).sum(axis=1) - 1
    right: npt.NDArray[np.bool_] = better < k
    return right


def cross_entropy(probabilities: Probabilities, labels: Labels) -> float:
    """Mean negative log-likelihood of the labels, nats; (N, C) float32 and (N,) int64."""
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(own, 1e-12)).mean())


def guesses(probabilities: Probabilities, labels: Labels) -> Labels:
    """The category that comes first in each row; right in as many as top-1 accuracy says.

    Args:
        probabilities: (N, C) float32.
        labels: (N,) int64, 0 to C - 1. They decide ties: these count against the label, and so
            does NaN, as in `top_k_accuracy`.

    Returns:
        (N,) int64.
    """
    if not len(labels):
        return np.empty(0, dtype=np.int64)
    first: Labels = probabilities.argmax(axis=1).astype(np.int64)
    tied = np.flatnonzero((first == labels) & ~top_k_right(probabilities, labels, 1))
    others = probabilities[tied]
    others[np.arange(len(tied)), labels[tied]] = -np.inf
    first[tied] = others.argmax(axis=1)
    return first


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over categories of F1, the harmonic mean of precision and recall.

    Every category weighs the same, however many photos it has. Categories without a row of their
    own are left out of the mean; a row wrongly taken for one of them still costs its own category.

    Args:
        probabilities: (N, C) float32.
        labels: (N,) int64, 0 to C - 1.

    Returns:
        0 to 1; NaN for no rows.
    """
    if not len(labels):
        return float("nan")
    categories = probabilities.shape[1]
    guessed = guesses(probabilities, labels)
    actual = np.bincount(labels, minlength=categories)
    claimed = np.bincount(guessed, minlength=categories)
    hits = np.bincount(labels[guessed == labels], minlength=categories)
    present = actual > 0
    return float((2 * hits[present] / (actual + claimed)[present]).mean())


def calibration_error(probabilities: Probabilities, labels: Labels, bins: int = 15) -> float:
    """Expected calibration error: how far the confidence of the first category is from the truth.

    Rows are sorted by confidence into bins of equal width. In each, mean confidence is compared
    with the share that was right; the distances are averaged, each bin weighing its rows. From
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        probabilities: (N, C) float32, rows sum to 1.
        labels: (N,) int64, 0 to C - 1.
        bins: Between 0 and 1.

    Returns:
        0 to 1; NaN for no rows, and where a confidence is no number.
    """
    guessed = guesses(probabilities, labels)
    confidence = probabilities[np.arange(len(labels)), guessed].astype(np.float64)
    if not len(labels) or not np.isfinite(confidence).all():
        return float("nan")
    # a softmax in float32 may end a hair above 1
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    surplus = np.bincount(place, weights=confidence - (guessed == labels), minlength=bins)
    return float(np.abs(surplus).sum() / len(labels))


def accuracy_by_category(
    probabilities: Probabilities, labels: Labels, categories: Sequence[str]
) -> dict[str, float]:
    """Top-1 accuracy of each category that has rows, 0 to 1.

    Args:
        probabilities: (N, C) float32.
        labels: (N,) int64, 0 to C - 1.
        categories: C names, in the order of the columns.
    """
    right = guesses(probabilities, labels) == labels
    actual = np.bincount(labels, minlength=len(categories))
    hits = np.bincount(labels[right], minlength=len(categories))
    return {
        name: float(hits[index] / actual[index])
        for index, name in enumerate(categories)
        if actual[index]
    }
