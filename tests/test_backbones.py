"""The registry, and that every network is built as its description says."""

import importlib.util
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from vitrina.errors import SettingError
from vitrina.training.backbones import NAMED, REGISTRY, describe_backbone, list_backbones
from vitrina.training.descriptions import IMAGENET_STANDARDISED, Backbone

NAMES = list_backbones()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", [each.name for each in REGISTRY]),
        ("efficientnet_v2_b?", [f"efficientnet_v2_b{number}" for number in range(4)]),
        ("resnet??", ["resnet50"]),
        ("vgg*", ["vgg16", "vgg19"]),
        ("nothing*", []),
    ],
)
def test_list(pattern: str, expected: list[str]) -> None:
    assert list_backbones(pattern) == expected


def test_the_named_ones_come_first_and_have_a_package() -> None:
    assert set(list_backbones()[: len(NAMED)]) == set(NAMED)
    assert len(set(NAMES)) == len(NAMES)
    with_package = [each.name for each in REGISTRY if each.package]
    assert set(with_package) == set(NAMED)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("resnet", "resnet50"),
        ("MobileNetV2", "mobilenet_v2"),
        ("efficientnet-b0", "efficientnet_b0"),
        ("EfficientNetV2-B1", "efficientnet_v2_b1"),
        ("convnext", "convnext_tiny"),
        ("MobileNetV3Smal", "mobilenet_v3_small"),
    ],
)
def test_unknown_name_lists_near_and_usual_ones(wrong: str, near: str) -> None:
    with pytest.raises(SettingError, match=wrong) as caught:
        describe_backbone(wrong)
    meant, _, usual = caught.value.hint.partition("The usual ones are ")
    assert meant.startswith("Did you mean")
    assert near in meant
    assert all(name in usual for name in NAMED)
    assert len(caught.value.hint) < 300


def test_name_far_from_all() -> None:
    with pytest.raises(SettingError) as caught:
        describe_backbone("qqq")
    assert caught.value.hint.startswith("The usual ones are ")


@pytest.mark.parametrize("backbone", REGISTRY, ids=NAMES)
def test_description_is_complete(backbone: Backbone) -> None:
    assert describe_backbone(backbone.name) is backbone
    assert bool(backbone.keras_class) != bool(backbone.builder)
    assert bool(backbone.official) == bool(backbone.keras_class)
    assert backbone.sources
    if backbone.package:
        assert len(bytes.fromhex(backbone.package.sha256)) == 32
        assert backbone.package.registry in {"PyPI", "npm"}
    if backbone.official:
        assert backbone.official.file_name.endswith(".h5")


def test_standardised_scaling() -> None:
    scale, offset = IMAGENET_STANDARDISED.scale, IMAGENET_STANDARDISED.offset
    assert 0.485 * 255 * scale[0] + offset[0] == pytest.approx(0)
    assert (0.406 + 0.225) * 255 * scale[2] + offset[2] == pytest.approx(1)


