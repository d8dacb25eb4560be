"""Accuracy and speed of anything that turns photos into probabilities."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vitrina.errors import EvaluationError
from vitrina.evaluation.bootstrap import share_interval
from vitrina.evaluation.candidate import OfflineRecord, PhotoAnswer, SetFigures
from vitrina.evaluation.metrics import (
    Labels,
    Probabilities,
    accuracy_by_category,
    calibration_error,
    cross_entropy,
    guesses,
    macro_f1,
    top_k_accuracy,
    top_k_right,
)
from vitrina.evaluation.phone import PHONE_VERSION, phone_variant
from vitrina.machine import this_machine
from vitrina.photos import Pixels
from vitrina.progress import SILENT, Progress

Classify = Callable[[Pixels], Probabilities]
"""(N, 224, 224, 3) uint8 -> (N, C) float32."""

ClassifyOne = Callable[[Pixels], Probabilities]
"""(224, 224, 3) uint8 -> (C,) float32, as a server asks: one photo a call."""

_WARM_UP = 10


class LabelledPhoto(NamedTuple):
    """A photo that the network did not learn from.

    Attributes:
        sha256: Of its bytes.
        label: Index of its category.
        pixels: (224, 224, 3) uint8; a view into the pixel cache keeps memory small.
    """

    sha256: str
    label: int
    pixels: Pixels


@dataclass(frozen=True)
class OfflineFigures:
    """What a model scores on photos that it never saw.

    Attributes:
        photos: How many were asked.
        top1: Share whose category came first, 0 to 1.
        top3: Share whose category was among the first three, 0 to 1.
        loss: Cross-entropy, nats.
    """

    photos: int
    top1: float
    top3: float
    loss: float

    def as_json(self) -> dict[str, float]:
        """For bundle.json and --json, rounded to what the number of photos supports."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def classify_all(
    classify: Classify, photos: Sequence[Pixels], *, label: str, progress: Progress = SILENT
) -> Probabilities:
    """Probabilities of many photos, asked one by one as a shop's server is.

    Args:
        classify: What is measured.
        photos: Each (224, 224, 3) uint8.
        label: What the progress bar says.
        progress: Where the work reports to.

    Returns:
        (N, C) float32.
    """
    answers = [classify(pixels[None])[0] for pixels in progress.track(photos, label, len(photos))]
    return np.stack(answers) if answers else np.empty((0, 0), dtype=np.float32)


def score(probabilities: Probabilities, labels: Labels) -> OfflineFigures:
    """The figures for (N, C) float32 probabilities and (N,) int64 labels."""
    return OfflineFigures(
        photos=len(labels),
        top1=top_k_accuracy(probabilities, labels, 1),
        top3=top_k_accuracy(probabilities, labels, 3),
        loss=cross_entropy(probabilities, labels),
    )


