"""A photo -> an answer: one pass through the network decides the category and ranks its goods."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.photos import Pixels
from vitrina.search.answers import (
    CategoryGuess,
    Decision,
    FoundProduct,
    Language,
    PhotoAnswer,
    describe_category,
)
from vitrina.search.decision import AcceptedRisk, Decider
from vitrina.search.loaded import LoadedBundle
from vitrina.search.nearest import open_nearest
from vitrina.search.snapshot import GoodsSnapshot
from vitrina.store.connection import PlainConnection
from vitrina.store.reading import DatabaseReader
from vitrina.store.shown import CategoryRecord, named_categories

ALTERNATIVES = 3
FAVOUR = 0.02
"""What a likely category adds to the cosine of its goods, for each unit of the logarithm of its
probability: measured on phone photos, docs/nearest.md."""


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
        database: The shop's.
        goods: What is searched; the shop's goods as they are at each search where None.
        risk: What the shop accepts.
    """

    def __init__(
        self,
        loaded: LoadedBundle,
        database: DatabaseReader,
        goods: GoodsSnapshot | None = None,
        *,
        risk: AcceptedRisk | None = None,
    ) -> None:
        self.bundle = loaded.bundle
        self._encoder = loaded.encoder
        threshold = loaded.bundle.info.fill_threshold
        self._decider = Decider(loaded.decisions, threshold, risk or AcceptedRisk())
        self._database = database
        self._nearest = open_nearest(loaded.bundle, database, goods)

    def refresh(self) -> None:
        """Has the next photo compared with the goods as they are now, not some seconds ago."""
        self._nearest.refresh()

    def search(
        self, pixels: Pixels, *, language: Language, limit: int, within: Sequence[int] | None = None
    ) -> Timed:
        """What the photo shows.

        Args:
            pixels: (224, 224, 3) uint8, as `vitrina.photos.decode` gives them.
            language: Of names.
            limit: Goods in the answer.
            within: Ids of the only products that may be among them, where words or filters say
                so; None for all. The category is the photo's in any case.
        """
        start = time.perf_counter()
        encoded = self._encoder.encode(pixels)
        inferred = time.perf_counter()
        verdict = self._decider.decide(encoded.probabilities, encoded.embedding)
        order = np.argsort(-verdict.probabilities, kind="stable")
        with self._database.asking() as connection:
            known = self._categories(connection, order)
            guesses = []
            for index in order:
                slug = self.bundle.info.categories[index]
                if slug in known:  # a category, or its last goods, may have left
                    entry = describe_category(known[slug], language, 0)
                    confidence = float(verdict.probabilities[index])
                    guesses.append(
                        CategoryGuess(entry.id, entry.name, entry.search_text, round(confidence, 4))
                    )
                if len(guesses) > ALTERNATIVES:
                    break
            sold = self.bundle.info.categories[order[0]] in known
            decision, category, alternatives = _offered(verdict.decision, guesses, sold=sold)
            products = self._rank(
                connection, encoded.embedding, category, guesses, limit, language, within
            )
            answer = PhotoAnswer(
                decision=decision,
                category=category,
                alternatives=tuple(alternatives),
                products=tuple(products),
            )
        found = time.perf_counter()
        return Timed(answer, (inferred - start) * 1e3, (found - inferred) * 1e3)

    def _rank(
        self,
        connection: PlainConnection,
        embedding: npt.NDArray[np.float32],
        category: CategoryGuess | None,
        guesses: Sequence[CategoryGuess],
        limit: int,
        language: Language,
        within: Sequence[int] | None,
    ) -> list[FoundProduct]:
        """Goods of the category; of the whole shop, likely categories first, where it is open.

        Args:
            connection: The shop's database.
            embedding: Of the photo.
            category: The one that is decided for; None where none is.
            guesses: The likeliest first.
            limit: How many at most.
            language: Of names.
            within: Ids of the only products that may be among them; where the category has none
                of them, they are looked for in the whole shop.
        """
        ids = None if within is None else np.array(within, dtype=np.int64)
        if category is not None:
            found = self._nearest.rank(
                connection, embedding, [category.id], limit, language=language, within=ids
            )
            if found or within is None:
                return found
        favour = {guess.id: FAVOUR * math.log(max(guess.confidence, 1e-4)) for guess in guesses}
        return self._nearest.rank(
            connection, embedding, None, limit, language=language, within=ids, favour=favour
        )

    def _categories(
        self, connection: PlainConnection, order: npt.NDArray[np.int64]
    ) -> dict[str, CategoryRecord]:
        """The likeliest categories that have goods, by slug: as many as an answer can name."""
        stocked = self._nearest.categories()
        names = self.bundle.info.categories
        likeliest = [names[index] for index in order if names[index] in stocked]
        return named_categories(connection, likeliest[: ALTERNATIVES + 1])


def _offered(
    decision: Decision, guesses: Sequence[CategoryGuess], *, sold: bool
) -> tuple[Decision, CategoryGuess | None, Sequence[CategoryGuess]]:
    """The decision, the category that fills the box, and which others are offered.

    Args:
        decision: The network's.
        guesses: Categories that the shop has, the likeliest first.
        sold: Whether the likeliest of all is one of them: it may have left the shop since.
    """
    if decision == "unknown" or not guesses or (decision == "category" and not sold):
        return "unknown", None, ()
    if decision == "category":
        return "category", guesses[0], guesses[1:]
    return "unsure", None, guesses[:ALTERNATIVES]
