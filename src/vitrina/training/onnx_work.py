"""How much a network has to multiply for one photo, counted from the shapes in its graph."""

from __future__ import annotations

import math

import onnx

_PRODUCTS = ("Conv", "MatMul", "Gemm")


def multiply_adds(model: bytes) -> int:
    """Multiplications with an addition, of all convolutions and matrix products.

    Sums, activations and pooling are left out: they cost time, yet no product.

    Args:
        model: ONNX of fixed shapes, in floating point.

    Returns:
        0 where shapes are missing.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model), data_prop=True).graph
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    } | {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    count = 0
    for node in graph.node:
        if node.op_type not in _PRODUCTS:
            continue
        answer, first, second = (shapes.get(name, []) for name in (node.output[0], *node.input[:2]))
        if not (answer and first and second):
            return 0
        # numbers of the answer, times products behind each of them
        behind = math.prod(second[1:]) if node.op_type == "Conv" else _inner(node, first)
        count += math.prod(answer) * behind
    return count


def _inner(node: onnx.NodeProto, first: list[int]) -> int:
    turned = node.op_type == "Gemm" and any(
        one.name == "transA" and one.i for one in node.attribute
    )
    return first[0 if turned else -1]
