"""EfficientNet-B0 from a TensorFlow.js graph whose BatchNorm was folded into its convolutions.

A folded BatchNorm leaves one array, the offset. Keras's layer gets it back as its beta, with
gamma, mean and variance such that it does nothing else; fine-tuning may then move all four.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from vitrina.errors import WeightsDamaged
from vitrina.training.conversion import Array, LayerArrays, NamedArrays
from vitrina.training.conversion.tfjs import read_arrays

if TYPE_CHECKING:
    import keras

GRAPH = "StatefulPartitionedCall/model/"
PREPROCESSING = tuple(
    GRAPH + name
    for name in (
        "tf_op_layer_Mul/Mul/y",
        "tf_op_layer_BroadcastTo/BroadcastTo/input",
        "tf_op_layer_BroadcastTo_1/BroadcastTo_1/input",
    )
)
"""The graph's own pixel scaling, which the network has as a layer instead."""

UNNAMED = re.compile(r"Func/StatefulPartitionedCall/input/_(\d+)")
LAYER = re.compile(
    r"(?:block(?P<stage>\d)(?P<block>[a-z])_)?"
    r"(?:(?P<excite>se_reduce|se_expand)|(?P<part>stem_|top_|expand_|project_|dw|)(?P<kind>conv|bn))"
)


def convert(members: Mapping[str, bytes], network: keras.Model) -> LayerArrays:
    """Arrays for each layer of `network` from the files of a TensorFlow.js model.

    Raises:
        WeightsDamaged: A name is missing or left over.
    """
    everything = read_arrays(members)
    # Squeeze-and-excite and the classifier kept no names, only numbers that rise with the graph.
    unnamed = sorted(
        (name for name in everything if UNNAMED.fullmatch(name)),
        key=lambda name: int(name.rpartition("_")[2]),
    )
    excite, classifier = unnamed[:-2], unnamed[-2:]
    in_order = iter(excite)
    arrays = NamedArrays(everything)
    converted = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        match = LAYER.fullmatch(layer.name)
        if match is None:
            raise WeightsDamaged(
                f"Expected the layers of an EfficientNet-B0, found {layer.name!r}."
            )
        if match["excite"]:
            names = [next(in_order, "a squeeze-and-excite array") for _ in ("kernel", "bias")]
            converted[layer.name] = [arrays.take(name) for name in names]
        elif match["kind"] == "bn":
            offset = arrays.take(f"{_graph_name(match)}_bn_offset")
            converted[layer.name] = unfolded(offset, layer.epsilon)
        else:
            converted[layer.name] = [arrays.take(f"{_graph_name(match)}_weights")]
    arrays.finish(unused=(*PREPROCESSING, *classifier))
    return converted


def unfolded(offset: Array, epsilon: float) -> list[Array]:
    """Gamma, beta, mean and variance of a BatchNorm that only adds `offset`, each (C,) float32."""
    ones = np.ones_like(offset)
    return [ones, offset, np.zeros_like(offset), ones - np.float32(epsilon)]


def _graph_name(match: re.Match[str]) -> str:
    """The name in the graph of a convolution, or of the one before a BatchNorm."""
    if match["part"] in {"", "dw"}:  # Keras calls the BatchNorm after a depthwise one just "bn"
        operation = "depthwise_conv2d/depthwise"
    else:
        operation = f"{match['part']}conv2d/Conv2D"
    if match["stage"] is None:
        return f"{GRAPH}{operation}"
    block = ord(match["block"]) - ord("a")
    return f"{GRAPH}stack_{int(match['stage']) - 1}/block_{block}/{operation}"
