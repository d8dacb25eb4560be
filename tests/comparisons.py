"""Made-up comparisons for tests: records as a real one has them, on photos that are drawn here."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from drawing import drawn_photo

from vitrina.evaluation.candidate import (
    Candidate,
    OfflineRecord,
    OnlineRecord,
    PhotoAnswer,
    SetFigures,
    Spread,
    TrialRecord,
)
from vitrina.evaluation.comparison import (
    Budget,
    Category,
    Choice,
    Comparison,
    Excess,
    Lead,
    Verdict,
)
from vitrina.machine import Machine
from vitrina.notices import left_out, same_picture, untested

MACHINE = Machine("Made-up processor", 2, 8.2, "Linux 6.1", "3.11.9")

GOODS = (
    ("lampy", "Лампы", "Lamps"),
    ("rozetki", "Розетки", "Sockets"),
    ("kabeli", "Кабели", "Cables"),
    ("vyklyuchateli", "Выключатели", "Switches"),
    ("lyustry", "Люстры", "Chandeliers"),
    ("udliniteli", "Удлинители", "Extension leads"),
    ("avtomaty", "Автоматические выключатели", "Circuit breakers"),
    ("schyotchiki", "Счётчики электроэнергии", "Electricity meters"),
    ("fonari", "Фонари", None),
    ("batareyki", "Батарейки", "Batteries"),
)

# name, title, accuracy, ms of the network, MB of memory, MB of files, millions of parameters
MODELS = (
    ("mobilenet_v2", "MobileNetV2", 0.90, 8.5, 168.0, 10.4, 2.6),
    ("resnet50", "ResNet50", 0.93, 41.0, 412.0, 95.2, 23.8),
    ("efficientnet_b0", "EfficientNet-B0", 0.88, 17.2, 205.0, 17.6, 4.3),
    ("efficientnet_lite0", "EfficientNet-Lite0", 0.80, 10.9, 176.0, 14.1, 3.6),
)

BUDGET = Budget(ram=300.0, latency=50.0, cold_start=1500.0, size=50.0, cores=2)


def made_categories(count: int = len(GOODS)) -> tuple[Category, ...]:
    """Categories sorted by slug; the names beyond `GOODS` are counted on."""
    named = [
        GOODS[number] if number < len(GOODS) else (f"extra-{number:04}", f"Товар {number}", None)
        for number in range(count)
    ]
    return tuple(
        Category(slug=slug, name=name, name_en=name_en, train=8 + 9 * (place % 9), test=8)
        for place, (slug, name, name_en) in enumerate(sorted(named))
    )


def draw_test_photos(root: Path, categories: Sequence[Category]) -> dict[str, list[str]]:
    """Draws the test photos below `root/photos`: SHA-256 of each, by category."""
    drawn: dict[str, list[str]] = {}
    for place, category in enumerate(categories):
        random = np.random.default_rng(place)
        colour = tuple(int(part) for part in random.integers(40, 220, 3))
        for seed in range(category.test):
            size = ((240, 180), (180, 240))[seed % 2]
            photo = drawn_photo(colour, size, seed=seed, kind="JPEG")  # type: ignore[arg-type]
            sha = hashlib.sha256(photo).hexdigest()
            path = root / "photos" / sha[:2] / f"{sha}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo)
            drawn.setdefault(category.slug, []).append(sha)
    return drawn


def name_test_photos(categories: Sequence[Category]) -> dict[str, list[str]]:
    """SHA-256 values of photos that lie nowhere, by category."""
    return {
        category.slug: [
            hashlib.sha256(f"{category.slug}-{number}".encode()).hexdigest()
            for number in range(category.test)
        ]
        for category in categories
    }


def made_answers(
    photos: dict[str, list[str]], accuracy: float, seed: int = 0
) -> tuple[PhotoAnswer, ...]:
    """Answers that are right about so often; a wrong one names the next category."""
    random = np.random.default_rng(seed)
    slugs = list(photos)
    answers = []
    for place, slug in enumerate(slugs):
        for sha in photos[slug]:
            right = random.random() < accuracy
            neighbour = slugs[(place + 1) % len(slugs)]
            confidence = float(random.uniform(0.55, 0.99))
            answers.append(
                PhotoAnswer(
                    sha256=sha,
                    category=slug,
                    guess=slug if right else neighbour,
                    confidence=confidence,
                    own=confidence if right else (1 - confidence) / 2,
                )
            )
    return tuple(answers)


def made_figures(answers: Sequence[PhotoAnswer]) -> SetFigures:
    """Figures of such answers; the rest is made up from their share that is right."""
    right: dict[str, list[bool]] = {}
    for answer in answers:
        right.setdefault(answer.category, []).append(answer.guess == answer.category)
    top1 = sum(map(sum, right.values())) / max(len(answers), 1)
    top3 = top1 + (1 - top1) * 0.7
    half = 1.96 * math.sqrt(max(top1 * (1 - top1), 1e-4) / max(len(answers), 1))
    return SetFigures(
        photos=len(answers),
        top1=top1,
        top1_interval=(max(0.0, top1 - half), min(1.0, top1 + half)),
        top3=top3,
        top3_interval=(max(0.0, top3 - half / 2), min(1.0, top3 + half / 2)),
        loss=1.5 * (1 - top1) + 0.1,
        macro_f1=top1 - 0.01,
        calibration_error=0.03 + (1 - top1) / 10,
        by_category={slug: sum(each) / len(each) for slug, each in right.items()},
    )


def made_offline(
    photos: dict[str, list[str]],
    accuracy: float = 0.9,
    ms: float = 9.0,
    size: float = 10.0,
    parameters: float = 2.6,
    seed: int = 0,
) -> OfflineRecord:
    """An offline record with answers to these photos."""
    answers = made_answers(photos, accuracy, seed)
    return OfflineRecord(
        bundle="20300102-030405",
        model_sha256="ab" * 32,
        fingerprint="cd" * 32,
        test=made_figures(answers),
        phone=made_figures(made_answers(photos, accuracy - 0.15, seed + 1)),
        answers=answers,
        size_mb=size,
        parameters_m=parameters,
        cpu_ms=ms,
        cpu_ms_p50=ms * 0.97,
        cpu_ms_p95=ms * 1.3,
        evaluation_s=ms * len(answers) / 1000,
        threads=2,
        machine=MACHINE,
    )


def made_online(ms: float = 9.0, ram: float = 170.0, size: float = 12.0) -> OnlineRecord:
    """An online record of `vitrina serve`."""
    return OnlineRecord(
        way="vitrina",
        inference_time_ms=_around(ms),
        request_ms=_around(ms + 14),
        cold_start_ms=_around(700 + ram),
        ram_usage_mb=_around(ram),
        cpu_percent=_around(130),
        model_size_mb=size + 1.6,
        requests=200,
        repeats=3,
        threads=2,
        cores=2,
        machine=MACHINE,
    )


def made_keras(online: OnlineRecord) -> OnlineRecord:
    """The same network the study's own way: slower, larger."""
    return replace(
        online,
        way="keras",
        inference_time_ms=_around(online.inference_time_ms.median * 11.4),
        request_ms=_around(online.request_ms.median * 6),
        cold_start_ms=_around(online.cold_start_ms.median * 12),
        ram_usage_mb=_around(online.ram_usage_mb.median * 4.6),
        model_size_mb=online.model_size_mb * 1.9,
    )


