"""`vitrina bench decisions`: how often the search box is filled rightly, wrongly, and for nothing.

Whole categories are taken out of the shop, a network is trained without them by the shop's own
recipe, and decisions are fitted to its validation photos, as `vitrina publish` does. Then it is
asked about the test photos of what it knows, about all photos of the categories that it never saw,
and about drawn pictures of no goods at all. Several choices of the categories are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from vitrina.bench.no_goods import draw_no_goods
from vitrina.dataset import Dataset, Sample, Split
from vitrina.decoded import decoded_dataset
from vitrina.errors import DatasetError
from vitrina.evaluation.decisions import ENOUGH_WATCHED, fit_decisions
from vitrina.evaluation.evidence import Floats, Labels
from vitrina.evaluation.metrics import calibration_error, guesses, top_k_accuracy
from vitrina.folder import ShopFolder
from vitrina.machine import Machine, this_machine
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.search.answers import Decision
from vitrina.search.decision import AcceptedRisk, Decider
from vitrina.training.plan import TrainingPlan

DRAWN = 8
"""Of each kind of pictures of no goods."""


@dataclass(frozen=True, kw_only=True)
class ChoiceFigures:
    """What came out for one choice of categories; shares lie between 0 and 1.

    Attributes:
        held_out: Slugs of the categories that were taken out.
        watched: Validation photos that decisions were fitted to.
        known: Test photos of the other categories.
        unseen: Photos of the held-out categories.
        network_top1: Share of the known photos whose category the network alone names first.
        top1: The same for the calibrated answer.
        filled: Share of the known photos that fill the box.
        wrong_fills: Share of wrong categories among those.
        called_unknown: Share of the known photos that are called unknown.
        unseen_unfilled: Share of the held-out photos that do not fill the box.
        unseen_unknown: Share of them that are called unknown.
        mixed_wrong_fills: Share of wrong answers among filled boxes if the share `unsold_photos`
            of all photos were of held-out categories, which are wrong whenever they fill it.
        drawn_unfilled: Share of drawn pictures of no goods that do not fill the box.
        drawn_unknown: Share of them that are called unknown.
        calibration_error: Expected calibration error of the confidence that is shown, on the known
            photos.
    """

    held_out: tuple[str, ...]
    watched: int
    known: int
    unseen: int
    network_top1: float
    top1: float
    filled: float
    wrong_fills: float
    called_unknown: float
    unseen_unfilled: float
    unseen_unknown: float
    mixed_wrong_fills: float
    drawn_unfilled: float
    drawn_unknown: float
    calibration_error: float


SHARES = tuple(each.name for each in fields(ChoiceFigures) if each.type == "float")
"""Names of the figures that are averaged."""


@dataclass(frozen=True, kw_only=True)
class DecisionsBenchmark:
    """All choices.

    Attributes:
        backbone: Its name.
        unfrozen_layers: Of the backbone, that learned; 0: the head alone.
        risk: What was accepted.
        choices: One entry for each.
        mean: Of each share over the choices.
        spread: Lowest and highest of each share.
        machine: Where it was measured.
    """

    backbone: str
    unfrozen_layers: int
    risk: AcceptedRisk
    choices: tuple[ChoiceFigures, ...]
    mean: dict[str, float]
    spread: dict[str, tuple[float, float]]
    machine: Machine


def benchmark_decisions(
    folder: ShopFolder,
    plan: TrainingPlan,
    *,
    held_out: int,
    choices: int,
    progress: Progress,
) -> DecisionsBenchmark:
    """Measures on photos of a shop; of the shop only caches of photos and activations grow.

    Args:
        folder: The shop.
        plan: The recipe; its seed also decides the choices.
        held_out: Categories of each choice.
        choices: How many.
        progress: Where the work reports to.

    Raises:
        DatasetError: the shop has too few categories or photos for that.
    """
    photos = decoded_dataset(folder, plan.seed, progress)
    dataset = photos.dataset
    if not 0 < held_out <= len(dataset.categories) - 2:
        raise DatasetError(
            f"{held_out} categories cannot be held out of {len(dataset.categories)}: one or more "
            "must be, and two or more must stay.",
            hint="Choose another --held-out.",
        )
    risk = AcceptedRisk.of(folder.settings)
    figures = []
    for number in range(choices):
        random = np.random.default_rng([plan.seed, number])
        chosen = random.choice(dataset.categories, held_out, replace=False)
        named = tuple(sorted(str(slug) for slug in chosen))
        progress.say(f"Choice {number + 1} of {choices}: without {', '.join(named)}.")
        figures.append(_measure(folder, dataset, photos.pixels, plan, named, risk, progress))
    return DecisionsBenchmark(
        backbone=plan.backbone,
        unfrozen_layers=plan.unfrozen_layers if plan.learns_tail else 0,
        risk=risk,
        choices=tuple(figures),
        mean={name: float(np.mean(_values(figures, name))) for name in SHARES},
        spread={
            name: (min(_values(figures, name)), max(_values(figures, name))) for name in SHARES
        },
        machine=this_machine(),
    )


def _measure(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    held_out: tuple[str, ...],
    risk: AcceptedRisk,
    progress: Progress,
) -> ChoiceFigures:
    from vitrina.training.batch_inference import run_in_batches
    from vitrina.training.loading import load_any
    from vitrina.training.trainer import make_learner

    known = only(dataset, set(dataset.categories) - set(held_out))
    unseen = _all_tested(only(dataset, set(held_out)))
    watched = len(known.part("validation"))
    if watched < ENOUGH_WATCHED:
        raise DatasetError(
            f"{watched} validation photos are left; decisions need {ENOUGH_WATCHED}.",
            hint="Hold out fewer categories, or import more photos.",
        )
    # loaded anew: the last layers of an earlier choice have seen what is held out now
    loaded = load_any(plan.backbone)
    learner = make_learner(folder, known, loaded, plan)
    learner.compute(pixels, plan.views, progress)
    learner.compute(pixels, 1, progress, unseen)
    seen = _as_phones_see(known, pixels)
    phones = _as_dataset_of(known, seen)
    learner.compute(seen, 1, SILENT, phones)
    drawn = draw_no_goods(DRAWN)
    no_goods = _as_dataset(kind for kind, _ in drawn)
    pictures = {
        sample.sha256: picture for sample, (_, picture) in zip(no_goods.samples, drawn, strict=True)
    }
    learner.compute(pictures, 1, SILENT, no_goods)
    learned = learner.learn(plan, progress)

    def answer(split: Split, of: Dataset | None = None) -> tuple[Floats, Floats]:
        """The deployed network's probabilities and embeddings of a split."""
        features = learner.features(learned, split, of)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return run_in_batches(learned.head, features), features / np.maximum(lengths, 1e-12)

    _, references = answer("train")
    # as `vitrina publish` does it: each watched photo as it is, and as phones see it
    p_watched, e_watched = (
        np.concatenate(both)
        for both in zip(answer("validation"), answer("test", phones), strict=True)
    )
    p_known, e_known = answer("test")
    model = fit_decisions(
        references,
        _labels(known, "train"),
        e_watched,
        p_watched,
        np.tile(_labels(known, "validation"), 2),
        pictures=2,
    )
    decider = Decider(model, 1.0, risk)
    labels = _labels(known, "test")
    calibrated, decisions = decider.decide_many(p_known, e_known)
    right = guesses(calibrated, labels) == labels
    filled = np.array([decision == "category" for decision in decisions])
    _, of_unseen = decider.decide_many(*answer("test", unseen))
    _, of_drawn = decider.decide_many(*answer("test", no_goods))
    wrong = float((filled & ~right).mean())
    fills_unseen = _share(of_unseen, "category")
    unsold = risk.unsold_photos
    mixed = (1 - unsold) * float(filled.mean()) + unsold * fills_unseen
    return ChoiceFigures(
        held_out=held_out,
        watched=watched,
        known=len(labels),
        unseen=len(of_unseen),
        network_top1=top_k_accuracy(p_known, labels, 1),
        top1=float(right.mean()),
        filled=float(filled.mean()),
        wrong_fills=wrong / max(float(filled.mean()), 1e-12),
        called_unknown=_share(decisions, "unknown"),
        unseen_unfilled=1 - fills_unseen,
        unseen_unknown=_share(of_unseen, "unknown"),
        mixed_wrong_fills=((1 - unsold) * wrong + unsold * fills_unseen) / max(mixed, 1e-12),
        drawn_unfilled=1 - _share(of_drawn, "category"),
        drawn_unknown=_share(of_drawn, "unknown"),
        calibration_error=calibration_error(calibrated, labels),
    )