def test_listing_needs_no_keras() -> None:
    program = (
        "import sys; from vitrina.training import backbones, weights; "
        "backbones.describe_backbone('resnet50'); weights.weights_status(); "
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


if importlib.util.find_spec("keras") is not None:
    import keras
    from keras.src.utils import file_utils

    from vitrina.training.cut import cut_network
    from vitrina.training.network import (
        PIXEL_SCALING,
        build_network,
        load_official,
        stable_names,
        take_rgb,
    )
    from vitrina.training.onnx_conversion import to_onnx

ONE_OF_EACH_KIND = (
    *NAMED,
    *("mobilenet", "mobilenet_v3_small", "efficientnet_v2_b0", "efficientnet_v2_s"),
    *("densenet121", "xception", "resnet50_v2", "convnext_tiny", "vgg16"),
)
"""At least one of each family and each pixel scaling; the others differ from it in size."""


@pytest.fixture(autouse=True)
def forget_networks() -> Any:
    """Keras keeps every network it ever built until it is told."""
    yield
    if importlib.util.find_spec("keras") is not None:
        keras.backend.clear_session()


@pytest.mark.train
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_network_is_as_described(name: str) -> None:
    backbone = describe_backbone(name)
    for source in backbone.sources:
        network = build_network(backbone, source)
        assert network.name == backbone.name
        assert network.input_shape == (None, 224, 224, 3)
        assert network.output_shape == (None, 7, 7, backbone.feature_dim)
        assert network.count_params() == backbone.parameters
        assert len(network.layers) == backbone.layers
        assert network.layers[-1].name == backbone.last_layer
        kinds = [type(layer) for layer in network.layers]
        assert keras.layers.Normalization not in kinds
        assert kinds[1] is keras.layers.Rescaling
        assert network.layers[1].name == PIXEL_SCALING
        assert not any(isinstance(layer, keras.Model) for layer in network.layers)
        assert all(isinstance(part, keras.Layer) for part in network.operations)
        if source.bn_epsilon is not None:
            epsilons = {
                layer.epsilon
                for layer in network.layers
                if isinstance(layer, keras.layers.BatchNormalization)
            }
            assert epsilons == {source.bn_epsilon}
        middle = network.layers[len(network.layers) // 2].output  # fails if called twice
        assert keras.Model(network.input, middle).output_shape[0] is None


@pytest.mark.train
@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v3_small", "convnext_tiny"])
def test_names_of_layers_are_stable(name: str) -> None:
    backbone = describe_backbone(name)
    first, again = (build_network(backbone, backbone.official) for _ in range(2))
    assert [layer.name for layer in again.layers] == [layer.name for layer in first.layers]


@pytest.mark.train
@pytest.mark.parametrize("name", [each.name for each in REGISTRY if each.official])
def test_keras_has_what_the_description_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, fetched = describe_backbone(name), []

    def fetch(file_name: str, origin: str, **_: Any) -> str:
        fetched.append((file_name, origin))
        return ""

    monkeypatch.setattr(file_utils, "get_file", fetch)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    keras_class = getattr(keras.applications, backbone.keras_class)
    model = keras_class(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
    assert fetched == [(backbone.official.file_name, backbone.official.url)]
    assert model.output_shape == (None, 7, 7, backbone.feature_dim)
    names = list(stable_names(model).values())
    assert names[-1] == backbone.last_layer
    assert len(names) + 1 == backbone.layers  # and the pixel scaling
    scaling = [each for each in model.layers if isinstance(each, keras.layers.Normalization)]
    assert model.count_params() - sum(e.count_params() for e in scaling) == backbone.parameters


def disturb(model: Any) -> None:
    """Moves statistics and biases away from 0 and 1, so that nothing passes unnoticed."""
    for number, weight in enumerate(model.weights):
        if weight.path.endswith(("beta", "bias", "moving_mean")):
            weight.assign(np.linspace(-0.2, 0.3, weight.shape[0]) * (1 + number % 3))
        if "layer_scale" in weight.path:
            weight.assign(np.linspace(0.5, 1, np.prod(weight.shape)).reshape(weight.shape))
    for layer in model.layers:
        # EfficientNet brings its figures in the weights file, the deviation in place of its square
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            figures = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0)
            layer.set_weights([np.array(each) for each in figures])
            layer.finalize_state()


@pytest.mark.train
@pytest.mark.parametrize(
    "name", [name for name in ONE_OF_EACH_KIND if describe_backbone(name).official]
)
def test_features_are_those_of_keras_with_its_own_preprocessing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = describe_backbone(name)
    keras_class = getattr(keras.applications, backbone.keras_class)
    made = []

    def pretrained(*, weights: str | None, **options: Any) -> Any:
        model = keras_class(weights=weights, **options)
        if weights == "imagenet":
            disturb(model)
            made.append(model)
        return model

    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: "")
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    monkeypatch.setattr(keras.applications, backbone.keras_class, pretrained)
    network = load_official(backbone, backbone.official, None)
    photo = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    preprocess = sys.modules[keras_class.__module__].preprocess_input
    expected = np.asarray(made[0](preprocess(photo.copy())))
    spread = expected.std()
    assert spread > 1e-6
    np.testing.assert_allclose(np.asarray(network(photo)) / spread, expected / spread, atol=1e-3)


@pytest.mark.train
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ONE_OF_EACH_KIND
        if name not in (*NAMED, "mobilenet", "efficientnet_v2_s", "vgg16")
    ],
)
def test_others_are_cut_saved_and_exported(name: str, tmp_path: Any) -> None:
    import onnxruntime

    keras.utils.set_random_seed(3)
    backbone = describe_backbone(name)
    network = build_network(backbone, backbone.sources[0])
    disturb(network)
    cut = cut_network(network, 15)
    # a trunk that ends among the first layers would save nothing
    assert cut.trunk.output.shape[1] <= 28
    photo = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    answer = np.asarray(network(photo))
    expected = answer / (spread := answer.std())
    halves = np.asarray(cut.tail(cut.trunk(photo)))
    np.testing.assert_allclose(halves / spread, expected, atol=1e-4)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(np.asarray(again(photo)) / spread, expected, atol=1e-4)
    converted = to_onnx(network, input_name="photo", output_names=["features"])
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    [found] = session.run(None, {"photo": photo})
    np.testing.assert_allclose(found / spread, expected, atol=1e-3)


@pytest.mark.train
def test_the_first_layer_scales_pixels() -> None:
    backbone = describe_backbone("efficientnet_b0")
    network = build_network(backbone, backbone.package)
    scaling = keras.Model(network.input, network.get_layer(PIXEL_SCALING).output)
    photo = np.full((1, 224, 224, 3), (0, 127.5, 255), np.float32)
    found = scaling.predict(photo, verbose=0)[0, 0, 0]
    expected = [(0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.train
def test_bgr_weights_get_rgb() -> None:
    backbone = describe_backbone("resnet50")
    network = build_network(backbone, backbone.package)
    before = network.get_layer("conv1_conv").get_weights()[0]
    take_rgb(network, backbone.package)
    after = network.get_layer("conv1_conv").get_weights()[0]
    np.testing.assert_array_equal(after[:, :, 0], before[:, :, 2])
    np.testing.assert_array_equal(after[:, :, 1], before[:, :, 1])
