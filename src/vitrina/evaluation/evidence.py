"""What speaks for each category, and what speaks against all of them.

NumPy only, and quick: a server weighs the evidence of each photo, and fitting weighs that of many.

The network alone is too sure of things that the shop does not sell. How near a photo comes to
photos of a category, compared with the nearest of other categories, knows better (nearest
neighbours on the embedding: Sun et al., "Out-of-Distribution Detection with Deep Nearest
Neighbors", ICML 2022). Both are pooled: log p(c) ~ network_weight * log p_network(c) +
nearness_weight * cosine to the nearest photo of c. With the second weight 0 that is temperature
scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) with the temperature
1 / network_weight: the logarithm of a softmax is the logits up to a constant, which scaling does
not see, so the network need not give its logits.

Whether the likeliest category is right at all is another question, for a photo may show what is not
sold. Three things answer it together: the entropy of the network's own answer; the lead of the
nearest photo of that category over those of others; and how typical of it the photo is, see
`vitrina.evaluation.discriminants`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

_LEAST_PROBABILITY = 1e-30
_NO_PHOTO = -1.0
"""Cosine to a category of which there is no photo."""


@dataclass(frozen=True)
class References:
    """Photos that the network learned from, in few dimensions.

    Attributes:
        projection: (D, K) float32 with orthonormal columns.
        vectors: (R, K) float32, unit length, sorted by category.
        labels: (R,) int64, index of each one's category.
        categories: C, how many there are.
    """

    projection: Floats
    vectors: Floats
    labels: Labels
    categories: int

    def nearness(self, embeddings: Floats) -> Floats:
        """How near the nearest photo of each category is, (N, D) float32 -> (N, C) float32.

        Cosines, shortened by what the projection loses: what lies outside the goods' directions
        is near to none of them. -1 for a category without photos.
        """
        nearest = np.full((len(embeddings), self.categories), _NO_PHOTO, dtype=np.float32)
        if len(self.labels):
            cosines = (embeddings @ self.projection) @ self.vectors.T
            present, starts = np.unique(self.labels, return_index=True)
            nearest[:, present] = np.maximum.reduceat(cosines, starts, axis=1)
        return nearest


@dataclass(frozen=True)
class Weights:
    """How much each kind of evidence counts.

    Attributes:
        network: Of the logarithm of the network's probabilities, in the pool.
        nearness: Of the nearness, in the pool.
        entropy: Of minus the entropy, for the certainty.
        lead: Of the lead in nearness, likewise.
        typicality: Likewise.
        offsets: (C,) float32, added to the certainty of a photo that is taken for that category.
    """

    network: float
    nearness: float
    entropy: float
    lead: float
    typicality: float
    offsets: Floats


@dataclass(frozen=True)
class Answers:
    """What is known of N photos before it is weighed.

    Attributes:
        network: (N, C) float32, the network's probabilities.
        nearness: (N, C) float32, as `References.nearness` gives it.
        typicality: (N, C) float32, as `Discriminants.typicality` gives it.
    """

    network: Floats
    nearness: Floats
    typicality: Floats

    def __len__(self) -> int:
        return len(self.network)

    def of(self, rows: npt.NDArray[np.bool_]) -> Answers:
        """Those of some of the photos."""
        return Answers(self.network[rows], self.nearness[rows], self.typicality[rows])


@dataclass(frozen=True)
class Evidence:
    """What was found out about N photos.

    Attributes:
        probabilities: (N, C) float32, calibrated.
        entropy: (N,) float32, nats, of the network's own probabilities.
        nearness: (N,) float32, of the nearest photo of any category.
        typicality: (N,) float32, of the category that the photo is most typical of.
        lead: (N,) float32, how much nearer the nearest photo of the first category is than that of
            any other; negative where another is nearer.
        own_typicality: (N,) float32, of the first category.
        first: (N,) int64, the likeliest category.
        certainty: (N,) float32, log-odds that the first category is right, for a photo which may
            as well show what is not sold.
    """

    probabilities: Floats
    entropy: Floats
    nearness: Floats
    typicality: Floats
    lead: Floats
    own_typicality: Floats
    first: Labels
    certainty: Floats


def weigh(answers: Answers, weights: Weights, *, without: Labels | None = None) -> Evidence:
    """Pools the evidence.

    Args:
        answers: What is known of the photos.
        weights: Fitted ones.
        without: (N,) int64, for each photo a category that is taken for unheard of; None for none.
    """
    rows = np.arange(len(answers))
    pooled = pool(answers.network, answers.nearness, weights.network, weights.nearness)
    alone = pool(answers.network, answers.nearness, 1.0, 0.0)
    nearness, typicality = answers.nearness, answers.typicality
    if without is not None:
        pooled[rows, without] = alone[rows, without] = -np.inf
        nearness, typicality = nearness.copy(), typicality.copy()
        nearness[rows, without] = _NO_PHOTO
        typicality[rows, without] = -np.inf
    probabilities, own = _softmax(pooled), _softmax(alone)
    entropy = -(own * np.log(np.maximum(own, _LEAST_PROBABILITY))).sum(axis=1)
    first = probabilities.argmax(axis=1)
    others = nearness.copy()
    others[rows, first] = _NO_PHOTO
    lead = nearness[rows, first] - others.max(axis=1)
    own_typicality = typicality[rows, first]
    return Evidence(
        probabilities=probabilities,
        entropy=entropy,
        nearness=nearness.max(axis=1),
        typicality=typicality.max(axis=1),
        lead=lead,
        own_typicality=own_typicality,
        first=first,
        certainty=weights.offsets[first]
        - weights.entropy * entropy
        + weights.lead * lead
        + weights.typicality * own_typicality,
    )


def pool(
    network: Floats, nearness: Floats, network_weight: float, nearness_weight: float
) -> Floats:
    """Logits of the pooled evidence, (N, C) float32, new; arguments as `weigh`."""
    logits: Floats = np.log(np.maximum(network, _LEAST_PROBABILITY)).astype(np.float32)
    logits *= np.float32(network_weight)
    logits += np.float32(nearness_weight) * nearness
    return logits


def _softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares
