"""What the answers to test photos show: confused pairs, worst photos, short categories."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from vitrina.evaluation.candidate import Candidate, OfflineRecord, PhotoAnswer
from vitrina.evaluation.comparison import Category, Comparison

LEAST_TRAIN = 20
"""Fewer photos to learn from are few, whatever other categories have."""

WEAK_POINTS = 15
"""So many percentage points below the typical category, a category is weak."""

TELLING_TEST = 5
"""With fewer test photos the accuracy of a category says too little to call it weak."""


@dataclass(frozen=True)
class ConfusedPair:
    """Two categories that are taken for each other.

    Attributes:
        first: Slug of the one whose photos are taken for the other more often.
        second: Slug of the other.
        forth: Photos of `first` answered with `second`.
        back: Photos of `second` answered with `first`.
        answers: All of them, the most confident first.
    """

    first: str
    second: str
    forth: int
    back: int
    answers: tuple[PhotoAnswer, ...]


@dataclass(frozen=True)
class ShortCategory:
    """A category that needs more photos.

    Attributes:
        category: Which.
        top1: Its accuracy, 0 to 1; None where it has no test photos.
        few: Its photos to learn from are few.
        weak: Its accuracy is well below the typical category's.
        more: How many photos to add.
    """

    category: Category
    top1: float | None
    few: bool
    weak: bool
    more: int


def shown_candidate(comparison: Comparison) -> Candidate | None:
    """The model whose answers the report goes into: the best, else the nearest, else any."""
    choice = comparison.choice
    order = [name for name in (choice.best, choice.nearest) if name]
    by_name = {candidate.backbone: candidate for candidate in comparison.candidates}
    wanted = [by_name[name] for name in order if name in by_name]
    measured = [each for each in (*wanted, *comparison.candidates) if each.offline]
    return measured[0] if measured else None


def wrong_answers(answers: Iterable[PhotoAnswer]) -> list[PhotoAnswer]:
    """Wrong answers, the most confident first; those without a confidence last."""
    wrong = [answer for answer in answers if answer.guess != answer.category]
    return sorted(wrong, key=lambda answer: (-_certain(answer.confidence), answer.sha256))


def confused_pairs(answers: Iterable[PhotoAnswer], most: int) -> list[ConfusedPair]:
    """The pairs of categories that are confused most often, at most `most` of them."""
    pairs: dict[tuple[str, str], list[PhotoAnswer]] = defaultdict(list)
    for answer in wrong_answers(answers):
        low, high = sorted((answer.category, answer.guess))
        pairs[low, high].append(answer)
    found = []
    for (low, high), confused in pairs.items():
        forth = sum(answer.category == low for answer in confused)
        back = len(confused) - forth
        first, second = (low, high) if forth >= back else (high, low)
        found.append(
            ConfusedPair(first, second, max(forth, back), min(forth, back), tuple(confused))
        )
    found.sort(key=lambda pair: (-len(pair.answers), pair.first, pair.second))
    return found[:most]


def typical_train(categories: Sequence[Category]) -> int:
    """Median number of photos to learn from; 0 without categories."""
    return round(median(each.train for each in categories)) if categories else 0


def typical_top1(record: OfflineRecord) -> float | None:
    """Median accuracy of the categories that have test photos, 0 to 1."""
    known = [share for share in record.test.by_category.values() if math.isfinite(share)]
    return median(known) if known else None


def short_categories(
    categories: Sequence[Category], record: OfflineRecord | None
) -> list[ShortCategory]:
    """The categories that need more photos, the most urgent first.

    Few: fewer than `LEAST_TRAIN` photos to learn from, or fewer than half of the typical (median)
    category's. Weak: at least `TELLING_TEST` test photos, and an accuracy of `WEAK_POINTS` or more
    below the typical (median) category's. To add: what is missing up to the typical category, at
    least up to `LEAST_TRAIN`; for a weak one at least half of what it has.
    """
    typical = typical_train(categories)
    usual = typical_top1(record) if record else None
    found = []
    for category in categories:
        top1 = record.test.by_category.get(category.slug) if record else None
        if top1 is not None and not math.isfinite(top1):
            top1 = None
        few = category.train < max(LEAST_TRAIN, typical / 2)
        weak = (
            top1 is not None
            and usual is not None
            and category.test >= TELLING_TEST
            and round(100 * (usual - top1), 6) >= WEAK_POINTS
        )
        if few or weak:
            missing = max(typical, LEAST_TRAIN) - category.train
            more = max(missing, math.ceil(category.train / 2) if weak else 1)
            found.append(ShortCategory(category, top1, few, weak, more))
    return sorted(
        found,
        key=lambda each: (
            -(each.few + each.weak),
            1.0 if each.top1 is None else each.top1,
            each.category.train,
            each.category.slug,
        ),
    )


def _certain(confidence: float) -> float:
    return confidence if math.isfinite(confidence) else -1.0