def made_trials(count: int = 10) -> tuple[TrialRecord, ...]:
    """Trials of tuning, the third of which fails."""
    random = np.random.default_rng(count)
    losses = [float(loss) for loss in random.uniform(0.3, 0.9, count)]
    best = min((loss, place) for place, loss in enumerate(losses) if place != 2)[1]
    trials = []
    for place, loss in enumerate(losses):
        failed = place == 2
        trials.append(
            TrialRecord(
                number=place + 1,
                status="failed" if failed else "completed",
                values={
                    "optimizer": ("adam", "rmsprop", "sgd")[place % 3],
                    "head_rate": float(10 ** random.uniform(-5, -2)),
                    "dense_layers": place % 3,
                    "units_1": 128,
                    "dropout": 0.2 + 0.05 * (place % 6),
                    "unfrozen_layers": 30 if place > 6 else 0,
                },
                top1=None if failed else 1 - loss / 4,
                loss=None if failed else loss,
                seconds=3.0 + place / 4,
                chosen=place == best,
                note="The loss became NaN." if failed else "",
            )
        )
    return tuple(trials)


def made_history(
    accuracy: float, first: int = 15, second: int = 10
) -> tuple[dict[str, float], ...]:
    """Curves of two phases that come near to an accuracy."""
    return tuple(
        {
            "phase": 1 if epoch < first else 2,
            "epoch": epoch + 1,
            "loss": 0.25 + 2.0 * math.exp(-epoch / 4),
            "accuracy": accuracy + 0.05 - 0.6 * math.exp(-epoch / 4),
            "val_loss": 0.4 + 1.6 * math.exp(-epoch / 3),
            "val_accuracy": accuracy - 0.5 * math.exp(-epoch / 3),
        }
        for epoch in range(first + second)
    )


