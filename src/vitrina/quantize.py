"""A network in whole numbers of 8 bits: smaller by three quarters, and faster on some processors.

Static: the range of every activation is measured on the shop's own photos. What the photo goes
through first and what the answer is made of last stay in floating point: the first convolutions
lose most (docs/inference.md), and the last steps cost nothing.

Only publishing does this: it needs the onnx package, which a server has not got.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from vitrina.encoder import INPUT
from vitrina.errors import QuantisationFailed
from vitrina.photos import Pixels

_OPERATORS = ["Conv", "Clip", "Relu", "Add", "Mul", "MatMul", "Gemm"]


def quantise(model: bytes, photos: Sequence[Pixels], *, kept: int) -> bytes:
    """The same network in whole numbers.

    Activations are unsigned, weights signed with a scale for each channel, and of 7 bits: with 8,
    processors without VNNI overflow silently, which makes a third of the answers wrong.

    Args:
        model: ONNX, in floating point.
        photos: What ranges are measured on, (224, 224, 3) uint8 each.
        kept: How many of the first convolutions stay in floating point.

    Raises:
        QuantisationFailed: this network cannot be quantised.
    """
    # it costs 0.2 s, and only publishing comes here
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch, _quietly():
        plain, prepared, done = (Path(scratch) / f"{name}.onnx" for name in ("a", "b", "c"))
        plain.write_bytes(model)
        try:
            quant_pre_process(plain, prepared, skip_symbolic_shape=True)
            named = onnx.load(prepared)
            left_out = _left_out(named.graph, kept)
            onnx.save(named, prepared)
            quantize_static(
                prepared,
                done,
                _Calibration(photos),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_OPERATORS,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=left_out,
                calibrate_method=CalibrationMethod.MinMax,
            )
        except Exception as error:  # the quantiser has no common base for its errors
            raise QuantisationFailed(
                f"The network cannot be quantised: {str(error)[:200]}.",
                hint="Publish with --precision fp32.",
            ) from error
        return done.read_bytes()


def _left_out(graph: onnx.GraphProto, kept: int) -> list[str]:
    """Names of the nodes that stay as they are; nodes without a name get one."""
    for number, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    convolutions = [row for row, node in enumerate(graph.node) if node.op_type == "Conv"]
    if not convolutions:
        raise ValueError("it has no convolution")
    pooled = [row for row, node in enumerate(graph.node) if node.op_type == "GlobalAveragePool"]
    first, last = convolutions[0], max([convolutions[-1], *pooled])
    names = [node.name for row, node in enumerate(graph.node) if row < first or row > last]
    return names + [graph.node[row].name for row in convolutions[:kept]]


class _Calibration:
    """Photos, one after another, as the quantiser asks for them."""

    def __init__(self, photos: Sequence[Pixels]) -> None:
        self._photos = photos
        self._next = iter(photos)

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        photo = next(self._next, None)
        return None if photo is None else {INPUT: photo[None]}

    def set_range(self, start_index: int, end_index: int) -> None:
        self._next = iter(self._photos[start_index:end_index])

    def __len__(self) -> int:
        return len(self._photos)

    def __iter__(self) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
        while (photo := self.get_next()) is not None:
            yield photo


@contextmanager
def _quietly() -> Iterator[None]:
    """The quantiser advises through the root logger, each time the same."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
