"""One training run, from the shop's photos to a folder in runs/."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vitrina import atomic
from vitrina.dataset import Dataset
from vitrina.errors import MissingExtra
from vitrina.evaluation.candidate import TrialRecord
from vitrina.evaluation.offline import score
from vitrina.folder import ShopFolder
from vitrina.machine import this_machine
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.curves import draw_curves
from vitrina.training.fitting import write_history
from vitrina.training.formats import save_network
from vitrina.training.learning import Learner
from vitrina.training.loading import LoadedBackbone, LoadedEncoder, load_any
from vitrina.training.plan import TrainingPlan, Tuning
from vitrina.training.run import Run
from vitrina.training.trial import TrialsHere, TrialsOf, TrialWorkers
from vitrina.training.tuner import FEWEST_FOR_DEPTHS, best_plan, depths, tune, tuning_folder
from vitrina.version import __version__

NOT_TUNED = Tuning()

TrialsOn = Callable[[TrialsOf, Learner], TrialWorkers]
"""Gives who runs the trials of a tuning, whose activations have been computed."""


def trials_here(shared: TrialsOf, learner: Learner) -> TrialWorkers:
    """One trial after the other, in this process."""
    return TrialsHere(learner, shared.plan)


@dataclass
class Clock:
    """Seconds that each part of the work took.

    Attributes:
        seconds: By the part's name.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Times the block."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)


def train_run(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    *,
    weights: Path | None = None,
    tuning: Tuning = NOT_TUNED,
    progress: Progress,
    tensorboard: Path | None = None,
    trials_on: TrialsOn = trials_here,
) -> Run:
    """Trains one model; the caller holds the shop's lock.

    A run that was killed is gone on with: what it had computed is in the shop's cache, and so is
    the state of each phase after its last epochs.

    Args:
        folder: The shop.
        dataset: Every photo of it is in `pixels`.
        pixels: Decoded photos.
        plan: The recipe.
        weights: File with ImageNet weights; None looks for them.
        tuning: What is tried before, from the plan on.
        progress: Where the work reports to.
        tensorboard: Folder for TensorBoard's logs; None writes none.
        trials_on: Who runs the trials of tuning.

    Raises:
        WeightsError: no usable ImageNet weights.
        TrainingError: the loss became NaN.
        MissingExtra: logs for TensorBoard are wanted, which is not installed.
    """
    if tensorboard is not None and find_spec("tensorboard") is None:
        raise MissingExtra(
            "TensorBoard's logs need tensorboard, which this installation does not have.",
            hint="pip install 'vitrina[tensorboard]'",
        )
    clock = Clock()
    with clock.part("weights"):
        loaded = load_any(plan.backbone, weights=weights, progress=progress)
        learner = make_learner(folder, dataset, loaded, plan, tuning)
    with clock.part("activations"):
        learner.compute(pixels, plan.views, progress)
    asked = plan
    trials: tuple[TrialRecord, ...] = ()
    if tuning.trials:
        with clock.part("tuning"):
            shared = TrialsOf(folder, dataset, plan, tuning, weights)
            trials = _tune(shared, learner, loaded, trials_on, progress)
        plan = best_plan(plan, trials)
    checkpoint = folder.cache / f"phase-{_identity(dataset, plan, loaded)}"
    learned = learner.learn(
        plan, progress, checkpoint=checkpoint, tensorboard=tensorboard, clock=clock.part
    )
    watched = learner.probabilities(learned, "validation")
    tested = learner.probabilities(learned, "test")
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{_slug(loaded)}"
    with atomic.new_folder(folder.runs / run_id) as place:
        with clock.part("saving"), progress.step("Saving in four formats", 1) as step:
            parameters = save_network(loaded, learned.head, place)
            step.advance()
        dataset.write(place / "dataset.json")
        write_history(place / "history.csv", learned.epochs)
        draw_curves(place / "curves.png", learned.epochs, f"{loaded.weights.backbone}, {run_id}")
        run = Run(
            id=run_id,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            backbone=plan.backbone,
            weights=asdict(loaded.weights),
            plan=_plain(plan),
            fingerprint=dataset.fingerprint,
            categories=dataset.categories,
            embedding_size=loaded.description.feature_dim,
            validation=score(*watched).as_json(),
            test=score(*tested).as_json(),
            seconds=clock.seconds,
            versions=library_versions(),
            machine=asdict(this_machine()),
            parameters=parameters,
            asked=asked_for(asked, tuning),
            trials=[asdict(trial) for trial in trials],
        )
        run.write(place)
    for file in folder.cache.glob(f"{checkpoint.name}-*.npz"):
        file.unlink()
    return run


