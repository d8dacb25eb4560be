"""What is deployed: every backbone answers in ONNX as in Keras, and fits a small server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from asking import LiveServer
from figures import SHAPES, draw_shape

from vitrina import Shop
from vitrina.encoder import INPUT, OUTPUTS, Encoder
from vitrina.export import compare_with_keras
from vitrina.photos import decode
from vitrina.training.backbones import NAMED, describe_backbone
from vitrina.training.cut import cut_network
from vitrina.training.deployed import deployed_network
from vitrina.training.network import build_network
from vitrina.training.onnx_conversion import to_onnx
from vitrina.training.run import Run

pytestmark = pytest.mark.train

MEMORY_MB = 220


def pictures(count: int) -> list[np.ndarray]:
    return [decode(draw_shape(SHAPES[seed % len(SHAPES)], 90_000 + seed)) for seed in range(count)]


def by_keras(model: Any, photos: list[np.ndarray]) -> np.ndarray:
    return np.asarray(model.predict(np.stack(photos), verbose=0)[0])


@pytest.mark.parametrize("name", NAMED)
def test_every_backbone_is_cut_joined_and_exported_faithfully(name: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    description = describe_backbone(name)
    assert description.package
    network = build_network(description, description.package)
    cut = cut_network(network, 30)
    photo = np.stack(pictures(2)).astype(np.float32)
    whole = np.asarray(network(photo))
    halves = np.asarray(cut.tail(cut.trunk(photo)))
    np.testing.assert_allclose(halves, whole, atol=1e-5 * max(1.0, np.abs(whole).max()))
    learning = [layer for layer in network.layers if layer.trainable]
    assert 0 < len(learning) <= 30
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in learning)

    width = description.feature_dim
    head = keras.Sequential(
        [keras.layers.Input((width,)), keras.layers.Dense(5, activation="softmax")]
    )
    model = deployed_network(network, head)
    file = tmp_path / "model.onnx"
    file.write_bytes(to_onnx(model, input_name=INPUT, output_names=OUTPUTS).SerializeToString())
    encoder = Encoder(file, threads=2)
    agreement = compare_with_keras(
        by_keras(model, pictures(8)), encoder.classify(np.stack(pictures(8)))
    )
    assert agreement.photos == 8
    assert agreement.max_difference < 1e-3
    assert encoder.encode(pictures(1)[0]).embedding.shape == (width,)


def test_a_trained_network_agrees_on_500_photos(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    import keras

    shop, run = trained
    model = keras.models.load_model(shop.folder.runs / run.id / "model.keras")
    file = tmp_path / "model.onnx"
    file.write_bytes(to_onnx(model, input_name=INPUT, output_names=OUTPUTS).SerializeToString())
    photos = pictures(500)
    encoder = Encoder(file, threads=2)
    agreement = compare_with_keras(by_keras(model, photos), encoder.classify(np.stack(photos)))
    assert agreement.photos == 500
    assert agreement.top1_differs == 0
    assert agreement.max_difference < 1e-3


def test_a_server_with_mobilenet_v2_stays_small(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    shop, run = trained
    shop.publish(run.id)
    server = LiveServer(shop.folder.root, tmp_path)
    try:
        for seed in range(20):
            answer = httpx.post(
                f"{server.address}/v1/search/photo",
                content=draw_shape("ring", seed),
                headers={"content-type": "image/png"},
                timeout=60,
            )
            assert answer.status_code == 200
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        assert int(peak_kb) / 1e3 < MEMORY_MB
    finally:
        server.stop()
