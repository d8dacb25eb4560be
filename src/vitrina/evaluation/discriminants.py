"""How typical of a category a photo is, and how typical of goods at all.

Two normal distributions are compared: that of a category's photos, whose spread is common to all
categories, and that of the photos of all goods together. Their ratio knows a stranger better than
the distance from the category alone, which also grows with everything that is unusual about a
picture and says nothing of what it shows (Ren et al., "A Simple Fix to Mahalanobis Distance for
Improving Near-OOD Detection", 2021). The two differ only along the directions of Fisher's linear
discriminant, fewer than there are categories, so those are all that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.evaluation.evidence import Floats, Labels

MOST_DIRECTIONS = 256

_EVEN_PHOTOS = 500
"""So many photos more, spread alike in every direction, are reckoned with: few photos say little of
the directions in which a category hardly varies."""


@dataclass(frozen=True)
class Discriminants:
    """Normal distributions of categories, and of all goods, where they differ.

    Attributes:
        mean: (D,) float32, of all goods.
        directions: (D, K) float32; along each, photos of one category have variance 1.
        centres: (C, K) float32, of the categories, the mean taken off; NaN for one without photos.
        between: (K,) float32, variance of the centres along each direction.
    """

    mean: Floats
    directions: Floats
    centres: Floats
    between: Floats

    def typicality(self, embeddings: Floats) -> Floats:
        """Logarithm of how much likelier each category makes a photo than goods at large do.

        Up to a constant, (N, D) float32 -> (N, C) float32. A category without photos is as
        unlikely as the unlikeliest.
        """
        places = (embeddings - self.mean) @ self.directions
        at_large = (places**2 / (1 + self.between)).sum(axis=1, keepdims=True)
        known = np.asarray(np.isfinite(self.centres).all(axis=1))
        centres = np.where(known[:, None], self.centres, 0)
        # |a - b|^2, without an array of all differences
        apart = (places**2).sum(axis=1, keepdims=True) - 2 * places @ centres.T
        apart += (centres**2).sum(axis=1)
        ratios: Floats = ((at_large - apart) / 2).astype(np.float32)
        if known.any() and not known.all():
            ratios[:, ~known] = ratios[:, known].min(axis=1, keepdims=True)
        return ratios


def find_discriminants(embeddings: Floats, labels: Labels, categories: int) -> Discriminants:
    """Fisher's linear discriminant, with the spread within categories drawn towards an even one.

    Args:
        embeddings: (M, D) float32 of unit length, M is 1 or more.
        labels: (M,) int64.
        categories: C.
    """
    photos, size = embeddings.shape
    counts = np.bincount(labels, minlength=categories)
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centres = np.full((categories, size), np.nan)
    for category in np.flatnonzero(counts):
        members = embeddings[labels == category]
        centres[category] = members.mean(axis=0, dtype=np.float64) - mean
    rest = (embeddings - mean - centres[labels]).astype(np.float32)
    within = (rest.T @ rest).astype(np.float64)
    even = max(float(np.trace(within)) / (size * photos), 1e-12)
    within += _EVEN_PHOTOS * even * np.eye(size)
    lower = np.linalg.cholesky(within / (photos + _EVEN_PHOTOS))
    shares = np.sqrt(counts / photos)[:, None]
    weighted = np.where(counts[:, None] > 0, centres * shares, 0)
    left, lengths, _ = np.linalg.svd(np.linalg.solve(lower, weighted.T), full_matrices=False)
    kept = min(MOST_DIRECTIONS, max(1, np.count_nonzero(counts) - 1), len(lengths))
    directions: npt.NDArray[np.float64] = np.linalg.solve(lower.T, left[:, :kept])
    return Discriminants(
        mean.astype(np.float32),
        directions.astype(np.float32),
        (centres @ directions).astype(np.float32),
        (lengths[:kept] ** 2).astype(np.float32),
    )
