"""A run becomes a bundle: its ONNX file compared with Keras, measured, then published."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vitrina.bundle import GUESSED_THRESHOLD, MODEL, Bundle, BundleInfo, goods_array, write_bundle
from vitrina.dataset import Dataset, Sample
from vitrina.decoded import DecodedPhotos
from vitrina.encoder import Encoder
from vitrina.errors import BundleDisagrees
from vitrina.evaluation.decisions import (
    ENOUGH_WATCHED,
    DecisionModel,
    fit_decisions,
    spread_over_categories,
)
from vitrina.evaluation.metrics import Probabilities
from vitrina.evaluation.offline import score
from vitrina.folder import ShopFolder
from vitrina.golden import EXACT, QUANTISED, make_golden
from vitrina.photo_answers import PhotoAnswers, probabilities
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.precision import CALIBRATED_ON, Asked, HeldOut, choose_precision
from vitrina.progress import Progress
from vitrina.training.formats import ONNX, load_classifier
from vitrina.training.onnx_input import with_cheap_beginning
from vitrina.training.onnx_work import multiply_adds
from vitrina.training.run import Run

COMPARED_PHOTOS = 500
MAX_DIFFERENCE = 1e-3
_ENOUGH_SIBLINGS = 50
"""Photos whose product has another one, to judge by whether they are found."""


@dataclass(frozen=True)
class Agreement:
    """How far the exported network's answers are from those of the trained one.

    Attributes:
        photos: How many were asked.
        top1_differs: On how many the first category is another.
        max_difference: Largest difference of any probability.
    """

    photos: int
    top1_differs: int
    max_difference: float


def export_run(
    folder: ShopFolder,
    run: Run,
    photos: DecodedPhotos,
    progress: Progress,
    precision: Asked = "auto",
) -> Bundle:
    """Makes a bundle of a run; the caller holds the shop's lock and activates it.

    Args:
        folder: The shop.
        run: Which one.
        photos: The run's dataset and the catalogue's goods.
        progress: Where the work reports to.
        precision: fp32, int8, or the latter where it is as good and faster: auto.

    Raises:
        QuantisationFailed: int8 is asked for and cannot be made.
        BundleDisagrees: the exported network answers differently from the trained one; nothing
            was written.
        BundleDamaged: the exported file cannot be run.
    """
    dataset, goods, pixels = photos.dataset, photos.goods, photos.pixels
    place = folder.runs / run.id
    with progress.step("Loading the trained network", 1) as step:
        classify = load_classifier(place, run.plan["backbone"])
        # a run of an older version was exported without it
        model = with_cheap_beginning((place / ONNX).read_bytes())
        answers = PhotoAnswers(_encoder_of(model), pixels)
        step.advance()
    compared = [sample.sha256 for sample in _compared(dataset)]
    expected = classify([pixels[sha] for sha in compared])
    received = answers.ask(compared, "Comparing with Keras", progress)
    agreement = compare_with_keras(expected, probabilities(received))
    require_agreement(agreement)
    work = multiply_adds(model)
    model, choice = choose_precision(
        model,
        _calibration(dataset, pixels),
        _held_out(dataset, pixels, None if precision == "fp32" else answers, progress),
        precision,
        progress,
    )
    if choice.served == "int8":
        # what follows belongs to the network that serves
        answers = PhotoAnswers(_encoder_of(model), pixels)
    compared_with, tested = _compared_with(dataset), dataset.part("test")
    asked = (*compared_with, *dataset.part("validation"), *tested)
    answers.ask([sample.sha256 for sample in asked], "Looking at photos again", progress)
    decisions = fit_to_photos(dataset, compared_with, answers, progress)
    embeddings = answers.embed_goods(goods, "Embedding goods", progress)
    tolerance = QUANTISED if choice.served == "int8" else EXACT
    info = BundleInfo(
        version=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{run.id[16:]}",
        backbone=run.backbone,
        run=run.id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        categories=run.categories,
        embedding_size=run.embedding_size,
        metrics={
            "test": _measured(answers, dataset),
            "agreement": agreement.__dict__,
            "precision": choice.as_json(),
            "multiply_adds": work,
        },
        provenance={
            "fingerprint": run.fingerprint,
            "seed": run.plan["seed"],
            "weights": run.weights,
            "versions": run.versions,
        },
    )
    return write_bundle(
        folder.bundles,
        info,
        model,
        goods_array(goods, np.stack(embeddings)),
        None if decisions is None else decisions.to_bytes(),
        golden=make_golden(answers.encoder, tolerance=tolerance),
    )


def fit_to_photos(
    dataset: Dataset,
    learned: Sequence[Sample],
    seen: PhotoAnswers,
    progress: Progress,
) -> DecisionModel | None:
    """Fits when the search box is filled, to what the exported network says of the photos.

    Args:
        dataset: Whose validation photos are judged.
        learned: Photos that the network learned from; those are compared with.
        seen: What it says of all of these.
        progress: Told where too few photos were watched.

    Returns:
        None there.
    """
    watched = dataset.part("validation")
    if len(watched) < ENOUGH_WATCHED:
        progress.say(
            f"Only {len(watched)} photos were watched, {ENOUGH_WATCHED} or more are needed to fit "
            f"from which confidence the search box is filled: {GUESSED_THRESHOLD} is taken, and no "
            "photo is called unknown."
        )
        return None
    names = [sample.sha256 for sample in watched]
    # shoppers' photos are not like the catalogue's: half of what decides is as phones see it
    answers = [
        *(seen[sha] for sha in names),
        *seen.ask_as_phones_see(names, dataset.seed, "Looking as phones see", progress),
    ]
    return fit_decisions(
        np.stack([seen[sample.sha256].embedding for sample in learned]),
        np.array(dataset.labels(learned), dtype=np.int64),
        np.stack([answer.embedding for answer in answers]),
        np.stack([answer.probabilities for answer in answers]),
        np.tile(np.array(dataset.labels(watched), dtype=np.int64), 2),
        pictures=2,
    )


def compare_with_keras(expected: Probabilities, received: Probabilities) -> Agreement:
    """Holds the exported network's answers against those of the trained one.

    Args:
        expected: (N, C) float32, the trained network's.
        received: Of the same shape, the exported one's.
    """
    return Agreement(
        photos=len(expected),
        top1_differs=int((expected.argmax(axis=1) != received.argmax(axis=1)).sum()),
        max_difference=float(np.abs(expected - received).max()),
    )


def require_agreement(agreement: Agreement) -> None:
    """Lets only a faithful export through.

    Raises:
        BundleDisagrees: a first category differs, or a probability by `MAX_DIFFERENCE` or more.
    """
    if agreement.top1_differs or not agreement.max_difference < MAX_DIFFERENCE:
        raise BundleDisagrees(
            f"The exported network disagrees with the trained one: another first category on "
            f"{agreement.top1_differs} of {agreement.photos} photos, probabilities up to "
            f"{agreement.max_difference:.2g} apart; expected none and less than "
            f"{MAX_DIFFERENCE:g}.",
            hint="Nothing was published. Train again; if it stays, report it with the run's "
            "run.json.",
        )


def _measured(answers: PhotoAnswers, dataset: Dataset) -> dict[str, float]:
    """Figures of the network that serves on the photos that were kept away from training."""
    tested = dataset.part("test")
    labels: npt.NDArray[np.int64] = np.array(dataset.labels(tested), dtype=np.int64)
    return score(probabilities(answers[s.sha256] for s in tested), labels).as_json()


def _encoder_of(model: bytes) -> Encoder:
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        file = Path(scratch) / MODEL
        file.write_bytes(model)
        return Encoder(file, threads=1)


def _calibration(dataset: Dataset, pixels: PixelCache) -> list[Pixels]:
    """Photos that were learned from, some of each category."""
    learned = _compared_with(dataset)
    step = max(1, len(learned) // CALIBRATED_ON)
    return [pixels[sample.sha256] for sample in learned[::step][:CALIBRATED_ON]]


def _held_out(
    dataset: Dataset, pixels: PixelCache, answers: PhotoAnswers | None, progress: Progress
) -> HeldOut:
    """Photos that nothing was learned from; those of one product, or category, belong together.

    Args:
        dataset: Which they are.
        pixels: The decoded photos.
        answers: Of the network in floating point; None where they are not needed.
        progress: Where the work reports to.
    """
    samples = [sample for sample in dataset.samples if sample.split != "train"]
    labels = np.array(dataset.labels(samples), dtype=np.int64)
    known = None
    if answers is not None:
        known = answers.ask([s.sha256 for s in samples], "Looking at photos again", progress)
    products = np.unique([sample.product for sample in samples], return_inverse=True)[1]
    siblings = (np.bincount(products)[products] > 1).sum()
    return HeldOut(
        [pixels[sample.sha256] for sample in samples],
        labels,
        products.astype(np.int64) if siblings >= _ENOUGH_SIBLINGS else labels,
        known,
    )


def _compared_with(dataset: Dataset) -> list[Sample]:
    """Photos that shoppers' photos are compared with: all that were learned from, or enough."""
    learned = dataset.part("train")
    labels = np.array(dataset.labels(learned), dtype=np.int64)
    return [learned[row] for row in spread_over_categories(labels, len(dataset.categories))]


def _compared(dataset: Dataset) -> list[Sample]:
    """Photos to compare on: those never learned from first."""
    order = {"test": 0, "validation": 1, "train": 2}
    return sorted(dataset.samples, key=lambda sample: order[sample.split])[:COMPARED_PHOTOS]
