"""A network in OpenVINO: the other engine, imported only where the settings name it.

Nothing is sent to anybody: OpenVINO's telemetry belongs to its converter of models, which is never
called here, for the file is read as it is.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from vitrina.machine import usable_cores
from vitrina.photos import Pixels


class OpenVinoNetwork:
    """A compiled network; each thread that asks has a request of its own.

    Args:
        model: The ONNX file.
        threads: For one inference.
    """

    def __init__(self, model: Path, threads: int) -> None:
        streams = max(1, usable_cores() // max(threads, 1))
        settings = {
            "INFERENCE_NUM_THREADS": streams * max(threads, 1),
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": "f32",  # some processors would halve the precision
            "CACHE_DIR": "",
        }
        self._compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        self._own = threading.local()

    def interface(self) -> tuple[list[tuple[str, str, list[Any]]], tuple[str, ...]]:
        """As ONNX Runtime tells it."""
        inputs = [
            (one.any_name, _TYPES.get(str(one.element_type), str(one.element_type)), _shape(one))
            for one in self._compiled.inputs
        ]
        return inputs, tuple(output.any_name for output in self._compiled.outputs)

    def classes(self) -> int:
        """Length of the first output."""
        return int(self._compiled.outputs[0].partial_shape[1].get_length())

    def run(self, photo: Pixels) -> tuple[Any, Any]:
        """(1, 224, 224, 3) uint8 -> (1, C) and (1, D) float32."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        request.infer({0: np.ascontiguousarray(photo)}, share_inputs=True)
        # copies: the next photo of this thread is answered into the same memory
        first, second = (request.get_output_tensor(number).data.copy() for number in (0, 1))
        return first, second


_TYPES = {"<Type: 'uint8_t'>": "tensor(uint8)"}


def _shape(port: Any) -> list[Any]:
    return [axis.get_length() if axis.is_static else str(axis) for axis in port.partial_shape]
