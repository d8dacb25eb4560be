"""The study's own way of serving answers what ours answers, and is measured by the same hands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from asking import AppClient
from figures import SHAPES, draw_shape

from vitrina import Shop
from vitrina.encoder import Encoder
from vitrina.errors import TrainingError
from vitrina.photos import decode
from vitrina.training.run import Run

pytestmark = pytest.mark.train


def test_it_answers_what_the_exported_network_answers(trained: tuple[Shop, Run]) -> None:
    from vitrina.baseline import create_baseline

    shop, run = trained
    place = shop.folder.runs / run.id
    encoder = Encoder(place / "model.onnx", threads=1)
    photos = [draw_shape(shape, 123) for shape in SHAPES]
    with AppClient(create_baseline(place)) as client:
        answers = [client.send_photo(photo, "image/png").json() for photo in photos]
    for photo, answer in zip(photos, answers, strict=True):
        expected = encoder.encode(decode(photo)).probabilities
        best = np.argsort(-expected)[:3]
        assert [each["id"] for each in answer["categories"]] == [run.categories[i] for i in best]
        for each, index in zip(answer["categories"], best, strict=True):
            assert each["confidence"] == pytest.approx(float(expected[index]), abs=1e-3)
        assert 0 < answer["timings_ms"]["infer"] <= answer["timings_ms"]["total"]


def test_it_is_a_command(trained: tuple[Shop, Run]) -> None:
    from vitrina.baseline import baseline_command
    from vitrina.evaluation.online import Load, SentPhoto, measure_online

    shop, run = trained
    place = shop.folder.runs / run.id
    photos = (SentPhoto(draw_shape("ring", 1), "image/png"),)
    record = measure_online(
        baseline_command(place),
        Load(photos=photos, requests=3, warm_up=1, repeats=1),
        way="keras",
        model_size_mb=Path(place / "model.keras").stat().st_size / 1e6,
        label="Measuring",
    )
    assert record.way == "keras"
    # TensorFlow alone is more
    assert record.ram_usage_mb.median > 300
    assert record.cold_start_ms.median > record.inference_time_ms.median


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network is as small as one with the same interface can be."""
    import keras

    photo = keras.Input((224, 224, 3), dtype="uint8", name="photo")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(photo))
    probabilities = keras.layers.Dense(2, activation="softmax")(pooled)
    model = keras.Model(photo, [probabilities, keras.layers.UnitNormalization()(pooled)])
    place = tmp_path_factory.mktemp("runs") / "small"
    place.mkdir()
    model.save(place / "model.keras")
    figures: dict[str, float] = {}
    Run(
        id="small", created="2026-01-01T00:00:00+00:00", backbone="small", weights={}, plan={},
        fingerprint="", categories=("lamps", "sockets"), embedding_size=3,
        validation=figures, test=figures, seconds=figures, versions={}, machine={},
    ).write(place)  # fmt: skip
    return place


def test_fewer_categories_than_it_names_are_all_named(small_run: Path) -> None:
    from vitrina.baseline import create_baseline

    with AppClient(create_baseline(small_run)) as client:
        answer = client.send_photo(draw_shape("disc", 5), "image/png").json()
    assert {guess["id"] for guess in answer["categories"]} == {"lamps", "sockets"}
    assert sum(guess["confidence"] for guess in answer["categories"]) == pytest.approx(1, abs=1e-5)
    assert set(answer["timings_ms"]) == {"decode", "infer", "total"}


def test_what_is_no_photo_is_refused(small_run: Path) -> None:
    from vitrina.baseline import create_baseline

    with AppClient(create_baseline(small_run)) as client:
        refused = client.send_photo(b"no photo")
    assert refused.status_code == 422
    assert "not a photo" in refused.json()["detail"]


def test_a_network_that_cannot_be_read_is_told(small_run: Path, tmp_path: Path) -> None:
    from vitrina.baseline import create_baseline

    (tmp_path / "run.json").write_bytes((small_run / "run.json").read_bytes())
    with pytest.raises(TrainingError, match=r"model\.keras cannot be loaded"):
        create_baseline(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"model\.keras cannot be loaded"):
        create_baseline(tmp_path)


def test_no_answer_waits_on_its_way(small_run: Path) -> None:
    """Without TCP_NODELAY each has to wait 40 ms for an acknowledgement, once TCP is past its
    quick start; the fastest of some is no matter of how busy the machine is."""
    from vitrina.baseline import baseline_command
    from vitrina.evaluation.server_process import ServerProcess

    photo, ways = draw_shape("bars", 2), []
    with ServerProcess(baseline_command(small_run)) as server:
        for _ in range(60):
            sent = time.perf_counter()
            answer = json.loads(server.post("/v1/search/photo", photo, "image/png"))
            ways.append((time.perf_counter() - sent) * 1e3 - answer["timings_ms"]["total"])
    assert min(ways[40:]) < 30


def test_a_run_that_is_not_there_is_told_with_a_hint(tmp_path: Path) -> None:
    from vitrina.baseline import baseline_command

    ended = subprocess.run(
        baseline_command(tmp_path / "missing"),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "error: There is no run missing." in ended.stderr
    assert "hint: `vitrina train` makes one." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_loads_nothing_that_it_does_not_need(small_run: Path) -> None:
    """Else the comparison would not be fair: what `vitrina serve` needs is loaded there alone."""
    program = (
        "import json, sys\nfrom pathlib import Path\n"
        "from vitrina.baseline import create_baseline\n"
        f"create_baseline(Path({str(small_run)!r}))\nprint(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(json.loads(ended.stdout))
    assert {"tensorflow", "keras", "fastapi"} <= loaded
    assert loaded.isdisjoint({"onnxruntime", "tf2onnx", "onnx", "sqlalchemy", "vitrina.serving"})
