"""Keras -> ONNX, for what is deployed and for the frozen trunk that training runs many times."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx

from vitrina.training.onnx_input import scale_in_first_convolution
from vitrina.training.onnx_operators import register_operators


def to_onnx(model: keras.Model, *, input_name: str, output_names: Sequence[str]) -> onnx.ModelProto:
    """The network as ONNX, one photo a call.

    A fixed shape lets the runtime plan its memory once, and batches gain nothing on a processor.

    Args:
        model: Functional, one input.
        input_name: What the graph's input is called, whatever Keras called it.
        output_names: Likewise, in the order of the model's outputs.
    """
    register_operators()
    shape, dtype = (1, *model.input.shape[1:]), model.input.dtype
    model(np.zeros(shape, dtype=dtype))  # Keras exports only what has run
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch, warnings.catch_warnings():
        # Keras asks whether NumPy still has `object`, which NumPy answers with a warning
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        file = Path(scratch) / "model.onnx"
        model.export(
            file,
            format="onnx",
            verbose=False,
            input_signature=[keras.InputSpec(shape=shape, dtype=dtype, name=input_name)],
        )
        converted = onnx.load(file)
    _name_interface(converted.graph, input_name, output_names)
    scale_in_first_convolution(converted)
    onnx.checker.check_model(converted)
    return converted


def _name_interface(graph: onnx.GraphProto, input_name: str, output_names: Sequence[str]) -> None:
    renamed = {graph.input[0].name: input_name} | {
        output.name: name for output, name in zip(graph.output, output_names, strict=True)
    }
    for value in (*graph.input, *graph.output):
        value.name = renamed[value.name]
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
