"""A backbone with random weights, as it would be served."""

from __future__ import annotations

import keras
import numpy as np

from vitrina.encoder import INPUT, OUTPUTS
from vitrina.training.backbones import describe_backbone
from vitrina.training.deployed import deployed_network
from vitrina.training.head import build_head
from vitrina.training.network import build_network
from vitrina.training.onnx_conversion import to_onnx
from vitrina.training.plan import vitrina_plan


def random_network(name: str, classes: int) -> bytes:
    """ONNX of a backbone and a head; its normalisations hold numbers such as trained ones do.

    Those that Keras begins with would let the export leave out what a trained network computes.

    Args:
        name: One of `vitrina.training.backbones`.
        classes: Of the head.
    """
    backbone = describe_backbone(name)
    network = build_network(backbone, backbone.sources[0])
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights(
                [random.uniform(0.8, 1.2, one.shape).astype(np.float32) for one in layer.weights]
            )
    head = build_head(backbone.feature_dim, classes, vitrina_plan(name, seed=0))
    model = deployed_network(network, head)
    return bytes(to_onnx(model, input_name=INPUT, output_names=OUTPUTS).SerializeToString())
