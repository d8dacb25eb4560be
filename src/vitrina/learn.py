"""The loop that learns: what shoppers and the merchant said, taught to the model, if it helps.

The active bundle's own recipe is trained again on the catalogue as it is corrected now, and on the
photos of shoppers that the merchant, or a shopper who went on to a product, said something of. What
was kept away from the active bundle's training stays away, and both are asked about the same photos
of it. Only what is better by more than the noise is served; else nothing changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vitrina.bundle import Bundle, active_bundle
from vitrina.catalogue.checks.findings import ShownPhoto
from vitrina.catalogue.checks.labels import can_judge, judge, label_findings
from vitrina.dataset import Dataset, Sample
from vitrina.decoded import DecodedPhotos, decoded_dataset
from vitrina.encoder import Encoder
from vitrina.errors import DatasetError, TrainingError
from vitrina.evaluation.bootstrap import Outcomes, lead
from vitrina.evaluation.comparison import Lead
from vitrina.events.review import Doubtful, ReviewedPhotos
from vitrina.export import export_run
from vitrina.folder import ShopFolder
from vitrina.machine import usable_cores
from vitrina.near_copies import Embeddings, near_copies
from vitrina.pixels import PhotoFile, PixelCache
from vitrina.progress import Progress
from vitrina.store.corrections import kept_photos, moved_count
from vitrina.store.database import open_database
from vitrina.store.server_database import ServerDatabase
from vitrina.training.plan import TrainingPlan
from vitrina.training.run import Run, list_runs
from vitrina.training.trainer import train_run

ENOUGH_VERDICTS = 20
"""Verdicts on suspected labels from which it is known how often the suspicion is right."""

TRUSTED = 0.6
"""Share of suspicions that must have been right for the others to be heeded unseen."""

Embed = Callable[[Sequence[str], PixelCache, Progress], Embeddings]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What came of it.

    Attributes:
        merchant: Shoppers' photos that were learned from because the merchant said what they show.
        shoppers: That were because a shopper chose the category and then went on to a product.
        left_out: Photos of the catalogue that were not learned from, because they are suspected of
            a wrong label and such suspicions were mostly right.
        run: Id of the new run; None where there was nothing new to learn.
        bundle: Version that was made of it.
        before: Version that was active.
        ahead: Of the new bundle, on the photos that neither learned from; None without a new one.
        activated: Whether the new one is served now.
    """

    merchant: int
    shoppers: int
    left_out: int
    run: str | None
    bundle: str | None
    before: str
    ahead: Lead | None
    activated: bool


def learn(
    folder: ShopFolder,
    progress: Progress,
    *,
    embed: Embed,
    activate: Callable[[str], None],
    dry_run: bool = False,
    shoppers: bool = True,
) -> Learnt:
    """Learns once; the caller holds the shop's lock. What was computed is used again after a break.

    Args:
        folder: The shop.
        progress: Where the work reports to.
        embed: Embeddings of a network that never saw the shop's labels.
        activate: Has a bundle served.
        dry_run: Only count what would be learned from.
        shoppers: Whether choices of shoppers count where the merchant has said nothing.

    Raises:
        NoBundle: nothing is published yet.
        TrainingError: the active bundle's run is not there any more.
        DatasetError: too little to learn from or to test on.
    """
    active = active_bundle(folder.bundles)
    before = _run_of(folder, active)
    plan = _plan_of(before)
    photos = decoded_dataset(folder, plan.seed, progress)
    dataset, merchant, chosen = _with_shoppers(folder, photos, progress, shoppers=shoppers)
    left_out = _trusted_suspects(folder, dataset, photos.pixels, embed, progress)
    dataset = dataset.without(left_out)
    told = Learnt(
        merchant=merchant,
        shoppers=chosen,
        left_out=len(left_out),
        run=None,
        bundle=None,
        before=active.info.version,
        ahead=None,
        activated=False,
    )
    if dry_run or dataset.fingerprint == before.fingerprint:
        return told
    run = _trained(folder, dataset, photos.pixels, plan, progress)
    bundle = export_run(folder, run, replace(photos, dataset=dataset), progress)
    ahead = _ahead(bundle, active, dataset, photos.pixels, progress)
    better = ahead.beyond_noise and ahead.points > 0
    if better:
        activate(bundle.info.version)
    return replace(told, run=run.id, bundle=bundle.info.version, ahead=ahead, activated=better)


def _run_of(folder: ShopFolder, bundle: Bundle) -> Run:
    for run in list_runs(folder.runs):
        if run.id == bundle.info.run:
            return run
    raise TrainingError(
        f"The active bundle {bundle.info.version} was made of the run {bundle.info.run}, which is "
        "not in runs/ any more.",
        hint="Train and publish once: vitrina train, vitrina publish.",
    )


def _plan_of(run: Run) -> TrainingPlan:
    values: dict[str, Any] = dict(run.plan)
    values["hidden"] = tuple(values.get("hidden", ()))
    return TrainingPlan(**values)


