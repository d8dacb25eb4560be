"""From a run to what is served: faithful, measured, whole or not at all."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from figures import draw_shape
from listening import Listening
from rich.console import Console

from vitrina import Shop
from vitrina.bundle import Bundle, active_version, read_bundle
from vitrina.cli.bars import TerminalProgress
from vitrina.dataset import Dataset
from vitrina.encoder import Encoder
from vitrina.errors import BundleDisagrees, DatasetError, TrainingError
from vitrina.golden import check_golden
from vitrina.goods_encoder import encode_goods
from vitrina.photos import decode
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


def test_the_bundle_says_in_which_precision_it_serves_and_why(published: Bundle) -> None:
    choice = published.info.metrics["precision"]
    assert choice["served"] == "fp32"
    assert choice["asked"] == "auto"
    assert "photos were kept away from training" in choice["why"]
    assert published.info.metrics["multiply_adds"] > 1e8


def test_the_exported_graph_begins_cheaply(published: Bundle) -> None:
    graph = onnx.load(published.model).graph
    assert [node.op_type for node in graph.node][:3] == ["Transpose", "Cast", "Add"]


def test_whole_numbers_that_are_asked_for_serve_everything(
    trained_copy: tuple[Shop, Run, Listening],
) -> None:
    """Thresholds, the goods' embeddings and the golden photo come from the network that serves."""
    shop, run, _ = trained_copy
    bundle = shop.publish(run.id, precision="int8")
    choice = bundle.info.metrics["precision"]
    assert choice["served"] == "int8"
    assert choice["int8"]["megabytes"] < choice["fp32"]["megabytes"] / 2
    encoder = Encoder(bundle.model, threads=1)
    check_golden(bundle.golden() or b"", encoder)
    goods = bundle.goods()
    dataset = Dataset.read(shop.folder.runs / run.id / "dataset.json")
    photo = next(s for s in dataset.samples if s.sha256.encode() == goods["sha256"][0])
    own = encode_goods(encoder, decode((shop.folder.root / photo.file).read_bytes()))
    assert np.abs(own - goods["embedding"][0].astype(np.float32)).max() < 1e-3


def test_the_test_figures_are_those_of_the_run(
    trained: tuple[Shop, Run], published: Bundle
) -> None:
    _, run = trained
    assert published.info.metrics["test"]["top1"] == pytest.approx(run.test["top1"], abs=0.001)
    assert published.info.metrics["test"]["loss"] == pytest.approx(run.test["loss"], abs=0.01)


def test_too_few_watched_photos_to_fit_decisions_are_told(
    trained_copy: tuple[Shop, Run, Listening],
) -> None:
    shop, run, heard = trained_copy
    bundle = shop.publish(run.id)
    assert set(bundle.info.checksums) == {"model.onnx", "goods.npy", "golden.npz"}
    assert any("photos were watched, 20 or more are needed" in said for said in heard.told)


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
    trained_copy: tuple[Shop, Run, Listening], published: Bundle
) -> None:
    shop, run, _ = trained_copy
    file = shop.folder.runs / run.id / "model.onnx"
    network = onnx.load(file)
    (head,) = [
        tensor for tensor in network.graph.initializer if list(tensor.dims) == [len(run.categories)]
    ]
    values = onnx.numpy_helper.to_array(head) + np.float32([0.5, 0, 0, 0])
    head.CopyFrom(onnx.numpy_helper.from_array(values, head.name))
    onnx.save(network, file)
    before = sorted(shop.folder.bundles.iterdir())
    with pytest.raises(BundleDisagrees, match="disagrees"):
        shop.publish(run.id)
    assert sorted(shop.folder.bundles.iterdir()) == before
    assert active_version(shop.folder.bundles) == published.info.version


def test_a_killed_publish_leaves_the_active_bundle(
    trained: tuple[Shop, Run], published: Bundle
) -> None:
    shop, run = trained
    before = {entry.name for entry in shop.folder.bundles.iterdir()}
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
    assert left == {"active", *before, again.info.version}


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


@pytest.fixture
def trained_copy(trained: tuple[Shop, Run], tmp_path: Path) -> tuple[Shop, Run, Listening]:
    """The trained shop to do harm to."""
    shop, run = trained
    root = shutil.copytree(shop.folder.root, tmp_path / "shop")
    progress = Listening()
    return Shop.open(root, progress=progress), run, progress


def test_publish_needs_nothing_of_the_cache(
    trained_copy: tuple[Shop, Run, Listening], tmp_path: Path
) -> None:
    shop, run, progress = trained_copy
    samples = Dataset.read(shop.folder.runs / run.id / "dataset.json").samples
    tested = [sample for sample in samples if sample.split == "test"]
    # one product shows another picture now: the run's is in the catalogue no more
    place = tmp_path / "new" / tested[0].category
    place.mkdir(parents=True)
    name = tested[0].product.rpartition("/")[2]
    (place / f"{name}.png").write_bytes(draw_shape("ring", 60_000))
    shop.import_catalogue(tmp_path / "new")
    # and one of the run's pictures is lost
    (shop.folder.root / tested[1].file).unlink()
    shutil.rmtree(shop.folder.cache)

    bundle = shop.publish(run.id)
    assert bundle.info.categories == run.categories
    assert bundle.info.metrics["test"]["photos"] == len(tested) - 1
    goods = {str(sha, "ascii") for sha in bundle.goods()["sha256"]}
    assert tested[0].sha256 not in goods
    assert tested[1].sha256 not in goods
    assert any("1 photos cannot be read" in line for line in progress.told)


def test_publish_when_nothing_is_left_to_test_on(
    trained_copy: tuple[Shop, Run, Listening],
) -> None:
    shop, run, _ = trained_copy
    for sample in Dataset.read(shop.folder.runs / run.id / "dataset.json").part("test"):
        (shop.folder.root / sample.file).unlink()
    shutil.rmtree(shop.folder.cache)
    with pytest.raises(DatasetError, match="None of the photos that the run was to be tested on"):
        shop.publish(run.id)
    shutil.rmtree(shop.folder.photos)
    shutil.rmtree(shop.folder.cache)
    with pytest.raises(DatasetError, match="None of the goods"):
        shop.publish(run.id)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"id": "foreign", "model": 1}', "renamed", "dateless"]
)
def test_a_damaged_run_keeps_no_other_from_being_found(
    trained_copy: tuple[Shop, Run, Listening], content: str
) -> None:
    shop, run, progress = trained_copy
    (place := shop.folder.runs / "zz-foreign").mkdir()
    real = json.loads((shop.folder.runs / run.id / "run.json").read_text())
    changed = {"renamed": real, "dateless": real | {"id": place.name, "created": 5}}
    if content in changed:
        content = json.dumps(changed[content])
    (place / "run.json").write_text(content)
    assert [found.id for found in shop.runs()] == [run.id]
    (told,) = progress.told
    assert "The run zz-foreign is passed over" in told


def test_the_export_counts_its_unit(
    trained: tuple[Shop, Run], published: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, run = trained
    progress = TerminalProgress(Console(file=sys.stdout, width=200))
    Shop.open(shop.folder.root, progress=progress).publish(run.id, activate=False)
    assert "Loading the trained network: 1 in " in capsys.readouterr().out
