"""Keras -> ONNX, for what is deployed and for the frozen trunk that training runs many times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import onnx

from vitrina.training.onnx_input import scale_in_first_convolution
from vitrina.training.onnx_operators import register_operators

_CATCH_ERRORS = "TF2ONNX_CATCH_ERRORS"


def to_onnx(model: keras.Model, *, input_name: str, output_names: Sequence[str]) -> onnx.ModelProto:
    """The network as ONNX, one photo a call.

    A fixed shape lets the runtime plan its memory once, and batches gain nothing on a processor.
    The converter is called without Keras's export before it, which traces the network a second
    time and walks through all of its objects: half of the time.

    Args:
        model: Functional, one input.
        input_name: What the graph's input is called, whatever Keras called it.
        output_names: Likewise, in the order of the model's outputs.
    """
    import tensorflow as tf
    from tf2onnx import convert

    register_operators()
    photo = tf.TensorSpec((1, *model.input.shape[1:]), model.input.dtype, name=input_name)
    network = tf.function(lambda one: model(one, training=False), [photo], autograph=False)
    with _without_copies(), _written_once():
        converted, _ = convert.from_function(network, [photo])
    _name_interface(converted.graph, input_name, output_names)
    scale_in_first_convolution(converted)
    onnx.checker.check_model(converted)
    return converted


@contextmanager
def _without_copies() -> Iterator[None]:
    """Inside, a pass of the converter that fails ends the conversion.

    Else it copies the whole network before each of two dozen passes, to go back to.
    """
    before = os.environ.get(_CATCH_ERRORS)
    os.environ[_CATCH_ERRORS] = "FALSE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CATCH_ERRORS]
        else:
            os.environ[_CATCH_ERRORS] = before


@contextmanager
def _written_once() -> Iterator[None]:
    """Inside, the converter writes the weights down at its end alone, as it does in any case.

    Else each of its two dozen passes writes them all down anew, into memory that Protocol Buffers
    give back with the last of them: 2 GB for a network of 94 MB.
    """
    from tf2onnx.optimizer.optimizer_base import GraphOptimizerBase

    def optimize(self: Any, graph: Any, iteration: int) -> Any:
        self.opt_iteration = iteration
        graph = self._optimize(graph)
        graph.delete_unused_nodes(graph.outputs)
        return graph

    before = GraphOptimizerBase.optimize
    GraphOptimizerBase.optimize = optimize
    try:
        yield
    finally:
        GraphOptimizerBase.optimize = before


def _name_interface(graph: onnx.GraphProto, input_name: str, output_names: Sequence[str]) -> None:
    renamed = {graph.input[0].name: input_name} | {
        output.name: name for output, name in zip(graph.output, output_names, strict=True)
    }
    for value in (*graph.input, *graph.output):
        value.name = renamed[value.name]
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
