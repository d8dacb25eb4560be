"""`vitrina bench quality`: how good a recipe is over several seeds, and what each part brings.

Every row is trained anew with each seed, exported to ONNX, and asked about the test photos and
their "phone photo" variants through ONNX Runtime, as a server asks. A finished training is kept in
the shop's cache, so a benchmark that was cut off goes on, and another row costs its own time alone.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vitrina import atomic
from vitrina.ahead import map_ahead
from vitrina.bench.quality_rows import Row
from vitrina.dataset import Dataset
from vitrina.decoded import decoded_dataset
from vitrina.encoder import Encoded, Encoder
from vitrina.evaluation.decisions import ENOUGH_WATCHED, fit_decisions
from vitrina.evaluation.evidence import Floats
from vitrina.evaluation.metrics import accuracy_by_category, calibration_error, top_k_accuracy
from vitrina.evaluation.phone import PHONE_VERSION, phone_variant
from vitrina.folder import ShopFolder
from vitrina.machine import Machine, this_machine, usable_cores
from vitrina.photo_answers import PhotoAnswers, probabilities
from vitrina.photos import DECODER_VERSION
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.search.decision import AcceptedRisk, Decider
from vitrina.version import __version__

if TYPE_CHECKING:
    from vitrina.training.loading import LoadedBackbone, LoadedEncoder
    from vitrina.training.plan import TrainingPlan


@dataclass(frozen=True, kw_only=True)
class SeedFigures:
    """What one training came to; shares lie between 0 and 1.

    Attributes:
        seed: Of the views, the first weights, the order, and of the split where none is given.
        learned: Photos that were learned from or watched.
        tested: Test photos.
        top1: Share of them whose category the network names first.
        top3: The same among the first three.
        phone_top1: The same first, of their phone photo variants.
        phone_top3: Likewise among the first three.
        calibration_error: Of the confidence that a shopper is shown; None where too few photos
            were watched to fit it.
        model_mb: Size of the ONNX file, 10^6 bytes.
        seconds: Of each part of the work; activations that were cached before cost nothing.
        recall: Share of each category's test photos that are named first.
    """

    seed: int
    learned: int
    tested: int
    top1: float
    top3: float
    phone_top1: float
    phone_top3: float
    calibration_error: float | None
    model_mb: float
    seconds: dict[str, float]
    recall: dict[str, float]


SHARES = tuple(each.name for each in fields(SeedFigures) if str(each.type).startswith("float"))
"""Names of the figures that are averaged over seeds."""


@dataclass(frozen=True, kw_only=True)
class RowFigures:
    """One row over all seeds.

    Attributes:
        name: What it is called.
        plan: The recipe, every field of it but the seed.
        seeds: One entry for each.
        mean: Of each figure over the seeds that have it.
        spread: Lowest and highest of each.
        minutes: Of training, mean over the seeds; less where activations were cached before.
        recall: Of each category, mean over the seeds.
    """

    name: str
    plan: dict[str, Any]
    seeds: tuple[SeedFigures, ...]
    mean: dict[str, float]
    spread: dict[str, tuple[float, float]]
    minutes: float
    recall: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class QualityBenchmark:
    """All rows.

    Attributes:
        rows: In the order in which they were asked for.
        phone_version: Of the phone photo variants.
        machine: Where it was measured.
    """

    rows: tuple[RowFigures, ...]
    phone_version: str
    machine: Machine


def benchmark_quality(
    folder: ShopFolder, rows: Sequence[Row], *, seeds: Sequence[int], progress: Progress
) -> QualityBenchmark:
    """Measures on photos of a shop; of the shop only its cache grows.

    Args:
        folder: The shop.
        rows: What is trained.
        seeds: Each row is trained with each of them.
        progress: Where the work reports to.

    Raises:
        DatasetError: the shop has too few categories or photos for a row.
    """
    figures = []
    for number, row in enumerate(rows, start=1):
        progress.say(f"Row {number} of {len(rows)}: {row.name}.")
        trained = tuple(_figures(folder, row, seed, progress) for seed in seeds)
        plan = asdict(row.plan(seeds[0]))
        del plan["seed"]
        figures.append(_row_figures(row.name, plan, trained))
    return QualityBenchmark(
        rows=tuple(figures), phone_version=PHONE_VERSION, machine=this_machine()
    )


def _row_figures(name: str, plan: dict[str, Any], seeds: tuple[SeedFigures, ...]) -> RowFigures:
    found = {share: [getattr(one, share) for one in seeds] for share in SHARES}
    values = {share: of for share, of in found.items() if None not in of}
    return RowFigures(
        name=name,
        plan=plan,
        seeds=seeds,
        mean={share: float(np.mean(of)) for share, of in values.items()},
        spread={share: (min(of), max(of)) for share, of in values.items()},
        minutes=float(np.mean([sum(one.seconds.values()) for one in seeds])) / 60,
        recall={
            slug: float(np.mean([one.recall[slug] for one in seeds if slug in one.recall]))
            for slug in sorted({slug for one in seeds for slug in one.recall})
        },
    )


def _figures(folder: ShopFolder, row: Row, seed: int, progress: Progress) -> SeedFigures:
    """Those that are kept, or new ones."""
    from vitrina.training.loading import load_any

    plan = row.plan(seed)
    photos = decoded_dataset(folder, seed, progress, given_split=row.given_split)
    dataset = row.part(photos.dataset, seed)
    # loaded anew each time: the last layers of an earlier training have learned
    loaded = load_any(plan.backbone, progress=progress)
    kept = folder.cache / f"quality-{_identity(dataset, plan, loaded.weights.sha256)}.json"
    try:
        return SeedFigures(**json.loads(kept.read_text(encoding="utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        progress.say(f"{kept.name} cannot be read and is made anew: {error}.")
    figures = _train(folder, dataset, photos.pixels, plan, loaded, kept.stem, progress)
    atomic.write_json(kept, asdict(figures))
    return figures


def _train(
    folder: ShopFolder,
    dataset: Dataset,
    pixels: PixelCache,
    plan: TrainingPlan,
    loaded: LoadedBackbone | LoadedEncoder,
    name: str,
    progress: Progress,
) -> SeedFigures:
    from vitrina.training.formats import ONNX, save_onnx
    from vitrina.training.trainer import Clock, make_learner

    clock = Clock()
    learner = make_learner(folder, dataset, loaded, plan)
    with clock.part("activations"):
        learner.compute(pixels, plan.views, progress)
    checkpoint = folder.cache / name
    learned = learner.learn(plan, progress, checkpoint=checkpoint, clock=clock.part)
    references = learner.features(learned, "train")
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        place = Path(scratch)
        save_onnx(loaded, learned.head, place)
        size = (place / ONNX).stat().st_size
        answers = PhotoAnswers(Encoder(place / ONNX, threads=1), pixels)
    for file in folder.cache.glob(f"{checkpoint.name}-*.npz"):
        file.unlink()
    tested = [sample.sha256 for sample in dataset.part("test")]
    labels = np.array(dataset.labels(dataset.part("test")), dtype=np.int64)
    plain = answers.ask(tested, "Asking about test photos", progress)
    given = probabilities(plain)
    phones = probabilities(_ask_about_phone_photos(answers.encoder, pixels, tested, progress))
    return SeedFigures(
        seed=plan.seed,
        learned=len(dataset.samples) - len(tested),
        tested=len(tested),
        top1=top_k_accuracy(given, labels, 1),
        top3=top_k_accuracy(given, labels, 3),
        phone_top1=top_k_accuracy(phones, labels, 1),
        phone_top3=top_k_accuracy(phones, labels, 3),
        calibration_error=_calibration_error(dataset, references, answers, plan.seed, progress),
        model_mb=size / 1e6,
        seconds=clock.seconds,
        recall=accuracy_by_category(given, labels, dataset.categories),
    )


def _ask_about_phone_photos(
    encoder: Encoder, pixels: PixelCache, photos: Sequence[str], progress: Progress
) -> list[Encoded]:
    def ask(sha256: str) -> Encoded:
        return encoder.encode(phone_variant(pixels[sha256], sha256))

    with ThreadPoolExecutor(usable_cores()) as pool:
        asked = map_ahead(pool, ask, photos)
        return list(progress.track(asked, "Asking about phone photos", len(photos)))


def _calibration_error(
    dataset: Dataset,
    features: Floats,
    answers: PhotoAnswers,
    seed: int,
    progress: Progress,
) -> float | None:
    """Of the shown confidence, fitted as `vitrina publish` does it, on the test photos."""
    watched = dataset.part("validation")
    if len(watched) < ENOUGH_WATCHED:
        return None
    names = [sample.sha256 for sample in watched]
    seen = answers.ask(names, "Asking about watched photos", progress)
    seen += answers.ask_as_phones_see(names, seed, "Asking about them on phones", progress)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    model = fit_decisions(
        features / np.maximum(lengths, 1e-12),
        np.array(dataset.labels(dataset.part("train")), dtype=np.int64),
        np.stack([one.embedding for one in seen]),
        probabilities(seen),
        np.tile(np.array(dataset.labels(watched), dtype=np.int64), 2),
        pictures=2,
    )
    tested = [answers[sample.sha256] for sample in dataset.part("test")]
    shown, _ = Decider(model, 1.0, AcceptedRisk()).decide_many(
        probabilities(tested), np.stack([one.embedding for one in tested])
    )
    labels = np.array(dataset.labels(dataset.part("test")), dtype=np.int64)
    return calibration_error(shown, labels)


def _identity(dataset: Dataset, plan: TrainingPlan, weights: str) -> str:
    """Changes with anything that the figures depend on."""
    from vitrina.training.views import RECIPES

    parts = [
        dataset.fingerprint, asdict(plan), weights, DECODER_VERSION, RECIPES[plan.augmentation],
        PHONE_VERSION, __version__, version("keras"),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
