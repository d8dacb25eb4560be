"""ResNet50 from an older Keras, whose layers were called after the ones of Caffe.

The network is that of He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016); its
weights expect BGR with the mean subtracted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vitrina.errors import WeightsDamaged
from vitrina.training.conversion import LayerArrays, NamedArrays
from vitrina.training.conversion.tfjs import read_arrays

if TYPE_CHECKING:
    import keras

BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
CLASSIFIER = ("fc1000/kernel", "fc1000/bias")
BRANCHES = {"0": "1", "1": "2a", "2": "2b", "3": "2c"}
"""By the number that Keras gives a convolution of a block today."""

LAYER = re.compile(r"conv(?P<stage>\d)_block(?P<block>\d)_(?P<branch>\d)_(?P<kind>conv|bn)")


def convert(members: Mapping[str, bytes], network: keras.Model) -> LayerArrays:
    """Arrays for each layer of `network` from the files of a TensorFlow.js model.

    Raises:
        WeightsDamaged: A name is missing or left over.
    """
    arrays = NamedArrays(read_arrays(members))
    converted = {}
    for layer in network.layers:
        if layer.weights:
            old, kind = old_name(layer.name)
            parts = BATCH_NORM if kind == "bn" else ("kernel", "bias")
            converted[layer.name] = [arrays.take(f"{old}/{part}") for part in parts]
    arrays.finish(unused=CLASSIFIER)
    return converted


def old_name(layer: str) -> tuple[str, str]:
    """What the older Keras called a layer, and whether that is a "conv" or a "bn".

    Raises:
        WeightsDamaged: The name is none of a ResNet50.
    """
    if layer == "conv1_conv":
        return "conv1", "conv"
    if layer == "conv1_bn":
        return "bn_conv1", "bn"
    match = LAYER.fullmatch(layer)
    if match is None:
        raise WeightsDamaged(f"Expected the layers of a ResNet50, found {layer!r}.")
    prefix = "bn" if match["kind"] == "bn" else "res"
    block = chr(ord("a") + int(match["block"]) - 1)
    return f"{prefix}{match['stage']}{block}_branch{BRANCHES[match['branch']]}", match["kind"]
