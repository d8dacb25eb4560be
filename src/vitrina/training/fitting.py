"""The two phases: first the head alone, then the last layers with it, both from activations."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from vitrina.errors import TrainingError
from vitrina.progress import Progress, Step
from vitrina.training.batches import Batches, LabelledRows
from vitrina.training.checkpoint import Checkpoint
from vitrina.training.plan import TrainingPlan

LEAST_RATE = 1e-7
"""Plateaus do not bring the learning rate below this."""


_MANY_PHOTOS = 3000
_LEAST_SHARE = 0.1
"""From fewer photos the rate of phase 2 is smaller in proportion, down to this share of it."""


class _Report(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves the progress bar and stops a run whose loss is no number any more."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self._step = step

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tells the accuracy on the watched photos, and notes the learning rate."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if not math.isfinite(logs.get("loss", 0.0)):
            raise TrainingError(
                f"The loss became {logs['loss']} in epoch {epoch + 1}.",
                hint="Lower the learning rate.",
            )
        self._step.advance(note=f"validation top-1 {logs.get('val_accuracy', math.nan):.1%}")


@dataclass(frozen=True)
class Phase:
    """One of the two phases.

    Attributes:
        number: 1 or 2.
        label: What the progress bar says.
        epochs: At most.
        rate: Learning rate at the start.
        batch: Photos a step.
        falls: Whether the rate, smaller where there are few photos, rises from 0 over the first of
            several epochs, and then falls to 0 along a cosine. Otherwise it is halved when the
            validation loss stops falling, and the phase ends with the weights of its best epoch
            once that has been `patience` epochs ago.
        patience: See there.
    """

    number: int
    label: str
    epochs: int
    rate: float
    batch: int
    falls: bool
    patience: int


def head_phase(plan: TrainingPlan) -> Phase:
    """Phase 1 of a plan."""
    return Phase(
        number=1,
        label="Phase 1: the head",
        epochs=plan.head_epochs,
        rate=plan.head_rate,
        batch=plan.head_batch,
        falls=False,
        patience=plan.patience,
    )


def tail_phase(plan: TrainingPlan) -> Phase:
    """Phase 2 of a plan."""
    return Phase(
        number=2,
        label="Phase 2: the last layers",
        epochs=plan.tail_epochs,
        rate=plan.tail_rate,
        batch=plan.tail_batch,
        falls=plan.tail_schedule == "cosine",
        patience=plan.patience,
    )


def fit_phase(
    model: keras.Model,
    phase: Phase,
    plan: TrainingPlan,
    train: LabelledRows,
    watched: LabelledRows,
    progress: Progress,
    *,
    checkpoint: Path | None = None,
    tensorboard: Path | None = None,
) -> list[dict[str, float]]:
    """Trains `model` in place.

    Args:
        model: From one row of `values` to (N, classes) float32 probabilities.
        phase: How.
        plan: Optimizer, label smoothing, balance and seed.
        train: What it learns from.
        watched: What decides which epoch was best; where empty, the last one counts.
        progress: Where the work reports to.
        checkpoint: File in which the phase's state is kept, and from which it goes on where it is
            there; the caller deletes it.
        tensorboard: Folder for TensorBoard's logs.

    Returns:
        One entry an epoch: phase, epoch, loss, accuracy, val_loss, val_accuracy, learning_rate.

    Raises:
        TrainingError: the loss became NaN or infinite.
    """
    steps = math.ceil(len(train) / phase.batch)
    rate: Any = phase.rate
    if phase.falls:
        # from few photos a network forgets more at a high rate than it learns
        rate *= min(1.0, max(_LEAST_SHARE, len(train) / _MANY_PHOTOS))
        # an optimizer that has seen nothing yet would take its largest steps first
        warm = steps if phase.epochs > 1 else 0
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm else rate,
            max(1, phase.epochs * steps - warm),
            warmup_target=rate if warm else None,
            warmup_steps=warm,
        )
    model.compile(
        optimizer=make_optimizer(plan.optimizer, rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=plan.label_smoothing),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    deciding = [] if phase.falls or not len(watched) else _stop_at_the_best(phase.patience)
    earlier: list[dict[str, float]] = []
    with progress.step(phase.label, phase.epochs) as step:
        callbacks: list[keras.callbacks.Callback] = [_Report(step), *deciding]
        if checkpoint is not None:
            kept = Checkpoint(checkpoint, deciding)
            kept.restore(model)
            earlier = list(kept.history)
            callbacks.append(kept)
            if earlier:
                progress.say(f"{phase.label}: {len(earlier)} epochs were done before.")
                step.advance(len(earlier))
        if tensorboard is not None:
            logs = tensorboard / f"phase-{phase.number}"
            callbacks.append(keras.callbacks.TensorBoard(str(logs)))
        if checkpoint is None or not kept.complete:
            earlier += _fit(model, phase, plan, train, watched, callbacks, len(earlier))
    return [
        {"phase": phase.number, "epoch": number} | entry
        for number, entry in enumerate(earlier, start=1)
    ]


def make_optimizer(name: str, rate: Any) -> keras.optimizers.Optimizer:
    """One of a plan's optimizers; SGD has Nesterov momentum 0.9, without which it hardly moves."""
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    return kinds[name](rate)


def _fit(
    model: keras.Model,
    phase: Phase,
    plan: TrainingPlan,
    train: LabelledRows,
    watched: LabelledRows,
    callbacks: list[keras.callbacks.Callback],
    done: int,
) -> list[dict[str, float]]:
    seed = plan.seed * 10 + phase.number
    batches = Batches(train, phase.batch, seed, balance=plan.balance, first_epoch=done)
    history = model.fit(
        batches,
        initial_epoch=done,
        epochs=phase.epochs,
        shuffle=False,  # the batches shuffle themselves, so that the seed decides
        callbacks=callbacks,
        validation_data=Batches(watched, phase.batch, None) if len(watched) else None,
        verbose=0,
    ).history
    return [
        {name: float(values[number]) for name, values in history.items()}
        for number in range(len(history["loss"]))
    ]


class _BestEpoch(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras's own, going on from what a checkpoint told it instead of beginning anew."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forgets nothing that was restored."""
        if self.best_weights is None:
            super().on_train_begin(logs)


class _Plateau(keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Likewise."""

    restored = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forgets nothing that was restored."""
        if not self.restored:
            super().on_train_begin(logs)
            self.restored = True


def _stop_at_the_best(patience: int) -> list[keras.callbacks.Callback]:
    return [
        _BestEpoch(monitor="val_loss", patience=patience, restore_best_weights=True),
        _Plateau(monitor="val_loss", factor=0.5, patience=max(1, patience // 2), min_lr=LEAST_RATE),
    ]


def write_history(path: Path, epochs: Sequence[dict[str, float]]) -> None:
    """Puts history.csv at `path`, one line an epoch; missing figures stay empty."""
    columns = list(dict.fromkeys(name for entry in epochs for name in entry))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({name: f"{value:g}" for name, value in entry.items()} for entry in epochs)
