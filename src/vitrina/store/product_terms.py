"""The terms that goods are found by: what stands in the full-text index, and what asks for it.

`vitrina.words` has done what SQLite's tokenizers cannot (Russian stems, articles, units). A mark
tells what a term is, and none can come from a text itself:

    лампы      a word as it stands: for beginnings of words and for mending slips
    !ламп      its stem
    #ba4729    an article, a measure, joined words, wherever they stand
    =ba4729    the product's whole own article: who asks for it wants this very product
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from vitrina.words import Kind, Token, article_forms, normalise, pieces, read, stem

STEM, JOINED, WHOLE = "!", "#", "="

_SHORT = 4
"""Letters of a word that may be the beginning of an article written with blanks, "ва 47-29"."""
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def index_terms(content: str, *, words: bool = True) -> list[str]:
    """The terms that a text is found by, in its order.

    Args:
        content: As the catalogue has it.
        words: Whether words stand in the index as they are, too, beside their stems.
    """
    found: list[str] = []
    all_pieces = pieces(normalise(content))
    for place, piece in enumerate(all_pieces):
        found += _terms(piece, words)
        if len(piece) <= _SHORT and piece.isalpha():
            found += _written_apart(piece, all_pieces[place + 1 : place + 3])
    return found


def joined_terms(squeezed: str) -> tuple[str, ...]:
    """The terms of an article without what joins it, "ва4729"."""
    return tuple(JOINED + form for form in article_forms(squeezed))


def whole_terms(article: str) -> tuple[str, ...]:
    """The terms of a product's own article, however it is spelt."""
    return tuple(WHOLE + form for form in article_forms(normalise(article)))


@lru_cache(maxsize=1 << 16)
def _terms(piece: str, words: bool) -> tuple[str, ...]:
    return _token_terms(read(piece), words)


def _token_terms(token: Token, words: bool) -> tuple[str, ...]:
    parts = tuple(term for part in token.parts for term in _token_terms(part, words))
    match token.kind:
        case Kind.WORD if not parts:
            return (token.text, STEM + stem(token.text))[0 if words else 1 :]
        case Kind.NUMBER:
            return (token.text,)
        case Kind.MEASURE | Kind.SIZE:
            # the numbers, too: who asks for 2.5 may mean 3x2.5
            return JOINED + token.text, *_NUMBERS.findall(token.text)
        case _:
            return joined_terms(token.text) + parts


def _written_apart(letters: str, following: Sequence[str]) -> Iterator[str]:
    """Terms of an article that is written with blanks: "ва 47-29", "ip 44"."""
    for token in map(read, following):
        if token.kind not in (Kind.NUMBER, Kind.ARTICLE):
            return
        letters += token.text
        yield from joined_terms(letters)