def only(dataset: Dataset, categories: set[str]) -> Dataset:
    """The part of a dataset that shows those categories."""
    return replace(
        dataset,
        categories=tuple(slug for slug in dataset.categories if slug in categories),
        samples=tuple(sample for sample in dataset.samples if sample.category in categories),
    )


def _as_phones_see(dataset: Dataset, pixels: PixelCache) -> dict[str, Pixels]:
    """A view of each watched photo, under a name that no photo has."""
    from vitrina.training.views import RECIPES, augmented_view

    kind = f"{RECIPES['phone']}/{dataset.seed}"
    return {
        f"{kind}/{number}/{s.sha256}": augmented_view(pixels[s.sha256], s.sha256, 1, dataset.seed)
        for number, s in enumerate(dataset.part("validation"))
    }


def _as_dataset_of(dataset: Dataset, seen: Mapping[str, Pixels]) -> Dataset:
    """The watched photos under those names, in their order."""
    watched = dataset.part("validation")
    samples = tuple(
        replace(sample, sha256=name, split="test")
        for sample, name in zip(watched, seen, strict=True)
    )
    return replace(dataset, samples=samples)


def _all_tested(dataset: Dataset) -> Dataset:
    """The same photos, all of them to be asked about: none was learned from."""
    samples = tuple(replace(sample, split="test") for sample in dataset.samples)
    return replace(dataset, samples=samples)


def _as_dataset(kinds: Iterable[str]) -> Dataset:
    """Drawn pictures under names that no photo has."""
    samples = tuple(
        Sample(f"drawn/{number}", "", "", kind, "test") for number, kind in enumerate(kinds)
    )
    return Dataset(tuple(dict.fromkeys(sample.category for sample in samples)), samples, 0)


def _labels(dataset: Dataset, split: Split) -> Labels:
    return np.array(dataset.labels(dataset.part(split)), dtype=np.int64)


def _share(decisions: Sequence[Decision], of: Decision) -> float:
    return decisions.count(of) / max(len(decisions), 1)


def _values(figures: Sequence[ChoiceFigures], name: str) -> list[float]:
    return [float(getattr(one, name)) for one in figures]
