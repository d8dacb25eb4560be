"""What `vitrina bench quality` trains: a recipe, or one without a part, on some of the photos."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vitrina.dataset import VALIDATION_SHARE, Dataset, Sample
from vitrina.errors import DatasetError, SettingError

if TYPE_CHECKING:
    from vitrina.training.plan import TrainingPlan

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "the study's views": {"augmentation": "study"},
    "the photo alone": {"views": 1},
    "the last 30 layers": {"unfrozen_layers": 30},
    "the head alone": {"unfrozen_layers": 0},
    "no label smoothing": {"label_smoothing": 0.0},
    "no dropout": {"dropout": 0.0},
    "photos counted alike": {"balance": 0.0},
    "phase 2 at a constant 1e-5": {"tail_schedule": "constant", "tail_rate": 1e-5},
}
"""The recipe without one of its parts; which fields of the plan are changed for that."""

_FEWEST_OF_A_SOURCE = 5
"""Photos of a category that other sources must leave to learn from."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name: What it is called.
        backbone: Which network.
        recipe: Of `vitrina.training.plan.RECIPES`.
        changes: Fields of the plan that differ from the recipe.
        given_split: Whether the catalogue's own split is kept.
        photos_each: Photos of a category that are learned from or watched, at most; 0: all.
        source: Photos whose article has this source are tested on, and not learned from.
        pattern: Finds the source in an article: its first group.
    """

    name: str
    backbone: str
    recipe: str = "vitrina"
    changes: Mapping[str, Any] = field(default_factory=dict)
    given_split: bool = True
    photos_each: int = 0
    source: str = ""
    pattern: str = ""

    def plan(self, seed: int) -> TrainingPlan:
        """What is trained with a seed."""
        from vitrina.training.plan import RECIPES

        return RECIPES[self.recipe](self.backbone, seed=seed, **self.changes)

    def part(self, dataset: Dataset, seed: int) -> Dataset:
        """The photos that are used.

        Raises:
            DatasetError: the photos do not suffice for that.
        """
        if self.source:
            return _across_sources(dataset, self.source, re.compile(self.pattern))
        if self.photos_each:
            return few_of_each(dataset, self.photos_each, seed)
        return dataset


def few_of_each(dataset: Dataset, photos: int, seed: int) -> Dataset:
    """The same test photos, and so many of each category to learn from, a tenth of them watched.

    Args:
        dataset: All photos.
        photos: Learned from or watched, of each category.
        seed: Decides which.
    """
    watched = max(1, round(photos * VALIDATION_SHARE)) if photos > 2 else 0
    wanted = {"train": photos - watched, "validation": watched}
    taken: Counter[tuple[str, str]] = Counter()
    kept = set()
    for sample in sorted(dataset.samples, key=lambda one: _rank(seed, one)):
        place = (sample.category, sample.split)
        if sample.split == "test" or taken[place] < wanted[sample.split]:
            taken[place] += 1
            kept.add(sample.sha256)
    return replace(
        dataset, samples=tuple(sample for sample in dataset.samples if sample.sha256 in kept)
    )


def source_rows(dataset: Dataset, pattern: str, like: Row) -> list[Row]:
    """A row for each source that some category has beside others.

    Args:
        dataset: All photos.
        pattern: Finds the source in an article: its first group.
        like: The row whose recipe they have.

    Raises:
        SettingError: the pattern is none, or finds no sources.
    """
    try:
        finder = re.compile(pattern)
    except re.error as error:
        raise SettingError(
            f"{pattern!r} is no regular expression: {error}.", hint="Mend --sources."
        ) from error
    if finder.groups < 1:
        raise SettingError(
            f"{pattern!r} has no group that would be the source.",
            hint='Put it into brackets: "/([a-z]+)_".',
        )
    sources = sorted({_source(sample, finder) for sample in dataset.samples} - {""})
    rows = [
        replace(like, name=f"tested on {source}", source=source, pattern=pattern)
        for source in sources
        if _categories_beside(dataset.samples, source, finder)
    ]
    if not rows:
        raise SettingError(
            f"{pattern!r} finds no category whose photos have several sources.",
            hint="It is searched for in the articles of the goods.",
        )
    return rows


def _across_sources(dataset: Dataset, source: str, finder: re.Pattern[str]) -> Dataset:
    """Learned from all other sources, tested on this one where a category has others too."""
    beside = _categories_beside(dataset.samples, source, finder)
    samples = []
    for sample in dataset.samples:
        if _source(sample, finder) == source:
            if sample.category in beside:
                samples.append(replace(sample, split="test"))
        elif sample.split != "test":
            samples.append(sample)
    learned = {sample.category for sample in samples if sample.split == "train"}
    samples = [sample for sample in samples if sample.category in learned]
    if len(learned) < 2 or not any(sample.split == "test" for sample in samples):
        raise DatasetError(
            f"Without the source {source} too little is left to learn from.",
            hint="Choose another pattern for --sources.",
        )
    return replace(dataset, categories=tuple(sorted(learned)), samples=tuple(samples))


def _categories_beside(samples: Iterable[Sample], source: str, finder: re.Pattern[str]) -> set[str]:
    """Categories that have photos of this source, and enough of others to learn from."""
    of_source: set[str] = set()
    others: dict[str, int] = defaultdict(int)
    for sample in samples:
        if _source(sample, finder) == source:
            of_source.add(sample.category)
        elif sample.split == "train":
            others[sample.category] += 1
    return {slug for slug in of_source if others[slug] >= _FEWEST_OF_A_SOURCE}


def _source(sample: Sample, finder: re.Pattern[str]) -> str:
    found = finder.search(sample.product)
    return (found.group(1) or "") if found else ""


def _rank(seed: int, sample: Sample) -> bytes:
    return hashlib.sha256(f"{seed}/{sample.sha256}".encode()).digest()


def quality_rows(
    backbone: str,
    *,
    recipes: Sequence[str] = ("vitrina",),
    splits: Sequence[str] = ("given",),
    photos_each: Sequence[int] = (),
    ablate: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Rows for what was asked for.

    Args:
        backbone: Which network.
        recipes: "vitrina", "study".
        splits: "given": the catalogue's own where it has one; "honest": by product and near copy.
        photos_each: A row of the first recipe for each of these numbers of photos a category.
        ablate: Whether the parts of the first recipe are left out, each in a row.
        changes: Fields of the plan that differ in all rows.

    Raises:
        SettingError: there is no such recipe or split.
    """
    from vitrina.training.plan import RECIPES

    for kind, wanted, known in (
        ("recipe", recipes, tuple(RECIPES)),
        ("split", splits, ("given", "honest")),
    ):
        if unknown := [name for name in wanted if name not in known]:
            raise SettingError(
                f"There is no {kind} {unknown[0]!r}; there are {', '.join(known)}.",
                hint=f"Mend --{kind}s.",
            )
    if any(count < 2 for count in photos_each):
        raise SettingError("A category needs two photos to learn from.", hint="Mend --photos-each.")
    whole = dict(changes or {})
    rows = [
        Row(
            name=f"{recipe}, {split} split",
            backbone=backbone,
            recipe=recipe,
            changes=whole,
            given_split=split == "given",
        )
        for recipe in recipes
        for split in splits
    ]
    first = rows[0]
    rows += [
        replace(first, name=f"{count} photos a category", photos_each=count)
        for count in photos_each
    ]
    if ablate:
        rows += [
            replace(first, name=name, changes=whole | dict(without))
            for name, without in ABLATIONS.items()
        ]
    return rows
