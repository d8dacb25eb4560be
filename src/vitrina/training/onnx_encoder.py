"""An image encoder that somebody brings as an ONNX file: a frozen trunk under a trained head.

The frozen trunk and the deployed network are the same graph up to the features, so the head meets
in the shop what it learned from. `vitrina.training.onnx_file` finds out how a file is to be run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from vitrina.encoder import INPUT, OUTPUTS
from vitrina.errors import WeightsDamaged
from vitrina.photos import SIZE, Pixels
from vitrina.training.descriptions import Scaling

if TYPE_CHECKING:
    import keras

FEATURES = "features"
OWN = "encoder/"
"""What the names of the file's graph begin with inside ours."""

ACTIVATIONS = {"relu": "Relu", "softmax": "Softmax", "linear": "Identity"}

Pooling = Literal["none", "first token", "average"]


@dataclass(frozen=True, kw_only=True)
class OnnxEncoder:
    """One file and how it is to be run.

    Attributes:
        name: What settings and people call it, such as "onnx:encoder.onnx".
        slug: For names of runs and files, such as "onnx-encoder-0123abcd".
        path: The file.
        sha256: Of the file and of the files that its numbers lie in, hexadecimal.
        input_name: Of its only input.
        input_size: Height and width of the photo it wants, pixels.
        layout: Order of the input's axes.
        half: Whether it takes float16, otherwise float32.
        scaling: What it wants in place of RGB 0..255.
        output: Name of the output that is used.
        pooling: How that output becomes one row: it is one already; its first token (the class
            token of a transformer) is taken; or its map is averaged.
        feature_dim: D, length of that row.
        parameters: How many numbers it holds.
        licence: What its side file says; empty without.
        notice: What somebody who uses it should know; empty where nothing was guessed.
    """

    name: str
    slug: str
    path: Path
    sha256: str
    input_name: str
    input_size: int
    layout: Literal["NCHW", "NHWC"]
    half: bool
    scaling: Scaling
    output: str
    pooling: Pooling
    feature_dim: int
    parameters: int
    licence: str = ""
    notice: str = ""

    @property
    def identity(self) -> str:
        """Names everything that the features depend on, for caches."""
        return f"{self.sha256}/{self.input_size}/{self.scaling}/{self.output}/{self.pooling}"


def frozen_trunk(
    encoder: OnnxEncoder, model: onnx.ModelProto
) -> Callable[[Pixels], npt.NDArray[np.float32]]:
    """The encoder as a function from (224, 224, 3) uint8 to (D,) float32.

    It may be called from several threads: each call runs in one.

    Args:
        encoder: How it is run.
        model: What `vitrina.training.onnx_file.read_model` gives for it.

    Raises:
        WeightsDamaged: ONNX Runtime refuses the file.
    """
    session = start_session(feature_graph(encoder, model), encoder.path)

    def features(pixels: Pixels) -> npt.NDArray[np.float32]:
        row: npt.NDArray[np.float32] = session.run([FEATURES], {INPUT: pixels[None]})[0][0]
        return row

    return features


def deployed_onnx(
    encoder: OnnxEncoder, model: onnx.ModelProto, head: keras.Model
) -> onnx.ModelProto:
    """One graph from a photo's bytes to two answers, as `vitrina.encoder.Encoder` runs it.

    Args:
        encoder: How the encoder is run.
        model: What `vitrina.training.onnx_file.read_model` gives for it.
        head: Dense and Dropout layers, (N, D) float32 -> (N, C) float32 probabilities.

    Returns:
        (1, 224, 224, 3) uint8 RGB `photo` -> (1, C) float32 `probabilities` and (1, D) float32
        `embedding` of unit length.

    Raises:
        TypeError: `head` has a layer of another kind.
    """
    deployed = feature_graph(encoder, model)
    nodes, constants = _head_nodes(head, FEATURES, OUTPUTS[0])
    nodes.append(helper.make_node("LpNormalization", [FEATURES], [OUTPUTS[1]], axis=1, p=2))
    graph = deployed.graph
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    del graph.output[:]
    for name, width in zip(OUTPUTS, (head.outputs[0].shape[1], encoder.feature_dim), strict=True):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
    return deployed


def feature_graph(encoder: OnnxEncoder, model: onnx.ModelProto) -> onnx.ModelProto:
    """The encoder with its preprocessing before it and its pooling behind it.

    Args:
        encoder: How it is run; its `feature_dim` may still be 0.
        model: The file; it stays as it is.

    Returns:
        (1, 224, 224, 3) uint8 `photo` -> (1, D) float32 `features`.
    """
    whole = prepared_graph(encoder, model)
    nodes, constants = _pooling_nodes(encoder, OWN + encoder.output)
    graph = whole.graph
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    del graph.output[:]
    row = [1, encoder.feature_dim or None]
    graph.output.append(helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, row))
    return whole


