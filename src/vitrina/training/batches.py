"""Batches of cached values: each epoch shows every photo once, in another of its views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from vitrina.records import MappedValues

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[Any] | MappedValues
"""Arrays by row, in memory or mapped."""


@dataclass(frozen=True)
class LabelledRows:
    """Which rows of a value array show which photo, and what each photo is.

    Attributes:
        values: (M, ...) float16, mapped or in memory.
        rows: (N, views) int64 into `values`.
        labels: (N,) int64.
        classes: Number of categories.
    """

    values: Values
    rows: Rows
    labels: npt.NDArray[np.int64]
    classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def one_hot(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """(len(numbers), classes) float32."""
        table: npt.NDArray[np.float32] = np.eye(self.classes, dtype=np.float32)
        return np.take(table, self.labels[numbers], axis=0)

    def weights(self, balance: float) -> npt.NDArray[np.float32]:
        """(N,) float32, mean 1: what each photo counts for, `n ** -balance` in a category of n."""
        sizes = np.bincount(self.labels, minlength=self.classes)[self.labels]
        raw = sizes.astype(np.float64) ** -balance
        weights: npt.NDArray[np.float32] = (raw / raw.mean()).astype(np.float32)
        return weights

    def few(self, most: int, seed: int) -> LabelledRows:
        """At most `most` photos, drawn so that every category keeps its share of them."""
        if len(self) <= most:
            return self
        random = np.random.default_rng(seed)
        order = random.permutation(len(self))
        place = np.empty(len(self), dtype=np.float64)
        for label in range(self.classes):
            members = order[self.labels[order] == label]
            # spread evenly over 0..1: any beginning of the whole holds each category's share
            place[members] = (np.arange(len(members)) + random.random()) / max(len(members), 1)
        kept = np.sort(np.argsort(place, kind="stable")[:most])
        return LabelledRows(self.values, self.rows[kept], self.labels[kept], self.classes)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Read from `values` batch by batch, so that memory does not grow with the shop.

    Args:
        data: What is shown.
        batch: Photos a batch.
        seed: Order and views of each epoch follow from it and the epoch's number alone; None shows
            the first view of each photo, in their own order.
        balance: As in a plan.
        first_epoch: Number of the epoch to begin with.
    """

    def __init__(
        self,
        data: LabelledRows,
        batch: int,
        seed: int | None,
        *,
        balance: float = 0.0,
        first_epoch: int = 0,
    ) -> None:
        super().__init__()
        self._data = data
        self._batch = batch
        self._seed = seed
        self._weights = data.weights(balance) if balance else None
        self._epoch = first_epoch - 1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._data) / self._batch)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], ...]:
        photos = self._order[index * self._batch : (index + 1) * self._batch]
        rows = self._data.rows[photos, self._views[photos]]
        shown = self._data.values[rows].astype(np.float32), self._data.one_hot(photos)
        return shown if self._weights is None else (*shown, self._weights[photos])

    def on_epoch_end(self) -> None:
        """Draws order and views anew."""
        self._epoch += 1
        count, views = self._data.rows.shape
        self._order = np.arange(count)
        self._views = np.zeros(count, dtype=np.int64)
        if self._seed is not None:
            np.random.default_rng((self._seed, self._epoch)).shuffle(self._order)
            # each photo walks through all its views before any comes again
            start = np.random.default_rng(self._seed).integers(views, size=count)
            self._views = (start + self._epoch) % views