def set_figures(
    probabilities: Probabilities, labels: Labels, categories: Sequence[str]
) -> SetFigures:
    """Everything that a comparison says about the answers to one set of photos.

    Args:
        probabilities: (N, C) float32.
        labels: (N,) int64, 0 to C - 1.
        categories: C slugs, in the order of the columns.

    Raises:
        EvaluationError: there are no photos, or photos, columns and categories do not belong
            together.
    """
    if not len(labels):
        raise _no_photos()
    if probabilities.shape != (len(labels), len(categories)):
        raise EvaluationError(
            f"Probabilities of shape {probabilities.shape} do not belong to {len(labels)} photos "
            f"and {len(categories)} categories.",
            hint="Measure again with the dataset that the network was trained on.",
        )
    _check_labels(labels, len(categories))
    top1, top3 = (top_k_right(probabilities, labels, k) for k in (1, 3))
    return SetFigures(
        photos=len(labels),
        top1=float(top1.mean()),
        top1_interval=share_interval(top1),
        top3=float(top3.mean()),
        top3_interval=share_interval(top3),
        loss=cross_entropy(probabilities, labels),
        macro_f1=macro_f1(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        by_category=accuracy_by_category(probabilities, labels, categories),
    )


def measure_offline(
    classify_one: ClassifyOne,
    photos: Sequence[LabelledPhoto],
    *,
    categories: Sequence[str],
    model: Path,
    parameters_m: float,
    bundle: str,
    fingerprint: str,
    threads: int,
    progress: Progress = SILENT,
) -> OfflineRecord:
    """Asks a network about every test photo and its phone variant, one call a photo.

    Only the calls on the photos themselves are timed: each alone, after a warm-up, with nothing
    but the reading of the next photo between them. Photos are read in their order, twice, and
    none is kept.

    Args:
        classify_one: What is measured.
        photos: The test set.
        categories: Slugs in the order of the network's outputs.
        model: The network's file.
        parameters_m: Numbers that it holds, millions.
        bundle: Version of the bundle that it is part of.
        fingerprint: Of the dataset.
        threads: That `classify_one` uses for one call.
        progress: Where the work reports to.

    Raises:
        EvaluationError: there are no photos or no file, or an answer is not one probability for
            each category.
    """
    if not len(photos):
        raise _no_photos()
    labels = np.array([photo.label for photo in photos], dtype=np.int64)
    _check_labels(labels, len(categories))
    size, sha256 = _file(model)

    def ask(pixels: Pixels) -> Probabilities:
        return _checked(classify_one(pixels), len(categories))

    for number in range(_WARM_UP):
        ask(photos[number % len(photos)].pixels)
    milliseconds = np.empty(len(photos))
    plain = np.empty((len(photos), len(categories)), dtype=np.float32)
    begun = time.perf_counter()
    for row, photo in enumerate(progress.track(photos, "Asking about photos", len(photos))):
        start = time.perf_counter()
        answer = classify_one(photo.pixels)
        milliseconds[row] = (time.perf_counter() - start) * 1e3
        plain[row] = _checked(answer, len(categories))
    seconds = time.perf_counter() - begun
    test = set_figures(plain, labels, categories)
    answers = _answers(plain, photos, labels, categories)
    phone = plain  # as large as the shop's photos times its categories: one table is enough
    for row, photo in enumerate(progress.track(photos, "Asking about phone photos", len(photos))):
        phone[row] = ask(phone_variant(photo.pixels, photo.sha256))
    return OfflineRecord(
        bundle=bundle,
        model_sha256=sha256,
        fingerprint=fingerprint,
        test=test,
        phone=set_figures(phone, labels, categories),
        phone_version=PHONE_VERSION,
        answers=answers,
        size_mb=size / 1e6,
        parameters_m=parameters_m,
        cpu_ms=float(milliseconds.mean()),
        cpu_ms_p50=float(np.percentile(milliseconds, 50)),
        cpu_ms_p95=float(np.percentile(milliseconds, 95)),
        evaluation_s=seconds,
        threads=threads,
        machine=this_machine(),
    )


def _answers(
    probabilities: Probabilities,
    photos: Sequence[LabelledPhoto],
    labels: Labels,
    categories: Sequence[str],
) -> tuple[PhotoAnswer, ...]:
    return tuple(
        PhotoAnswer(
            sha256=photo.sha256,
            category=categories[photo.label],
            guess=categories[guess],
            confidence=round(float(row[guess]), 6),
            own=round(float(row[photo.label]), 6),
        )
        for photo, guess, row in zip(
            photos, guesses(probabilities, labels), probabilities, strict=True
        )
    )


def _checked(answer: Probabilities, categories: int) -> Probabilities:
    if answer.shape != (categories,):
        raise EvaluationError(
            f"The network answered with shape {answer.shape}; expected one probability for each "
            f"of {categories} categories.",
            hint="Publish the run again: network and dataset do not belong together.",
        )
    if not np.isfinite(answer).all():
        raise EvaluationError(
            "The network's answer to a photo is not a number.", hint="Train again."
        )
    return answer


def _check_labels(labels: Labels, categories: int) -> None:
    if labels.min() < 0 or labels.max() >= categories:
        raise EvaluationError(
            f"A photo belongs to category number {labels.max()}; the network knows {categories}, "
            "numbered from 0.",
            hint="Measure with the dataset that the network was trained on.",
        )


def _file(model: Path) -> tuple[int, str]:
    """Bytes and SHA-256."""
    try:
        with model.open("rb") as file:
            return model.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EvaluationError(
            f"{model} cannot be read: {error.strerror}.", hint="Publish the run again."
        ) from error


def _no_photos() -> EvaluationError:
    return EvaluationError(
        "There is no photo to measure on: the test set is empty.",
        hint="Give each category at least two products with photos, then train again.",
    )
