"""An encoder that somebody brings: read, run and deployed as its file says, or refused."""

import importlib.util
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from vitrina.encoder import Encoder
from vitrina.errors import WeightsDamaged, WeightsNotFound

if importlib.util.find_spec("keras") is not None:
    import keras

    from vitrina.training import onnx_file
    from vitrina.training.onnx_encoder import OnnxEncoder, deployed_onnx, frozen_trunk
    from vitrina.training.onnx_file import encoder_path, is_onnx, load_encoder, read_model

pytestmark = pytest.mark.train

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@dataclass
class Made:
    """An encoder drawn up for a test: one convolution of 16 x 16 patches to 8 channels, and more.

    Its tensors carry names that the deployed graph uses as well: "photo", "embedding".
    """

    input_shape: list[Any] = field(default_factory=lambda: [1, 3, 224, 224])
    kind: int = FLOAT
    answers: tuple[str, ...] = ("map",)
    opset: int = 17
    factor: float = 1.0
    more_inputs: tuple[str, ...] = ()

    def model(self) -> onnx.ModelProto:
        random = np.random.default_rng(5)
        dtype = np.float16 if self.kind == HALF else np.float32

        def constant(name: str, values: Any) -> onnx.TensorProto:
            return numpy_helper.from_array(np.asarray(values), name)

        nodes, constants = [], []
        source = "photo"
        if self.input_shape[3] == 3:
            nodes.append(helper.make_node("Transpose", [source], ["turned"], perm=[0, 3, 1, 2]))
            source = "turned"
        kernel = random.standard_normal((8, 3, 16, 16)) * 0.05 * self.factor
        constants.append(constant("kernel", kernel.astype(dtype)))
        nodes.append(helper.make_node("Conv", [source, "kernel"], ["patches"], strides=[16, 16]))
        nodes.append(helper.make_node("Relu", ["patches"], ["map"]))
        constants.append(constant("rows", np.array([0, 8, -1], np.int64)))
        nodes.append(helper.make_node("Reshape", ["map", "rows"], ["flat"]))
        nodes.append(helper.make_node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]))
        constants.append(constant("last", np.array(6, np.int64)))
        nodes.append(helper.make_node("Gather", ["tokens", "last"], ["embedding"], axis=1))
        nodes.append(helper.make_node("Neg", ["embedding"], ["image_embeds"]))
        nodes.append(helper.make_node("Shape", ["map"], ["shape"]))
        nodes.append(helper.make_node("Transpose", ["map"], ["map_last"], perm=[0, 2, 3, 1]))
        rank = {"map": 4, "tokens": 3, "embedding": 2, "image_embeds": 2, "shape": 1, "map_last": 4}
        inputs = [helper.make_tensor_value_info("photo", self.kind, self.input_shape)]
        inputs += [helper.make_tensor_value_info(name, FLOAT, [1, 4]) for name in self.more_inputs]
        outputs = [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name == "shape" else self.kind, [None] * rank[name]
            )
            for name in self.answers
        ]
        graph = helper.make_graph(nodes, "made", inputs, outputs, constants)
        opset = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8)

    def write(self, folder: Path, side: dict[str, Any] | None = None) -> Path:
        path = folder / "My Encoder.onnx"
        onnx.save(self.model(), path)
        if side is not None:
            path.with_suffix(".json").write_text(json.dumps(side))
        return path


def pixels(seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (224, 224, 3)).astype(np.uint8)


def asked_directly(path: Path, output: str, photo: Any, *, first: bool = True) -> Any:
    """What the file itself says to a photo that NumPy prepared, channels first."""
    prepared = (photo / 255 - MEAN) / STD
    prepared = prepared.transpose(2, 0, 1) if first else prepared
    session = ort.InferenceSession(str(path))
    kind = np.float16 if "16" in session.get_inputs()[0].type else np.float32
    return session.run([output], {"photo": prepared[None].astype(kind)})[0][0]


SIDE = {"mean": MEAN, "std": STD}


