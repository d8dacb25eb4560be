"""The study's own way of serving, to compare with: Keras inside the FastAPI process.

    python -m vitrina.baseline RUN_FOLDER [--port 0]

Loads `model.keras` when it starts and answers `POST /v1/search/photo` with `model.predict`, as a
plain web application does. Nothing is slower on purpose: photos are decoded by the same function
as in `vitrina serve`, and no module is loaded that this way does not need.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException, Request

from vitrina.errors import MissingExtra, PhotoError, SettingError, TrainingError, VitrinaError
from vitrina.photos import decode
from vitrina.training.framework import load_framework
from vitrina.training.run import read_run

if TYPE_CHECKING:
    import keras

MODEL = "model.keras"
GUESSES = 3


def baseline_command(run_folder: Path) -> list[str]:
    """The command that serves a run this way, for this machine alone, on any free port."""
    return [sys.executable, "-m", "vitrina.baseline", str(run_folder), "--port", "0"]


def create_baseline(run_folder: Path, *, threads: int | None = None) -> FastAPI:
    """The application, its network loaded.

    Args:
        run_folder: With model.keras and run.json.
        threads: For one inference; TensorFlow's own choice where None.

    Raises:
        MissingExtra: Keras or TensorFlow is not installed.
        TrainingError: there is no such run, or its network cannot be read.
    """
    categories = read_run(run_folder).categories
    model = _load_model(run_folder / MODEL, threads)
    app = FastAPI(title="The study's own way")

    @app.post("/v1/search/photo")
    async def search_photo(request: Request) -> dict[str, Any]:
        body = await request.body()
        start = time.perf_counter()
        try:
            pixels = decode(body)
        except PhotoError as error:
            raise HTTPException(422, error.message) from error
        decoded = time.perf_counter()
        probabilities = model.predict(pixels[None], verbose=0)[0][0]
        inferred = time.perf_counter()
        best = np.argsort(-probabilities)[:GUESSES]
        guesses = [
            {"id": categories[index], "confidence": float(probabilities[index])} for index in best
        ]
        return {
            "categories": guesses,
            "timings_ms": {
                "decode": (decoded - start) * 1e3,
                "infer": (inferred - decoded) * 1e3,
                "total": (time.perf_counter() - start) * 1e3,
            },
        }

    return app


def _load_model(file: Path, threads: int | None) -> keras.Model:
    try:
        load_framework()
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtra(
            f"The study's own way needs {error.name}, which this installation does not have.",
            hint="pip install 'vitrina[train]'",
        ) from error
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    try:
        return keras.models.load_model(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(
            f"{file} cannot be loaded: {reason}", hint="Run `vitrina train` again."
        ) from error


def serve_baseline(run_folder: Path, *, port: int, threads: int | None) -> None:
    """Serves until SIGINT or SIGTERM; says its address on stderr once the network is loaded.

    Raises:
        SettingError: the port cannot be listened on.
    """
    serve_plainly(run_folder.name, lambda: create_baseline(run_folder, threads=threads), port=port)


def serve_plainly(name: str, create: Callable[[], FastAPI], *, port: int) -> None:
    """Serves an application by uvicorn as it is, for this machine alone.

    Args:
        name: What is said to be at the address, on stderr, once requests are taken.
        create: Makes the application, once the port is known to be free.
        port: 0 takes any free one.

    Raises:
        SettingError: the port cannot be listened on.
    """
    # TCP by name, as uvicorn's own sockets are: else asyncio leaves out TCP_NODELAY, and each
    # answer waits 40 ms for its second packet
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingError(
                f"Port {port} cannot be listened on: {error.strerror}.", hint="Choose another."
            ) from error
        app = create()
        listener.listen()  # who connects from here on waits until uvicorn takes over
        sys.stderr.write(f"{name} is at http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stderr.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def main() -> None:
    """Reads the command line; VITRINA_THREADS is heeded as by `vitrina serve`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--threads", type=int, default=os.environ.get("VITRINA_THREADS"))
    asked = parser.parse_args()
    try:
        serve_baseline(asked.run_folder, port=asked.port, threads=asked.threads)
    except VitrinaError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")


if __name__ == "__main__":
    main()
