"""The two phases: first the head alone, then the last layers with it, both from activations."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from vitrina.errors import TrainingError
from vitrina.progress import Progress, Step
from vitrina.training.plan import TrainingPlan

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledRows:
    """Which rows of a value array show which photo, and what each photo is.

    Attributes:
        values: (M, ...) float16, mapped or in memory.
        rows: (N, views) int64 into `values`.
        labels: (N,) int64.
        classes: Number of categories.
    """

    values: npt.NDArray[Any]
    rows: Rows
    labels: npt.NDArray[np.int64]
    classes: int

    def one_hot(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """(len(numbers), classes) float32."""
        table: npt.NDArray[np.float32] = np.eye(self.classes, dtype=np.float32)
        return np.take(table, self.labels[numbers], axis=0)


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Each pass shows every view of every photo once.

    Read from `values` batch by batch, so that memory does not grow with the shop.

    Args:
        data: What is shown.
        batch: Views a batch.
        seed: The order is drawn anew for each pass; None keeps it as it is.
    """

    def __init__(self, data: LabelledRows, batch: int, seed: int | None) -> None:
        super().__init__()
        self._data = data
        self._batch = batch
        self._seed = seed
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(self._data.rows.size / self._batch)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        part = self._order[index * self._batch : (index + 1) * self._batch]
        photos, views = np.divmod(part, self._data.rows.shape[1])
        rows = self._data.rows[photos, views]
        return self._data.values[rows].astype(np.float32), self._data.one_hot(photos)

    def on_epoch_end(self) -> None:
        """Draws the order from the seed and the number of the pass alone."""
        self._epoch += 1
        self._order = np.arange(self._data.rows.size)
        if self._seed is not None:
            np.random.default_rng((self._seed, self._epoch)).shuffle(self._order)


class _Report(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves the progress bar and stops a run whose loss is no number any more."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self._step = step

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tells the accuracy on the watched photos."""
        logs = logs or {}
        if not math.isfinite(logs.get("loss", 0.0)):
            raise TrainingError(
                f"The loss became {logs['loss']} in pass {epoch + 1}.",
                hint="Lower the learning rate.",
            )
        self._step.advance(note=f"validation top-1 {logs.get('val_accuracy', math.nan):.1%}")


@dataclass(frozen=True)
class Phase:
    """One of the two phases.

    Attributes:
        number: 1 or 2.
        label: What the progress bar says.
        epochs: Passes at most.
        rate: Learning rate at the start.
        batch: Views a step.
        patience: Passes without a better validation loss after which it ends with the weights of
            its best pass; half as many halve the rate. None goes through all passes, the rate
            falling to 0 along a cosine.
    """

    number: int
    label: str
    epochs: int
    rate: float
    batch: int
    patience: int | None


def fit_phase(
    model: keras.Model,
    phase: Phase,
    plan: TrainingPlan,
    train: LabelledRows,
    watched: LabelledRows,
    progress: Progress,
) -> list[dict[str, float]]:
    """Trains `model` in place.

    Args:
        model: From one row of `values` to (N, classes) float32 probabilities.
        phase: How.
        plan: Label smoothing and seed.
        train: What it learns from.
        watched: What decides which pass was best; where empty, the last one counts.
        progress: Where the work reports to.

    Returns:
        One entry a pass: phase, epoch, loss, accuracy, val_loss, val_accuracy, learning_rate.

    Raises:
        TrainingError: the loss became NaN or infinite.
    """
    batches = _Batches(train, phase.batch, plan.seed * 10 + phase.number)
    rate: Any = phase.rate
    if phase.patience is None:
        rate = keras.optimizers.schedules.CosineDecay(rate, phase.epochs * len(batches))
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=plan.label_smoothing),
        metrics=["accuracy"],
    )
    with progress.step(phase.label, phase.epochs) as step:
        callbacks: list[keras.callbacks.Callback] = [_Report(step)]
        checked: dict[str, Any] = {}
        if len(watched.labels):
            checked["validation_data"] = _Batches(watched, phase.batch, None)
            if phase.patience is not None:
                callbacks += _stop_at_the_best(phase.patience)
        history = model.fit(
            batches,
            epochs=phase.epochs,
            shuffle=False,  # the batches shuffle themselves, so that the seed decides
            callbacks=callbacks,
            verbose=0,
            **checked,
        ).history
    return [
        {"phase": phase.number, "epoch": epoch + 1}
        | {name: float(values[epoch]) for name, values in history.items()}
        for epoch in range(len(history["loss"]))
    ]


def _stop_at_the_best(patience: int) -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=patience, restore_best_weights=True
        ),
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=0.5, patience=max(1, patience // 2)
        ),
    ]


def write_history(path: Path, passes: Sequence[dict[str, float]]) -> None:
    """Puts history.csv at `path`, one line a pass; missing figures stay empty."""
    columns = list(dict.fromkeys(name for entry in passes for name in entry))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({name: f"{value:g}" for name, value in entry.items()} for entry in passes)
