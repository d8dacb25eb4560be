"""Embeddings before anything is trained, from a network that knows only ImageNet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vitrina.ahead import map_ahead
from vitrina.machine import usable_cores
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.records import RecordFile
from vitrina.training.backbones import describe_backbone
from vitrina.training.trunk import FrozenTrunk
from vitrina.training.weights import find_weights

BACKBONE = "mobilenet_v2"
"""The quickest of the named ones."""


def imagenet_embeddings(
    cache: Path, names: Sequence[str], pixels: PixelCache, progress: Progress
) -> dict[str, npt.NDArray[np.float32]]:
    """Embeddings of unit length, (D,) float32 by SHA-256; kept in the cache for the next time.

    Args:
        cache: The shop's cache folder.
        names: SHA-256 of the photos.
        pixels: All of them.
        progress: Where the work reports to.

    Raises:
        WeightsError: no ImageNet weights are to be had.
    """
    backbone = describe_backbone(BACKBONE)
    network, weights = find_weights(backbone, progress=progress)
    identity = hashlib.sha256(f"{backbone.name}/{weights.sha256}".encode()).hexdigest()[:16]
    records = RecordFile(
        cache / f"embeddings-{identity}.records", (backbone.feature_dim,), np.float16
    )
    records.verify()
    missing = [name for name in names if name not in records]

    def computed() -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        trunk = FrozenTrunk(network, None)

        def compute(name: str) -> tuple[str, npt.NDArray[np.float32]]:
            (pooled,) = trunk(pixels[name])
            unit: npt.NDArray[np.float32] = pooled / max(float(np.linalg.norm(pooled)), 1e-12)
            return name, unit

        with ThreadPoolExecutor(usable_cores()) as pool:
            done = map_ahead(pool, compute, missing)
            yield from progress.track(done, "Embedding photos", len(missing))

    if missing:
        records.append(computed())
    return {name: records[name].astype(np.float32) for name in names}