def prepared_graph(encoder: OnnxEncoder, model: onnx.ModelProto) -> onnx.ModelProto:
    """The encoder with its preprocessing before it: `photo` -> its own outputs, `OWN` before each.

    Dimensions that the file leaves open become fixed, for the runtime to plan with.

    Args:
        encoder: How it is run; `output`, `pooling` and `feature_dim` may still be unknown.
        model: The file; it stays as it is.
    """
    whole = onnx.compose.add_prefix(model, OWN)  # our own names may be among the file's
    graph = whole.graph
    nodes, constants = _preparing_nodes(encoder, OWN + encoder.input_name)
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    del graph.input[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [1, SIZE, SIZE, 3]))
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    return whole


def start_session(model: onnx.ModelProto, path: Path) -> ort.InferenceSession:
    """A session of one thread: photos are run side by side, which wastes less than splitting one.

    Raises:
        WeightsDamaged: ONNX Runtime refuses it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # the error below says it
    try:
        return ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime has no common base for its errors
        raise WeightsDamaged(
            f"ONNX Runtime {ort.__version__} refuses {path.name}: {str(error)[:300]}.",
            hint="Export it again, with an opset that this version knows.",
        ) from error


Nodes = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def _preparing_nodes(encoder: OnnxEncoder, target: str) -> Nodes:
    """From the photo's bytes to the encoder's input, called `target`."""
    chain = _Chain(INPUT)
    chain.add("Cast", to=TensorProto.FLOAT)
    chain.add("Transpose", perm=[0, 3, 1, 2])
    if encoder.input_size != SIZE:
        sizes = np.array([1, 3, encoder.input_size, encoder.input_size], np.int64)
        chain.add_resize(sizes)
    for operator, values in (("Mul", encoder.scaling.scale), ("Add", encoder.scaling.offset)):
        chain.add(operator, np.array(values, np.float32).reshape(1, 3, 1, 1))
    if encoder.layout == "NHWC":
        chain.add("Transpose", perm=[0, 2, 3, 1])
    chain.add("Cast", to=TensorProto.FLOAT16 if encoder.half else TensorProto.FLOAT)
    return chain.ending_as(target)


def _pooling_nodes(encoder: OnnxEncoder, source: str) -> Nodes:
    """From the encoder's output, called `source`, to the features."""
    chain = _Chain(source)
    chain.add("Cast", to=TensorProto.FLOAT)
    if encoder.pooling == "first token":
        chain.add("Gather", np.array(0, np.int64), axis=1)
    elif encoder.pooling == "average":
        if encoder.layout == "NHWC":
            chain.add("Transpose", perm=[0, 3, 1, 2])
        chain.add("GlobalAveragePool")
        chain.add("Flatten", axis=1)
    return chain.ending_as(FEATURES)


def _head_nodes(head: keras.Model, source: str, target: str) -> Nodes:
    import keras  # describing an encoder needs none

    chain = _Chain(source, "head")
    for layer in head.layers:
        if isinstance(layer, keras.layers.InputLayer | keras.layers.Dropout):
            continue  # a dropout passes everything on when it is asked
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        if not isinstance(layer, keras.layers.Dense) or activation not in ACTIVATIONS:
            raise TypeError(f"The head's layer {layer.name} is neither Dense nor Dropout.")
        kernel, *bias = layer.get_weights()
        chain.add("MatMul", kernel)
        if bias:
            chain.add("Add", bias[0])
        chain.add(ACTIVATIONS[activation])
    return chain.ending_as(target)


class _Chain:
    """Nodes that each take what the one before gave, and their constants."""

    def __init__(self, source: str, prefix: str = "") -> None:
        self._last = source
        self._prefix = prefix or source
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, constant: npt.NDArray[Any] | None = None, **options: Any) -> None:
        inputs = [self._last] if constant is None else [self._last, self._constant(constant)]
        self._append(operator, inputs, options)

    def add_resize(self, sizes: npt.NDArray[np.int64]) -> None:
        options = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self._append("Resize", [self._last, "", "", self._constant(sizes)], options)

    def ending_as(self, target: str) -> Nodes:
        """All of them, the last one's output renamed."""
        self._nodes[-1].output[0] = target
        return self._nodes, self._constants

    def _append(self, operator: str, inputs: list[str], options: dict[str, Any]) -> None:
        self._last = f"{self._prefix}/{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [self._last], **options))

    def _constant(self, values: npt.NDArray[Any]) -> str:
        name = f"{self._prefix}/constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name
