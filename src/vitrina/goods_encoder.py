"""The embedding that stands for a picture of the goods.

A catalogue's picture shows a thing large and alone; a shopper's photo shows it smaller, among
others. So a picture of the goods is seen twice: as it is, and with the thing at the size that it
has in photos. The mean of both embeddings stands for it, as long as one and as quick to compare.
On the demo shop's phone photos that finds the right product among the first eight more often, at
no cost for whoever asks (docs/nearest.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from vitrina.encoder import Encoder
from vitrina.errors import PhotoError
from vitrina.photos import SIZE, Pixels
from vitrina.pixels import PhotoFile

SMALLER = 0.6
"""Side of the picture inside its second view."""


@dataclass(frozen=True)
class EmbeddedBatch:
    """What became of some pictures of the goods.

    Attributes:
        names: SHA-256 of each that could be read, hexadecimal.
        embeddings: (len(names), D) float32 of unit length.
        refused: Why the others could not be read, by SHA-256.
    """

    names: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]
    refused: dict[str, str]


def embed_batch(
    encoder: Encoder, photos: Sequence[PhotoFile], read: Callable[[PhotoFile], Pixels]
) -> EmbeddedBatch:
    """What some pictures of the goods are compared by; the same work on every machine.

    Args:
        encoder: The network that shoppers' photos go through, too.
        photos: Any number.
        read: Decodes one of them, or has it decoded already.

    Raises:
        AnswerInvalid: the network's answer is none.
    """
    names, embeddings, refused = [], [], {}
    for photo in photos:
        try:
            pixels = read(photo)
        except PhotoError as error:
            refused[photo.sha256] = error.message
            continue
        embeddings.append(encode_goods(encoder, pixels))
        names.append(photo.sha256)
    stacked = np.stack(embeddings) if embeddings else np.empty((0, 0), dtype=np.float32)
    return EmbeddedBatch(tuple(names), stacked, refused)


def encode_goods(
    encoder: Encoder, pixels: Pixels, *, plain: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """What a picture of the goods is compared by, (D,) float32, unit length.

    Args:
        encoder: The network that shoppers' photos go through, too.
        pixels: (224, 224, 3) uint8.
        plain: (D,) float32, the embedding of the picture as it is, where it is known already.
    """
    if plain is None:
        plain = encoder.encode(pixels).embedding
    mean = np.mean([plain, encoder.encode(farther(pixels)).embedding], axis=0)
    unit: npt.NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(
        np.float32
    )
    return unit


def farther(pixels: Pixels) -> Pixels:
    """The picture at `SMALLER` of its size, on the colour that its border has in the middle.

    Args:
        pixels: (224, 224, 3) uint8.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    view = np.empty_like(pixels)
    view[:] = np.median(border, axis=0)
    side = round(SIZE * SMALLER)
    start = (SIZE - side) // 2
    small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
    view[start : start + side, start : start + side] = np.asarray(small)
    return view
