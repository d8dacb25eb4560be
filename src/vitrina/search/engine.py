"""A photo -> an answer: one pass through the network decides the category and ranks its goods."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitrina.photos import Pixels
from vitrina.search.answers import (
    CategoryGuess,
    Language,
    PhotoAnswer,
    describe_category,
    describe_product,
)
from vitrina.search.loaded import LoadedBundle
from vitrina.search.nearest import NearestGoods
from vitrina.store.database import Sessions
from vitrina.store.products import list_categories

ALTERNATIVES = 3


@dataclass(frozen=True)
class Timed:
    """An answer and the milliseconds that its parts took.

    Attributes:
        answer: What was found.
        infer_ms: The pass through the network.
        search_ms: Ranking and reading the goods.
    """

    answer: PhotoAnswer
    infer_ms: float
    search_ms: float


class PhotoSearch:
    """Search by photo with one bundle; may be used from several threads.

    Args:
        loaded: The bundle and its network.
        sessions: The shop's database.
    """

    def __init__(self, loaded: LoadedBundle, sessions: Sessions) -> None:
        self.bundle = loaded.bundle
        self._encoder = loaded.encoder
        self._sessions = sessions
        self._nearest = NearestGoods(loaded.bundle)

    def search(self, pixels: Pixels, *, language: Language, limit: int) -> Timed:
        """What the photo shows.

        Args:
            pixels: (224, 224, 3) uint8, as `vitrina.photos.decode` gives them.
            language: Of names.
            limit: Goods in the answer.
        """
        start = time.perf_counter()
        encoded = self._encoder.encode(pixels)
        inferred = time.perf_counter()
        with self._sessions() as session:
            known = {
                category.slug: category for category, goods in list_categories(session) if goods
            }
            guesses, best = [], 0.0
            for index in np.argsort(-encoded.probabilities, kind="stable"):
                slug = self.bundle.info.categories[index]
                if slug in known:  # a category, or its last goods, may have left
                    entry = describe_category(known[slug], language, 0)
                    confidence = float(encoded.probabilities[index])
                    best = max(best, confidence)
                    guesses.append(
                        CategoryGuess(entry.id, entry.name, entry.search_text, round(confidence, 4))
                    )
                if len(guesses) > ALTERNATIVES:
                    break
            category, alternatives = self._decide(guesses, best)
            ranked = self._nearest.rank(
                session,
                encoded.embedding,
                [guess.id for guess in ([category] if category else alternatives)],
                limit,
            )
            answer = PhotoAnswer(
                decision="category" if category else "unsure",
                category=category,
                alternatives=tuple(alternatives),
                products=tuple(
                    describe_product(product, language, similarity)
                    for product, similarity in ranked
                ),
            )
        found = time.perf_counter()
        return Timed(answer, (inferred - start) * 1e3, (found - inferred) * 1e3)

    def _decide(
        self, guesses: Sequence[CategoryGuess], best: float
    ) -> tuple[CategoryGuess | None, Sequence[CategoryGuess]]:
        """Whether the likeliest category fills the box, and which others are offered.

        Args:
            guesses: The likeliest first.
            best: Confidence of the first, not rounded.
        """
        if guesses and best >= self.bundle.info.fill_threshold:
            return guesses[0], guesses[1:]
        return None, guesses[:ALTERNATIVES]
