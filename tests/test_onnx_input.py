"""The cheap beginning of an exported network: the same answers, also along the border."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from convolutional import convolutional_model, drawn_photos

from vitrina.training.onnx_input import scale_in_first_convolution, with_cheap_beginning
from vitrina.training.onnx_work import multiply_adds

pytestmark = pytest.mark.train


def answers(model: bytes, photo: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["probabilities", "embedding", "r0"], {"photo": photo[None]})


def with_first_layer(model: bytes) -> bytes:
    """Also gives what comes out of the first convolution, border and all."""
    shown = onnx.load_from_string(model)
    shape = [1, 8, None, None]
    shown.graph.output.append(onnx.helper.make_tensor_value_info("r0", 1, shape))
    return bytes(shown.SerializeToString())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": 1 / 127.5, "offset": -1.0},
        {"scale": 1.0, "offset": (-123.68, -116.779, -103.939), "pads": (3, 2, 3, 2)},
        {"pads": (0, 0, 1, 1)},
    ],
)
def test_answers_stay_the_same(options: dict[str, object]) -> None:
    plain = with_first_layer(convolutional_model(**options))
    cheap = with_cheap_beginning(plain)
    graph = onnx.load_from_string(cheap).graph
    assert [node.op_type for node in graph.node][:4] == ["Transpose", "Cast", "Add", "Conv"]
    onnx.checker.check_model(onnx.load_from_string(cheap))
    for photo in [*drawn_photos(2), np.full((224, 224, 3), 255, np.uint8)]:
        for before, after in zip(answers(plain, photo), answers(cheap, photo), strict=True):
            assert np.abs(before - after).max() < 1e-4 * max(1.0, np.abs(before).max())


def test_nothing_is_left_behind() -> None:
    graph = onnx.load_from_string(with_cheap_beginning(convolutional_model())).graph
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


def test_twice_is_once() -> None:
    once = with_cheap_beginning(convolutional_model())
    assert with_cheap_beginning(once) == once


@pytest.mark.parametrize("change", ["relu first", "kernel shared", "photo used twice", "no factor"])
def test_other_beginnings_stay_as_they_are(change: str) -> None:
    options: dict[str, object] = {"scale": 0.0} if change == "no factor" else {}
    model = onnx.load_from_string(convolutional_model(**options))
    nodes = model.graph.node
    if change == "relu first":
        nodes.insert(4, onnx.helper.make_node("Relu", ["turned"], ["positive"]))
        nodes[5].input[0] = "positive"
    elif change == "kernel shared":
        nodes.append(onnx.helper.make_node("Relu", ["kernel_0"], ["unused"]))
    elif change == "photo used twice":
        nodes.append(onnx.helper.make_node("Shape", ["photo"], ["unused"]))
    before = model.SerializeToString(deterministic=True)
    assert not scale_in_first_convolution(model)
    assert model.SerializeToString(deterministic=True) == before


def test_multiply_adds() -> None:
    # 56x56 and 28x28 places of 8 channels, 3x3 over 3 and 8 channels; 8 features by 3 categories
    assert multiply_adds(convolutional_model(layers=2)) == (
        56 * 56 * 8 * 27 + 28 * 28 * 8 * 72 + 8 * 3
    )
    assert multiply_adds(with_cheap_beginning(convolutional_model(layers=2))) == (
        56 * 56 * 8 * 27 + 28 * 28 * 8 * 72 + 8 * 3
    )
