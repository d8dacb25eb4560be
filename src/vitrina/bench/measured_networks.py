"""The networks that `vitrina bench inference` measures, as files in a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrina.bundle import Bundle
from vitrina.errors import EvaluationError, VitrinaError
from vitrina.photos import SIZE


@dataclass(frozen=True)
class Measured:
    """A network to measure.

    Attributes:
        name: What rows call it.
        files: ONNX files by precision.
        multiply_adds: For one photo; 0 where it is not known.
    """

    name: str
    files: Mapping[str, Path]
    multiply_adds: int


class NetworksToMeasure:
    """ONNX files of networks in a folder that is gone afterwards.

    Without the training part there are those of bundles, in the precision that they have.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of_bundle(self, bundle: Bundle) -> Measured:
        """A published network, and in whole numbers where that can be made here.

        Raises:
            EvaluationError: it is in whole numbers, which cannot be turned back.
        """
        metrics = bundle.info.metrics
        if metrics.get("precision", {}).get("served") == "int8":
            raise EvaluationError(
                f"The bundle {bundle.info.version} holds its network in whole numbers only.",
                hint="Measure one that was published with --precision fp32.",
            )
        name = bundle.info.backbone
        return Measured(
            name,
            {"fp32": bundle.model} | self._whole_numbers(name, bundle.model.read_bytes()),
            int(metrics.get("multiply_adds", 0)),
        )

    def of_backbone(self, name: str, classes: int) -> Measured:
        """A backbone with random weights: it costs what a trained one costs, and knows nothing."""
        from vitrina.bench.random_network import random_network
        from vitrina.training.onnx_work import multiply_adds

        content = random_network(name, classes)
        file = self._folder / f"{name}.onnx"
        file.write_bytes(content)
        return Measured(
            name, {"fp32": file} | self._whole_numbers(name, content), multiply_adds(content)
        )

    def _whole_numbers(self, name: str, content: bytes) -> dict[str, Path]:
        try:
            from vitrina.precision import KEPT
            from vitrina.quantize import quantise
        except ImportError:
            return {}  # the training part is not installed
        photos = np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), dtype=np.uint8)
        file = self._folder / f"{name}-int8.onnx"
        try:
            # what the numbers are does not change what it costs to multiply them
            file.write_bytes(quantise(content, list(photos), kept=KEPT[-1]))
        except VitrinaError:
            return {}
        return {"int8": file}


def temporary_networks() -> tempfile.TemporaryDirectory[str]:
    """A folder for `NetworksToMeasure`."""
    return tempfile.TemporaryDirectory(prefix="vitrina-")
