"""Runs a bundle's network in ONNX Runtime; knows pixels, not photos, goods or HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from vitrina.errors import BundleDamaged
from vitrina.photos import SIZE, Pixels

INPUT = "photo"
OUTPUTS = ("probabilities", "embedding")


@dataclass(frozen=True)
class Encoded:
    """What the network says about one photo.

    Attributes:
        probabilities: (C,) float32, sums to 1.
        embedding: (D,) float32, unit length.
    """

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]


class Encoder:
    """One ONNX Runtime session; `encode` may be called from several threads.

    Args:
        model: The ONNX file: (1, 224, 224, 3) uint8 in, probabilities and embedding out.
        threads: For one inference.

    Raises:
        BundleDamaged: it is no such network.
    """

    def __init__(self, model: Path, *, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        # spinning threads would take the processor from the decoding of the next photo
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has no common base for its errors
            reason = str(error).replace(str(model), model.name)  # it may reach a shopper
            raise BundleDamaged(
                f"{model.name} cannot be loaded: {reason[:200]}.",
                hint="Publish again: vitrina publish.",
            ) from error
        self._check_interface(model)

    @property
    def classes(self) -> int:
        """Number of categories that the network knows."""
        return int(self._session.get_outputs()[0].shape[1])

    def encode(self, pixels: Pixels) -> Encoded:
        """One pass through the network.

        Args:
            pixels: (224, 224, 3) uint8, RGB, as `vitrina.photos.decode` gives them.

        Raises:
            BundleDamaged: the answer is no number; it must never be taken for a match.
        """
        probabilities, embedding = self._session.run(OUTPUTS, {INPUT: pixels[None]})
        if not (np.isfinite(probabilities).all() and np.isfinite(embedding).all()):
            raise BundleDamaged(
                "The network's answer is not a number.", hint="Publish another run."
            )
        return Encoded(probabilities[0], embedding[0])

    def classify(self, photos: Pixels) -> npt.NDArray[np.float32]:
        """Probabilities of several photos, (N, 224, 224, 3) uint8 -> (N, C) float32."""
        return np.stack([self.encode(pixels).probabilities for pixels in photos])

    def _check_interface(self, model: Path) -> None:
        inputs = [(i.name, i.type, list(i.shape)) for i in self._session.get_inputs()]
        outputs = tuple(output.name for output in self._session.get_outputs())
        expected = [(INPUT, "tensor(uint8)", [1, SIZE, SIZE, 3])]
        if inputs != expected or outputs != OUTPUTS:
            raise BundleDamaged(
                f"{model.name} takes {inputs} and gives {list(outputs)}; expected {expected} and "
                f"{list(OUTPUTS)}.",
                hint="Publish again: vitrina publish.",
            )
