"""Runs a bundle's network; knows pixels, not photos, goods or HTTP.

ONNX Runtime does the work unless OpenVINO is asked for. Why its session is set up as it is, is
measured by `vitrina bench inference` (docs/inference.md).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from vitrina.errors import AnswerInvalid, BundleDamaged, MissingExtra, TooLittleMemory
from vitrina.machine import memory_limit, resident_bytes
from vitrina.photos import SIZE, Pixels

INPUT = "photo"
OUTPUTS = ("probabilities", "embedding")

LENGTH_TOLERANCE = 0.01
"""How far an embedding's length may be from 1."""

Engine = Literal["auto", "onnxruntime", "openvino"]
Answers = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

SERVER_MEMORY = 150_000_000
"""Bytes that a server holds before it has a network; measured, rounded up."""

NETWORK_COPIES = 3
"""How often a network of floating-point numbers lies in memory while its session is made."""

SECOND_MEMORY = 20_000_000
"""Bytes that a network needs besides that, and beside another one; measured in docs/ab.md."""


@dataclass(frozen=True)
class Encoded:
    """What the network says about one photo.

    Attributes:
        probabilities: (C,) float32, sums to 1.
        embedding: (D,) float32, unit length.
    """

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SessionChoices:
    """How ONNX Runtime is set up; the defaults are what serves best.

    Attributes:
        spinning: Whether its threads wait for work by turning in a loop, which takes the processor
            from the decoding of the next photo.
        arena: Whether it keeps the memory of one inference for the next.
        optimisation: How far the graph is rewritten; only `all` has the layout in blocks of
            channels, which halves the time.
    """

    spinning: bool = False
    arena: bool = True
    optimisation: Literal["none", "basic", "extended", "all"] = "all"


SERVING = SessionChoices()


class Network(Protocol):
    """A network in some engine."""

    def interface(self) -> tuple[list[tuple[str, str, list[Any]]], tuple[str, ...]]:
        """Inputs as (name, type, shape), and the names of the outputs."""

    def classes(self) -> int:
        """Length of the first output."""

    def run(self, photo: Pixels) -> Answers:
        """(1, 224, 224, 3) uint8 -> (1, C) and (1, D) float32; from several threads."""


