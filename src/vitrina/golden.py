"""A photo whose answer is known: a bundle that answers it otherwise is not served.

Checksums prove that the files are those that were published. They do not prove that this processor
computes with them what the one that published them did: a wrong kernel, or whole numbers that
overflow where an instruction is missing, give other answers from the same bytes. So each bundle
carries one drawn photo and what its network made of it, and whoever loads it asks again.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np

from vitrina.encoder import Encoded, Encoder
from vitrina.errors import BundleDamaged
from vitrina.photos import SIZE, Pixels

EXACT = 1e-3
"""Largest distance (1 - cosine) of embeddings in floating point: other processors round otherwise.
Another engine, or a graph that is not optimised, moves it by 1e-11 (docs/publish.md)."""

QUANTISED = 2e-2
"""The same for whole numbers, which instruction sets round more differently."""

_PROBABILITY = 10.0
"""Largest difference of a probability, in tolerances."""


def golden_photo() -> Pixels:
    """A drawn photo with edges, textures and colours, (224, 224, 3) uint8, always the same."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.int64)
    photo = np.stack([columns, rows, (rows + columns) // 2], axis=-1)  # colours that run across
    disc = (rows - 90) ** 2 + (columns - 80) ** 2 < 55**2
    photo[disc] = (210, 60, 40)
    checks = (rows > 120) & (columns > 120)
    photo[checks] = np.where((rows // 8 + columns // 8) % 2, 235, 25)[checks][:, None]
    stripes = (rows > 150) & (columns < 100)
    photo[stripes] = np.where((columns + 2 * rows) % 12 < 6, 60, 170)[stripes][:, None]
    return photo.astype(np.uint8)


def make_golden(encoder: Encoder, *, tolerance: float = EXACT) -> bytes:
    """golden.npz: the photo, what the network makes of it, and how near an answer must come.

    Args:
        encoder: The network as it is published.
        tolerance: `EXACT` or `QUANTISED`.
    """
    photo = golden_photo()
    expected = encoder.encode(photo)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        photo=photo,
        probabilities=expected.probabilities,
        embedding=expected.embedding,
        tolerance=np.float64(tolerance),
    )
    return file.getvalue()


def check_golden(content: bytes, encoder: Encoder) -> Encoded:
    """Asks the network about the photo, which also warms it up.

    Args:
        content: Of golden.npz.
        encoder: The network as it is loaded here.

    Raises:
        BundleDamaged: the file cannot be read, or the answer is another than at publishing.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            photo, tolerance = file["photo"], float(file["tolerance"])
            probabilities, embedding = file["probabilities"], file["embedding"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BundleDamaged(
            f"golden.npz cannot be read ({error}).", hint="Publish again: vitrina publish."
        ) from error
    if photo.shape != (SIZE, SIZE, 3) or photo.dtype != np.uint8:
        raise BundleDamaged(
            f"The photo in golden.npz is {photo.dtype} of {photo.shape}; expected uint8 of "
            f"{(SIZE, SIZE, 3)}.",
            hint="Publish again: vitrina publish.",
        )
    answered = encoder.encode(photo)
    pairs = ((answered.probabilities, probabilities), (answered.embedding, embedding))
    if any(got.shape != wanted.shape for got, wanted in pairs):
        raise BundleDamaged(
            "golden.npz belongs to another network: its answers have other lengths.",
            hint="Publish again: vitrina publish.",
        )
    lengths = float(np.linalg.norm(answered.embedding) * np.linalg.norm(embedding))
    distance = 1 - float(answered.embedding @ embedding) / max(lengths, 1e-12)
    apart = float(np.abs(answered.probabilities - probabilities).max())
    if not (distance <= tolerance and apart <= _PROBABILITY * tolerance):
        raise BundleDamaged(
            "The network answers its golden photo differently on this machine than where it was "
            f"published: embeddings {distance:.2g} apart, probabilities {apart:.2g}; at most "
            f"{tolerance:.2g} and {_PROBABILITY * tolerance:.2g} are expected.",
            hint="Publish on a machine of this kind: vitrina publish.",
        )
    return answered