def made_candidates(photos: dict[str, list[str]], *, keras: bool = True) -> tuple[Candidate, ...]:
    """The four models of `MODELS` and one that failed."""
    candidates = []
    for place, (name, title, accuracy, ms, ram, size, parameters) in enumerate(MODELS):
        online = made_online(ms, ram, size)
        candidates.append(
            Candidate(
                backbone=name,
                title=title,
                run=f"20300102-03{place:02}-{name}",
                bundle=f"20300102-04{place:02}",
                weights="a published archive, checked by its SHA-256",
                offline=made_offline(photos, accuracy, ms, size, parameters, seed=10 + place),
                online=online,
                keras=made_keras(online) if keras else None,
                trials=made_trials(),
                history=made_history(accuracy),
                seconds={
                    "weights": 1.2,
                    "activations": 8 * ms,
                    "tuning": 40 + ms,
                    "phase_1": 21.0,
                    "phase_2": 60 + ms,
                    "saving": 9.0,
                    "offline": ms,
                    "online": 95.0,
                },
            )
        )
    failed = Candidate(
        backbone="convnext_tiny",
        title="ConvNeXt-Tiny",
        failed="None of the places that were asked has its ImageNet weights.",
        failed_code="weights_not_found",
    )
    return (*candidates, failed)


def made_choice() -> Choice:
    """MobileNetV2 inside the budget; one is over it, one may be behind by chance, one is behind."""
    return Choice(
        best="mobilenet_v2",
        nearest=None,
        verdicts=(
            Verdict(backbone="mobilenet_v2", outcome="chosen", on_the_edge=True),
            Verdict(
                backbone="resnet50",
                outcome="over_budget",
                excess=(
                    Excess(limit="ram", measured=412.0, allowed=300.0),
                    Excess(limit="latency", measured=55.0, allowed=50.0),
                    Excess(limit="size", measured=96.8, allowed=50.0),
                ),
                lead=Lead(points=-2.5, interval=(-6.2, 1.3), beyond_noise=False),
                on_the_edge=True,
            ),
            Verdict(
                backbone="efficientnet_b0",
                outcome="less_accurate",
                lead=Lead(points=1.3, interval=(-2.5, 5.0), beyond_noise=False),
            ),
            Verdict(
                backbone="efficientnet_lite0",
                outcome="less_accurate",
                lead=Lead(points=10.4, interval=(3.8, 17.5), beyond_noise=True),
            ),
            Verdict(backbone="convnext_tiny", outcome="failed"),
        ),
    )


def made_comparison(root: Path | None = None, *, categories: int = len(GOODS)) -> Comparison:
    """A whole comparison of four models and one that failed.

    Args:
        root: Folder of the shop, where its test photos are drawn; without it they lie nowhere.
        categories: How many.
    """
    kept = made_categories(categories)
    photos = draw_test_photos(root, kept) if root else name_test_photos(kept)
    return Comparison(
        shop="Лавка электрика",
        language="ru",
        created="2030-01-02T03:04:05+00:00",
        fingerprint="cd" * 32,
        seed=0,
        budget=BUDGET,
        candidates=made_candidates(photos),
        choice=made_choice(),
        categories=kept,
        files={
            sha: f"photos/{sha[:2]}/{sha}.jpg" for several in photos.values() for sha in several
        },
        notices=(
            same_picture("L-7", "lampy", "S-9", "rozetki"),
            left_out("gone"),
            untested(["lampy", "rozetki"]),
        ),
        machine=MACHINE,
        versions={"vitrina": "1.2.3", "keras": "3.15.0", "onnxruntime": "1.22.0"},
        command="vitrina compare --backbones mobilenet_v2,resnet50,efficientnet_b0 --seed 0",
    )


def _around(median: float) -> Spread:
    return Spread(median=median, low=median * 0.95, high=median * 1.08)