class Encoder:
    """One network, ready; `encode` may be called from several threads.

    Args:
        model: The ONNX file: (1, 224, 224, 3) uint8 in, probabilities and embedding out.
        threads: For one inference, 1 or more.
        engine: What runs it; auto: ONNX Runtime.
        choices: How ONNX Runtime is set up.

    Raises:
        BundleDamaged: it is no such network.
        TooLittleMemory: this process may not have as much as the network needs.
        MissingExtra: OpenVINO is asked for and is not installed.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int,
        engine: Engine = "auto",
        choices: SessionChoices = SERVING,
    ) -> None:
        require_memory(model)
        try:
            self._network = _open(model, threads, engine, choices)
        except MissingExtra:
            raise
        except Exception as error:  # neither engine has a common base for its errors
            reason = str(error).replace(str(model), model.name)  # it may reach a shopper
            raise BundleDamaged(
                f"{model.name} cannot be loaded: {reason[:200]}.",
                hint="Publish again: vitrina publish.",
            ) from error
        self._check_interface(model)
        # the first answer is given before any thread may ask: OpenVINO's binding looks up types of
        # its own then, and two threads there at once would wait for each other for ever
        self._network.run(np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8))

    @property
    def classes(self) -> int:
        """Number of categories that the network knows."""
        return self._network.classes()

    def encode(self, pixels: Pixels) -> Encoded:
        """One pass through the network.

        Args:
            pixels: (224, 224, 3) uint8, RGB, as `vitrina.photos.decode` gives them.

        Raises:
            AnswerInvalid: the answer is no number, or an embedding that points nowhere.
        """
        probabilities, embedding = self._network.run(pixels[None])
        length = float(np.linalg.norm(embedding))
        # also where it is no number
        if not (np.isfinite(probabilities).all() and abs(length - 1) < LENGTH_TOLERANCE):
            what = "is not a number" if not np.isfinite(length) else f"has the length {length:.3g}"
            raise AnswerInvalid(
                f"The network's answer {what}, expected an embedding of length 1.",
                hint="Go back to the bundle before (vitrina rollback), or publish another run.",
            )
        return Encoded(probabilities[0], embedding[0])

    def classify(self, photos: Pixels) -> npt.NDArray[np.float32]:
        """Probabilities of several photos, (N, 224, 224, 3) uint8 -> (N, C) float32."""
        return np.stack([self.encode(pixels).probabilities for pixels in photos])

    def _check_interface(self, model: Path) -> None:
        inputs, outputs = self._network.interface()
        expected = [(INPUT, "tensor(uint8)", [1, SIZE, SIZE, 3])]
        if inputs != expected or outputs != OUTPUTS:
            raise BundleDamaged(
                f"{model.name} takes {inputs} and gives {list(outputs)}; expected {expected} and "
                f"{list(OUTPUTS)}.",
                hint="Publish again: vitrina publish.",
            )


def memory_beside(model: Path) -> int:
    """Bytes that a network takes, about, in a server that has another one already.

    Raises:
        OSError: there is no such file.
    """
    return SECOND_MEMORY + NETWORK_COPIES * model.stat().st_size


def require_memory(model: Path, *, beside: bool = False) -> None:
    """Makes sure that this process may have as much memory as a network needs.

    A container's limit kills without a word what goes beyond it; here the words are said.

    Args:
        model: The ONNX file.
        beside: Whether this process has another one already, and keeps it.

    Raises:
        TooLittleMemory: it may not.
    """
    allowed = memory_limit()
    try:
        if beside:
            needed = max(resident_bytes(), SERVER_MEMORY) + memory_beside(model)
        else:
            needed = SERVER_MEMORY + NETWORK_COPIES * model.stat().st_size
    except OSError:
        return  # the engine says that there is no such file
    if allowed and allowed < needed:
        raise TooLittleMemory(
            f"This process may have {allowed / 1e6:.0f} MB of memory; {model.name} of "
            f"{model.stat().st_size / 1e6:.0f} MB needs about {needed / 1e6:.0f} MB"
            f"{' beside the other one' if beside else ''}.",
            hint="Raise the limit of the container or service, or publish a smaller network: "
            "`vitrina compare` shows what each takes.",
        )


def openvino_installed() -> bool:
    """Whether the other engine is there."""
    return importlib.util.find_spec("openvino") is not None


def _open(model: Path, threads: int, engine: Engine, choices: SessionChoices) -> Network:
    if engine != "openvino":
        return _OnnxRuntime(model, threads, choices)
    if not openvino_installed():
        raise MissingExtra(
            "The engine openvino is not installed.",
            hint='pip install "vitrina[openvino]", or set engine = "onnxruntime".',
        )
    # 0.3 s and 25 MB that a server on ONNX Runtime does not pay
    from vitrina.openvino_network import OpenVinoNetwork

    return OpenVinoNetwork(model, threads)


class _OnnxRuntime:
    """A session of ONNX Runtime."""

    def __init__(self, model: Path, threads: int, choices: SessionChoices) -> None:
        levels = ort.GraphOptimizationLevel
        options = ort.SessionOptions()
        # 0 would be every processor of the machine, also those that a container may not use
        options.intra_op_num_threads = max(threads, 1)
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = choices.arena
        options.graph_optimization_level = {
            "none": levels.ORT_DISABLE_ALL,
            "basic": levels.ORT_ENABLE_BASIC,
            "extended": levels.ORT_ENABLE_EXTENDED,
            "all": levels.ORT_ENABLE_ALL,
        }[choices.optimisation]
        options.add_session_config_entry(
            "session.intra_op.allow_spinning", str(int(choices.spinning))
        )
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )

    def interface(self) -> tuple[list[tuple[str, str, list[Any]]], tuple[str, ...]]:
        inputs = [(one.name, one.type, list(one.shape)) for one in self._session.get_inputs()]
        return inputs, tuple(output.name for output in self._session.get_outputs())

    def classes(self) -> int:
        return int(self._session.get_outputs()[0].shape[1])

    def run(self, photo: Pixels) -> Answers:
        probabilities, embedding = self._session.run(OUTPUTS, {INPUT: photo})
        return probabilities, embedding
