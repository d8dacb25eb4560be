"""One training run, from the shop's photos to a folder in runs/."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from vitrina import atomic
from vitrina.dataset import Dataset, Sample
from vitrina.evaluation.metrics import Labels, Probabilities, fill_threshold
from vitrina.evaluation.offline import score
from vitrina.folder import ShopFolder
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.activations import ActivationCache, run_in_batches
from vitrina.training.curves import draw_curves
from vitrina.training.cut import CutNetwork, cut_network
from vitrina.training.deployed import deployed_network
from vitrina.training.fitting import LabelledRows, Phase, fit_phase, write_history
from vitrina.training.loading import LoadedBackbone, load_backbone
from vitrina.training.plan import TrainingPlan
from vitrina.training.run import Run
from vitrina.training.trunk import FrozenTrunk
from vitrina.version import __version__

_ENOUGH_WATCHED = 20
_GUESSED_THRESHOLD = 0.6


@dataclass
class _Clock:
    """Seconds that each part of the work took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)


def train_run(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    *,
    weights: Path | None,
    progress: Progress,
) -> Run:
    """Trains one model; the caller holds the shop's lock.

    Args:
        folder: The shop.
        dataset: Every photo of it is in `pixels`.
        pixels: Decoded photos.
        plan: The recipe.
        weights: File with ImageNet weights; None looks for them.
        progress: Where the work reports to.

    Raises:
        WeightsError: no usable ImageNet weights.
        TrainingError: the loss became NaN.
    """
    keras.utils.set_random_seed(plan.seed)
    clock = _Clock()
    with clock.part("weights"):
        loaded = load_backbone(plan.backbone, weights=weights, progress=progress)
        cut = cut_network(loaded.network, plan.unfrozen_layers)
    learning = _Learning(folder, dataset, plan, loaded, cut)
    with clock.part("activations"):
        learning.compute_activations(pixels, progress)
    with clock.part("phase_1"):
        passes = learning.fit_head(progress)
    with clock.part("phase_2"):
        passes += learning.fit_tail(progress)
    watched, tested = learning.probabilities("validation"), learning.probabilities("test")
    run = Run(
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{plan.backbone}",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        backbone=plan.backbone,
        weights=asdict(loaded.weights),
        plan=asdict(plan),
        fingerprint=dataset.fingerprint,
        categories=dataset.categories,
        embedding_size=loaded.description.feature_dim,
        fill_threshold=_threshold(*watched, folder.settings.wrong_fills, progress),
        validation=score(*watched).as_json(),
        test=score(*tested).as_json(),
        seconds=clock.seconds,
        versions={"vitrina": __version__}
        | {name: version(name) for name in ("keras", "numpy", "pillow")}
        | {"tensorflow": _tensorflow_version()},
        machine={
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    )
    with atomic.new_folder(folder.runs / run.id) as place:
        learning.serving_model().save(place / "model.keras")
        dataset.write(place / "dataset.json")
        write_history(place / "history.csv", passes)
        draw_curves(place / "curves.png", passes, f"{loaded.description.title}, run {run.id}")
        run.write(place)
    return run


class _Learning:
    """The networks of one run: backbone, head, and the models that share their layers."""

    def __init__(
        self,
        folder: ShopFolder,
        dataset: Dataset,
        plan: TrainingPlan,
        loaded: LoadedBackbone,
        cut: CutNetwork,
    ) -> None:
        self._dataset = dataset
        self._plan = plan
        self._network = loaded.network
        self._cut = cut
        classes = len(dataset.categories)
        self._head = keras.Sequential(
            [
                keras.layers.Input((loaded.description.feature_dim,)),
                keras.layers.Dropout(plan.dropout, seed=plan.seed),
                keras.layers.Dense(classes, activation="softmax", name="probabilities"),
            ],
            name="head",
        )
        middle = keras.Input(cut.trunk.output.shape[1:])
        pooled = keras.layers.GlobalAveragePooling2D()(cut.tail(middle))
        self._pooled_tail = keras.Model(middle, pooled)
        self._tail_and_head = keras.Model(middle, self._head(pooled))
        trunk_id = f"{loaded.description.name}/{loaded.weights.sha256}/{cut.at}"
        self._activations = ActivationCache(
            folder.cache,
            trunk=lambda: FrozenTrunk(cut.trunk),
            shape=tuple(int(side) for side in cut.trunk.output.shape[1:]),
            trunk_id=trunk_id,
            seed=plan.seed,
        )

    def compute_activations(self, pixels: PixelCache, progress: Progress) -> None:
        """Fills the cache: all views of what is learned from, plain ones of the rest."""
        wanted = [
            (sample.sha256, view)
            for sample in self._dataset.samples
            for view in range(self._plan.views if sample.split == "train" else 1)
        ]
        self._activations.add(wanted, pixels, progress)

    def fit_head(self, progress: Progress) -> list[dict[str, float]]:
        """Phase 1: the tail is still frozen, so the head learns from pooled features."""
        train, watched = self._rows("train", self._plan.views), self._rows("validation", 1)
        with progress.step("Pooling features", 2) as step:
            pooled = []
            for part in (train, watched):
                pooled.append(self._pooled(part))
                step.advance()
        plan = self._plan
        phase = Phase(
            number=1,
            label="Phase 1: the head",
            epochs=plan.head_epochs,
            rate=plan.head_rate,
            batch=plan.head_batch,
            patience=plan.patience,
        )
        return fit_phase(self._head, phase, plan, pooled[0], pooled[1], progress)

    def fit_tail(self, progress: Progress) -> list[dict[str, float]]:
        """Phase 2: the last layers of the backbone learn together with the head."""
        plan = self._plan
        if not plan.tail_epochs:
            return []
        phase = Phase(
            number=2,
            label="Phase 2: the last layers",
            epochs=plan.tail_epochs,
            rate=plan.tail_rate,
            batch=plan.tail_batch,
            patience=None,
        )
        train, watched = self._rows("train", plan.views), self._rows("validation", 1)
        return fit_phase(self._tail_and_head, phase, plan, train, watched, progress)

    def probabilities(self, split: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(N, C) float32 for the plain photos of a split, and their labels, (N,) int64."""
        part = self._rows(split, 1)
        if not len(part.labels):
            return np.empty((0, part.classes), dtype=np.float32), part.labels
        answers = run_in_batches(self._tail_and_head, part.values, part.rows[:, 0])
        return answers, part.labels

    def serving_model(self) -> keras.Model:
        """What is deployed, with the layers that were trained."""
        return deployed_network(self._network, self._head)

    def _rows(self, split: Any, views: int) -> LabelledRows:
        samples: Sequence[Sample] = self._dataset.part(split)
        names = [sample.sha256 for sample in samples]
        rows = [self._activations.rows(names, view) for view in range(views)]
        return LabelledRows(
            self._activations.values,
            np.stack(rows, axis=1),
            np.array(self._dataset.labels(samples), dtype=np.int64),
            len(self._dataset.categories),
        )

    def _pooled(self, data: LabelledRows) -> LabelledRows:
        """The same photos and views as features, (photos * views, D) float16 in memory."""
        if not len(data.labels):
            width = self._head.input.shape[1]
            return LabelledRows(
                np.empty((0, width), np.float16), data.rows, data.labels, data.classes
            )
        features = run_in_batches(self._pooled_tail, data.values, data.rows.reshape(-1))
        rows = np.arange(data.rows.size).reshape(data.rows.shape)
        return LabelledRows(features.astype(np.float16), rows, data.labels, data.classes)


def _threshold(
    probabilities: Probabilities, labels: Labels, wrong_fills: float, progress: Progress
) -> float:
    """From which confidence the search box is filled; a stated guess where it cannot be fitted."""
    if len(labels) >= _ENOUGH_WATCHED:
        return fill_threshold(probabilities, labels, wrong_fills)
    progress.say(
        f"Only {len(labels)} photos were watched, {_ENOUGH_WATCHED} or more are needed to fit from "
        f"which confidence the search box is filled: {_GUESSED_THRESHOLD} is taken."
    )
    return _GUESSED_THRESHOLD


def _tensorflow_version() -> str:
    import tensorflow

    return str(tensorflow.__version__)
