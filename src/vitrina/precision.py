"""Whether a bundle's network computes in whole numbers: only where that is as good, and faster.

Both are measured when a bundle is published: answers on photos that were kept away from training,
milliseconds in turns on the machine that publishes. What was found stays in bundle.json. A bundle
holds one network, for the goods' embeddings and the thresholds of decisions belong to the very
numbers that shoppers' photos are compared with; on a machine with another processor it answers the
same, and publishing there chooses anew.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vitrina.ahead import map_ahead
from vitrina.encoder import Encoded, Encoder
from vitrina.errors import QuantisationFailed
from vitrina.machine import this_machine, usable_cores, vector_units
from vitrina.photos import Pixels
from vitrina.progress import Progress
from vitrina.quantize import quantise

Asked = Literal["auto", "fp32", "int8"]

MOST_LOST = 0.003
"""Top-1 accuracy, and recall of the nearest, that may be lost to whole numbers, below."""

FASTER = 0.9
"""Share of the time that whole numbers may take at most: less gain is not worth the loss."""

ENOUGH_HELD_OUT = 200
"""Photos without which a loss of that size would be luck."""

KEPT = (1, 6)
"""Convolutions that stay in floating point, tried in this order."""

CALIBRATED_ON = 128
NEAREST = 8
_ROUNDS, _PHOTOS = 15, 3


@dataclass(frozen=True)
class HeldOut:
    """Photos that were kept away from training, and what is known of them.

    Attributes:
        photos: N of (224, 224, 3) uint8.
        labels: (N,), number of the category.
        groups: (N,), photos with the same number should be near each other.
        answers: Of the network in floating point, where it was asked before.
    """

    photos: Sequence[Pixels]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    answers: Sequence[Encoded] | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One network, measured.

    Attributes:
        top1: Share of held-out photos whose first category is right.
        recall_8: Share of a photo's own group among its eight nearest photos.
        cosine: Mean cosine between its embeddings and those in floating point.
        ms: Processor milliseconds of one photo on one thread.
        megabytes: Of the file.
        kept: Convolutions in floating point; None where all of it is.
    """

    top1: float
    recall_8: float
    cosine: float
    ms: float
    megabytes: float
    kept: int | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What serves, and why.

    Attributes:
        served: fp32 or int8.
        asked: What publishing was asked for.
        why: In words, with the figures that decided.
        photos: Held-out photos that were asked.
        fp32: The network in floating point; None where nothing was compared.
        int8: In whole numbers, the last one tried; None where there is none.
        processor: On which the milliseconds were measured.
        vector_units: Its instructions that matter.
    """

    served: Literal["fp32", "int8"]
    asked: Asked
    why: str
    photos: int = 0
    fp32: Figures | None = None
    int8: Figures | None = None
    processor: str = ""
    vector_units: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As bundle.json keeps it."""
        return asdict(self)


def choose_precision(
    model: bytes,
    calibration: Sequence[Pixels],
    held_out: HeldOut,
    asked: Asked,
    progress: Progress,
) -> tuple[bytes, Choice]:
    """The network that serves.

    Args:
        model: ONNX, in floating point.
        calibration: Photos that ranges are measured on.
        held_out: Photos that both are judged by.
        asked: fp32 compares nothing; int8 takes whole numbers whatever they cost; auto judges,
            where enough photos were held out.
        progress: Where the work reports to.

    Raises:
        QuantisationFailed: int8 is asked for and cannot be made.
    """
    if asked == "fp32":
        return model, Choice(served="fp32", asked=asked, why="It was asked for.")
    if asked == "auto" and len(held_out.photos) < ENOUGH_HELD_OUT:
        why = (
            f"Only {len(held_out.photos)} photos were kept away from training, {ENOUGH_HELD_OUT} "
            "or more are needed to see what whole numbers lose."
        )
        return model, Choice(served="fp32", asked=asked, why=why, photos=len(held_out.photos))
    machine, units = this_machine().processor, vector_units()

    def chosen(served: Literal["fp32", "int8"], why: str, *found: Figures) -> Choice:
        return Choice(
            served=served, asked=asked, why=why, photos=len(held_out.photos),
            fp32=found[0] if found else None, int8=found[1] if len(found) > 1 else None,
            processor=machine, vector_units=units,
        )  # fmt: skip

    told, compared = "", tuple[Figures, ...]()
    with progress.step("Trying whole numbers", len(KEPT)) as step:
        for kept in KEPT:
            try:
                smaller = quantise(model, calibration, kept=kept)
            except QuantisationFailed as error:
                if asked == "int8":
                    raise
                return model, chosen("fp32", error.message)
            fp32, int8 = compared = measure_both(model, smaller, held_out, kept)
            step.advance()
            accepted, told = judge(fp32, int8)
            if accepted and asked == "auto":
                return smaller, chosen("int8", told, *compared)
            if asked == "int8" and (accepted or kept == KEPT[-1]):
                return smaller, chosen("int8", f"It was asked for. {told}", *compared)
            if asked == "auto" and not _is_faster(fp32, int8):
                break  # with more of it in floating point it is slower still
    return model, chosen("fp32", told, *compared)


