"""What the training part of the installation brings; without it a shop is searched and served."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.errors import MissingExtra

if TYPE_CHECKING:
    from vitrina.near_copies import Embeddings
    from vitrina.pixels import PixelCache
    from vitrina.progress import Progress

# tf2onnx is what Keras exports to ONNX with; nothing here imports it by name
_NEEDED_TO_TRAIN = (
    "keras", "keras_tuner", "tensorflow", "tf2onnx", "onnx", "scipy", "matplotlib", "seaborn",
    "psutil",
)  # fmt: skip


def require_training() -> None:
    """Makes sure that the training part is installed; loads nothing of it.

    Raises:
        MissingExtra: it is not.
    """
    missing = [name for name in _NEEDED_TO_TRAIN if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Training needs {', '.join(missing)}, which this installation does not have.",
            hint="pip install 'vitrina[train]'",
        )


def embeddings_from_imagenet(
    cache: Path, names: Sequence[str], pixels: PixelCache, progress: Progress
) -> Embeddings:
    """Of photos, from a network that never saw the shop's labels.

    Args:
        cache: The shop's cache folder.
        names: SHA-256 of each photo.
        pixels: All those photos.
        progress: Where the work reports to.

    Raises:
        MissingExtra: the training part is not installed.
        WeightsError: no usable ImageNet weights.
    """
    require_training()
    from vitrina.training.framework import load_framework

    load_framework()
    from vitrina.training.imagenet_embeddings import imagenet_embeddings

    return imagenet_embeddings(cache, names, pixels, progress)
