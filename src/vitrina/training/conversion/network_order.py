"""PyTorch files whose tensors stand in the order in which the network uses them.

MobileNetV2 and EfficientNet-Lite0 are chains, so Keras lists their layers in the same order, and
no map of names is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras
import numpy as np

from vitrina.errors import WeightsDamaged
from vitrina.training.conversion import Array, LayerArrays
from vitrina.training.conversion.torch_file import read_tensors

WITHOUT_LAYER = ("num_batches_tracked", "_fc.weight", "_fc.bias")
"""Ends of the names of what no layer takes: a BatchNorm's count of batches, and the classifier."""

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
AXES = {  # of PyTorch's kernel in Keras's order: height, width, channels in, channels out
    keras.layers.Conv2D: (2, 3, 1, 0),
    keras.layers.DepthwiseConv2D: (2, 3, 0, 1),
}


def convert(members: Mapping[str, bytes], network: keras.Model) -> LayerArrays:
    """Arrays for each layer of `network` from one PyTorch state file.

    Raises:
        WeightsDamaged: A tensor is missing, left over, or not of the kind that its layer expects.
    """
    [content] = members.values()
    return in_network_order(read_state(content), network)


def in_network_order(state: Mapping[str, Array], network: keras.Model) -> LayerArrays:
    """Deals the tensors of `state` out to the layers of `network`, both in their own order.

    Raises:
        WeightsDamaged: A tensor is missing, left over, or not of the kind that its layer expects.
    """
    tensors = iter(state.items())
    converted = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            converted[layer.name] = [_next(tensors, part, layer.name) for part in BATCH_NORM]
        elif layer.weights:
            kernel = _next(tensors, "weight", layer.name)
            if kernel.ndim != 4 or type(layer) not in AXES:
                raise WeightsDamaged(
                    f"Layer {layer.name}: expected the kernel of a convolution, "
                    f"found a tensor of shape {kernel.shape}."
                )
            converted[layer.name] = [kernel.transpose(AXES[type(layer)])]
    left = [name for name, _ in tensors]
    if left:
        raise WeightsDamaged(f"{len(left)} tensors belong to no layer: {', '.join(left[:5])}.")
    return converted


def read_state(content: bytes) -> dict[str, Array]:
    """The tensors of a PyTorch state file that belong to layers, by name and in its order.

    Raises:
        WeightsDamaged: It is no such file, or a damaged one.
    """
    return {
        name: tensor.astype(np.float32)
        for name, tensor in read_tensors(content).items()
        if not name.endswith(WITHOUT_LAYER)
    }


def _next(tensors: Iterator[tuple[str, Array]], part: str, layer: str) -> Array:
    name, tensor = next(tensors, ("the end of the file", None))
    if tensor is None or name.rpartition(".")[2] != part:
        raise WeightsDamaged(f"Layer {layer}: expected a tensor called .{part}, found {name}.")
    return tensor
