"""A small network of convolutions with random weights, laid out as Keras exports one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, helper, numpy_helper

CLASSES = 3


def convolutional_model(
    layers: int = 3,
    *,
    scale: Sequence[float] | float = (1 / 127.5, 1 / 100, 1 / 90),
    offset: Sequence[float] | float = (-1.0, -0.5, 0.2),
    pads: Sequence[int] = (1, 1, 1, 1),
    weight: float = 1.0,
) -> bytes:
    """ONNX: (1, 224, 224, 3) uint8 -> probabilities (1, 3), embedding (1, 8) of unit length.

    Args:
        layers: Convolutions.
        scale: What the photo is multiplied by, channel last.
        offset: What is added then.
        pads: Zeros round the scaled photo.
        weight: What the weights are multiplied by; NaN gives no numbers.
    """
    random = np.random.default_rng(3)
    constants = [
        numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
        for name, value in (("scale", scale), ("offset", offset))
    ]

    def drawn(name: str, *shape: int) -> str:
        values = random.standard_normal(shape).astype(np.float32) * weight
        values /= np.sqrt(np.prod(shape[1:]))
        constants.append(numpy_helper.from_array(values, name))
        return name

    nodes = [
        helper.make_node("Cast", ["photo"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["moved"]),
        helper.make_node("Transpose", ["moved"], ["turned"], perm=[0, 3, 1, 2]),
    ]
    last, channels = "turned", 3
    for number in range(layers):
        stride = 4 if number == 0 else 2 if number < 3 else 1
        nodes += [
            helper.make_node(
                "Conv", [last, drawn(f"kernel_{number}", 8, channels, 3, 3)], [f"c{number}"],
                strides=[stride, stride], pads=list(pads if number == 0 else (1, 1, 1, 1)),
            ),
            helper.make_node("Relu", [f"c{number}"], [f"r{number}"]),
        ]  # fmt: skip
        last, channels = f"r{number}", 8
    constants.append(numpy_helper.from_array(np.array([2, 3], np.int64), "axes"))
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Squeeze", ["pooled", "axes"], ["features"]),
        helper.make_node("MatMul", ["features", drawn("head", 8, CLASSES)], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ReduceL2", ["features"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["features", "length"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "convolutional",
        [helper.make_tensor_value_info("photo", TensorProto.UINT8, [1, 224, 224, 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, CLASSES]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 8]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def drawn_photos(number: int, seed: int = 0) -> list[np.ndarray]:
    """Photos of blocks in random colours, (224, 224, 3) uint8."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (number, 7, 7, 3), dtype=np.uint8)
    return list(blocks.repeat(32, axis=1).repeat(32, axis=2))
