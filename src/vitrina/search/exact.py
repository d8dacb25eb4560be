"""The nearest of some embeddings, found by comparing with all of them."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

Half = npt.NDArray[np.float16]
Rows = npt.NDArray[np.int64]
Cosines = npt.NDArray[np.float32]

_FEW = 1024
"""So many are compared by NumPy as long as USearch has not been loaded. Loading it takes about a
tenth of a server's start; NumPy takes 0.6 ms longer for 256 embeddings, 3 ms for 1,024."""


def exact_nearest(vectors: Half, question: Half, count: int) -> tuple[Rows, Cosines]:
    """The `count` nearest embeddings and their cosines, the nearest first.

    Args:
        vectors: (N, D) float16, unit length.
        question: (D,) float16, unit length.
        count: How many at most.

    Returns:
        Rows of `vectors`, (count,), and cosines, (count,) float32.
    """
    count = min(count, len(vectors))
    if not count:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    if len(vectors) <= _FEW and "usearch.index" not in sys.modules:
        cosines = vectors.astype(np.float32) @ question.astype(np.float32)
        nearest = np.argsort(-cosines, kind="stable")[:count]
        return nearest, cosines[nearest]
    from usearch.index import MetricKind, search

    matches = search(vectors, question, count, MetricKind.IP, exact=True, threads=1)
    keys: Rows = np.asarray(matches.keys).astype(np.int64)
    found: Cosines = 1 - np.asarray(matches.distances)
    return keys, found


def load_ahead() -> None:
    """Loads what larger comparisons need, so that the first of them does not wait for it."""
    import usearch.index  # noqa: F401