@pytest.mark.parametrize(
    ("made", "output", "pooled"),
    [
        (Made(), "map", lambda answer: answer.mean((1, 2))),
        (Made(input_shape=["n", 3, "h", "w"]), "map", lambda answer: answer.mean((1, 2))),
        (Made(input_shape=["n", "channels", "h", "w"]), "map", lambda a: a.mean((1, 2))),
        (Made(answers=("tokens",)), "tokens", lambda answer: answer[0]),
        (Made(answers=("map", "tokens", "embedding")), "embedding", lambda answer: answer),
        (Made(answers=("embedding", "image_embeds")), "image_embeds", lambda answer: answer),
        (Made(answers=("shape", "tokens")), "tokens", lambda answer: answer[0]),
        (Made(kind=HALF), "map", lambda answer: answer.astype(np.float32).mean((1, 2))),
        (Made(opset=11), "map", lambda answer: answer.mean((1, 2))),
    ],
    ids=["map", "open", "all open", "tokens", "row", "known name", "no floats", "half", "old"],
)
def test_trunk_says_what_the_file_says(
    tmp_path: Path, made: Made, output: str, pooled: Callable[[Any], Any]
) -> None:
    path = made.write(tmp_path, SIDE)
    encoder = load_encoder(path)
    assert encoder.output == output
    assert encoder.feature_dim == 8
    assert encoder.parameters == 8 * 3 * 16 * 16
    assert encoder.notice == ""
    trunk = frozen_trunk(encoder, read_model(encoder))
    for seed in range(3):
        features = trunk(pixels(seed))
        assert (features.shape, features.dtype) == ((8,), np.float32)
        expected = pooled(asked_directly(path, output, pixels(seed)))
        assert np.std(expected) > 0.05
        np.testing.assert_allclose(features, expected, atol=5e-3 if made.kind == HALF else 1e-5)


def test_channels_last(tmp_path: Path) -> None:
    path = Made(input_shape=[1, 224, 224, 3], answers=("map_last",)).write(tmp_path, SIDE)
    encoder = load_encoder(path)
    assert encoder.layout == "NHWC"
    answer = asked_directly(path, "map_last", pixels(), first=False)
    features = frozen_trunk(encoder, read_model(encoder))(pixels())
    np.testing.assert_allclose(features, answer.mean((0, 1)), atol=1e-5)


