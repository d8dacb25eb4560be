"""What a bundle knows about when to fill the search box, and how that is fitted.

Which risk is accepted is not part of it: the outcomes of the photos that were watched are kept, and
`vitrina.search.decision` finds the thresholds for the shop's settings whenever a server starts.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.errors import BundleDamaged
from vitrina.evaluation.discriminants import Discriminants, find_discriminants
from vitrina.evaluation.evidence import (
    Answers,
    Evidence,
    Floats,
    Labels,
    References,
    Weights,
    weigh,
)
from vitrina.evaluation.metrics import guesses

ENOUGH_WATCHED = 20
"""With fewer watched photos nothing is fitted."""

DIMENSIONS = 128
MOST_REFERENCES = 20_000
_LEAST_OF_A_CATEGORY = 5
_FOLDS = 5
_SCALARS = ("network", "nearness", "entropy", "lead", "typicality")
"""Of the weights, in the order in which they are kept."""


@dataclass(frozen=True)
class Outcomes:
    """What became of photos that the network did not learn from; weights were fitted without them.

    Attributes:
        certainty: (N,) float32, see `Evidence`.
        entropy: (N,) float32, likewise.
        nearness: (N,) float32, likewise.
        typicality: (N,) float32, likewise.
        right: (N,) bool, whether the first category was the photo's own.
    """

    certainty: Floats
    entropy: Floats
    nearness: Floats
    typicality: Floats
    right: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DecisionModel:
    """Everything that decisions follow from.

    Attributes:
        references: Photos that the network learned from.
        discriminants: How those of each category are spread.
        weights: Of the evidence.
        sold: Outcomes of the watched photos.
        unsold: Of the same photos, each as if the shop did not sell its category.
    """

    references: References
    discriminants: Discriminants
    weights: Weights
    sold: Outcomes
    unsold: Outcomes

    def weigh(self, probabilities: Floats, embeddings: Floats) -> Evidence:
        """What was found out about photos.

        Args:
            probabilities: (N, C) float32, the network's.
            embeddings: (N, D) float32, unit length.
        """
        answers = Answers(
            probabilities,
            self.references.nearness(embeddings),
            self.discriminants.typicality(embeddings),
        )
        return weigh(answers, self.weights)

    def to_bytes(self) -> bytes:
        """As decisions.npz."""
        arrays: dict[str, Any] = {
            "projection": self.references.projection,
            "references": self.references.vectors.astype(np.float16),
            "reference_labels": self.references.labels.astype(np.int32),
            "offsets": self.weights.offsets,
            "weights": np.array(
                [getattr(self.weights, name) for name in _SCALARS], dtype=np.float64
            ),
        }
        for part in fields(Discriminants):
            arrays[f"discriminants_{part.name}"] = getattr(self.discriminants, part.name)
        for name, outcomes in (("sold", self.sold), ("unsold", self.unsold)):
            for each in fields(outcomes):
                arrays[f"{name}_{each.name}"] = getattr(outcomes, each.name)
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, *, categories: int, embedding_size: int) -> DecisionModel:
        """Reads decisions.npz back.

        Args:
            content: Of the file.
            categories: C that it must be for.
            embedding_size: D that it must be for.

        Raises:
            BundleDamaged: it is no such file, or for another network.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            scalars = dict(zip(_SCALARS, arrays["weights"].tolist(), strict=True))
            model = cls(
                References(
                    arrays["projection"],
                    arrays["references"].astype(np.float32),
                    arrays["reference_labels"].astype(np.int64),
                    categories,
                ),
                Discriminants(
                    **{
                        each.name: arrays[f"discriminants_{each.name}"]
                        for each in fields(Discriminants)
                    }
                ),
                Weights(**scalars, offsets=arrays["offsets"]),
                *(
                    Outcomes(
                        **{each.name: arrays[f"{name}_{each.name}"] for each in fields(Outcomes)}
                    )
                    for name in ("sold", "unsold")
                ),
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise _damaged(f"cannot be read ({error})") from error
        sizes = {len(model.references.projection), len(model.discriminants.directions)}
        if len(model.weights.offsets) != categories or sizes != {embedding_size}:
            raise _damaged("belongs to another network")
        return model


def fit_decisions(
    learned: Floats,
    learned_labels: Labels,
    watched: Floats,
    probabilities: Floats,
    labels: Labels,
    *,
    pictures: int = 1,
) -> DecisionModel | None:
    """Fits decisions to what a network makes of photos.

    Args:
        learned: (M, D) float32 of unit length, embeddings of photos that it learned from.
        learned_labels: (M,) int64.
        watched: (N, D) float32 of unit length, embeddings of photos that it did not learn from.
        probabilities: (N, C) float32, the network's for those.
        labels: (N,) int64, of those.
        pictures: How many pictures of each watched photo there are: the rows are so many blocks of
            the same photos in the same order.

    Returns:
        None where fewer than `ENOUGH_WATCHED` photos were watched.
    """
    from vitrina.evaluation.calibration import fit_weights

    photos = len(labels) // pictures
    if photos < ENOUGH_WATCHED:
        return None
    categories = probabilities.shape[1]
    kept = spread_over_categories(learned_labels, categories)
    learned, learned_labels = learned[kept].astype(np.float32), learned_labels[kept]
    references = choose_references(learned, learned_labels, categories)
    discriminants = find_discriminants(learned, learned_labels, categories)
    answers = Answers(
        probabilities, references.nearness(watched), discriminants.typicality(watched)
    )
    sold, unsold = [], []
    # no photo is judged by weights that were fitted to another picture of it
    folds = np.tile(_folds(labels[:photos]), pictures)
    for fold in range(_FOLDS):
        held = folds == fold
        weights = fit_weights(answers.of(~held), labels[~held])
        given = answers.of(held)
        sold.append(_outcomes(weigh(given, weights), labels[held]))
        unsold.append(_outcomes(weigh(given, weights, without=labels[held]), labels[held]))
    return DecisionModel(
        references,
        discriminants,
        fit_weights(answers, labels),
        _joined(sold),
        _joined(unsold),
    )


def spread_over_categories(labels: Labels, categories: int) -> Labels:
    """Rows to compare with, sorted by category: all, or as many of each category as there is room.

    Args:
        labels: (M,) int64.
        categories: C.
    """
    most = max(_LEAST_OF_A_CATEGORY, MOST_REFERENCES // categories)
    return np.concatenate([_spread(np.flatnonzero(labels == c), most) for c in range(categories)])


def choose_references(embeddings: Floats, labels: Labels, categories: int) -> References:
    """Photos to compare with, spread over all of each category, in the directions that matter.

    Args:
        embeddings: (M, D) float32 of unit length.
        labels: (M,) int64.
        categories: C.
    """
    kept = spread_over_categories(labels, categories)
    chosen = embeddings[kept].astype(np.float32)
    projection = _main_directions(chosen, min(DIMENSIONS, *chosen.shape))
    vectors = chosen @ projection
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return References(projection, vectors, labels[kept], categories)


def _main_directions(embeddings: Floats, count: int) -> Floats:
    """Along which goods differ most, (M, D) -> (D, count), orthonormal, the first one foremost.

    Not centred, so that cosines stay cosines.
    """
    # it costs 0.1 s, and only fitting comes here
    from scipy.linalg import eigh

    photos, size = embeddings.shape
    # photos by photos, or dimensions by dimensions: both tell them, the smaller table sooner
    table = embeddings @ embeddings.T if photos < size else embeddings.T @ embeddings
    _, found = eigh(table, subset_by_index=(len(table) - count, len(table) - 1))
    directions = embeddings.T @ found if photos < size else found
    # without a mistake only where no two photos are alike
    directions, _ = np.linalg.qr(directions[:, ::-1])
    return np.ascontiguousarray(directions)


def _spread(rows: Labels, most: int) -> Labels:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _folds(labels: Labels) -> Labels:
    """Dealt out category by category, so that each fold has some of each."""
    folds = np.empty(len(labels), dtype=np.int64)
    folds[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % _FOLDS
    return folds


def _outcomes(evidence: Evidence, labels: Labels) -> Outcomes:
    right = guesses(evidence.probabilities, labels) == labels
    return Outcomes(
        evidence.certainty, evidence.entropy, evidence.nearness, evidence.typicality, right
    )


def _joined(parts: list[Outcomes]) -> Outcomes:
    return Outcomes(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Outcomes))
    )


def _damaged(reason: str) -> BundleDamaged:
    return BundleDamaged(f"decisions.npz {reason}.", hint="Publish again: vitrina publish.")
