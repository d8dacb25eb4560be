"""Conversions: what stops them, and that the four real ones give the features they should."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitrina.errors import WeightsDamaged
from vitrina.training import weights
from vitrina.training.backbones import NAMED, REGISTRY, describe_backbone
from vitrina.training.conversion import NamedArrays, fill
from vitrina.training.conversion.efficientnet_b0 import unfolded
from vitrina.training.conversion.resnet50 import old_name
from vitrina.training.conversion.tfjs import read_arrays
from vitrina.training.loading import LoadedBackbone, load_backbone

if importlib.util.find_spec("keras") is not None:
    import keras

    from vitrina.training.conversion.network_order import in_network_order

REFERENCE = Path(__file__).parent / "reference" / "features.json"


def photo() -> Any:
    """A picture made of integers: a checkerboard on gradients; (1, 224, 224, 3) float32 RGB."""
    rows, columns = np.indices((224, 224))
    squares = (rows // 16 + columns // 16) % 2 * 64
    red = columns * 191 // 223 + squares
    green = rows * 191 // 223 + squares
    blue = 255 - (rows + columns) * 255 // 446
    return np.stack([red, green, blue], -1).astype(np.uint8).astype(np.float32)[None]


# The four real conversions, from the package registries.


@pytest.fixture(scope="module", params=NAMED)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A backbone with the weights of its package, kept in the usual cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        patch.setattr(weights, "unreachable", lambda _: "the tests ask package registries only")
        return load_backbone(request.param)


@pytest.mark.train
def test_features_are_the_reference_ones(loaded: LoadedBackbone) -> None:
    reference = json.loads(REFERENCE.read_text())[loaded.description.name]
    features = loaded.network.predict(photo(), verbose=0)
    assert features.shape == (1, 7, 7, loaded.description.feature_dim)
    pooled = features.mean((0, 1, 2))
    np.testing.assert_allclose(pooled[:64], reference[loaded.weights.detail], atol=1e-3)


@pytest.mark.train
def test_red_and_blue_are_told_apart(loaded: LoadedBackbone) -> None:
    reference = json.loads(REFERENCE.read_text())[loaded.description.name]
    swapped = loaded.network.predict(photo()[..., ::-1], verbose=0).mean((0, 1, 2))
    assert np.abs(swapped[:64] - reference[loaded.weights.detail]).max() > 0.02


@pytest.mark.train
def test_exported_network_agrees(loaded: LoadedBackbone, tmp_path: Path) -> None:
    import onnxruntime

    expected = loaded.network.predict(photo(), verbose=0)
    path = tmp_path / "network.onnx"
    loaded.network.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [entry] = session.get_inputs()  # and no constant that somebody would have to feed
    [found] = session.run(None, {entry.name: photo()})
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.train
def test_saved_network_is_rebuilt(loaded: LoadedBackbone, tmp_path: Path) -> None:
    loaded.network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    expected = loaded.network.predict(photo(), verbose=0)
    np.testing.assert_array_equal(again.predict(photo(), verbose=0), expected)


@pytest.mark.train
def test_provenance(loaded: LoadedBackbone) -> None:
    package = loaded.description.package
    assert loaded.weights == weights.Provenance(
        loaded.description.name, "package", str(package), package.sha256
    )


def test_every_package_has_a_reference() -> None:
    reference = json.loads(REFERENCE.read_text())
    assert {name: list(of) for name, of in reference.items()} == {
        backbone.name: [str(backbone.package)] for backbone in REGISTRY if backbone.package
    }


# What stops a conversion.


def tiny_network() -> Any:
    photo = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(photo)
    x = keras.layers.BatchNormalization(name="bn")(x)
    return keras.Model(photo, keras.layers.DepthwiseConv2D(3, use_bias=False, name="deep")(x))


def tiny_state() -> dict[str, Any]:
    """Tensors as PyTorch shapes them: channels out, channels in, height, width."""
    counter = iter(range(1000))

    def tensor(*shape: int) -> Any:
        return np.full(shape, next(counter), np.float32)

    return {
        "0.weight": np.arange(108, dtype=np.float32).reshape(4, 3, 3, 3),
        "1.weight": tensor(4),
        "1.bias": tensor(4),
        "1.running_mean": tensor(4),
        "1.running_var": tensor(4),
        "2.weight": np.arange(36, dtype=np.float32).reshape(4, 1, 3, 3),
    }


@pytest.mark.train
def test_network_order() -> None:
    network, state = tiny_network(), tiny_state()
    fill(network, in_network_order(state, network))
    kernel = network.get_layer("conv").get_weights()[0]
    assert kernel[1, 2, 0, 3] == state["0.weight"][3, 0, 1, 2]
    deep = network.get_layer("deep").get_weights()[0]
    assert deep[1, 2, 3, 0] == state["2.weight"][3, 0, 1, 2]
    assert network.get_layer("bn").moving_variance.numpy().tolist() == [3.0] * 4


@pytest.mark.train
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda state: state.pop("2.weight"), "expected a tensor called .weight, found the end"),
        (lambda state: state.pop("1.bias"), r"Layer bn: .* \.bias, found 1\.running_mean"),
        (lambda state: state.update({"3.weight": np.ones(4)}), "1 tensors belong to no layer: 3"),
        (
            lambda state: state.update({"0.weight": np.ones((4, 3))}),
            r"expected the kernel of a convolution, found a tensor of shape \(4, 3\)",
        ),
    ],
)
def test_network_order_that_breaks(change: Any, complaint: str) -> None:
    state = tiny_state()
    change(state)
    with pytest.raises(WeightsDamaged, match=complaint):
        in_network_order(state, tiny_network())


@pytest.mark.train
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda arrays: arrays.pop("bn"), r"1 layers get none \(bn\)"),
        (lambda arrays: arrays.update(more=[]), r"1 names are no layers \(more\)"),
        (lambda arrays: arrays["bn"].pop(), r"Layer bn: expected shapes .*, found"),
        (
            lambda arrays: arrays.update(conv=[np.ones((3, 3, 4, 3))]),
            r"Layer conv: expected shapes \[\(3, 3, 3, 4\)\], found \[\(3, 3, 4, 3\)\]",
        ),
        (lambda arrays: arrays["deep"][0].fill(np.inf), "Layer deep: expected finite"),
    ],
)
def test_filling_that_breaks(change: Any, complaint: str) -> None:
    network = tiny_network()
    arrays = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    change(arrays)
    with pytest.raises(WeightsDamaged, match=complaint):
        fill(network, arrays)


def test_named_arrays() -> None:
    arrays = NamedArrays({"a": np.ones(1), "b": np.ones(1), "c": np.ones(1)})
    arrays.take("a")
    with pytest.raises(WeightsDamaged, match="Expected an array 'a'"):
        arrays.take("a")
    with pytest.raises(WeightsDamaged, match=r"1 arrays .* belong to no layer: c"):
        arrays.finish(unused=["b"])
    arrays.finish(unused=["b", "c", "never there"])


def tfjs(dtype: str = "float32", shards: tuple[int, ...] = (12, 12)) -> dict[str, bytes]:
    """A model of two arrays, 4 float32 and then 2 of `dtype`, in shards of so many bytes."""
    stream = np.arange(4, dtype="<f4").tobytes() + np.arange(2, dtype="<i4").tobytes() + bytes(99)
    names = [f"shard{number}.bin" for number in range(len(shards))]
    listed = [
        {"name": "first", "shape": [2, 2], "dtype": "float32"},
        {"name": "second", "shape": [2], "dtype": dtype},
    ]
    manifest = {"weightsManifest": [{"paths": names, "weights": listed}]}
    members = {"package/model.json": json.dumps(manifest).encode()}
    at = 0
    for name, size in zip(names, shards, strict=True):
        members[f"package/{name}"] = stream[at : at + size]
        at += size
    return members


def test_tfjs_arrays_run_across_shards() -> None:
    arrays = read_arrays(tfjs("int32"))
    assert list(arrays) == ["first"]
    assert arrays["first"].tolist() == [[0, 1], [2, 3]]
    assert list(read_arrays(tfjs())) == ["first", "second"]


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        (tfjs("float16"), "second: expected plain float32 or int32, found float16"),
        (tfjs(shards=(12, 8)), "second: expected bytes 16 to 24, but the shards hold 20"),
        (tfjs(shards=(12, 16)), "Expected 24 bytes in the shards, found 28"),
        ({"model.json": b"{"}, "lists no weights"),
        ({"model.json": b"{}"}, "lists no weights"),
        ({}, "Expected a file model.json"),
    ],
)
def test_tfjs_that_breaks(members: dict[str, bytes], complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint):
        read_arrays(members)


def test_tfjs_shard_missing() -> None:
    members = tfjs()
    del members["package/shard1.bin"]
    with pytest.raises(WeightsDamaged, match=r"Expected a file shard1\.bin"):
        read_arrays(members)


@pytest.mark.parametrize(
    ("today", "before"),
    [
        ("conv1_conv", ("conv1", "conv")),
        ("conv1_bn", ("bn_conv1", "bn")),
        ("conv2_block1_0_conv", ("res2a_branch1", "conv")),
        ("conv4_block6_2_bn", ("bn4f_branch2b", "bn")),
    ],
)
def test_names_of_resnet50(today: str, before: tuple[str, str]) -> None:
    assert old_name(today) == before


def test_layer_of_another_network() -> None:
    with pytest.raises(WeightsDamaged, match="Expected the layers of a ResNet50"):
        old_name("block1a_bn")


def test_unfolded_batch_norm_only_adds() -> None:
    gamma, beta, mean, variance = unfolded(np.array([3, -2], np.float32), 1e-3)
    inputs = np.array([0.5, 7], np.float32)
    outputs = gamma * (inputs - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(outputs, inputs + beta, atol=1e-6)


@pytest.mark.train
def test_conversion_refuses_the_layers_of_another_network() -> None:
    from vitrina.training.conversion import efficientnet_b0
    from vitrina.training.network import build_network

    backbone = describe_backbone("resnet50")
    with pytest.raises(WeightsDamaged, match="Expected the layers of an EfficientNet-B0"):
        efficientnet_b0.convert(tfjs(), build_network(backbone, backbone.package))