@pytest.mark.parametrize("size", [112, 336])
def test_another_size(tmp_path: Path, size: int) -> None:
    path = Made(input_shape=["n", 3, size, size]).write(tmp_path, SIDE)
    encoder = load_encoder(path)
    assert encoder.input_size == size
    trunk = frozen_trunk(encoder, read_model(encoder))
    even = np.full((224, 224, 3), (30, 120, 210), np.uint8)
    expected = asked_directly(path, "map", even[:1, :1].repeat(size, 0).repeat(size, 1))
    np.testing.assert_allclose(trunk(even), expected.mean((1, 2)), atol=1e-5)
    half = even.copy()
    half[:, 112:] = 0  # left and right stay where they are
    prepared = np.zeros((size, size, 3), np.uint8)
    prepared[:, : size // 2] = even[0, 0]
    expected = asked_directly(path, "map", prepared).mean((1, 2))
    np.testing.assert_allclose(trunk(half), expected, atol=0.05)


def some_head(width: int = 8) -> Any:
    return keras.Sequential(
        [
            keras.layers.Input((width,)),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(6, activation="relu", bias_initializer="normal"),
            keras.layers.Dense(4, activation="softmax", use_bias=False),
        ]
    )


@pytest.mark.parametrize(
    "made",
    [
        Made(),
        Made(answers=("embedding", "map"), kind=HALF),
        Made(answers=("tokens",), opset=11),
        Made(input_shape=["n", "h", "w", 3], answers=("map_last", "embedding")),
        Made(input_shape=[1, 3, 160, 160]),
    ],
    ids=["map", "half", "tokens", "channels last", "small"],
)
def test_deployed_network_is_trunk_and_head(tmp_path: Path, made: Made) -> None:
    encoder = load_encoder(made.write(tmp_path))
    model = read_model(encoder)
    head, trunk = some_head(), frozen_trunk(encoder, model)
    deployed = deployed_onnx(encoder, model, head)
    onnx.checker.check_model(deployed)
    file = tmp_path / "deployed.onnx"
    onnx.save(deployed, file)
    served = Encoder(file, threads=1)
    assert served.classes == 4
    for seed in range(3):
        features, encoded = trunk(pixels(seed)), served.encode(pixels(seed))
        expected = np.asarray(head(features[None]))[0]
        np.testing.assert_allclose(encoded.probabilities, expected, atol=1e-5)
        length = np.linalg.norm(features)
        np.testing.assert_allclose(encoded.embedding, features / length, atol=1e-5)


def test_head_of_other_layers(tmp_path: Path) -> None:
    encoder = load_encoder(Made().write(tmp_path))
    head = keras.Sequential([keras.layers.Input((8,)), keras.layers.LayerNormalization()])
    with pytest.raises(TypeError, match="neither Dense nor Dropout"):
        deployed_onnx(encoder, read_model(encoder), head)


def test_one_exported_from_keras(tmp_path: Path) -> None:
    network = keras.Sequential(
        [
            keras.layers.Input((64, 64, 3)),
            keras.layers.Conv2D(5, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(7, 3, strides=4),
        ]
    )
    network(np.zeros((1, 64, 64, 3)))  # Keras exports only what has run
    path = tmp_path / "from_keras.onnx"
    network.export(path, format="onnx", verbose=False)
    encoder = load_encoder(path)
    assert (encoder.layout, encoder.input_size, encoder.feature_dim) == ("NHWC", 64, 7)
    even = np.full((224, 224, 3), (250, 90, 10), np.uint8)
    scaled = (even[:64, :64] / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    expected = np.asarray(network(scaled[None].astype(np.float32))).mean((0, 1, 2))
    features = frozen_trunk(encoder, read_model(encoder))(even)
    np.testing.assert_allclose(features, expected, atol=1e-4)


# Names.


def test_names(tmp_path: Path) -> None:
    assert is_onnx("onnx:/a/b.onnx")
    assert not is_onnx("mobilenet_v2")
    assert encoder_path("onnx:/a/b c.onnx") == Path("/a/b c.onnx")
    encoder = load_encoder(Made().write(tmp_path))
    assert encoder.name == "onnx:My Encoder.onnx"
    assert encoder.slug == f"onnx-my-encoder-{encoder.sha256[:8]}"


def test_identity_follows_whatever_changes_the_features(tmp_path: Path) -> None:
    path = Made(answers=("map", "tokens")).write(tmp_path)
    identities = [load_encoder(path).identity]
    for side in (SIDE, SIDE | {"output": "map"}):
        path.with_suffix(".json").write_text(json.dumps(side))
        identities.append(load_encoder(path).identity)
    Made(answers=("map", "tokens"), factor=2).write(tmp_path)
    identities.append(load_encoder(path).identity)
    assert len(set(identities)) == 4


# The side file.


def load_with(folder: Path, side: dict[str, Any], **made: Any) -> "OnnxEncoder":
    return load_encoder(Made(**made).write(folder, side))


def test_without_a_side_file_something_is_guessed_and_said(tmp_path: Path) -> None:
    encoder = load_encoder(Made().write(tmp_path))
    assert "ImageNet" in encoder.notice
    assert "My Encoder.json" in encoder.notice
    assert 255 * encoder.scaling.scale[0] == pytest.approx(1 / 0.229)


def test_words_of_a_published_model(tmp_path: Path) -> None:
    published = {
        "image_mean": MEAN,
        "image_std": STD,
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 160, "width": 160},
        "license": "MIT",
    }
    path = Made(input_shape=["n", 3, "h", "w"]).write(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(published))
    encoder = load_encoder(path)
    assert (encoder.input_size, encoder.licence, encoder.notice) == (160, "MIT", "")
    own = load_with(tmp_path, SIDE, input_shape=["n", 3, 160, 160])
    np.testing.assert_allclose(own.scaling.scale, encoder.scaling.scale)
    plain = load_with(tmp_path, {"do_normalize": False})
    assert plain.scaling.offset == (0, 0, 0)


def test_side_file_chooses_the_output(tmp_path: Path) -> None:
    answers = ("map", "tokens", "embedding")
    encoder = load_with(tmp_path, {"output": "tokens"}, answers=answers)
    assert (encoder.output, encoder.pooling) == ("tokens", "first token")
    assert "names no mean" in encoder.notice
    with pytest.raises(WeightsDamaged, match="'nothing'; usable are map, tokens, embedding"):
        load_with(tmp_path, {"output": "nothing"}, answers=answers)


@pytest.mark.parametrize(
    ("side", "complaint"),
    [
        ([1], "expected an object"),
        ({"mean": [0.5], "std": [0.5]}, "three numbers"),
        ({"mean": MEAN}, "std must be three numbers"),
        ({"mean": [123, 116, 103], "std": STD}, "between 0 and 1"),
        ({"mean": MEAN, "std": [0.2, 0, 0.2]}, "above 0"),
        ({"size": "large"}, "whole number"),
        ({"size": 9999}, "between 16 and 1024"),
        ({"output": 3}, "output must be text"),
        ({"rescale_factor": 1}, "rescale_factor is 1"),
        ({"do_rescale": False}, "do_rescale"),
    ],
)
def test_side_file_that_makes_no_sense(tmp_path: Path, side: Any, complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint) as caught:
        load_with(tmp_path, side)
    assert "Expected such as" in caught.value.hint


def test_side_file_that_is_no_json(tmp_path: Path) -> None:
    path = Made().write(tmp_path)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsDamaged, match=r"My Encoder\.json cannot be understood"):
        load_encoder(path)


# What is refused.


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="no image encoder"):
        load_encoder(tmp_path / "absent.onnx")


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 a photo", b"PK\x03\x04" * 9])
def test_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsDamaged, match="no ONNX file"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (Made(more_inputs=("input_ids",)), r"2 inputs \(photo, input_ids\), expected one"),
        (Made(input_shape=[1, 1, 224, 224]), "expected one square image of three channels"),
        (Made(input_shape=[8, 3, 224, 224]), "expected one square image"),
        (Made(input_shape=[1, 3, 224, 160]), "expected one square image"),
        (Made(answers=("shape",)), "no output that could be features"),
        (Made(answers=("map", "map_last")), "several outputs .* map, map_last"),
        (Made(factor=math.nan), "values that are no numbers"),
        (Made(opset=9), "opset 9, expected 11 or newer"),
        (Made(opset=200), "ONNX Runtime .* refuses"),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, made: Made, complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint) as caught:
        load_encoder(made.write(tmp_path))
    assert caught.value.hint


