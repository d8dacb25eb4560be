"""Loading any backbone: a named network with ImageNet weights, or an encoder of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.errors import WeightsNotFound
from vitrina.progress import SILENT, Progress
from vitrina.training.backbones import describe_backbone
from vitrina.training.descriptions import Backbone
from vitrina.training.onnx_encoder import OnnxEncoder
from vitrina.training.onnx_file import encoder_path, is_onnx, load_encoder, read_model
from vitrina.training.weights import Provenance, find_weights

if TYPE_CHECKING:
    import keras
    import onnx


@dataclass(frozen=True)
class LoadedBackbone:
    """A backbone with its ImageNet weights.

    Attributes:
        description: What it is.
        network: A flat functional model, (N, 224, 224, 3) float32 RGB 0..255 to
            (N, 7, 7, feature_dim) float32. The pixel scaling is its second layer; the names of
            all layers are the same in every process.
        weights: Where the weights came from.
    """

    description: Backbone
    network: keras.Model
    weights: Provenance


@dataclass(frozen=True)
class LoadedEncoder:
    """An image encoder from an ONNX file of the user's own.

    Attributes:
        description: What it is, and how it is run.
        model: The file's content.
        weights: Where it came from.
    """

    description: OnnxEncoder
    model: onnx.ModelProto
    weights: Provenance


def require_backbone(name: str) -> str:
    """Makes sure that a backbone could be loaded, before any long work; loads no Keras.

    Args:
        name: A name from `list_backbones`, or `onnx:FILE`.

    Returns:
        What people call it.

    Raises:
        SettingError: No backbone has that name.
        WeightsNotFound: There is no such file.
    """
    if not is_onnx(name):
        return describe_backbone(name).title
    path = encoder_path(name)
    if not path.is_file():
        raise WeightsNotFound(
            f"There is no file {path}, so no encoder {name}.",
            hint="onnx: is followed by the path of an ONNX file.",
        )
    return path.name


def load_any(
    name: str, *, weights: Path | None = None, progress: Progress = SILENT
) -> LoadedBackbone | LoadedEncoder:
    """Loads a backbone by name, or an encoder by file.

    Args:
        name: A name from `list_backbones`, or `onnx:FILE`.
        weights: See `load_backbone`; an encoder brings its own.
        progress: Told which place was used, and about slow steps.

    Raises:
        SettingError: No backbone has that name.
        WeightsError: There are no weights, or they are not what they should be.
    """
    if not is_onnx(name):
        return load_backbone(name, weights=weights, progress=progress)
    encoder = load_encoder(encoder_path(name))
    if encoder.notice:
        progress.say(encoder.notice)
    found = Provenance(encoder.name, "file", str(encoder.path), encoder.sha256)
    return LoadedEncoder(encoder, read_model(encoder), found)


def load_backbone(
    name: str,
    *,
    weights: Path | None = None,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> LoadedBackbone:
    """Builds a backbone and gives it ImageNet weights, from the first place that has them.

    Args:
        name: A name from `list_backbones`.
        weights: A file to take them from; then no other place is asked.
        cache: Where converted weights are kept; `vitrina.training.weights.cache_folder()` if None.
        progress: Told which place was used, and about slow steps.

    Raises:
        SettingError: No backbone has that name.
        WeightsNotFound: No place has the weights, or `weights` does not exist.
        WeightsDamaged: `weights` is not what it should be.
    """
    description = describe_backbone(name)
    network, provenance = find_weights(description, weights=weights, cache=cache, progress=progress)
    return LoadedBackbone(description, network, provenance)
