"""Slips of the keyboard: words that the shop does not know, and what they were to be.

A word that nothing is found by is read in the other keyboard layout ("kfvgf" is "лампа"), else the
nearest of the goods' own words takes its place, by the optimal string alignment distance: letters
left out, added, exchanged, or two in the wrong order (Boytsov, "Indexing methods for approximate
dictionary searching", 2011).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vitrina.store.index_terms import IndexTerms

SHORTEST = 4
"""Letters of a word that may be mended: what is shorter is near to everything."""
_LONG = 8
"""Letters from which on two slips are mended instead of one."""

_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_CYRILLIC_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_CYRILLIC = str.maketrans(_LATIN_KEYS, _CYRILLIC_KEYS)
_TO_LATIN = str.maketrans(_CYRILLIC_KEYS, _LATIN_KEYS)
_PUNCTUATION = "`[];',."


@dataclass(frozen=True)
class _Vocabulary:
    """Words of one generation of the index.

    Attributes:
        generation: Of the index.
        goods: In how many goods each stands.
        by_length: The words of each length.
    """

    generation: int
    goods: Mapping[str, int]
    by_length: Mapping[int, Sequence[str]]


class Spelling:
    """Mends words; keeps the shop's words in memory. May be used from several threads."""

    def __init__(self) -> None:
        self._vocabulary = _Vocabulary(-1, {}, {})
        self._lock = threading.Lock()

    def nearest(self, word: str, terms: IndexTerms, others: Collection[str] = ()) -> str | None:
        """What `word` was to be, of the goods' words; of equally near ones the commonest.

        Args:
            word: As `vitrina.words` spells it; letters only.
            terms: Whose words are known.
            others: Words that are known besides.
        """
        if len(word) < SHORTEST:
            return None
        # loaded with the first slip: a server starts without it
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        reach = 1 if len(word) < _LONG else 2
        vocabulary = self._words(terms)
        near: list[tuple[float, int, str]] = []
        lengths = range(len(word) - reach, len(word) + reach + 1)
        for known in (*(vocabulary.by_length.get(length, ()) for length in lengths), others):
            near += [
                (distance, -vocabulary.goods.get(found, 0), found)
                for found, distance, _ in extract(
                    word, known, scorer=OSA.distance, score_cutoff=reach, limit=None
                )
            ]
        return min(near)[2] if near else None

    def _words(self, terms: IndexTerms) -> _Vocabulary:
        generation = terms.generation()
        with self._lock:
            if self._vocabulary.generation != generation:
                goods = {word: count for word, count in terms.words().items() if word.isalpha()}
                by_length: dict[int, list[str]] = defaultdict(list)
                for word in goods:
                    by_length[len(word)].append(word)
                self._vocabulary = _Vocabulary(generation, goods, dict(by_length))
            return self._vocabulary


def other_layout(typed: str) -> Iterator[str]:
    """What the same keys give in the other layout, Russian or English.

    Args:
        typed: Without blanks. What ends it may be punctuation or, in the other layout, letters:
            both are given.
    """
    lower = typed.lower()
    for table in (_TO_CYRILLIC, _TO_LATIN):
        for ending in ("", lower[len(lower.rstrip(_PUNCTUATION)) :]):
            changed = lower.removesuffix(ending).translate(table)
            if changed != lower:
                yield changed
