"""One network, set up in one way, in a process of its own: what `vitrina bench inference` times.

A process for each way keeps apart what they hold in memory, and the threads that they start. All
are started before anything is timed; then each works when it is told to, in turns.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from vitrina.encoder import SERVING, Encoder, Engine, SessionChoices
from vitrina.photos import SIZE

_PRODUCT = 384
"""Side of the square matrices multiplied for the floor: all three fit into a core's cache."""

_THREADS_OF_PRODUCTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Way:
    """How a network is run.

    Attributes:
        precision: fp32 or int8.
        engine: onnxruntime or openvino.
        threads: For one inference.
        choices: How ONNX Runtime is set up.
    """

    precision: str
    engine: Engine
    threads: int
    choices: SessionChoices = SERVING


@dataclass(frozen=True)
class Started:
    """What it took to have it ready.

    Attributes:
        seconds: Until the session answered its first photo, the engine's import included.
        import_seconds: Of these, the import of the engine.
        memory_mb: Resident memory that came with it; 0 where the system does not tell it.
    """

    seconds: float
    import_seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Turn:
    """What one turn took.

    Attributes:
        ms: Wall milliseconds of one photo, the median over the turn.
        photos_per_second: All callers together.
        processor_ms: Of all threads, for one photo.
    """

    ms: float
    photos_per_second: float
    processor_ms: float


class Worker:
    """A process that runs a network when it is told to.

    Args:
        model: The file; None multiplies matrices instead, for the floor.
        way: How.

    Raises:
        RuntimeError: it could not be started; the message says why.
    """

    def __init__(self, model: Path | None, way: Way) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, model, way), daemon=True)
        with _threads_of_products(way.threads):
            self._process.start()
        other.close()
        self.started: Started = self._received()

    def turn(self, callers: int, photos: int) -> Turn:
        """Lets it work: so many callers at the same time, each with so many photos."""
        self._end.send((callers, photos))
        answer: Turn = self._received()
        return answer

    def close(self) -> None:
        """Ends it."""
        self._end.close()  # which it reads as its end
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _received(self) -> Any:
        try:
            answer = self._end.recv()
        except EOFError:
            answer = "its process ended"
        if isinstance(answer, str):
            self.close()
            raise RuntimeError(answer)
        return answer


@contextmanager
def _threads_of_products(threads: int) -> Iterator[None]:
    """NumPy reads how many threads multiply once, when it is imported."""
    before = {name: os.environ.get(name) for name in _THREADS_OF_PRODUCTS}
    os.environ.update(dict.fromkeys(_THREADS_OF_PRODUCTS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(end: Connection, model: Path | None, way: Way) -> None:
    try:
        work, started = _products() if model is None else _network(model, way)
        end.send(started)
        while True:
            callers, photos = end.recv()
            end.send(_turn(work, callers, photos))
    except EOFError:
        return
    except Exception as error:
        end.send(str(error) or type(error).__name__)


def _network(model: Path, way: Way) -> tuple[Callable[[], object], Started]:
    before, began = _resident_mb(), time.perf_counter()
    if way.engine == "openvino":
        import openvino  # noqa: F401
    imported = time.perf_counter()
    encoder = Encoder(model, threads=way.threads, engine=way.engine, choices=way.choices)
    photo = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    encoder.encode(photo)
    ready = time.perf_counter()
    return lambda: encoder.encode(photo), Started(
        seconds=round(ready - began, 3),
        import_seconds=round(imported - began, 3),
        memory_mb=round(_resident_mb() - before, 1),
    )


def _products() -> tuple[Callable[[], object], Started]:
    left, right = np.random.default_rng(0).standard_normal((2, _PRODUCT, _PRODUCT), np.float32)
    answer = np.empty_like(left)
    np.matmul(left, right, out=answer)
    return lambda: np.matmul(left, right, out=answer), Started(0, 0, 0)


def multiply_adds_per_second(turn: Turn) -> float:
    """Of a turn that multiplied matrices on one thread, in processor time."""
    return _PRODUCT**3 / (turn.processor_ms / 1e3)


def _turn(work: Callable[[], object], callers: int, photos: int) -> Turn:
    work()  # what others left in the caches since the last turn is not this one's cost

    def one_caller(_: int) -> list[float]:
        taken = []
        for _ in range(photos):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        return taken

    with ThreadPoolExecutor(callers) as pool:
        processor, began = time.process_time(), time.perf_counter()
        taken = [one for each in pool.map(one_caller, range(callers)) for one in each]
        passed, used = time.perf_counter() - began, time.process_time() - processor
    return Turn(
        ms=float(np.median(taken)) * 1e3,
        photos_per_second=len(taken) / passed,
        processor_ms=used * 1e3 / len(taken),
    )


def _resident_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6