def judge(fp32: Figures, int8: Figures) -> tuple[bool, str]:
    """Whether whole numbers serve as well and faster, and the figures that say so."""
    lost, farther = fp32.top1 - int8.top1, fp32.recall_8 - int8.recall_8
    share = int8.ms / fp32.ms
    told = (
        f"int8 takes {share:.2f} of the time of fp32 ({int8.ms:.1f} and {fp32.ms:.1f} ms), "
        f"top-1 is {int8.top1:.2%} and {fp32.top1:.2%}, recall@{NEAREST} {int8.recall_8:.2%} and "
        f"{fp32.recall_8:.2%}"
    )
    reasons = []
    if not share <= FASTER:
        reasons.append(f"it must take at most {FASTER:g} of the time")
    if not lost < MOST_LOST:
        reasons.append(f"top-1 may fall by less than {100 * MOST_LOST:g} points")
    if not farther < MOST_LOST:
        reasons.append(f"recall may fall by less than {100 * MOST_LOST:g} points")
    return not reasons, f"{told}; {'; '.join(reasons)}." if reasons else f"{told}."


def measure_both(fp32: bytes, int8: bytes, held_out: HeldOut, kept: int) -> tuple[Figures, Figures]:
    """Accuracy of both networks, and their milliseconds in turns."""
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        encoders = []
        for name, content in (("fp32", fp32), ("int8", int8)):
            file = Path(scratch) / f"{name}.onnx"
            file.write_bytes(content)
            encoders.append(Encoder(file, threads=1))
        ms = _in_turns(encoders)
        answers = [
            held_out.answers or _asked(encoders[0], held_out.photos),
            _asked(encoders[1], held_out.photos),
        ]
    embeddings = [np.stack([one.embedding for one in each]) for each in answers]
    cosine = float((embeddings[0] * embeddings[1]).sum(axis=1).mean())
    figures = [
        Figures(
            top1=_top1(np.stack([one.probabilities for one in each]), held_out.labels),
            recall_8=recall(embedded, held_out.groups, NEAREST),
            cosine=round(near, 4),
            ms=round(taken, 2),
            megabytes=round(len(content) / 1e6, 2),
            kept=left,
        )
        for each, embedded, near, taken, content, left in zip(
            answers, embeddings, (1.0, cosine), ms, (fp32, int8), (None, kept), strict=True
        )
    ]
    return figures[0], figures[1]


def recall(
    embeddings: npt.NDArray[np.float32], groups: npt.NDArray[np.int64], nearest: int
) -> float:
    """Share of a photo's own group that is among its nearest others, the mean over photos.

    Args:
        embeddings: (N, D), unit length.
        groups: (N,); a photo alone in its group does not count.
        nearest: How many are looked at.

    Returns:
        1.0 where every photo is alone.
    """
    similar = embeddings @ embeddings.T
    np.fill_diagonal(similar, -np.inf)
    nearest = min(nearest, len(groups) - 1)
    found = np.argsort(-similar, axis=1)[:, :nearest]
    same = (groups[found] == groups[:, None]).sum(axis=1)
    others = (groups[:, None] == groups[None, :]).sum(axis=1) - 1
    counted = others > 0
    if not counted.any():
        return 1.0
    return float((same[counted] / np.minimum(others[counted], nearest)).mean())


def _asked(encoder: Encoder, photos: Sequence[Pixels]) -> list[Encoded]:
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(map_ahead(pool, encoder.encode, photos))


def _is_faster(fp32: Figures, int8: Figures) -> bool:
    return int8.ms <= FASTER * fp32.ms


def _top1(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def _in_turns(encoders: Sequence[Encoder]) -> list[float]:
    """Processor milliseconds of one photo for each, medians of rounds.

    Processor time hardly changes when others use the machine, and on one thread it is what passes
    on a machine that is idle.
    """
    photo = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    taken: list[list[float]] = [[] for _ in encoders]
    for number in range(_ROUNDS + 1):
        for encoder, times in zip(encoders, taken, strict=True):
            began = time.process_time()
            for _ in range(_PHOTOS):
                encoder.encode(photo)
            if number:  # the first warms up
                times.append((time.process_time() - began) * 1e3 / _PHOTOS)
    return [median(times) for times in taken]