def tune_only(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    *,
    tuning: Tuning,
    weights: Path | None = None,
    progress: Progress,
    trials_on: TrialsOn = trials_here,
) -> tuple[TrialRecord, ...]:
    """Tunes as `train_run` does before it trains, and keeps the trials for it."""
    loaded = load_any(plan.backbone, weights=weights, progress=progress)
    learner = make_learner(folder, dataset, loaded, plan, tuning)
    learner.compute(pixels, plan.views, progress)
    shared = TrialsOf(folder, dataset, plan, tuning, weights)
    return _tune(shared, learner, loaded, trials_on, progress)


def make_learner(
    folder: ShopFolder,
    dataset: Dataset,
    loaded: LoadedBackbone | LoadedEncoder,
    plan: TrainingPlan,
    tuning: Tuning = NOT_TUNED,
) -> Learner:
    """A learner that is cut where the plan, or the deepest trial, needs it."""
    cut_layers = 0
    if plan.learns_tail and isinstance(loaded, LoadedBackbone):
        tried = depths(plan) if tuning.trials >= FEWEST_FOR_DEPTHS else ()
        cut_layers = max(plan.unfrozen_layers, *tried, 1)
    return Learner(
        folder.cache,
        dataset,
        loaded,
        seed=plan.seed,
        cut_layers=cut_layers,
        augmentation=plan.augmentation,
    )


def asked_for(plan: TrainingPlan, tuning: Tuning) -> dict[str, Any]:
    """What run.json says was asked for, so that the same need not be trained twice."""
    return {"plan": _plain(plan), "trials": tuning.trials}


def _tune(
    shared: TrialsOf,
    learner: Learner,
    loaded: LoadedBackbone | LoadedEncoder,
    trials_on: TrialsOn,
    progress: Progress,
) -> tuple[TrialRecord, ...]:
    plan = shared.plan
    place = tuning_folder(
        shared.folder.cache, plan, shared.dataset.fingerprint, loaded.weights.sha256
    )
    return tune(
        learner,
        plan,
        trials=shared.tuning.trials,
        max_minutes=shared.tuning.max_minutes,
        folder=place,
        progress=progress,
        workers=trials_on(shared, learner),
    )


def _slug(loaded: LoadedBackbone | LoadedEncoder) -> str:
    """What the run's folder is named after."""
    if isinstance(loaded, LoadedEncoder):
        return loaded.description.slug
    return loaded.description.name


def _plain(plan: TrainingPlan) -> dict[str, Any]:
    """As JSON has it: tuples are lists."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(plan)))
    return content


def library_versions() -> dict[str, str]:
    """Of Vitrina and the libraries that decide a result."""
    import tensorflow

    named = {name: version(name) for name in ("keras", "numpy", "onnxruntime", "pillow")}
    return {"vitrina": __version__} | named | {"tensorflow": str(tensorflow.__version__)}


def _identity(dataset: Dataset, plan: TrainingPlan, loaded: LoadedBackbone | LoadedEncoder) -> str:
    """Changes with anything that the course of a run depends on."""
    parts = [dataset.fingerprint, asdict(plan), loaded.weights.sha256, version("keras")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
