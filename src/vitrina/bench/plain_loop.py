"""Training as a straightforward Keras script does it: the whole network in every epoch.

What `vitrina bench train` compares with. It is given what helps it: photos are decoded already,
and the time that TensorFlow takes to compile is not counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from vitrina.dataset import Dataset, Split
from vitrina.evaluation.metrics import top_k_accuracy
from vitrina.pixels import PixelCache
from vitrina.training.batch_inference import run_in_batches
from vitrina.training.cut import unfreeze
from vitrina.training.fitting import make_optimizer
from vitrina.training.head import build_head
from vitrina.training.loading import load_backbone
from vitrina.training.plan import TrainingPlan


@dataclass(frozen=True)
class PlainLoop:
    """What the plain loop took.

    Attributes:
        head_epoch_s: One epoch with the backbone frozen, validation included, seconds.
        tail_epoch_s: One epoch with its last layers learning.
        top1: On the test photos; None where not all epochs were run.
    """

    head_epoch_s: float
    tail_epoch_s: float
    top1: float | None


def run_plain_loop(
    dataset: Dataset, pixels: PixelCache, plan: TrainingPlan, epochs: int
) -> PlainLoop:
    """Runs both phases with random augmentation inside the model.

    Args:
        dataset: Each photo of it in `pixels`.
        pixels: Decoded photos.
        plan: Epochs, rates, head; its views do not matter, for every epoch draws new ones.
        epochs: How many of each phase are run, two at least, the first not timed; 0 runs all.
    """
    keras.utils.set_random_seed(plan.seed)
    backbone = load_backbone(plan.backbone)
    head = build_head(backbone.description.feature_dim, len(dataset.categories), plan)
    photo = keras.Input(backbone.network.input.shape[1:])
    changed = _augmentation(plan.seed)(photo)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.network(changed))
    model = keras.Model(photo, head(pooled))
    backbone.network.trainable = False
    head_s = _fit(
        model, dataset, pixels, plan, plan.head_rate, plan.head_batch, epochs or plan.head_epochs
    )
    backbone.network.trainable = True
    unfreeze(backbone.network, plan.unfrozen_layers)
    tail_s = _fit(
        model, dataset, pixels, plan, plan.tail_rate, plan.tail_batch, epochs or plan.tail_epochs
    )
    top1 = None
    if not epochs:
        shown, labels = _photos(dataset, pixels, "test")
        top1 = top_k_accuracy(run_in_batches(model, shown), labels, 1)
    return PlainLoop(head_s, tail_s, top1)


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch, logs
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch, logs
        self.seconds.append(time.perf_counter() - self._start)


def _fit(
    model: keras.Model,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    rate: float,
    batch: int,
    epochs: int,
) -> float:
    """Median seconds of an epoch, the first one left out."""
    clock = _Clock()
    shown, labels = _photos(dataset, pixels, "train")
    watched, watched_labels = _photos(dataset, pixels, "validation")
    model.compile(
        optimizer=make_optimizer(plan.optimizer, rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        shown,
        labels,
        batch_size=batch,
        epochs=max(epochs, 2),
        validation_data=(watched, watched_labels) if len(watched) else None,
        callbacks=[clock],
        verbose=0,
    )
    return float(np.median(clock.seconds[1:]))


def _augmentation(seed: int) -> keras.Sequential:
    """The study's: rotation, zoom, horizontal flip, width and height shift."""
    return keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal", seed=seed),
            keras.layers.RandomRotation(0.07, seed=seed + 1),
            keras.layers.RandomZoom(0.2, seed=seed + 2),
            keras.layers.RandomTranslation(0.1, 0.1, seed=seed + 3),
        ],
        name="augmentation",
    )


def _photos(
    dataset: Dataset, pixels: PixelCache, split: Split
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    samples = dataset.part(split)
    labels: npt.NDArray[np.int64] = np.array(dataset.labels(samples), dtype=np.int64)
    if not samples:
        return np.empty((0, 224, 224, 3), np.uint8), labels
    return np.stack([pixels[sample.sha256] for sample in samples]), labels
