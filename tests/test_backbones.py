"""The registry, and that every network is built as its description says."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from vitrina.errors import SettingError
from vitrina.training.backbones import (
    IMAGENET_STANDARDISED,
    REGISTRY,
    Backbone,
    describe_backbone,
    list_backbones,
)

NAMES = list_backbones()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["mobilenet_v2", "efficientnet_lite0", "efficientnet_b0", "resnet50"]),
        ("efficientnet*", ["efficientnet_lite0", "efficientnet_b0"]),
        ("resnet??", ["resnet50"]),
        ("vgg*", []),
    ],
)
def test_list(pattern: str, expected: list[str]) -> None:
    assert list_backbones(pattern) == expected


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("resnet", "resnet50"),
        ("MobileNetV2", "mobilenet_v2"),
        ("efficientnet-b0", "efficientnet_b0"),
    ],
)
def test_unknown_name_lists_near_and_all(wrong: str, near: str) -> None:
    with pytest.raises(SettingError, match=wrong) as caught:
        describe_backbone(wrong)
    meant, _, known = caught.value.hint.partition("Known: ")
    assert meant.startswith("Did you mean")
    assert near in meant
    assert all(name in known for name in NAMES)


def test_name_far_from_all() -> None:
    with pytest.raises(SettingError) as caught:
        describe_backbone("qqq")
    assert caught.value.hint.startswith("Known: ")


@pytest.mark.parametrize("backbone", REGISTRY, ids=NAMES)
def test_description_is_complete(backbone: Backbone) -> None:
    assert describe_backbone(backbone.name) is backbone
    assert bool(backbone.keras_class) != bool(backbone.builder)
    assert bool(backbone.official) == bool(backbone.keras_class)
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

    from vitrina.training.network import PIXEL_SCALING, build_network, take_rgb


def sources(backbone: Backbone) -> list[object]:
    return [source for source in (backbone.package, backbone.official) if source]


@pytest.mark.train
@pytest.mark.parametrize("backbone", REGISTRY, ids=NAMES)
def test_network_is_as_described(backbone: Backbone) -> None:
    for source in sources(backbone):
        network = build_network(backbone, source)
        assert network.name == backbone.name
        assert network.input_shape == (None, 224, 224, 3)
        assert network.output_shape == (None, 7, 7, backbone.feature_dim)
        assert network.count_params() == backbone.parameters
        assert len(network.layers) == backbone.layers
        assert network.layers[-1].name == backbone.last_layer
        kinds = [type(layer) for layer in network.layers]
        assert kinds.count(keras.layers.Rescaling) == 1
        assert keras.layers.Normalization not in kinds
        assert network.layers[1].name == PIXEL_SCALING
        epsilons = {
            layer.epsilon
            for layer in network.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        }
        assert epsilons == {source.bn_epsilon}


@pytest.mark.train
@pytest.mark.parametrize("backbone", REGISTRY, ids=NAMES)
def test_network_is_flat_and_its_names_are_stable(backbone: Backbone) -> None:
    network = build_network(backbone, backbone.package)
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    again = build_network(backbone, backbone.package)
    assert [layer.name for layer in again.layers] == [layer.name for layer in network.layers]
    middle = network.layers[len(network.layers) // 2].output  # fails if a layer was called twice
    assert keras.Model(network.input, middle).output_shape[0] is None


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
