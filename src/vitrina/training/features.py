"""The frozen part of a network is computed once: what it makes of each view of each photo.

One pass gives both things that training reads: the pooled features, from which the head learns,
and the activations at the cut, from which the last layers learn. Both lie in memory-mapped
half-precision files, named after everything that they depend on. So an epoch costs what head and
tail cost, not what the network does; a trial of tuning costs seconds; and a run that was killed
finds here what it had computed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina.ahead import map_ahead
from vitrina.dataset import Dataset, Split
from vitrina.errors import TrainingError
from vitrina.machine import usable_cores
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.records import RecordFile
from vitrina.training.batches import LabelledRows
from vitrina.training.views import RECIPES, Augmentation, augmented_view

Computed = tuple[npt.NDArray[np.float32], ...]
"""Pooled features (D,), and where a tail learns the activations at the cut (h, w, c)."""


@dataclass(frozen=True)
class FrozenPart:
    """What is computed once.

    Attributes:
        identity: Names the network and its weights.
        at: Where the tail begins; empty where only the head learns.
        feature_dim: D, length of the pooled features.
        middle: Shape of the activations at the cut, (h, w, c); None where only the head learns.
        load: Gives the function that computes, from (224, 224, 3) uint8; it may be called from
            several threads, and is asked for only when something is missing.
    """

    identity: str
    at: str
    feature_dim: int
    middle: tuple[int, ...] | None
    load: Callable[[], Callable[[Pixels], Computed]]


class FeatureCache:
    """What a frozen part makes of views of photos.

    Args:
        folder: The shop's cache folder.
        frozen: What computes.
        seed: Decides what the views look like.
        augmentation: Which kind of views.
    """

    def __init__(
        self, folder: Path, frozen: FrozenPart, seed: int, augmentation: Augmentation = "phone"
    ) -> None:
        self._folder = folder
        self._frozen = frozen
        self._seed = seed
        self._augmentation = augmentation
        self._in_memory: dict[tuple[Split, int], LabelledRows] = {}
        own = f"{frozen.identity}/{RECIPES[augmentation]}/{seed}"
        pooled = folder / f"features-{_short(own)}.records"
        middle = folder / f"activations-{_short(f'{own}/{frozen.at}')}.records"
        self._pooled = RecordFile(pooled, (frozen.feature_dim,), np.float16)
        self._middle = frozen.middle and RecordFile(middle, frozen.middle, np.float16)

    def compute(
        self,
        dataset: Dataset,
        views: int,
        pixels: PixelCache | Mapping[str, Pixels],
        progress: Progress,
    ) -> None:
        """Computes what is missing: all views of what is learned from, plain ones of the rest.

        May be interrupted anywhere.

        Args:
            dataset: Whose photos.
            views: Of each photo that is learned from.
            pixels: All those photos.
            progress: Where the work reports to.
        """
        files = [self._pooled, self._middle] if self._middle else [self._pooled]
        if spoiled := sum(file.verify() for file in files):
            progress.say(f"{spoiled} activations were damaged on the disk and are made again.")
        missing = [
            (sample.sha256, view)
            for sample in dataset.samples
            for view in range(views if sample.split == "train" else 1)
            if not self._has(_name(sample.sha256, view))
        ]
        if not missing:
            return
        self._require_room(len(missing) * sum(file.record_bytes for file in files))
        RecordFile.append_together(files, self._compute(missing, pixels, progress))

    def pooled(
        self, dataset: Dataset, split: Split, views: int, *, keep: bool = True
    ) -> LabelledRows:
        """Pooled features of a split, in memory: heads that learn read them many times.

        They are kept, for TensorFlow goes on holding what a trial has read: a copy for each trial
        would stay. What is read once, of another dataset, need not be.
        """
        if keep and (split, views) in self._in_memory:
            return self._in_memory[split, views]
        rows = self._rows(self._pooled, dataset, split, views)
        values = self._pooled.values[rows.rows.reshape(-1)]
        own = np.arange(rows.rows.size).reshape(rows.rows.shape)
        kept = LabelledRows(values, own, rows.labels, rows.classes)
        if keep:
            self._in_memory[split, views] = kept
        return kept

    def middle(self, dataset: Dataset, split: Split, views: int) -> LabelledRows:
        """Activations at the cut of a split, mapped: they need not fit into memory."""
        assert self._middle
        return self._rows(self._middle, dataset, split, views)

    def _rows(self, file: RecordFile, dataset: Dataset, split: Split, views: int) -> LabelledRows:
        samples = dataset.part(split)
        names = [sample.sha256 for sample in samples]
        rows = [file.rows_of(_name(sha, view) for sha in names) for view in range(views)]
        labels: npt.NDArray[np.int64] = np.array(dataset.labels(samples), dtype=np.int64)
        return LabelledRows(file.values, np.stack(rows, axis=1), labels, len(dataset.categories))

    def _has(self, name: str) -> bool:
        return name in self._pooled and (not self._middle or name in self._middle)

    def _require_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise TrainingError(
                f"The activations need {needed / 1e9:.1f} GB in {self._folder}; {free / 1e9:.1f} "
                "GB are free.",
                hint="Free space (older activations-*.records may be deleted), or train with "
                "fewer --views or without the last layers: --unfrozen-layers 0.",
            )

    def _compute(
        self,
        wanted: Sequence[tuple[str, int]],
        pixels: PixelCache | Mapping[str, Pixels],
        progress: Progress,
    ) -> Iterator[tuple[str, tuple[npt.NDArray[Any], ...]]]:
        compute_one = self._frozen.load()

        def compute(named: tuple[str, int]) -> tuple[str, Computed]:
            sha, view = named
            seen = augmented_view(pixels[sha], sha, view, self._seed, self._augmentation)
            return _name(sha, view), compute_one(seen)

        with ThreadPoolExecutor(usable_cores()) as pool:
            done: Iterable[tuple[str, Computed]] = map_ahead(pool, compute, wanted)
            for name, values in progress.track(done, "Computing activations", len(wanted)):
                if not all(np.isfinite(part).all() for part in values):
                    raise TrainingError(
                        f"The network answers to the photo {name} with values that are no numbers.",
                        hint="Its weights are damaged: fetch them again, or choose another file.",
                    )
                yield name, values


def _short(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _name(sha256: str, view: int) -> str:
    return f"{sha256}/{view}"
