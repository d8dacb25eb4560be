"""What one network says of a shop's photos: each is asked about once, whatever needs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from vitrina.ahead import map_ahead
from vitrina.encoder import Encoded, Encoder
from vitrina.evaluation.metrics import Probabilities
from vitrina.goods_encoder import encode_goods
from vitrina.machine import usable_cores
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.views import augmented_view


class PhotoAnswers:
    """Asks a network about photos, several at a time, and keeps the answers.

    Args:
        encoder: The network; on one thread, for several photos use the processor better than
            several threads on one photo do.
        pixels: The decoded photos.
    """

    def __init__(self, encoder: Encoder, pixels: PixelCache) -> None:
        self.encoder = encoder
        self._pixels = pixels
        self._known: dict[str, Encoded] = {}

    def __getitem__(self, sha256: str) -> Encoded:
        """The answer to a photo that was asked about.

        Raises:
            KeyError: it was not.
        """
        return self._known[sha256]

    def ask(self, photos: Iterable[str], label: str, progress: Progress) -> list[Encoded]:
        """The answers to photos, in their order.

        Args:
            photos: SHA-256 of each; all of them in the cache.
            label: What the progress bar says.
            progress: Where the work reports to.
        """
        wanted = list(photos)
        missing = [sha for sha in dict.fromkeys(wanted) if sha not in self._known]
        if missing:
            with ThreadPoolExecutor(usable_cores()) as pool:
                answers = map_ahead(pool, self._ask, missing)
                self._known.update(
                    zip(missing, progress.track(answers, label, len(missing)), strict=True)
                )
        return [self._known[sha] for sha in wanted]

    def ask_as_phones_see(
        self, photos: Sequence[str], seed: int, label: str, progress: Progress
    ) -> list[Encoded]:
        """The answers to photos as shoppers might have taken them.

        Args:
            photos: SHA-256 of each; all of them in the cache.
            seed: Decides what the views look like.
            label: What the progress bar says.
            progress: Where the work reports to.
        """

        def seen(sha256: str) -> Encoded:
            return self.encoder.encode(augmented_view(self._pixels[sha256], sha256, 1, seed))

        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(progress.track(map_ahead(pool, seen, photos), label, len(photos)))

    def embed_goods(
        self, photos: Sequence[str], label: str, progress: Progress
    ) -> list[npt.NDArray[np.float32]]:
        """What pictures of the goods are compared by, each (D,) float32 of unit length."""
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(progress.track(map_ahead(pool, self._embed, photos), label, len(photos)))

    def _ask(self, sha256: str) -> Encoded:
        return self.encoder.encode(self._pixels[sha256])

    def _embed(self, sha256: str) -> npt.NDArray[np.float32]:
        known = self._known.get(sha256)
        return encode_goods(
            self.encoder, self._pixels[sha256], plain=None if known is None else known.embedding
        )


def probabilities(answers: Iterable[Encoded]) -> Probabilities:
    """(N, C) float32, a row for each answer."""
    return np.stack([answer.probabilities for answer in answers])
