"""What the full-text index knows: single terms, all words of the goods, who matches most."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache

_MATCHES = "SELECT 1 FROM product_texts WHERE product_texts MATCH ? LIMIT 1"
# marks stand before the digits, words after them
_WORDS = "SELECT term, doc FROM product_terms WHERE term >= 'a'"

_SUBSETS = 20
"""Ways to match equally many words that are followed."""


def quoted(term: str, *, beginning: bool = False) -> str:
    """A term, or all terms that begin so, as FTS5 asks for it.

    Args:
        term: Holds no quote: none of `vitrina.words` does.
        beginning: Whether longer terms are meant, too.
    """
    assert '"' not in term
    return f'"{term}" *' if beginning else f'"{term}"'


def all_of(expressions: Sequence[str]) -> str:
    """What matches where each of these does."""
    return expressions[0] if len(expressions) == 1 else f"({' AND '.join(expressions)})"


def any_of(expressions: Sequence[str]) -> str:
    """What matches where one of these does."""
    return expressions[0] if len(expressions) == 1 else f"({' OR '.join(expressions)})"


class IndexTerms:
    """Asks the index while one question is understood; remembers what it answered.

    Args:
        connection: The shop's database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._asked: dict[str, bool] = {}

    def matches(self, expression: str) -> bool:
        """Whether any good does."""
        if expression not in self._asked:
            found = self._connection.execute(_MATCHES, (expression,)).fetchone()
            self._asked[expression] = found is not None
        return self._asked[expression]

    def knows(self, term: str, *, beginning: bool = False) -> bool:
        """Whether any good is found by that term."""
        return self.matches(quoted(term, beginning=beginning))

    def generation(self) -> int:
        """Which content of the index the connection sees."""
        (generation,) = self._connection.execute("SELECT generation FROM text_index").fetchone()
        return int(generation)

    def words(self) -> Mapping[str, int]:
        """All words of the goods' names, articles, categories and makers: in how many goods."""
        return dict(self._connection.execute(_WORDS).fetchall())

    def most_of(self, expressions: Sequence[str]) -> str | None:
        """What matches the goods that match most of these; None where none matches any.

        Args:
            expressions: At most 30.
        """
        if not expressions:
            return None
        found = self._connection.execute(_matched(len(expressions)), expressions).fetchall()
        masks = sorted((mask for (mask,) in found), key=lambda mask: (-mask.bit_count(), mask))
        if not masks:
            return None
        most = [mask for mask in masks if mask.bit_count() == masks[0].bit_count()][:_SUBSETS]
        return any_of(
            [
                all_of([one for place, one in enumerate(expressions) if mask >> place & 1])
                for mask in most
            ]
        )


@cache
def _matched(count: int) -> str:
    """Which of that many expressions goods match, as bits of one number."""
    bits = " UNION ALL ".join(
        f"SELECT rowid AS good, {1 << place} AS bit FROM product_texts "  # noqa: S608
        "WHERE product_texts MATCH ?"
        for place in range(count)
    )
    sums = f"SELECT sum(bit) AS matched FROM ({bits}) GROUP BY good"  # noqa: S608
    return f"SELECT DISTINCT matched FROM ({sums})"  # noqa: S608