def _trained(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    progress: Progress,
) -> Run:
    """The run of just this; one that is there already is taken as it is."""
    for run in reversed(list_runs(folder.runs)):
        if run.fingerprint == dataset.fingerprint and _plan_of(run) == plan:
            progress.say(f"The run {run.id} has learned just this.")
            return run
    return train_run(folder, dataset, pixels, plan, progress=progress)


def _with_shoppers(
    folder: ShopFolder, photos: DecodedPhotos, progress: Progress, *, shoppers: bool
) -> tuple[Dataset, int, int]:
    """The dataset with shoppers' photos to learn from, and how many of either kind."""
    found = _labelled(folder, shoppers=shoppers)
    dataset, known = photos.dataset, set(photos.dataset.categories)
    samples: dict[str, Sample] = {}
    files = []
    merchant: set[str] = set()
    place = ReviewedPhotos(folder)
    for one, category in found:
        file = place.file(one.query_id)
        if category not in known or not file.is_file():
            continue
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        files.append(PhotoFile(sha, file))
        name = str(file.relative_to(folder.root))
        samples[sha] = Sample(sha, name, f"query {one.query_id}", category, "train")
        if one.verdict is not None:
            merchant.add(sha)
    refused = photos.pixels.add(files, limits=folder.settings.photo_limits, progress=progress)
    wanted = {sha: one for sha, one in samples.items() if sha not in refused}
    for sha in _copies_of_held(folder, dataset, photos.pixels, wanted, progress):
        # who is tested on a picture must not have learned from it
        del wanted[sha]
    ordered = sorted(
        (*dataset.samples, *wanted.values()), key=lambda s: (s.category, s.product, s.sha256)
    )
    count = sum(sha in merchant for sha in wanted)
    return replace(dataset, samples=tuple(ordered)), count, len(wanted) - count


def _labelled(folder: ShopFolder, *, shoppers: bool) -> list[tuple[Doubtful, str]]:
    """Kept photos and what they show: by the merchant, or by a shopper who went on to a product."""
    database = ServerDatabase(folder.server_database)
    if not database.exists:
        return []
    place = ReviewedPhotos(folder)
    with database.reading() as connection:
        found = [
            (one, one.category)
            for one in place.decided(connection)
            if one.verdict == "category" and one.category
        ]
        if shoppers:
            found += [(one, one.chosen) for one in place.followed(connection) if one.chosen]
    return found


def _copies_of_held(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    wanted: dict[str, Sample],
    progress: Progress,
) -> set[str]:
    """Those of `wanted` that are copies of photos which are tested on or watched."""
    if not wanted:
        return set()
    held = {s.sha256 for s in dataset.samples if s.split != "train"}
    cache = folder.cache / "learn"
    cache.mkdir(exist_ok=True)
    copies = near_copies([*held, *wanted], pixels, cache, progress=progress)
    found = held & set(wanted)
    for group in copies.groups:
        if held.intersection(group):
            found |= set(wanted).intersection(group)
    return found


def _trusted_suspects(
    folder: ShopFolder, dataset: Dataset, pixels: PixelCache, embed: Embed, progress: Progress
) -> set[str]:
    """Photos to learn from that are suspected of a wrong label, where suspicions are trusted."""
    with open_database(folder.database).reading() as connection:
        wrong, kept = moved_count(connection), kept_photos(connection)
    right = len(kept)
    if wrong + right < ENOUGH_VERDICTS or wrong / (wrong + right) < TRUSTED:
        return set()
    shown = [
        ShownPhoto(category=s.category, product=s.product, sha256=s.sha256)
        for s in {s.sha256: s for s in dataset.part("train")}.values()
    ]
    groups = {photo.sha256: photo.product for photo in shown}
    if not can_judge(shown, groups):
        return set()
    embeddings = embed([photo.sha256 for photo in shown], pixels, progress)
    suspected = [one.photos[0] for one in label_findings(judge(shown, embeddings, groups))]
    left_out = {one.sha256 for one in suspected if (one.product, one.sha256) not in kept}
    if left_out:
        progress.say(
            f"{wrong} of {wrong + right} suspected labels were wrong, so {len(left_out)} others "
            "that are suspected are not learned from."
        )
    return left_out


def _ahead(
    new: Bundle, old: Bundle, dataset: Dataset, pixels: PixelCache, progress: Progress
) -> Lead:
    tested = [s for s in dataset.part("test") if s.category in set(old.info.categories)]
    if not tested:
        raise DatasetError(
            "There are no photos that both models could be asked about.",
            hint="Train again with more photos: vitrina train.",
        )
    with progress.step("Comparing with the active model", 2) as step:
        answers = []
        for bundle in (new, old):
            answers.append(_right(bundle, tested, pixels))
            step.advance()
    return lead(*answers)


def _right(bundle: Bundle, tested: Sequence[Sample], pixels: PixelCache) -> Outcomes:
    encoder = Encoder(bundle.model, threads=usable_cores())
    slugs = bundle.info.categories
    first = [slugs[int(encoder.encode(pixels[s.sha256]).probabilities.argmax())] for s in tested]
    right: Outcomes = np.array(
        [guess == s.category for guess, s in zip(first, tested, strict=True)], dtype=np.bool_
    )
    return right
