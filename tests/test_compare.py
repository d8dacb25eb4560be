"""A whole comparison: trained, published, measured and chosen for real, on a small shop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from figures import SHAPES, draw_shape, make_shop
from listening import Listening
from onnx import TensorProto, helper, numpy_helper

from vitrina import Shop
from vitrina.errors import EvaluationError, SettingError, WeightsNotFound
from vitrina.evaluation.comparison import Comparison
from vitrina.training.run import Run

pytestmark = pytest.mark.train

QUICK: dict[str, Any] = {
    "trials": 0,
    "training": {"views": 2, "tail_epochs": 1, "unfrozen_layers": 10},
    "requests": 5,
    "repeats": 1,
}
BUDGET = "ram=2GB,latency=5s,cold_start=60s,size=200MB,cores=2"


def own_encoder(place: Path) -> str:
    """A tiny convolution as an encoder of one's own."""
    random = np.random.default_rng(0)
    kernel = random.normal(size=(12, 3, 16, 16)).astype(np.float32) / 16
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["pixel_values", "kernel"], ["map"], strides=[8, 8]),
            helper.make_node("Relu", ["map"], ["positive"]),
            helper.make_node("GlobalMaxPool", ["positive"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["image_embeds"]),
        ],
        "encoder",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", 12])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, place / "own.onnx")
    return f"onnx:{place / 'own.onnx'}"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Comparison, str]:
    """MobileNetV2, an encoder of one's own, and one whose weights cannot be had."""
    place = tmp_path_factory.mktemp("compared")
    shop = make_shop(place, shuffled=False)
    encoder = own_encoder(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vitrina.training.loading.find_weights", _only_mobilenet())
        comparison = shop.compare(
            ["mobilenet_v2", encoder, "efficientnet_b0"], budget=BUDGET, baseline="keras", **QUICK
        )
    return shop, comparison, encoder


def _only_mobilenet() -> Any:
    from vitrina.training.weights import find_weights

    def find(backbone: Any, **options: Any) -> Any:
        if backbone.name != "mobilenet_v2":
            raise WeightsNotFound(f"No ImageNet weights for {backbone.title}.", hint="Fetch them.")
        return find_weights(backbone, **options)

    return find


def test_the_best_model_is_named(compared: tuple[Shop, Comparison, str]) -> None:
    _, comparison, _ = compared
    assert comparison.choice.best == "mobilenet_v2"
    outcomes = [verdict.outcome for verdict in comparison.choice.verdicts]
    assert outcomes == ["chosen", "less_accurate", "failed"]
    lead = comparison.choice.verdicts[1].lead
    assert lead is not None
    assert lead.points > 0


def test_both_tables_are_measured(compared: tuple[Shop, Comparison, str]) -> None:
    shop, comparison, _ = compared
    network, encoder, _ = comparison.candidates
    for candidate in (network, encoder):
        assert candidate.offline is not None
        assert candidate.online is not None
        assert candidate.offline.test.photos == 12
        low, high = candidate.offline.test.top1_interval
        assert low <= candidate.offline.test.top1 <= high
        assert candidate.offline.cpu_ms > 0
        assert candidate.offline.cpu_ms_p50 <= candidate.offline.cpu_ms_p95
        assert candidate.online.cold_start_ms.median > candidate.online.request_ms.median
        assert candidate.online.request_ms.median > candidate.online.inference_time_ms.median
        assert candidate.online.ram_usage_mb.median > 30
        bundle = shop.folder.bundles / candidate.bundle
        size = sum(file.stat().st_size for file in bundle.iterdir()) / 1e6
        assert candidate.online.model_size_mb == pytest.approx(size, abs=0.01)
    assert network.offline is not None
    assert network.offline.parameters_m == pytest.approx(2.26, abs=0.1)
    assert encoder.offline is not None
    assert encoder.offline.parameters_m * 1e6 == 12 * 3 * 16 * 16 + 12 * 4 + 4


def test_the_studys_way_is_measured_by_the_same_hands(
    compared: tuple[Shop, Comparison, str],
) -> None:
    network, encoder, _ = compared[1].candidates
    assert network.keras is not None
    assert network.online is not None
    assert network.keras.way == "keras"
    assert network.keras.requests == network.online.requests == 5
    assert network.keras.cold_start_ms.median > network.online.cold_start_ms.median
    assert network.keras.ram_usage_mb.median > network.online.ram_usage_mb.median
    assert encoder.keras is None  # there is no Keras network of it


def test_a_backbone_without_weights_is_named_with_the_reason(
    compared: tuple[Shop, Comparison, str],
) -> None:
    missing = compared[1].candidates[2]
    assert "No ImageNet weights for EfficientNet-B0" in missing.failed
    assert missing.failed_code == "weights_not_found"
    assert missing.offline is None


def test_the_report_is_written(compared: tuple[Shop, Comparison, str]) -> None:
    shop, comparison, _ = compared
    page = (shop.folder.report / "index.html").read_text(encoding="utf-8")
    assert "MobileNetV2" in page
    assert "own.onnx" in page
    table = (shop.folder.report / "comparison.csv").read_text(encoding="utf-8-sig")
    assert len(table.strip().splitlines()) == 4
    assert shop.comparison() == comparison
    english = shop.write_report(language="en").read_text(encoding="utf-8")
    assert '<html lang="en"' in english


def test_every_figure_can_be_traced(compared: tuple[Shop, Comparison, str]) -> None:
    shop, comparison, _ = compared
    for candidate in comparison.candidates[:2]:
        content = json.loads((shop.folder.runs / candidate.run / "run.json").read_text())
        assert content["fingerprint"] == comparison.fingerprint
        assert content["plan"]["seed"] == comparison.seed
        assert content["versions"]["keras"]
        assert sum(content["seconds"].values()) > 0
        assert candidate.offline is not None
        assert candidate.offline.fingerprint == comparison.fingerprint


def test_what_was_finished_is_used_again(compared: tuple[Shop, Comparison, str]) -> None:
    shop, comparison, encoder = compared
    progress = Listening()
    again = Shop.open(shop.folder.root, progress=progress).compare(
        ["mobilenet_v2", encoder], budget="ram=1MB", baseline="keras", **QUICK
    )
    assert progress.units.keys().isdisjoint(
        {"Computing activations", "Phase 1: the head", "Asking about photos", "Embedding goods"}
    )
    # without cores in the budget the servers are another measurement
    for new, old in zip(again.candidates, comparison.candidates, strict=False):
        assert new.run == old.run
        assert new.bundle == old.bundle
        assert new.offline == old.offline
    assert again.choice.best is None
    assert again.choice.nearest in ("mobilenet_v2", encoder)
    for verdict in again.choice.verdicts:
        assert [excess.limit for excess in verdict.excess] == ["ram"]


def test_the_winner_is_served_when_asked_for(compared: tuple[Shop, Comparison, str]) -> None:
    shop, comparison, _ = compared
    shop.activate(comparison.candidate("mobilenet_v2").bundle)
    photo = next(shop.folder.photos.rglob("*.png"))
    assert shop.search_photo(photo).products


@pytest.mark.parametrize(
    ("backbones", "options", "message"),
    [
        (["mobilenet_v4"], {}, "no backbone"),
        ([], {}, "No backbone was named"),
        (["mobilenet_v2"], {"budget": "ram=300"}, "ram"),
        (["mobilenet_v2"], {"baseline": "torch"}, "no baseline"),
        (["mobilenet_v2"], {"trials": -1}, "negative"),
        (["mobilenet_v2"], {"training": {"views": 0}}, "views"),
    ],
)
def test_wrong_use_is_refused_before_any_work(
    trained: tuple[Shop, Run], backbones: list[str], options: dict[str, Any], message: str
) -> None:
    shop, _ = trained
    before = sorted(shop.folder.runs.iterdir())
    with pytest.raises(SettingError, match=message):
        shop.compare(backbones, **options)
    assert sorted(shop.folder.runs.iterdir()) == before


def test_an_encoder_that_is_not_there(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="no file"):
        trained[0].compare([f"onnx:{tmp_path / 'gone.onnx'}"])


def test_a_loss_that_is_no_number_costs_one_model_its_place(
    trained: tuple[Shop, Run], tmp_path: Path
) -> None:
    root = shutil.copytree(trained[0].folder.root, tmp_path / "shop")
    quick = QUICK | {"training": {"views": 2, "tail_epochs": 0, "head_rate": float("nan")}}
    comparison = Shop.open(root).compare(["mobilenet_v2"], **quick)
    assert "loss became nan" in comparison.candidates[0].failed
    assert comparison.choice.best is None


def test_odd_categories_are_compared_all_the_same(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, shuffled=False)
    goods = tmp_path / "more"
    for name in ("single", "again"):
        (goods / name).mkdir(parents=True)
    (goods / "single" / "one.png").write_bytes(draw_shape("disc", 91_000))
    for number in range(3):  # pictures that another category has already
        twin = draw_shape("ring", SHAPES.index("ring") * 1000 + number)
        (goods / "again" / f"{number}.png").write_bytes(twin)
    shop.import_catalogue(goods)
    comparison = shop.compare([own_encoder(tmp_path)], **QUICK)
    (candidate,) = comparison.candidates
    assert candidate.failed == ""
    slugs = {category.slug: category for category in comparison.categories}
    assert slugs["single"].test == 0
    assert candidate.offline is not None
    assert "single" not in candidate.offline.test.by_category
    assert any("same picture" in notice.message for notice in comparison.notices)
    assert any(notice.code == "untested" for notice in comparison.notices)
    assert comparison.choice.best == candidate.backbone


def test_a_disk_that_is_full_is_told_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_shop(tmp_path, shuffled=False)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        "vitrina.training.features.shutil.disk_usage", lambda _place: usage._replace(free=1000)
    )
    comparison = shop.compare([own_encoder(tmp_path)], **QUICK)
    assert "GB are free" in comparison.candidates[0].failed
    assert shop.runs() == []
    monkeypatch.undo()
    assert shop.compare([own_encoder(tmp_path)], **QUICK).choice.best


def test_a_damaged_measurement_is_made_again(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, shuffled=False)
    encoder = own_encoder(tmp_path)
    first = shop.compare([encoder], **QUICK)
    place = shop.folder.runs / first.candidates[0].run
    (place / "offline.json").write_text("{")
    (shop.folder.report / "comparison.json").write_text("[]")
    with pytest.raises(EvaluationError, match="cannot be read"):
        shop.comparison()
    again = shop.compare([encoder], **QUICK)
    assert again.candidates[0].offline is not None
    assert first.candidates[0].offline is not None
    assert again.candidates[0].offline.test == first.candidates[0].offline.test
    assert again.candidates[0].online == first.candidates[0].online
