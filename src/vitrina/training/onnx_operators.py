"""Operators of TensorFlow that the export to ONNX lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

ERF_OPSET = 9
"""The first that has `Erf`."""


def register_operators() -> None:
    """Teaches the export `Erfc`, which the exact GELU is computed with; may be called again."""
    from tf2onnx.handler import tf_op

    tf_op("Erfc").register_compat_handler(_erfc, ERF_OPSET)


def _erfc(graph: Any, node: Any, **_: Any) -> None:
    """erfc(x) = 1 - erf(x)."""
    shapes, kinds = node.output_shapes, node.output_dtypes
    graph.remove_node(node.name)
    one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
    erf = graph.make_node("Erf", [node.input[0]])
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=node.name,
        outputs=[node.output[0]],
        shapes=shapes,
        dtypes=kinds,
    )
