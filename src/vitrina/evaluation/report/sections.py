"""The parts of the page that go into single categories, photos, trials and stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vitrina.evaluation.candidate import Candidate, HyperParameter, PhotoAnswer
from vitrina.evaluation.comparison import Category, Comparison
from vitrina.evaluation.report.findings import ConfusedPair, confused_pairs, wrong_answers
from vitrina.evaluation.report.numerals import DASH, Numerals, is_figure
from vitrina.evaluation.report.thumbnails import Thumbnails

PAIRS = 8
PHOTOS_OF_A_PAIR = 4
WORST_PHOTOS = 12


@dataclass(frozen=True)
class Photo:
    """A test photo with what was answered to it.

    Attributes:
        address: `data:` address of its thumbnail; None where the photo is gone or broken.
        right: Name of its category.
        given: Name of the category that came first.
        confidence: Of that answer, written out.
    """

    address: str | None
    right: str
    given: str
    confidence: str


@dataclass(frozen=True)
class Pair:
    """Two categories that are confused.

    Attributes:
        first: Name.
        second: Name.
        counts: Of which way, as in `ConfusedPair`.
        photos: Some of them.
    """

    first: str
    second: str
    counts: ConfusedPair
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class CategoryRow:
    """A category in the table of accuracies.

    Attributes:
        name: In the page's language.
        category: Its record.
        share: Accuracy, 0 to 1; None where there is none.
        top1: The same, written out.
    """

    name: str
    category: Category
    share: float | None
    top1: str


@dataclass(frozen=True)
class TrialTable:
    """All trials of one model.

    Attributes:
        title: Of the model.
        settings: Their names, one a column.
        rows: One a trial, in their order.
        failed: How many failed.
    """

    title: str
    settings: tuple[str, ...]
    rows: tuple[TrialRow, ...]
    failed: int


@dataclass(frozen=True)
class TrialRow:
    """One trial, written out.

    Attributes:
        number: From 1.
        settings: Its values, in the order of the columns.
        top1: On the validation photos.
        loss: There.
        seconds: It took.
        chosen: Whether training went on with it.
        failed: Whether it failed.
        note: Why, or what else is to say.
    """

    number: int
    settings: tuple[str, ...]
    top1: str
    loss: str
    seconds: str
    chosen: bool
    failed: bool
    note: str


class CategoryNames:
    """Names of categories in the language of the page.

    Args:
        categories: Of the dataset.
        language: "ru" or "en"; English names are used where the shop has them.
    """

    def __init__(self, categories: Iterable[Category], language: str) -> None:
        self._names = {
            each.slug: (each.name_en if language == "en" and each.name_en else each.name)
            for each in categories
        }

    def __call__(self, slug: str) -> str:
        """The name; the slug itself where no category has it."""
        return self._names.get(slug) or slug


def category_rows(
    comparison: Comparison, candidate: Candidate | None, names: CategoryNames, numerals: Numerals
) -> list[CategoryRow]:
    """Every category, those with the most mistakes first, those without test photos last."""
    record = candidate.offline if candidate else None
    rows = []
    for category in comparison.categories:
        share = record.test.by_category.get(category.slug) if record else None
        share = share if is_figure(share) else None
        rows.append(CategoryRow(names(category.slug), category, share, numerals.percent(share, 0)))
    return sorted(
        rows,
        key=lambda row: (row.share is None, row.share or 0.0, -row.category.test, row.name),
    )


class PhotoSections:
    """The parts that show photos.

    Args:
        answers: Of the shown model.
        names: Of the categories.
        thumbnails: Of the shop's photos.
        numerals: Writes the confidences.
    """

    def __init__(
        self,
        answers: Sequence[PhotoAnswer],
        names: CategoryNames,
        thumbnails: Thumbnails,
        numerals: Numerals,
    ) -> None:
        self._answers = answers
        self._names = names
        self._thumbnails = thumbnails
        self._numerals = numerals

    def pairs(self) -> list[Pair]:
        """The most confused pairs, each with the most confident mistakes."""
        return [
            Pair(
                first=self._names(pair.first),
                second=self._names(pair.second),
                counts=pair,
                photos=tuple(map(self._photo, pair.answers[:PHOTOS_OF_A_PAIR])),
            )
            for pair in confused_pairs(self._answers, PAIRS)
        ]

    def worst(self) -> list[Photo]:
        """The photos that were answered wrongly with the most confidence."""
        return [self._photo(answer) for answer in wrong_answers(self._answers)[:WORST_PHOTOS]]

    def _photo(self, answer: PhotoAnswer) -> Photo:
        return Photo(
            address=self._thumbnails.data_address(answer.sha256),
            right=self._names(answer.category),
            given=self._names(answer.guess),
            confidence=self._numerals.percent(answer.confidence, 0),
        )


def trial_table(candidate: Candidate, words: Mapping[str, str], numerals: Numerals) -> TrialTable:
    """Every trial of a model, with a column for each setting that any of them has."""
    settings = list(dict.fromkeys(name for trial in candidate.trials for name in trial.values))
    rows = tuple(
        TrialRow(
            number=trial.number,
            settings=tuple(_setting(trial.values.get(name), numerals) for name in settings),
            top1=numerals.percent(trial.top1),
            loss=numerals.number(trial.loss, 3),
            seconds=numerals.number(trial.seconds, 1),
            chosen=trial.chosen,
            failed=trial.status == "failed",
            note=trial.note,
        )
        for trial in candidate.trials
    )
    return TrialTable(
        title=candidate.title or candidate.backbone,
        settings=tuple(words.get(f"setting_{name}", name) for name in settings),
        rows=rows,
        failed=sum(row.failed for row in rows),
    )


def stage_rows(
    candidates: Sequence[Candidate], words: Mapping[str, str], numerals: Numerals
) -> list[tuple[str, list[str]]]:
    """Minutes of each stage and of all, one column a model; empty where nothing was recorded."""
    stages = list(dict.fromkeys(name for each in candidates for name in each.seconds))
    if not stages:
        return []
    rows = [
        (
            words.get(f"stage_{stage}", stage),
            [_minutes(each.seconds.get(stage), numerals) for each in candidates],
        )
        for stage in stages
    ]
    totals = [sum(filter(is_figure, each.seconds.values())) or None for each in candidates]
    rows.append((words["stage_total"], [_minutes(total, numerals) for total in totals]))
    return rows


def _minutes(seconds: float | None, numerals: Numerals) -> str:
    if seconds is not None and 0 < seconds < 3:
        return f"< {numerals.number(0.1, 1)}"
    return DASH if seconds is None else numerals.number(seconds / 60, 1)


def _setting(value: HyperParameter, numerals: Numerals) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return numerals.number(value, 0)
    # learning rates reach over magnitudes: digits that count, and no trailing zeros
    digits = f"{value:.2e}"
    if is_figure(value) and 1e-6 < abs(value) < 1:
        places = 2 - int(digits[digits.index("e") + 1 :])
        written = numerals.number(value, places)
        return written.rstrip("0")
    return numerals.number(value)
