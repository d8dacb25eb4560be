"""From a run to what is served: faithful, measured, whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import onnx
import pytest
from figures import draw_shape
from listening import Listening

from vitrina import Shop
from vitrina.bundle import Bundle, active_version, read_bundle
from vitrina.dataset import Dataset
from vitrina.encoder import Encoder
from vitrina.errors import BundleDisagrees, TrainingError
from vitrina.photos import decode
from vitrina.training.onnx_conversion import to_onnx
from vitrina.training.run import Run

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def published(trained: tuple[Shop, Run]) -> Bundle:
    shop, run = trained
    return shop.publish(run.id)


def test_the_export_agrees_with_keras(trained: tuple[Shop, Run], published: Bundle) -> None:
    shop, run = trained
    agreement = published.info.metrics["agreement"]
    photos = Dataset.read(shop.folder.runs / run.id / "dataset.json").samples
    assert agreement["photos"] == len(photos)
    assert agreement["top1_differs"] == 0
    assert agreement["max_difference"] < 1e-3


def test_the_bundle_takes_a_photo_and_gives_what_serving_needs(published: Bundle) -> None:
    encoder = Encoder(published.model, threads=1)
    encoded = encoder.encode(decode(draw_shape("ring", 5)))
    assert encoded.probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(encoded.embedding) == pytest.approx(1, abs=1e-4)
    assert encoded.embedding.shape == (published.info.embedding_size,)
    graph = onnx.load(published.model).graph
    assert [value.name for value in graph.input] == ["photo"]
    assert read_bundle(published.folder).info == published.info


def test_the_test_figures_are_those_of_the_run(
    trained: tuple[Shop, Run], published: Bundle
) -> None:
    _, run = trained
    assert published.info.metrics["test"]["top1"] == pytest.approx(run.test["top1"], abs=0.001)
    assert published.info.metrics["test"]["loss"] == pytest.approx(run.test["loss"], abs=0.01)


def test_a_shape_never_seen_is_found(trained: tuple[Shop, Run], published: Bundle) -> None:
    shop, _ = trained
    answers = [
        shop.search_photo(draw_shape(shape, 50_000 + seed))
        for shape in published.info.categories
        for seed in range(5)
    ]
    guesses = [(answer.category or answer.alternatives[0]).id for answer in answers]
    expected = [shape for shape in published.info.categories for _ in range(5)]
    assert np.mean([g == e for g, e in zip(guesses, expected, strict=True)]) >= 0.7


def test_a_network_that_answers_otherwise_is_refused(
    trained: tuple[Shop, Run], published: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, run = trained

    def spoiled(model: object, **names: object) -> onnx.ModelProto:
        converted = to_onnx(model, **names)  # type: ignore[arg-type]
        (head,) = [
            tensor
            for tensor in converted.graph.initializer
            if list(tensor.dims) == [len(run.categories)]
        ]
        values = onnx.numpy_helper.to_array(head) + np.float32([0.5, 0, 0, 0])
        head.CopyFrom(onnx.numpy_helper.from_array(values, head.name))
        return converted

    monkeypatch.setattr("vitrina.export.to_onnx", spoiled)
    before = sorted(shop.folder.bundles.iterdir())
    with pytest.raises(BundleDisagrees, match="disagrees"):
        shop.publish(run.id)
    assert sorted(shop.folder.bundles.iterdir()) == before
    assert active_version(shop.folder.bundles) == published.info.version


def test_a_killed_publish_leaves_the_active_bundle(
    trained: tuple[Shop, Run], published: Bundle
) -> None:
    shop, run = trained
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_WRITING, str(shop.folder.root), run.id],
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=300) == -signal.SIGKILL
    assert any(entry.name.startswith(".partial-") for entry in shop.folder.bundles.iterdir())
    assert active_version(shop.folder.bundles) == published.info.version
    answer = Shop.open(shop.folder.root).search_photo(draw_shape("disc", 9))
    assert answer.products

    progress = Listening()
    again = Shop.open(shop.folder.root, progress=progress).publish(run.id)
    assert any("publish" in line and "still is" in line for line in progress.told)
    assert active_version(shop.folder.bundles) == again.info.version
    left = {entry.name for entry in shop.folder.bundles.iterdir()}
    assert left == {"active", published.info.version, again.info.version}


KILLED_WHILE_WRITING = """
import os, signal, sys
import vitrina.atomic
from vitrina import Shop

def killed(path):
    os.kill(os.getpid(), signal.SIGKILL)

shop = Shop.open(sys.argv[1])
vitrina.atomic.flush_file = killed
shop.publish(sys.argv[2])
"""


def test_a_run_that_is_not_there(trained: tuple[Shop, Run]) -> None:
    shop, run = trained
    with pytest.raises(TrainingError) as missing:
        shop.publish("yesterday")
    assert run.id in missing.value.hint


def test_nothing_trained_yet(empty_shop: Shop) -> None:
    with pytest.raises(TrainingError) as missing:
        empty_shop.publish()
    assert "vitrina train" in missing.value.hint
