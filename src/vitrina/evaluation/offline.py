"""Accuracy of anything that turns photos into probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from vitrina.evaluation.metrics import Labels, Probabilities, cross_entropy, top_k_accuracy
from vitrina.photos import Pixels
from vitrina.progress import SILENT, Progress

Classify = Callable[[Pixels], Probabilities]
"""(N, 224, 224, 3) uint8 -> (N, C) float32."""


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
