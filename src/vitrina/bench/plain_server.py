"""The plain way to put a network behind HTTP, to measure beside `vitrina serve`.

    python -m vitrina.bench.plain_server BUNDLE_FOLDER [--port 0]

FastAPI as its documentation shows it, Pillow that decodes the whole photo, ONNX Runtime as it
comes, work in the web framework's own threads: no scaled decoding, no bound on what waits, no
limits. It answers what a photo search must, the likeliest categories and the nearest goods.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pillow_heif
from fastapi import FastAPI, HTTPException, Request
from PIL import Image, ImageOps
from starlette.concurrency import run_in_threadpool

from vitrina.baseline import serve_plainly
from vitrina.bundle import read_bundle
from vitrina.encoder import INPUT, OUTPUTS
from vitrina.errors import VitrinaError
from vitrina.photos import SIZE

GUESSES, SHOWN = 3, 24


def plain_command(bundle_folder: Path) -> list[str]:
    """The command that serves a bundle this way, for this machine alone, on any free port."""
    return [sys.executable, "-m", "vitrina.bench.plain_server", str(bundle_folder), "--port", "0"]


def create_plain(bundle_folder: Path) -> FastAPI:
    """The application, its network loaded.

    Args:
        bundle_folder: A bundle.

    Raises:
        BundleError: it cannot be read.
    """
    pillow_heif.register_heif_opener()
    bundle = read_bundle(bundle_folder)
    session = ort.InferenceSession(str(bundle.model))
    goods = bundle.goods()
    embeddings = np.array(goods["embedding"], dtype=np.float32)
    app = FastAPI(title="The plain way")

    def answer(body: bytes) -> dict[str, Any]:
        start = time.perf_counter()
        try:
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(body))).convert("RGB")
            pixels = np.asarray(picture.resize((SIZE, SIZE)))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise HTTPException(422, "This is no photo.") from error
        decoded = time.perf_counter()
        probabilities, embedding = session.run(OUTPUTS, {INPUT: pixels[None]})
        inferred = time.perf_counter()
        best = np.argsort(-probabilities[0])[:GUESSES]
        nearest = np.argsort(-(embeddings @ embedding[0]))[:SHOWN]
        return {
            "categories": [
                {"id": bundle.info.categories[index], "confidence": float(probabilities[0][index])}
                for index in best
            ],
            "products": [goods["sha256"][index].decode() for index in nearest],
            "timings_ms": {
                "decode": (decoded - start) * 1e3,
                "infer": (inferred - decoded) * 1e3,
                "total": (time.perf_counter() - start) * 1e3,
            },
        }

    @app.post("/v1/search/photo")
    async def search_photo(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(answer, await request.body())

    return app


def main() -> None:
    """Reads the command line and serves until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle_folder", type=Path)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    asked = parser.parse_args()
    try:
        serve_plainly(
            asked.bundle_folder.name, lambda: create_plain(asked.bundle_folder), port=asked.port
        )
    except VitrinaError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")


if __name__ == "__main__":
    main()
