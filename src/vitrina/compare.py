"""Several backbones, each tuned, trained, published and measured; then the choice among them.

What one backbone needs lies in its run's folder and its bundle, so a comparison that was
interrupted finds there what it had finished, and goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from vitrina.bundle import Bundle, read_bundle
from vitrina.dataset import Dataset
from vitrina.decoded import DecodedPhotos, decoded_dataset
from vitrina.errors import (
    BundleError,
    EvaluationError,
    SettingError,
    TrainingError,
    VitrinaError,
    WeightsError,
)
from vitrina.evaluation.budget import describe as describe_budget
from vitrina.evaluation.candidate import Candidate, TrialRecord
from vitrina.evaluation.choose import choose
from vitrina.evaluation.comparison import Budget, Category, Comparison
from vitrina.evaluation.online import Load
from vitrina.evaluation.report import write_csv, write_report
from vitrina.export import export_run
from vitrina.folder import ShopFolder
from vitrina.machine import this_machine, usable_cores
from vitrina.measured import MeasuredRun, Stages, sent_photos
from vitrina.precision import Asked
from vitrina.progress import Progress
from vitrina.store.categories import list_categories
from vitrina.store.database import open_database
from vitrina.training.loading import require_backbone
from vitrina.training.plan import TrainingPlan, Tuning, vitrina_plan
from vitrina.training.run import Run, list_runs, read_history
from vitrina.training.trainer import asked_for, library_versions, train_run

_ONE_MODEL_FAILS = (WeightsError, TrainingError, BundleError, EvaluationError)
"""What costs one backbone its place but lets the others be compared."""

Training = Callable[[TrainingPlan], Run]
"""Gives the run of a plan, or raises why there is none."""
Trainings = Callable[
    [ShopFolder, DecodedPhotos, Sequence[TrainingPlan], Tuning, Progress], Training
]
"""Begins to train several plans, on one machine or on many."""


def trained_here(
    folder: ShopFolder,
    photos: DecodedPhotos,
    plans: Sequence[TrainingPlan],
    tuning: Tuning,
    progress: Progress,
) -> Training:
    """Trains each plan in this process when it is asked for."""
    del plans
    return lambda plan: train_run(
        folder, photos.dataset, photos.pixels, plan, tuning=tuning, progress=progress
    )


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """What is compared, and how.

    Attributes:
        backbones: Names, each once; at least one.
        budget: What the shop's server has.
        trials: Of tuning, for each backbone; 0 for none.
        max_minutes: Of tuning, for each backbone; 0 for no limit.
        seed: Of split, views and first weights.
        training: Other fields of `vitrina.training.plan.TrainingPlan`.
        requests: Measured ones a repeat, in the running server.
        repeats: Fresh servers.
        baseline: "keras" measures the study's own way too.
        precision: Of the networks that are published; see `vitrina.precision`.
        measure_again: Whether servers are measured anew where that was done before.
    """

    backbones: tuple[str, ...]
    budget: Budget = field(default_factory=Budget)
    trials: int = 10
    max_minutes: float = 15.0
    seed: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    requests: int = 200
    repeats: int = 3
    baseline: Literal["", "keras"] = ""
    precision: Asked = "auto"
    measure_again: bool = False

    def __post_init__(self) -> None:
        if not self.backbones:
            raise SettingError(
                "No backbone was named.", hint="For example --backbones mobilenet_v2,resnet50."
            )
        for backbone in self.backbones:
            require_backbone(backbone)
            self.plan(backbone)
        if self.baseline not in ("", "keras"):
            raise SettingError(
                f"There is no baseline {self.baseline!r}.", hint="The only one is keras."
            )
        self.tuning()

    def plan(self, backbone: str) -> TrainingPlan:
        """The plan of one backbone, before tuning."""
        return vitrina_plan(backbone, seed=self.seed, **self.training)

    def tuning(self) -> Tuning:
        """How much is tried before."""
        return Tuning(self.trials, self.max_minutes)


def compare_models(
    folder: ShopFolder,
    wanted: ComparisonPlan,
    progress: Progress,
    trainings: Trainings = trained_here,
) -> Comparison:
    """Compares, chooses, and writes the report; the caller holds the shop's lock.

    Args:
        folder: The shop.
        wanted: What is compared, and how.
        progress: Where the work reports to.
        trainings: Who tunes and trains; servers are measured here, one after the other.

    Raises:
        DatasetError: too little to learn from or to test on.
    """
    photos = decoded_dataset(folder, wanted.seed, progress)
    tuning = wanted.tuning()
    plans = {backbone: wanted.plan(backbone) for backbone in wanted.backbones}
    runs = {
        plan: run for plan in plans.values() if (run := _finished(folder, plan, tuning, photos))
    }
    missing = [plan for plan in plans.values() if plan not in runs]
    train = trainings(folder, photos, missing, tuning, progress)

    def trained(plan: TrainingPlan) -> Run:
        if run := runs.get(plan):
            progress.say(f"The run {run.id} is used, which was trained before.")
            return run
        return train(plan)

    candidates = [
        _candidate(folder, plan, wanted, photos, trained, progress) for plan in plans.values()
    ]
    dataset = photos.dataset
    comparison = Comparison(
        shop=folder.settings.name,
        language=folder.settings.language,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=dataset.fingerprint,
        seed=wanted.seed,
        budget=wanted.budget,
        candidates=tuple(candidates),
        choice=choose(candidates, wanted.budget),
        categories=_categories(folder, dataset),
        files={sample.sha256: sample.file for sample in dataset.part("test")},
        notices=dataset.notices,
        machine=this_machine(),
        versions=library_versions(),
        command=_command(wanted),
    )
    comparison.write(folder.report / "comparison.json")
    write_csv(comparison, folder.report / "comparison.csv")
    write_report(comparison, folder.root, folder.report, folder.settings.language)
    return comparison


def _candidate(
    folder: ShopFolder,
    plan: TrainingPlan,
    wanted: ComparisonPlan,
    photos: DecodedPhotos,
    trained: Training,
    progress: Progress,
) -> Candidate:
    backbone = plan.backbone
    title = require_backbone(backbone)
    progress.say(f"— {title}")
    known = Candidate(backbone=backbone, title=title)
    try:
        run = trained(plan)
        place = folder.runs / run.id
        stages = Stages(place)
        known = replace(
            known,
            run=run.id,
            weights=f"{run.weights['way']}: {run.weights['detail']}",
            trials=tuple(TrialRecord(**trial) for trial in run.trials),
            history=read_history(place),
        )
        bundle = _published(folder, run, wanted.precision, photos, stages, progress)
        known = replace(known, bundle=bundle.info.version)
        threads = min(folder.settings.inference_threads, wanted.budget.cores or usable_cores())
        load = Load(
            photos=sent_photos(folder, photos.dataset),
            requests=wanted.requests,
            repeats=wanted.repeats,
            threads=threads,
            cores=wanted.budget.cores,
        )
        measured = MeasuredRun(folder, run, bundle, photos.dataset, photos.pixels, stages, progress)
        known = replace(
            known,
            offline=measured.offline(threads),
            online=measured.online(load, again=wanted.measure_again),
        )
        if wanted.baseline:
            known = replace(known, keras=measured.keras(load, again=wanted.measure_again))
        return replace(known, seconds=run.seconds | stages.seconds)
    except _ONE_MODEL_FAILS as error:
        progress.say(f"{title} is left out: {error.message}")
        return replace(known, failed=_in_one(error), failed_code=error.code)


def _finished(
    folder: ShopFolder, plan: TrainingPlan, tuning: Tuning, photos: DecodedPhotos
) -> Run | None:
    """The run of that plan on these photos, where there is one from before."""
    asked = asked_for(plan, tuning)
    for run in reversed(list_runs(folder.runs)):
        if run.asked == asked and run.fingerprint == photos.dataset.fingerprint:
            return run
    return None


def _published(
    folder: ShopFolder,
    run: Run,
    precision: Asked,
    photos: DecodedPhotos,
    stages: Stages,
    progress: Progress,
) -> Bundle:
    """The run's bundle with today's goods, from before where there is one."""
    for description in sorted(folder.bundles.glob("[!.]*/bundle.json"), reverse=True):
        try:
            bundle = read_bundle(description.parent)
        except BundleError:
            continue
        goods = {str(name, "ascii") for name in bundle.goods()["sha256"]}
        chosen = bundle.info.metrics.get("precision", {}).get("asked")
        if (bundle.info.run, chosen, goods) == (run.id, precision, set(photos.goods)):
            return bundle
    with stages.timed("publish"):
        return export_run(folder, run, photos, progress, precision)


def _categories(folder: ShopFolder, dataset: Dataset) -> tuple[Category, ...]:
    sizes = Counter((sample.category, sample.split) for sample in dataset.samples)
    with open_database(folder.database).reading() as connection:
        named = {
            entry.slug: (entry.name, entry.name_en) for entry, _ in list_categories(connection)
        }
    return tuple(
        Category(
            slug=slug,
            name=named.get(slug, (slug, None))[0],
            name_en=named.get(slug, (slug, None))[1],
            train=sizes[slug, "train"],
            test=sizes[slug, "test"],
        )
        for slug in dataset.categories
    )


def _command(wanted: ComparisonPlan) -> str:
    parts = ["vitrina compare", f"--backbones {','.join(wanted.backbones)}"]
    if limits := describe_budget(wanted.budget):
        parts.append(f"--budget {limits}")
    parts.append(f"--trials {wanted.trials} --max-minutes {wanted.max_minutes:g}")
    parts.append(f"--seed {wanted.seed}")
    parts += [f"--{name.replace('_', '-')} {value}" for name, value in wanted.training.items()]
    parts.append(f"--requests {wanted.requests} --repeats {wanted.repeats}")
    if wanted.baseline:
        parts.append(f"--baseline {wanted.baseline}")
    return " ".join(parts)


def _in_one(error: VitrinaError) -> str:
    return f"{error.message} {error.hint}".strip()
