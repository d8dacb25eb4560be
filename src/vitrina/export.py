"""A run becomes a bundle: its ONNX file compared with Keras, measured, then published."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from vitrina.bundle import GUESSED_THRESHOLD, Bundle, BundleInfo, goods_array, write_bundle
from vitrina.dataset import Dataset, Sample
from vitrina.decoded import DecodedPhotos
from vitrina.encoder import Encoded, Encoder
from vitrina.errors import BundleDisagrees
from vitrina.evaluation.decisions import (
    ENOUGH_WATCHED,
    DecisionModel,
    fit_decisions,
    spread_over_categories,
)
from vitrina.evaluation.metrics import Probabilities
from vitrina.evaluation.offline import classify_all, score
from vitrina.folder import ShopFolder
from vitrina.goods_encoder import encode_goods
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.formats import ONNX, load_classifier
from vitrina.training.run import Run

COMPARED_PHOTOS = 500
MAX_DIFFERENCE = 1e-3


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
) -> Bundle:
    """Makes a bundle of a run; the caller holds the shop's lock and activates it.

    Args:
        folder: The shop.
        run: Which one.
        photos: The run's dataset and the catalogue's goods.
        progress: Where the work reports to.

    Raises:
        BundleDisagrees: the exported network answers differently from the trained one; nothing
            was written.
        BundleDamaged: the exported file cannot be run.
    """
    dataset, goods, pixels = photos.dataset, photos.goods, photos.pixels
    place = folder.runs / run.id
    with progress.step("Loading the trained network", 1) as step:
        classify = load_classifier(place, run.plan["backbone"])
        model = (place / ONNX).read_bytes()
        encoder = Encoder(place / ONNX, threads=os.cpu_count() or 1)
        step.advance()
    compared = [pixels[sample.sha256] for sample in _compared(dataset)]
    agreement = compare_with_keras(classify(compared), encoder, compared, progress)
    require_agreement(agreement)
    compared_with = _compared_with(dataset)
    asked = [sample.sha256 for sample in (*compared_with, *dataset.part("validation"))]
    seen = {
        sha: encoder.encode(pixels[sha])
        for sha in progress.track(asked, "Looking at photos again", len(asked))
    }
    decisions = fit_to_photos(dataset, compared_with, seen, progress)
    embeddings = [
        encode_goods(encoder, pixels[sha], plain=seen[sha].embedding if sha in seen else None)
        for sha in progress.track(goods, "Embedding goods", len(goods))
    ]
    info = BundleInfo(
        version=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{run.id[16:]}",
        backbone=run.backbone,
        run=run.id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        categories=run.categories,
        embedding_size=run.embedding_size,
        metrics={
            "test": measure(encoder, dataset, pixels, progress),
            "agreement": agreement.__dict__,
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
    )


def fit_to_photos(
    dataset: Dataset,
    learned: Sequence[Sample],
    seen: Mapping[str, Encoded],
    progress: Progress,
) -> DecisionModel | None:
    """Fits when the search box is filled, to what the exported network says of the photos.

    Args:
        dataset: Whose validation photos are judged.
        learned: Photos that the network learned from; those are compared with.
        seen: What it says of all of these, by SHA-256.
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
    return fit_decisions(
        np.stack([seen[sample.sha256].embedding for sample in learned]),
        np.array(dataset.labels(learned), dtype=np.int64),
        np.stack([seen[sample.sha256].embedding for sample in watched]),
        np.stack([seen[sample.sha256].probabilities for sample in watched]),
        np.array(dataset.labels(watched), dtype=np.int64),
    )


def compare_with_keras(
    expected: Probabilities, encoder: Encoder, photos: Sequence[Pixels], progress: Progress
) -> Agreement:
    """Holds the exported network's answers against those of the trained one.

    Args:
        expected: (N, C) float32, the trained network's.
        encoder: The exported one.
        photos: N of (224, 224, 3) uint8.
        progress: Where the work reports to.
    """
    received = classify_all(
        encoder.classify, photos, label="Comparing with Keras", progress=progress
    )
    return Agreement(
        photos=len(photos),
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


def measure(
    encoder: Encoder, dataset: Dataset, pixels: PixelCache, progress: Progress
) -> dict[str, float]:
    """Figures of the exported network on the photos that were kept away from training."""
    tested = dataset.part("test")
    probabilities = classify_all(
        encoder.classify,
        [pixels[sample.sha256] for sample in tested],
        label="Measuring on test photos",
        progress=progress,
    )
    labels: npt.NDArray[np.int64] = np.array(dataset.labels(tested), dtype=np.int64)
    return score(probabilities, labels).as_json()


def _compared_with(dataset: Dataset) -> list[Sample]:
    """Photos that shoppers' photos are compared with: all that were learned from, or enough."""
    learned = dataset.part("train")
    labels = np.array(dataset.labels(learned), dtype=np.int64)
    return [learned[row] for row in spread_over_categories(labels, len(dataset.categories))]


def _compared(dataset: Dataset) -> list[Sample]:
    """Photos to compare on: those never learned from first."""
    order = {"test": 0, "validation": 1, "train": 2}
    return sorted(dataset.samples, key=lambda sample: order[sample.split])[:COMPARED_PHOTOS]
