"""Tuning and comparing on a Ray cluster: a trial a task, a run a task.

A trial is `vitrina.training.trial.run_trial` and a run is `vitrina.training.trainer.train_run`, as
without Ray. What a run computes of the photos lies in the shop's cache, which every node sees; the
trials of its tuning read it there. Where a node is lost, Ray gives its trial or run to another,
and a run goes on where its files say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitrina.dataset import Dataset
from vitrina.errors import VitrinaError
from vitrina.folder import ShopFolder
from vitrina.pixels import PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.scale.cluster import connected, told_plainly
from vitrina.training.plan import TrainingPlan, Tuning

if TYPE_CHECKING:
    from vitrina.compare import Trainings
    from vitrina.decoded import DecodedPhotos
    from vitrina.training.learning import Learner
    from vitrina.training.run import Run
    from vitrina.training.trainer import TrialsOn
    from vitrina.training.trial import TrialsOf, Tried

_RETRIES = 3
"""How often a task is begun again whose node was lost."""


class RayTrials:
    """Runs each trial as a task.

    Args:
        shared: What the trials share.
        slots: How many at the same time.
    """

    def __init__(self, shared: TrialsOf, slots: int) -> None:
        import ray

        self.slots = slots
        self._shared = ray.put(shared)
        self._task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_run_trial)
        self._running: dict[Any, str] = {}

    def start(self, trial: str, values: dict[str, Any]) -> None:
        """Begins a trial."""
        self._running[self._task.remote(self._shared, values)] = trial

    def wait(self) -> tuple[str, Tried]:
        """The next one that has ended."""
        import ray

        (ended,), _ = ray.wait(list(self._running), num_returns=1)
        trial = self._running.pop(ended)
        tried: Tried = ray.get(ended)
        return trial, tried


@contextmanager
def trials_on_ray(cluster: str | None, root: Path, progress: Progress) -> Iterator[TrialsOn]:
    """A cluster that runs the trials of a tuning, until the block ends.

    Args:
        cluster: As `vitrina.scale.cluster.connected` takes it.
        root: The shop's folder.
        progress: Where the work reports to.

    Raises:
        ClusterError: there is no such cluster, or it cannot do this.
    """
    with connected(cluster, [root], progress) as found, told_plainly():
        yield _trials_on(found.cores)


@contextmanager
def trainings_on_ray(cluster: str | None, root: Path, progress: Progress) -> Iterator[Trainings]:
    """A cluster that tunes and trains the models of a comparison, all at once.

    Args:
        cluster: As `vitrina.scale.cluster.connected` takes it.
        root: The shop's folder.
        progress: Where the work reports to.

    Raises:
        ClusterError: there is no such cluster, or it cannot do this.
    """
    with connected(cluster, [root], progress) as found, told_plainly():
        import ray

        def begin(
            folder: ShopFolder,
            photos: DecodedPhotos,
            plans: Sequence[TrainingPlan],
            tuning: Tuning,
            progress: Progress,
        ) -> Callable[[TrainingPlan], Run]:
            dataset = ray.put(photos.dataset)
            task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_train)
            running = {
                plan: task.remote(folder.root, dataset, plan, tuning, found.cores) for plan in plans
            }

            def trained(plan: TrainingPlan) -> Run:
                # all of them: what is measured next may be measured on a node that trains
                left = list(running.values())
                with progress.step("Training on the cluster", len(left)) as step:
                    while left:
                        ended, left = ray.wait(left)
                        step.advance(len(ended))
                run: Run | VitrinaError = ray.get(running[plan])
                if isinstance(run, VitrinaError):
                    raise run
                return run

            return trained

        yield begin


def _trials_on(cores: int) -> TrialsOn:
    def trials(shared: TrialsOf, _learner: Learner) -> RayTrials:
        return RayTrials(shared, cores)

    return trials


def _run_trial(shared: TrialsOf, values: dict[str, Any]) -> Tried:
    """One task."""
    from vitrina.training.framework import load_framework

    load_framework()
    from vitrina.training.trial import run_trial

    return run_trial(_learner(_Same(shared)), shared.plan, values)


class _Same:
    """Tells whether the learner of the trial before fits this one, too."""

    def __init__(self, shared: TrialsOf) -> None:
        self.shared = shared
        self._key = (
            shared.folder.root, shared.dataset.fingerprint, shared.plan, shared.tuning,
            shared.weights,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=1)
def _learner(same: _Same) -> Learner:
    """Kept for the next trial that this process is given: loading a network takes seconds."""
    from vitrina.training.loading import load_any
    from vitrina.training.trainer import make_learner

    shared = same.shared
    loaded = load_any(shared.plan.backbone, weights=shared.weights, progress=SILENT)
    return make_learner(shared.folder, shared.dataset, loaded, shared.plan, shared.tuning)


def _train(
    root: Path, dataset: Dataset, plan: TrainingPlan, tuning: Tuning, cores: int
) -> Run | VitrinaError:
    """One task; an error of ours is its answer, so that it arrives as what it is."""
    from vitrina.training.framework import load_framework

    load_framework()
    from vitrina.training.trainer import train_run

    folder = ShopFolder.find(root)
    try:
        return train_run(
            folder,
            dataset,
            PixelCache(folder.cache),
            plan,
            tuning=tuning,
            progress=SILENT,
            trials_on=_trials_on(cores),
        )
    except VitrinaError as error:
        return error
