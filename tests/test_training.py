"""Training for real, on small shops of drawn goods."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from figures import FEW, PRODUCTS, SHAPES, make_shop
from listening import Listening

from vitrina import Shop
from vitrina.dataset import Dataset
from vitrina.errors import MissingExtra, SettingError, TrainingError
from vitrina.training.run import Run, read_history

pytestmark = pytest.mark.train


def test_it_learns_what_the_pictures_show(trained: tuple[Shop, Run]) -> None:
    _, run = trained
    assert run.test["photos"] == len(SHAPES) * PRODUCTS // 5
    assert run.test["top1"] >= 0.75
    assert run.test["top3"] >= run.test["top1"]


def test_shuffled_labels_drive_it_to_chance(tmp_path: Path) -> None:
    run = make_shop(tmp_path, shuffled=True).train("mobilenet_v2", **FEW)
    # one in four is chance; half of twelve or more would come by luck in 3 of 100 shops
    assert run.test["top1"] <= 0.55


def test_a_run_can_be_traced(trained: tuple[Shop, Run]) -> None:
    shop, run = trained
    place = shop.folder.runs / run.id
    assert {
        "run.json", "dataset.json", "history.csv", "curves.png",
        "model.keras", "model.h5", "saved_model", "model.onnx",
    } == {file.name for file in place.iterdir()}  # fmt: skip
    content = json.loads((place / "run.json").read_text())
    dataset = Dataset.read(place / "dataset.json")
    assert content["fingerprint"] == dataset.fingerprint
    assert content["plan"]["seed"] == 0
    assert content["plan"]["unfrozen_layers"] == 30
    assert set(content["versions"]) == {
        "vitrina", "keras", "tensorflow", "numpy", "onnxruntime", "pillow",
    }  # fmt: skip
    assert content["machine"]["cores"] >= 1
    assert len(content["weights"]["sha256"]) == 64
    with (place / "history.csv").open() as file:
        phases = [row["phase"] for row in csv.DictReader(file)]
    assert phases == sorted(phases)
    assert set(phases) == {"1", "2"}
    assert shop.runs()[-1] == run


def test_no_product_is_learned_and_tested(trained: tuple[Shop, Run]) -> None:
    shop, run = trained
    dataset = Dataset.read(shop.folder.runs / run.id / "dataset.json")
    sides: dict[str, set[str]] = {}
    for sample in dataset.samples:
        sides.setdefault(sample.product, set()).add(sample.split)
    assert all(len(side) == 1 for side in sides.values())


def test_one_seed_gives_one_result(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    """Everything is computed anew: decoding, split, activations, both phases."""
    shop, run = trained
    computed = shutil.ignore_patterns("cache", "runs")
    fresh = Shop.open(shutil.copytree(shop.folder.root, tmp_path / "shop", ignore=computed))
    again = fresh.train("mobilenet_v2", **FEW)
    assert read_dataset(fresh, again).samples == read_dataset(shop, run).samples
    assert again.fingerprint == run.fingerprint
    assert again.test["top1"] == pytest.approx(run.test["top1"], abs=0.005)
    assert again.test["loss"] == pytest.approx(run.test["loss"], abs=0.02)


def test_a_killed_training_is_told_and_its_activations_are_used(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, shuffled=False)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_COMPUTING, str(shop.folder.root)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=300) == -signal.SIGKILL
    assert shop.runs() == []
    assert [entry.name for entry in shop.folder.runs.iterdir()] == []

    progress = Listening()
    run = Shop.open(shop.folder.root, progress=progress).train(
        "mobilenet_v2", **(FEW | {"head_epochs": 2, "tail_epochs": 0})
    )
    assert any("train" in line and "cut off" in line for line in progress.told)
    samples = read_dataset(shop, run).samples
    views = sum(2 if sample.split == "train" else 1 for sample in samples)
    assert progress.units["Computing activations"] == views - 40
    assert shop.runs() == [run]


def test_a_run_killed_in_the_middle_gives_the_same_result(
    trained: tuple[Shop, Run], tmp_path: Path
) -> None:
    shop, run = trained
    root = shutil.copytree(shop.folder.root, tmp_path / "shop")
    plan = FEW | {"tail_epochs": 4}
    expected = Shop.open(root).train("mobilenet_v2", **plan)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_LEARNING, str(root), json.dumps(plan)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=300) == -signal.SIGKILL
    progress = Listening()
    resumed = Shop.open(root, progress=progress).train("mobilenet_v2", **plan)
    assert "Phase 2: the last layers: 2 epochs were done before." in progress.told
    assert resumed.test["loss"] == pytest.approx(expected.test["loss"], abs=2e-3)
    assert resumed.test["top1"] == expected.test["top1"]
    assert resumed.id != run.id
    histories = [read_history(Path(root) / "runs" / name) for name in (expected.id, resumed.id)]
    assert [entry["epoch"] for entry in histories[0]] == [entry["epoch"] for entry in histories[1]]
    for one, other in zip(*histories, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=0.02)
    assert list((Path(root) / "cache").glob("phase-*")) == []


KILLED_WHILE_LEARNING = """
import json, os, signal, sys
from contextlib import contextmanager
from vitrina import Shop
from vitrina.progress import Progress, Step
from vitrina.training.framework import load_framework

