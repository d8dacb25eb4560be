"""The frozen part of a network is computed once: what it makes of each view of each photo.

Activations at the cut lie in a memory-mapped half-precision file, named after everything that they
depend on. Head and tail learn from it, so an epoch costs what they cost, not what the network
does; and a run that was killed finds here what it had computed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from vitrina.ahead import map_ahead
from vitrina.errors import TrainingError
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.records import RecordFile
from vitrina.training.augment import RECIPE, augmented_view

Half = npt.NDArray[np.float16]
Trunk = Callable[[Pixels], npt.NDArray[np.float32]]
BATCH = 32


class ActivationCache:
    """Activations of one trunk for views of photos.

    Args:
        folder: The shop's cache folder.
        trunk: Loaded only when something is missing: (224, 224, 3) uint8 -> (h, w, c) float32.
        shape: Of one photo's activations, (h, w, c).
        trunk_id: Names the trunk and its weights: backbone, where it is cut, checksum.
        seed: Decides what the views look like.
    """

    def __init__(
        self,
        folder: Path,
        trunk: Callable[[], Trunk],
        shape: tuple[int, ...],
        trunk_id: str,
        seed: int,
    ) -> None:
        name = hashlib.sha256(f"{trunk_id}/{RECIPE}/{seed}".encode()).hexdigest()[:16]
        self._records = RecordFile(folder / f"activations-{name}.records", shape, np.float16)
        self._folder = folder
        self._trunk = trunk
        self._seed = seed

    @property
    def values(self) -> Half:
        """All activations, (rows, h, w, c) float16, mapped."""
        return self._records.values

    def rows(self, sha256: Sequence[str], view: int) -> npt.NDArray[np.int64]:
        """Rows of `values` for one view of those photos, which must have been added."""
        return self._records.rows_of(_name(sha, view) for sha in sha256)

    def add(
        self, wanted: Iterable[tuple[str, int]], pixels: PixelCache, progress: Progress
    ) -> None:
        """Computes what is missing; may be interrupted anywhere.

        Args:
            wanted: SHA-256 of a photo and number of the view, each.
            pixels: All those photos.
            progress: Where the work reports to.
        """
        missing = [(sha, view) for sha, view in wanted if _name(sha, view) not in self._records]
        if missing:
            self._require_room(len(missing) * self._records.record_bytes)
            self._records.append(self._compute(missing, pixels, progress))

    def _require_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise TrainingError(
                f"The activations need {needed / 1e9:.1f} GB in {self._folder}; {free / 1e9:.1f} "
                "GB are free.",
                hint="Free space (older activations-*.records may be deleted), or train with "
                "fewer --views or fewer --unfrozen-layers.",
            )

    def _compute(
        self, wanted: list[tuple[str, int]], pixels: PixelCache, progress: Progress
    ) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        trunk = self._trunk()

        def compute(named: tuple[str, int]) -> tuple[str, npt.NDArray[Any]]:
            sha, view = named
            return _name(sha, view), trunk(augmented_view(pixels[sha], sha, view, self._seed))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done = map_ahead(pool, compute, wanted)
            yield from progress.track(done, "Computing activations", len(wanted))


def run_in_batches(
    model: keras.Model,
    values: npt.NDArray[Any],
    rows: npt.NDArray[np.int64] | None = None,
    batch: int = BATCH,
) -> npt.NDArray[np.float32]:
    """What `model` answers in inference mode, read from `values` a batch at a time.

    Args:
        model: One input, one output.
        values: (M, ...) of any real dtype, mapped or in memory.
        rows: (N,) int64, which of `values` to ask and in which order; None asks all.
        batch: The last one is filled up, because every new size would be compiled anew.

    Returns:
        (N, ...) float32.
    """
    rows = np.arange(len(values)) if rows is None else rows
    answers = []
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        filled = np.concatenate([part, np.repeat(part[-1:], batch - len(part))])
        inputs = np.asarray(values[filled], dtype=np.float32)
        answers.append(np.asarray(model.predict_on_batch(inputs))[: len(part)])
    return np.concatenate(answers)


def _name(sha256: str, view: int) -> str:
    return f"{sha256}/{view}"
