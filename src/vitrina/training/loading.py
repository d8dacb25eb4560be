"""The one verb that loads any backbone: its network, with ImageNet weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.progress import SILENT, Progress
from vitrina.training.backbones import Backbone, describe_backbone
from vitrina.training.weights import Provenance, find_weights

if TYPE_CHECKING:
    import keras


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