load_framework()
import vitrina.training.checkpoint
vitrina.training.checkpoint.EVERY_S = 0

class Killed(Step):
    count = 0
    def advance(self, count=1, *, note=""):
        self.count += count
        if self.count == 3:
            os.kill(os.getpid(), signal.SIGKILL)

class Killer(Progress):
    @contextmanager
    def step(self, label, total):
        yield Killed() if label.startswith("Phase 2") else Step()

Shop.open(sys.argv[1], progress=Killer()).train("mobilenet_v2", **json.loads(sys.argv[2]))
"""


KILLED_WHILE_COMPUTING = """
import os, signal, sys
from vitrina import Shop
from vitrina.progress import Progress

class Killer(Progress):
    def track(self, items, label, total):
        for number, item in enumerate(items):
            if label == "Computing activations" and number == 40:
                os.kill(os.getpid(), signal.SIGKILL)
            yield item

Shop.open(sys.argv[1], progress=Killer()).train("mobilenet_v2", views=2, unfrozen_layers=30)
"""


def read_dataset(shop: Shop, run: Run) -> Dataset:
    return Dataset.read(shop.folder.runs / run.id / "dataset.json")


def test_unknown_backbones_and_plans_are_refused_before_any_work(trained: tuple[Shop, Run]) -> None:
    shop, _ = trained
    with pytest.raises(SettingError) as unknown:
        shop.train("mobilnet_v2")
    assert "mobilenet_v2" in unknown.value.hint
    with pytest.raises(SettingError):
        shop.train("mobilenet_v2", views=0)
    with pytest.raises(SettingError, match="unfrozen"):
        shop.train("mobilenet_v2", unfrozen_layers=-1)
    with pytest.raises(SettingError, match="Did you mean rmsprop"):
        shop.train("mobilenet_v2", optimizer="rmsprob")
    with pytest.raises(SettingError, match="no tail_rates"):
        shop.train("mobilenet_v2", tail_rates=1)


def test_a_loss_that_is_no_number_stops_the_run(trained: tuple[Shop, Run]) -> None:
    shop, _ = trained
    before = sorted(shop.folder.runs.iterdir())
    with pytest.raises(TrainingError, match="loss became nan"):
        shop.train("mobilenet_v2", **(FEW | {"head_rate": float("nan")}))
    assert sorted(shop.folder.runs.iterdir()) == before


def test_without_the_extra_it_says_how_to_get_it(
    trained: tuple[Shop, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = trained
    monkeypatch.setattr("vitrina.shop.training_extra.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra) as missing:
        shop.train("mobilenet_v2")
    assert "pip install 'vitrina[train]'" in missing.value.hint


def test_a_head_alone_needs_no_activations_at_a_cut(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, shuffled=False)
    run = shop.train("mobilenet_v2", **(FEW | {"unfrozen_layers": 0}))
    assert list(shop.folder.cache.glob("activations-*")) == []
    assert list(shop.folder.cache.glob("features-*"))
    assert run.test["top1"] >= 0.75
    assert {entry["phase"] for entry in read_history(shop.folder.runs / run.id)} == {1.0}


def test_damaged_activations_are_made_again(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    shop, run = trained
    root = shutil.copytree(shop.folder.root, tmp_path / "shop")
    (activations,) = (root / "cache").glob("activations-*")
    content = bytearray(activations.read_bytes())
    content[5000] ^= 255
    activations.write_bytes(content)
    progress = Listening()
    again = Shop.open(root, progress=progress).train("mobilenet_v2", **FEW)
    assert any("1 activations were damaged" in line for line in progress.told)
    assert progress.units["Computing activations"] == 1
    assert again.test["top1"] == pytest.approx(run.test["top1"], abs=0.005)


def test_the_studys_recipe(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    shop, _ = trained
    logs = tmp_path / "logs"
    run = shop.train("mobilenet_v2", recipe="study", views=2, tail_epochs=2, tensorboard=logs)
    assert run.plan["hidden"] == [256]
    assert run.plan["tail_rate"] == 1e-5
    assert run.test["top1"] >= 0.6
    rates = [
        entry["learning_rate"]
        for entry in read_history(shop.folder.runs / run.id)
        if entry["phase"] == 2
    ]
    assert rates == pytest.approx([1e-5] * len(rates), rel=0.6)
    assert list(logs.rglob("events.out.*"))
