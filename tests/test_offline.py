"""A network measured on test photos, one call a photo."""

from __future__ import annotations

import hashlib
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import pytest
from pydantic import TypeAdapter

from vitrina.errors import EvaluationError
from vitrina.evaluation.candidate import OfflineRecord
from vitrina.evaluation.metrics import Probabilities
from vitrina.evaluation.offline import (
    ClassifyOne,
    LabelledPhoto,
    measure_offline,
    score,
    set_figures,
)
from vitrina.evaluation.phone import PHONE_VERSION, phone_variant
from vitrina.photos import Pixels
from vitrina.progress import Progress, Step

CATEGORIES = ("kabeli", "lampy", "rozetki")


def photo(number: int, label: int) -> LabelledPhoto:
    """A photo whose shade tells its label."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 30, (224, 224, 3), dtype=np.uint8) + np.uint8(80 * label)
    return LabelledPhoto(f"{number:064x}", label, pixels)


def by_shade(pixels: Pixels) -> Probabilities:
    answer = np.full(3, 0.1, dtype=np.float32)
    answer[min(int(pixels.mean() // 80), 2)] = 0.8
    return answer


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"network" * 1000)
    return path


def measure(
    model: Path, photos: Sequence[LabelledPhoto], classify: ClassifyOne = by_shade, **options: Any
) -> OfflineRecord:
    settings: dict[str, Any] = {
        "categories": CATEGORIES,
        "model": model,
        "parameters_m": 2.5,
        "bundle": "b1",
        "fingerprint": "f1",
        "threads": 2,
    }
    return measure_offline(classify, photos, **(settings | options))


PHOTOS = [photo(number, number % 2) for number in range(8)]


def test_the_record_says_what_was_measured(model: Path) -> None:
    record = measure(model, PHOTOS)
    assert record.test.photos == record.phone.photos == 8
    assert record.test.top1 == 1
    assert record.test.by_category == {"kabeli": 1, "lampy": 1}  # none of the third was tested
    assert record.test.macro_f1 == 1
    assert record.test.calibration_error == pytest.approx(0.2, abs=1e-6)
    assert record.test.top1_interval[0] < 1
    assert record.phone_version == PHONE_VERSION
    assert record.size_mb == 0.007
    assert record.model_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (record.bundle, record.fingerprint, record.threads) == ("b1", "f1", 2)
    assert record.parameters_m == 2.5
    assert [answer.sha256 for answer in record.answers] == [each.sha256 for each in PHOTOS]


def test_the_record_outlives_a_file(model: Path) -> None:
    record = measure(model, PHOTOS)
    adapter = TypeAdapter(OfflineRecord)
    assert adapter.validate_json(adapter.dump_json(record)) == record


def test_answers_tell_the_guess_and_how_sure_it_was(model: Path) -> None:
    wrong = [photo(0, 1), replace_label(photo(1, 2), 0)]
    first, second = measure(model, wrong).answers
    assert (first.category, first.guess, first.confidence, first.own) == (
        "lampy",
        "lampy",
        0.8,
        0.8,
    )
    assert (second.category, second.guess) == ("kabeli", "rozetki")
    assert (second.confidence, second.own) == (0.8, 0.1)


def replace_label(each: LabelledPhoto, label: int) -> LabelledPhoto:
    return each._replace(label=label)


def test_a_network_that_cannot_decide_is_wrong_in_answers_too(model: Path) -> None:
    record = measure(model, PHOTOS, lambda _: np.full(3, 1 / 3, dtype=np.float32))
    assert record.test.top1 == record.phone.top1 == 0
    assert all(answer.guess != answer.category for answer in record.answers)


def test_every_photo_is_asked_once_plain_and_once_as_from_a_phone(model: Path) -> None:
    asked: list[bytes] = []

    def classify(pixels: Pixels) -> Probabilities:
        assert pixels.shape == (224, 224, 3)
        asked.append(pixels.tobytes())
        return by_shade(pixels)

    measure(model, PHOTOS, classify)
    plain = [each.pixels.tobytes() for each in PHOTOS]
    phone = [phone_variant(each.pixels, each.sha256).tobytes() for each in PHOTOS]
    assert asked[-16:] == plain + phone
    # what comes before is the warm-up
    assert set(asked[:-16]) <= set(plain)
    assert len(asked) > 16


def test_only_calls_on_plain_photos_after_the_warm_up_are_timed(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    plain = {each.pixels.tobytes() for each in PHOTOS}
    calls = 0

    def classify(pixels: Pixels) -> Probabilities:
        nonlocal now, calls
        calls += 1
        if pixels.tobytes() not in plain:
            now += 100  # a phone variant
        else:
            # slow at first; later seven calls of 10 ms and one of 90 ms
            now += 5 if calls <= 10 else 0.09 if calls == 14 else 0.01
        return by_shade(pixels)

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    record = measure(model, PHOTOS, classify)
    assert record.cpu_ms == pytest.approx(20)
    assert record.cpu_ms_p50 == pytest.approx(10)
    assert 10 < record.cpu_ms_p95 < 90
    assert record.evaluation_s == pytest.approx(0.16)


def test_an_empty_test_set_is_refused(model: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        measure(model, [])
    assert caught.value.hint
    with pytest.raises(EvaluationError, match="no photo"):
        set_figures(np.empty((0, 3), np.float32), np.empty(0, np.int64), CATEGORIES)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.full(2, 0.5, np.float32), "shape"),
        (np.full((1, 3), 0.3, np.float32), "shape"),
        (np.array([0.5, np.nan, 0.5], np.float32), "not a number"),
        (np.array([0.5, np.inf, 0.5], np.float32), "not a number"),
    ],
)
def test_answers_that_are_no_probabilities_are_refused(
    model: Path, answer: Probabilities, said: str
) -> None:
    with pytest.raises(EvaluationError, match=said) as caught:
        measure(model, PHOTOS, lambda _: answer)
    assert caught.value.hint


def test_photos_of_unknown_categories_are_refused(model: Path) -> None:
    for label in (3, -1):
        with pytest.raises(EvaluationError, match="category number"):
            measure(model, [replace_label(PHOTOS[0], label)])


def test_a_file_that_is_not_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    def classify(_: Pixels) -> Probabilities:
        raise AssertionError

    with pytest.raises(EvaluationError, match="cannot be read"):
        measure(tmp_path / "none.onnx", PHOTOS, classify)


def test_figures_of_other_shapes_are_refused() -> None:
    with pytest.raises(EvaluationError, match="shape"):
        set_figures(np.zeros((2, 4), np.float32), np.zeros(2, np.int64), CATEGORIES)
    with pytest.raises(EvaluationError, match="shape"):
        set_figures(np.zeros((3, 3), np.float32), np.zeros(2, np.int64), CATEGORIES)


def test_the_longer_figures_agree_with_the_short_ones() -> None:
    rng = np.random.default_rng(2)
    raw = rng.random((200, 3)).astype(np.float32)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    labels = rng.integers(0, 3, 200)
    long, short = set_figures(probabilities, labels, CATEGORIES), score(probabilities, labels)
    assert (long.photos, long.top1, long.top3, long.loss) == (
        short.photos, short.top1, short.top3, short.loss,
    )  # fmt: skip
    assert long.top1_interval[0] < long.top1 < long.top1_interval[1]


class DrawnWhenAsked(Sequence[LabelledPhoto]):
    """A test set that would not fit in memory."""

    def __len__(self) -> int:
        return 120

    @overload
    def __getitem__(self, at: int) -> LabelledPhoto: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[LabelledPhoto]: ...
    def __getitem__(self, at: int | slice) -> LabelledPhoto | Sequence[LabelledPhoto]:
        assert isinstance(at, int)
        if not 0 <= at < len(self):
            raise IndexError(at)
        return photo(at, at % 3)


def test_no_photo_is_kept(model: Path) -> None:
    photos = DrawnWhenAsked()
    tracemalloc.start()
    record = measure(model, photos)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record.test.photos == 120
    assert peak < 60 * photo(0, 0).pixels.nbytes


def test_progress_counts_photos_not_calls(model: Path) -> None:
    told: list[tuple[str, int, int]] = []

    class Listening(Progress):
        @contextmanager
        def step(self, label: str, total: int) -> Iterator[Step]:
            counted = Counting()
            yield counted
            told.append((label, total, counted.count))

    class Counting(Step):
        count = 0

        def advance(self, count: int = 1, *, note: str = "") -> None:
            del note
            self.count += count

    measure(model, PHOTOS, progress=Listening())
    assert [(total, count) for _, total, count in told] == [(8, 8), (8, 8)]
    assert len({label for label, _, _ in told}) == 2


def test_two_measurements_give_the_same_figures(model: Path) -> None:
    first, second = measure(model, PHOTOS), measure(model, PHOTOS)
    timed = {"cpu_ms": 0, "cpu_ms_p50": 0, "cpu_ms_p95": 0, "evaluation_s": 0}
    assert replace(first, **timed) == replace(second, **timed)  # type: ignore[arg-type]
