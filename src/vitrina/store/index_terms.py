"""What the full-text index knows: single terms, all words of the goods, who matches most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from vitrina.store.connection import PlainConnection
from vitrina.store.dialect import dialect_of

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

    def __init__(self, connection: PlainConnection) -> None:
        self._connection = connection
        self._said = dialect_of(connection)
        self._asked: dict[str, bool] = {}

    def matches(self, expression: str) -> bool:
        """Whether any good does."""
        if expression not in self._asked:
            found = self._connection.execute(
                self._said.matches, (self._said.expression(expression),)
            ).fetchone()
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
        return dict(self._connection.execute(self._said.vocabulary).fetchall())

    def most_of(self, expressions: Sequence[str]) -> str | None:
        """What matches the goods that match most of these; None where none matches any.

        Args:
            expressions: At most 30.
        """
        if not expressions:
            return None
        found = self._connection.execute(
            _matched(self._said.matching, len(expressions)),
            [self._said.expression(one) for one in expressions],
        ).fetchall()
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
def _matched(matching: str, count: int) -> str:
    """Which of that many expressions goods match, as bits of one number."""
    bits = " UNION ALL ".join(
        f"SELECT good, {1 << place} AS bit FROM ({matching}) AS m{place}"  # noqa: S608
        for place in range(count)
    )
    sums = f"SELECT sum(bit) AS matched FROM ({bits}) AS bits GROUP BY good"  # noqa: S608
    return f"SELECT DISTINCT matched FROM ({sums}) AS sums"  # noqa: S608
