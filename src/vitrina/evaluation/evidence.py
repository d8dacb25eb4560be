"""What speaks for each category: the network's answer and the nearest photos that it learned from.

NumPy only, and quick: a server weighs the evidence of each photo, and fitting weighs that of many.

The network alone is too sure of things that the shop does not sell. How near a photo comes to
photos of a category, compared with the nearest of other categories, knows better (nearest
neighbours on the embedding: Sun et al., "Out-of-Distribution Detection with Deep Nearest
Neighbors", ICML 2022). Both are pooled: log p(c) ~ network_weight * log p_network(c) +
nearness_weight * cosine to the nearest photo of c. With the second weight 0 that is temperature
scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) with the temperature
1 / network_weight: the logarithm of a softmax is the logits up to a constant, which scaling does
not see, so the network need not give its logits.
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
        network: Of the logarithm of the network's probabilities.
        nearness: Of the nearness.
        slope: Of minus the entropy, for the certainty.
        offsets: (C,) float32, added to the certainty of a photo that is taken for that category.
    """

    network: float
    nearness: float
    slope: float
    offsets: Floats


@dataclass(frozen=True)
class Evidence:
    """What was found out about N photos.

    Attributes:
        probabilities: (N, C) float32, calibrated.
        entropy: (N,) float32, nats, of those.
        certainty: (N,) float32, log-odds that the first category is right, for a photo which may
            as well show what is not sold.
        nearness: (N,) float32, of the nearest photo of any category.
    """

    probabilities: Floats
    entropy: Floats
    certainty: Floats
    nearness: Floats


def weigh(
    network: Floats, nearness: Floats, weights: Weights, *, without: Labels | None = None
) -> Evidence:
    """Pools the evidence.

    Args:
        network: (N, C) float32, the network's probabilities.
        nearness: (N, C) float32, as `References.nearness` gives it.
        weights: Fitted ones.
        without: (N,) int64, for each photo a category that is taken for unheard of; None for none.
    """
    pooled = pool(network, nearness, weights.network, weights.nearness)
    if without is not None:
        own = (np.arange(len(pooled)), without)
        pooled[own] = -np.inf
        nearness = nearness.copy()
        nearness[own] = _NO_PHOTO
    pooled -= pooled.max(axis=1, keepdims=True)
    probabilities = np.exp(pooled)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    entropy = -(probabilities * np.log(np.maximum(probabilities, _LEAST_PROBABILITY))).sum(axis=1)
    first = probabilities.argmax(axis=1)
    return Evidence(
        probabilities=probabilities,
        entropy=entropy,
        certainty=weights.offsets[first] - weights.slope * entropy,
        nearness=nearness.max(axis=1),
    )


def pool(
    network: Floats, nearness: Floats, network_weight: float, nearness_weight: float
) -> Floats:
    """Logits of the pooled evidence, (N, C) float32, new; arguments as `weigh`."""
    logits: Floats = np.log(np.maximum(network, _LEAST_PROBABILITY)).astype(np.float32)
    logits *= np.float32(network_weight)
    logits += np.float32(nearness_weight) * nearness
    return logits
