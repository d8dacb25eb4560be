"""A run becomes a bundle: exported to ONNX, compared with Keras, measured, then published."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from vitrina.bundle import Bundle, BundleInfo, goods_array, write_bundle
from vitrina.dataset import Dataset, Sample
from vitrina.encoder import INPUT, OUTPUTS, Encoder
from vitrina.errors import BundleDisagrees
from vitrina.evaluation.offline import classify_all, score
from vitrina.folder import ShopFolder
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.activations import run_in_batches
from vitrina.training.onnx_conversion import to_onnx
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
    dataset: Dataset,
    goods: Sequence[str],
    pixels: PixelCache,
    progress: Progress,
) -> Bundle:
    """Makes a bundle of a run; the caller holds the shop's lock and activates it.

    Args:
        folder: The shop.
        run: Which one.
        dataset: That of the run, each photo in `pixels`.
        goods: SHA-256 of every photo of the catalogue, each in `pixels`.
        pixels: Decoded photos.
        progress: Where the work reports to.

    Raises:
        BundleDisagrees: the exported network answers differently from the trained one; nothing
            was written.
        BundleDamaged: the exported file cannot be run.
    """
    place = folder.runs / run.id
    with progress.step("Exporting to ONNX", 1) as step:
        trained = keras.models.load_model(place / "model.keras")
        converted = to_onnx(trained, input_name=INPUT, output_names=OUTPUTS)
        model = bytes(converted.SerializeToString())
        step.advance()
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        file = Path(scratch) / "model.onnx"
        file.write_bytes(model)
        encoder = Encoder(file, threads=os.cpu_count() or 1)
    agreement = compare_with_keras(
        trained, encoder, [pixels[sample.sha256] for sample in _compared(dataset)], progress
    )
    require_agreement(agreement)
    embeddings = [
        encoder.encode(pixels[sha]).embedding
        for sha in progress.track(goods, "Embedding goods", len(goods))
    ]
    info = BundleInfo(
        version=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{run.backbone}",
        backbone=run.backbone,
        run=run.id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        categories=run.categories,
        embedding_size=run.embedding_size,
        fill_threshold=run.fill_threshold,
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
    return write_bundle(folder.bundles, info, model, goods_array(goods, np.stack(embeddings)))


def compare_with_keras(
    trained: keras.Model, encoder: Encoder, photos: Sequence[Pixels], progress: Progress
) -> Agreement:
    """Asks both networks about the same photos, each (224, 224, 3) uint8."""
    classifier = keras.Model(trained.input, trained.outputs[0])
    expected = run_in_batches(classifier, np.stack(photos))
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


def _compared(dataset: Dataset) -> list[Sample]:
    """Photos to compare on: those never learned from first."""
    order = {"test": 0, "validation": 1, "train": 2}
    return sorted(dataset.samples, key=lambda sample: order[sample.split])[:COMPARED_PHOTOS]
