"""`vitrina bench train`: the study's work from cached activations, and by the plain Keras loop.

The work: ten trials of tuning, five epochs each; fifteen epochs of phase 1; ten of phase 2 with
the last 30 layers. Both sides get the same photos, head and rates, each in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vitrina.dataset import Dataset, Sample
from vitrina.decoded import decoded_dataset
from vitrina.folder import ShopFolder
from vitrina.machine import Machine, this_machine
from vitrina.pixels import PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.training.plan import TrainingPlan, study_plan

TRIALS = 10
TRIAL_EPOCHS = 5
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class TrainingBenchmark:
    """Both ways, side by side.

    Attributes:
        backbone: Its name.
        photos: That both learned from.
        test_photos: That both were tested on.
        plain_epochs: Timed ones of each phase of the plain loop; the others are reckoned to take as
            long. 0: all of both phases were run.
        plain_seconds: Of each stage.
        own_seconds: Of each stage, all of it run; like the plain loop's without testing.
        plain_peak_mb: Largest resident memory of the process, 10^6 bytes.
        own_peak_mb: Likewise.
        plain_top1: On the test photos; None where not all epochs were run.
        own_top1: On the test photos.
        machine: Where it was measured.
    """

    backbone: str
    photos: int
    test_photos: int
    plain_epochs: int
    plain_seconds: dict[str, float]
    own_seconds: dict[str, float]
    plain_peak_mb: float
    own_peak_mb: float
    plain_top1: float | None
    own_top1: float
    machine: Machine
    ratio: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratio", self.plain_total / self.own_total)

    @property
    def plain_total(self) -> float:
        """Seconds of the plain loop."""
        return sum(self.plain_seconds.values())

    @property
    def own_total(self) -> float:
        """Seconds from cached activations, computing them included."""
        return sum(self.own_seconds.values())

    @property
    def conditions(self) -> str:
        """What was run and what was reckoned, in words."""
        run = (
            "all epochs of both phases"
            if not self.plain_epochs
            else f"{self.plain_epochs} epochs of each phase"
        )
        return (
            f"{self.photos} photos; the plain loop ran {run}, and its {TRIALS * TRIAL_EPOCHS} "
            "epochs of tuning are reckoned as epochs of phase 1."
        )


def benchmark_training(
    folder: ShopFolder, backbone: str, photos: int, epochs: int, seed: int, progress: Progress
) -> TrainingBenchmark:
    """Measures both ways on photos of a shop; nothing in the shop but decoded photos changes.

    Args:
        folder: The shop.
        backbone: A name of the registry.
        photos: How many to learn from at most; 0 for all. Validation photos keep their share.
        epochs: See `TrainingBenchmark.plain_epochs`.
        seed: Of everything.
        progress: Where the work reports to.
    """
    dataset = _fewer(decoded_dataset(folder, seed, progress).dataset, photos, seed)
    plan = study_plan(backbone, seed=seed)
    with progress.step("Both ways", 2) as step:
        own, own_peak = _alone(_own_way, folder, dataset, plan)
        step.advance(note=f"from activations {sum(own[0].values()):.0f} s")
        plain, plain_peak = _alone(_plain_way, folder, dataset, plan, epochs)
        step.advance()
    return TrainingBenchmark(
        backbone=backbone,
        photos=len(dataset.part("train")),
        test_photos=len(dataset.part("test")),
        plain_epochs=epochs,
        plain_seconds={
            "activations": 0.0,
            "tuning": TRIALS * TRIAL_EPOCHS * plain["head_epoch_s"],
            "phase_1": plan.head_epochs * plain["head_epoch_s"],
            "phase_2": plan.tail_epochs * plain["tail_epoch_s"],
        },
        own_seconds=own[0],
        plain_peak_mb=plain_peak,
        own_peak_mb=own_peak,
        plain_top1=plain["top1"],
        own_top1=own[1],
        machine=this_machine(),
    )


def _own_way(
    folder: ShopFolder, dataset: Dataset, plan: TrainingPlan
) -> tuple[dict[str, float], float]:
    from vitrina.evaluation.metrics import top_k_accuracy
    from vitrina.training.learning import Learner
    from vitrina.training.loading import load_any
    from vitrina.training.tuner import tune

    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="vitrina-bench-", dir=folder.cache) as scratch:
        cache = Path(scratch)
        loaded = load_any(plan.backbone)
        start = time.perf_counter()
        learner = Learner(
            cache,
            dataset,
            loaded,
            seed=plan.seed,
            cut_layers=plan.unfrozen_layers,
            augmentation=plan.augmentation,
        )
        pixels = PixelCache(folder.cache)
        learned_from = (*dataset.part("train"), *dataset.part("validation"))
        learner.compute(pixels, plan.views, SILENT, replace(dataset, samples=learned_from))
        seconds["activations"] = time.perf_counter() - start
        # testing is timed on neither side; now, for the network is as it came still
        learner.compute(pixels, plan.views, SILENT)
        start = time.perf_counter()
        # heads alone, as in the study: each trial is five epochs of phase 1
        heads = replace(plan, tail_epochs=0)
        tune(learner, heads, trials=TRIALS, max_minutes=0, folder=cache / "tuning", progress=SILENT)
        seconds["tuning"] = time.perf_counter() - start

        @contextmanager
        def clock(part: str) -> Iterator[None]:
            begun = time.perf_counter()
            yield
            seconds[part] = time.perf_counter() - begun

        # as many epochs as the plain loop, none left out
        learned = learner.learn(replace(plan, patience=plan.head_epochs), SILENT, clock=clock)
        probabilities, labels = learner.probabilities(learned, "test")
    return seconds, top_k_accuracy(probabilities, labels, 1)


def _plain_way(
    folder: ShopFolder, dataset: Dataset, plan: TrainingPlan, epochs: int
) -> dict[str, Any]:
    from vitrina.bench.plain_loop import run_plain_loop

    return asdict(run_plain_loop(dataset, PixelCache(folder.cache), plan, epochs))


def _alone(work: Callable[..., Answer], *given: Any) -> tuple[Answer, float]:
    """Does the work in a new process; what it gave, and that process's peak memory in MB."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_with_peak, work, *given).result()


def _with_peak(work: Callable[..., Answer], *given: Any) -> tuple[Answer, float]:
    from vitrina.training.framework import load_framework

    load_framework()
    answer = work(*given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return answer, peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _fewer(dataset: Dataset, photos: int, seed: int) -> Dataset:
    """The dataset with at most so many photos to learn from, spread over all categories."""
    train = dataset.part("train")
    if not photos or photos >= len(train):
        return dataset
    share = photos / len(train)
    kept: list[Sample] = []
    for sample_split in ("train", "validation"):
        for category in dataset.categories:
            members = [
                sample
                for sample in dataset.samples
                if sample.category == category and sample.split == sample_split
            ]
            count = min(len(members), max(1, round(len(members) * share)))
            chosen = np.random.default_rng(seed).choice(len(members), count, replace=False)
            kept += [members[index] for index in sorted(chosen)]
    return replace(dataset, samples=(*kept, *dataset.part("test")))
