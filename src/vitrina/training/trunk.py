"""The frozen trunk of a network in ONNX Runtime: it costs less than half of what it costs in Keras.

Measured by `benchmarks/trunk.py`; the answers differ from Keras's by rounding only.
"""

from __future__ import annotations

import gc

import keras
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from vitrina.machine import give_back_memory
from vitrina.photos import Pixels
from vitrina.training.cut import CutNetwork
from vitrina.training.onnx_conversion import to_onnx


class FrozenTrunk:
    """A trunk that may be run from several threads.

    Args:
        network: (N, 224, 224, 3) float32, 0..255 -> (N, h, w, D) float32.
        cut: Where its tail begins; None where only the head learns.
    """

    def __init__(self, network: keras.Model, cut: CutNetwork | None) -> None:
        pooled = keras.layers.GlobalAveragePooling2D()(network.output)
        outputs = [pooled] if cut is None else [pooled, cut.trunk.output]
        names = ["pooled", "middle"][: len(outputs)]
        # a model of one output must not be a list, or its export counts differently
        both = keras.Model(network.input, outputs if len(outputs) > 1 else pooled)
        options = ort.SessionOptions()
        # one thread a photo: photos are run side by side, which wastes less than splitting one
        options.intra_op_num_threads = 1
        converted = to_onnx(both, input_name="photo", output_names=names)
        self._session = ort.InferenceSession(
            converted.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        # the converter copies the weights again and again: 2 GB of ResNet50 stayed with the process
        del converted
        gc.collect()
        give_back_memory()

    def __call__(self, pixels: Pixels) -> tuple[npt.NDArray[np.float32], ...]:
        """What it makes of one photo, (224, 224, 3) uint8.

        Returns:
            Pooled features, (D,) float32, and behind a cut the activations there, (h, w, c).
        """
        answers = self._session.run(None, {"photo": pixels[None].astype(np.float32)})
        return tuple(answer[0] for answer in answers)
