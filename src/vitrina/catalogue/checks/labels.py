"""Suspected wrong labels, and categories that nobody can tell apart.

Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", 2021), in its implementation by cleanlab. It needs, for each photo, probabilities
from a model that has not learned from it: here linear discriminant analysis on embeddings, out of
fold. Products and near copies are kept in one fold, so that no photo vouches for its own copy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.catalogue.checks.findings import Finding, ShownPhoto
from vitrina.errors import MissingExtra
from vitrina.near_copies import Embeddings

LEAST_PHOTOS = 10
"""Of a category that is judged: fewer teach too little."""

LIKELY = 0.2
"""Probability of another category from which a label is suspected."""

ALIKE = 0.2
"""Share of the photos of two categories, taken for each other, from which they are too alike."""

_FOLDS = 5
_SUREST = 0.99  # nobody should read that it is certain
_TYPICAL = 2
_SHRINKAGE = 0.05
_EXAMPLES = 3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """What models that had not seen the photos make of them.

    Attributes:
        photos: N of them.
        categories: C slugs.
        labels: (N,) int64, into `categories`.
        probabilities: (N, C) float32.
    """

    photos: Sequence[ShownPhoto]
    categories: Sequence[str]
    labels: npt.NDArray[np.int64]
    probabilities: Floats


def can_judge(photos: Sequence[ShownPhoto], groups: Mapping[str, str]) -> bool:
    """Whether there are two categories with photos enough; arguments as in `judge`."""
    return len(_judged_categories(photos, groups)) > 1


def judge(
    photos: Sequence[ShownPhoto], embeddings: Embeddings, groups: Mapping[str, str]
) -> Judged:
    """Out-of-fold probabilities of all photos of categories with photos enough.

    Args:
        photos: Each picture once; `can_judge` holds for them.
        embeddings: Of all of them.
        groups: What is kept in one fold, by SHA-256.

    Raises:
        MissingExtra: scikit-learn, a part of the train extra, is not installed.
    """
    categories = _judged_categories(photos, groups)
    index = {slug: number for number, slug in enumerate(categories)}
    judged = [photo for photo in photos if photo.category in index]
    labels = np.array([index[photo.category] for photo in judged], dtype=np.int64)
    vectors = np.stack([embeddings[photo.sha256] for photo in judged]).astype(np.float32)
    scores = np.full((len(judged), len(categories)), -np.inf, dtype=np.float32)
    for learned, held_out in _folds(labels, [groups[photo.sha256] for photo in judged]):
        scores[held_out] = _score(vectors[learned], labels[learned], vectors[held_out])
    return Judged(judged, categories, labels, _calibrated(scores, labels))


def label_findings(judged: Judged) -> Iterator[Finding]:
    """Photos whose category is probably another one, the surest first.

    Raises:
        MissingExtra: cleanlab, a part of the train extra, is not installed.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    issues = find_label_issues(
        judged.labels, judged.probabilities, filter_by="low_self_confidence", n_jobs=1
    )
    rows = np.arange(len(judged.labels))
    likely = judged.probabilities.argmax(axis=1)
    sure = np.minimum(judged.probabilities[rows, likely], _SUREST)
    issues &= (likely != judged.labels) & (sure >= LIKELY)
    suspected: list[int] = np.flatnonzero(issues).tolist()
    for row in sorted(suspected, key=lambda row: (-sure[row], row)):
        photo, other = judged.photos[row], judged.categories[likely[row]]
        yield Finding(
            kind="suspected label",
            category=photo.category,
            product=photo.product,
            detail=f"looks like {other} ({sure[row]:.0%})",
            photos=(photo, *_typical(judged, int(likely[row]))),
            other=other,
            share=round(float(sure[row]), 4),
        )


def alike_findings(judged: Judged) -> Iterator[Finding]:
    """Pairs of categories whose photos are taken for each other, the most alike first."""
    likely = judged.probabilities.argmax(axis=1)
    taken = Counter(
        (min(pair), max(pair))
        for pair in zip(judged.labels.tolist(), likely.tolist(), strict=True)
        if pair[0] != pair[1]
    )
    sizes = Counter(judged.labels.tolist())
    shares = {
        (one, other): count / (sizes[one] + sizes[other]) for (one, other), count in taken.items()
    }
    for (one, other), share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        if share < ALIKE:
            return
        mistaken = [
            judged.photos[row]
            for own, taken_for in ((one, other), (other, one))
            for row in np.flatnonzero((judged.labels == own) & (likely == taken_for))[:_EXAMPLES]
        ]
        yield Finding(
            kind="alike categories",
            category=judged.categories[one],
            product="",
            detail=f"{share:.0%} of the photos are taken for {judged.categories[other]} or the "
            "other way round",
            photos=tuple(mistaken),
            other=judged.categories[other],
            share=round(share, 4),
        )


def _judged_categories(photos: Sequence[ShownPhoto], groups: Mapping[str, str]) -> list[str]:
    own: dict[str, set[str]] = defaultdict(set)
    for photo in photos:
        own[photo.category].add(groups[photo.sha256])
    return sorted(slug for slug, found in own.items() if len(found) >= LEAST_PHOTOS)


def _typical(judged: Judged, category: int) -> list[ShownPhoto]:
    """Some photos that surely belong to a category, to compare with."""
    own = np.flatnonzero(judged.labels == category)
    surest = own[np.argsort(-judged.probabilities[own, category], kind="stable")]
    return [judged.photos[row] for row in surest[:_TYPICAL]]


def _folds(
    labels: npt.NDArray[np.int64], groups: Sequence[str]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    yield from folds.split(labels, labels, groups)


def _score(vectors: Floats, labels: npt.NDArray[np.int64], asked: Floats) -> Floats:
    """Log-probabilities up to a constant: linear discriminants, their covariance shrunk.

    In closed form it costs seconds where logistic regression costs minutes, and a few wrong labels
    hardly move means and covariance.
    """
    classes = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=classes)
    sums = np.zeros((classes, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, labels, vectors)
    means = sums / np.maximum(counts, 1)[:, None]
    within = vectors - means[labels]
    covariance = (within.T @ within / len(vectors)).astype(np.float64)
    size = len(covariance)
    level = max(np.trace(covariance) / size, 1e-12)
    covariance *= 1 - _SHRINKAGE
    covariance[np.diag_indices(size)] += _SHRINKAGE * level
    weights = np.linalg.solve(covariance, means.T.astype(np.float64))
    offsets = np.log(np.maximum(counts, 1e-9) / len(labels)) - 0.5 * (means.T * weights).sum(axis=0)
    scores: Floats = (asked @ weights + offsets).astype(np.float32)
    scores[:, counts == 0] = -np.inf
    return scores


def _calibrated(scores: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """Probabilities at the temperature that fits the labels best (Guo et al., 2017)."""
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        given = _softmax(scores / temperature)[rows, labels]
        return float(-np.log(np.maximum(given, 1e-9)).mean())

    temperatures = np.geomspace(0.25, 64, 49).astype(np.float32)
    return _softmax(scores / min(temperatures, key=loss))


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _missing(error: ModuleNotFoundError) -> MissingExtra:
    return MissingExtra(
        f"Looking for wrong labels needs {error.name}, which this installation does not have.",
        hint="pip install 'vitrina[train]'",
    )
