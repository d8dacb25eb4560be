"""The first steps of an exported network, in the order that costs least.

Keras takes photos with the channel last and scales them there: two passes over the picture whose
innermost axis is three numbers long, which a processor's vector units cannot use. They cost a
seventh of MobileNetV2. Here the bytes are turned to channels first while they are still bytes,
the factor goes into the weights of the first convolution, and one addition is left. It is left
because a convolution pads its input with zeros: zeros of the scaled picture, which an offset
moved into the convolution's bias would get wrong along the border.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Numbers = npt.NDArray[np.float64]

_CHANNELS_FIRST = [0, 3, 1, 2]
_SCALING = ("Mul", "Div", "Add", "Sub")


def scale_in_first_convolution(model: onnx.ModelProto) -> bool:
    """Rewrites the beginning of a network in place; leaves any other beginning as it is.

    What is recognised: photo -> numbers -> sums and products with constants, one for all channels
    or one for each -> channels first -> zeros round it -> convolution, each step used by the next
    alone.

    Args:
        model: One input, (1, height, width, 3).

    Returns:
        Whether it was rewritten.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    steps, convolution = _beginning(graph)
    if convolution is None or convolution.input[1] not in constants:
        return False
    kernel = numpy_helper.to_array(constants[convolution.input[1]])
    scaling = [node for node in steps if node.op_type in _SCALING]
    found = _factor_and_offset(scaling, constants)
    if found is None or kernel.shape[1] != 3 or _shared(graph, convolution.input[1]):
        return False
    factor, offset = found
    if not scaling or not factor.all():
        return False
    turned = next(node for node in steps if node.op_type == "Transpose")
    cast = next((node for node in steps if node.op_type == "Cast"), None)
    replaced = steps[: steps.index(turned) + 1]
    photo, scaled = graph.input[0].name, turned.output[0]
    nodes = [helper.make_node("Transpose", [photo], ["photo_turned"], perm=_CHANNELS_FIRST)]
    if cast is not None:
        nodes.append(
            helper.make_node("Cast", ["photo_turned"], ["photo_numbers"], to=onnx.TensorProto.FLOAT)
        )
    last = nodes[-1].output[0]
    nodes.append(helper.make_node("Add", [last, "photo_offset"], [scaled]))
    graph.initializer.extend(
        [
            _tensor("photo_offset", (offset / factor).reshape(1, 3, 1, 1)),
            _tensor("photo_kernel", kernel * factor.reshape(1, 3, 1, 1)),
        ]
    )
    convolution.input[1] = "photo_kernel"
    kept = [node for node in graph.node if all(node is not gone for gone in replaced)]
    nodes.extend(kept)
    # copies, because clearing the list ends the nodes that are in it
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    _drop_unused_constants(graph)
    return True


def with_cheap_beginning(model: bytes) -> bytes:
    """The same for a file's content, which stays as it is where nothing is to be gained."""
    loaded = onnx.load_from_string(model)
    return loaded.SerializeToString() if scale_in_first_convolution(loaded) else model


def _beginning(
    graph: onnx.GraphProto,
) -> tuple[list[onnx.NodeProto], onnx.NodeProto | None]:
    """The steps before the first convolution, and that; None where there are others."""
    outputs = {output.name for output in graph.output}
    steps: list[onnx.NodeProto] = []
    name, turned = graph.input[0].name, False
    while name not in outputs:
        users = [node for node in graph.node if name in node.input]
        if len(users) != 1 or users[0].input[0] != name:
            break
        [node] = users
        if node.op_type == "Conv" and turned:
            return steps, node
        if node.op_type == "Transpose" and not turned:
            turned = list(helper.get_node_attr_value(node, "perm")) == _CHANNELS_FIRST
            if not turned:
                break
        elif node.op_type == "Pad" and turned:
            if len(node.input) > 2 and node.input[2]:
                break  # it may be padded with another number
        elif turned or node.op_type not in ("Cast", *_SCALING):
            break
        steps.append(node)
        name = node.output[0]
    return steps, None


def _factor_and_offset(
    scaling: list[onnx.NodeProto], constants: Mapping[str, onnx.TensorProto]
) -> tuple[Numbers, Numbers] | None:
    """What all of them make of x: factor * x + offset for each channel."""
    factor, offset = np.ones(3), np.zeros(3)
    for node in scaling:
        if node.input[1] not in constants:
            return None
        value = numpy_helper.to_array(constants[node.input[1]]).astype(np.float64)
        if value.size not in (1, 3) or value.shape[-1:] not in ((), (1,), (3,)):
            return None
        value = np.broadcast_to(value.reshape(-1), 3)
        if node.op_type in ("Mul", "Div"):
            value = value if node.op_type == "Mul" else 1 / value
            factor, offset = factor * value, offset * value
        else:
            offset = offset + (value if node.op_type == "Add" else -value)
    return factor, offset


def _shared(graph: onnx.GraphProto, name: str) -> bool:
    return sum(name in node.input for node in graph.node) > 1


def _tensor(name: str, values: Numbers) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name)


def _drop_unused_constants(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    used |= {output.name for output in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(copies)