def test_input_that_is_no_image(tmp_path: Path) -> None:
    model = Made().model()
    del model.graph.input[0].type.tensor_type.shape.dim[3:]
    onnx.save(model, tmp_path / "wrong.onnx")
    with pytest.raises(WeightsDamaged, match="photo takes float with 3 axes"):
        load_encoder(tmp_path / "wrong.onnx")


def test_file_and_side_file_of_different_sizes(tmp_path: Path) -> None:
    with pytest.raises(WeightsDamaged, match="224 pixels, its side file says 160"):
        load_with(tmp_path, {"size": 160})


def test_numbers_in_a_file_beside(tmp_path: Path) -> None:
    path, beside = tmp_path / "outside.onnx", tmp_path / "outside.data"
    onnx.save_model(
        Made().model(), path, save_as_external_data=True, location=beside.name, size_threshold=0
    )
    inside = load_encoder(Made().write(tmp_path))
    outside = load_encoder(path)
    assert outside.sha256 != inside.sha256
    np.testing.assert_array_equal(
        frozen_trunk(outside, read_model(outside))(pixels()),
        frozen_trunk(inside, read_model(inside))(pixels()),
    )
    beside.write_bytes(beside.read_bytes()[::-1])
    with pytest.raises(WeightsDamaged, match="has changed"):
        read_model(outside)
    beside.unlink()
    with pytest.raises(WeightsNotFound, match=r"outside\.data, which is missing"):
        load_encoder(path)


def test_file_that_changed(tmp_path: Path) -> None:
    path = Made().write(tmp_path)
    encoder = load_encoder(path)
    Made(factor=2).write(tmp_path)
    with pytest.raises(WeightsDamaged, match="has changed since"):
        read_model(encoder)


def test_more_than_one_file_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Made().write(tmp_path)
    monkeypatch.setattr(onnx_file, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(WeightsDamaged, match="one ONNX file"):
        load_encoder(path)
