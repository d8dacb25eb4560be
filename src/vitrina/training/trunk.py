"""The frozen trunk of a network in ONNX Runtime: it costs less than half of what it costs in Keras.

Measured by `benchmarks/trunk.py`; the answers differ from Keras's by rounding only.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from vitrina.photos import Pixels
from vitrina.training.onnx_conversion import to_onnx


class FrozenTrunk:
    """A trunk that may be run from several threads.

    Args:
        model: (N, 224, 224, 3) float32, 0..255 -> (N, h, w, c) float32.
    """

    def __init__(self, model: keras.Model) -> None:
        options = ort.SessionOptions()
        # one thread a photo: photos are run side by side, which wastes less than splitting one
        options.intra_op_num_threads = 1
        converted = to_onnx(model, input_name="photo", output_names=["activations"])
        self._session = ort.InferenceSession(
            converted.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Activations, (h, w, c) float32, of one photo, (224, 224, 3) uint8."""
        activations: npt.NDArray[np.float32] = self._session.run(
            None, {"photo": pixels[None].astype(np.float32)}
        )[0][0]
        return activations
