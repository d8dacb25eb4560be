"""What a shopper's words ask for: slips mended, synonyms added, as expressions of the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vitrina.errors import QueryError
from vitrina.search.spelling import Spelling, other_layout
from vitrina.search.synonyms import LONGEST_PHRASE, Synonyms, key_of
from vitrina.store.index_terms import IndexTerms, all_of, any_of, quoted
from vitrina.store.product_search import Match
from vitrina.store.product_terms import JOINED, STEM, joined_terms, whole_terms
from vitrina.words import EMPTY_WORDS, Kind, Token, normalise, pieces, read, stem, telling, tokens

MAX_QUERY = 200
"""Longest text that is looked for, characters."""
MAX_WORDS = 12
"""Words of it that are looked for; those behind are left out."""

_SHORTEST_MENDED = 3
"""Letters from which on the other keyboard layout is tried: less is some word in any layout."""
_ARTICLE_PIECES = 5
"""Pieces of one article written with blanks."""
_ARTICLE_LETTERS = 6
"""Letters of such a piece."""


@dataclass(frozen=True)
class Understood:
    """What was asked.

    Attributes:
        match: What is looked for; None where nothing can match.
        corrected: The words that are looked for, where a slip was mended; else None.
    """

    match: Match | None
    corrected: str | None = None


class Query:
    """Understands texts.

    Args:
        terms: What the index knows.
        spelling: Mends slips.
        synonyms: Of the shop.
    """

    def __init__(self, terms: IndexTerms, spelling: Spelling, synonyms: Synonyms) -> None:
        self._terms = terms
        self._spelling = spelling
        self._synonyms = synonyms
        self._own_words = synonyms.words

    def understand(self, words: str) -> Understood:
        """What `words` ask for.

        Raises:
            QueryError: they are too long, or no text.
        """
        require_text(words)
        asked = " ".join(words.split())
        if not asked:
            return Understood(Match())
        article = self._any_known(whole_terms(asked))
        mended = asked if article else " ".join(self._mended(asked.split()))
        groups = list(self._groups(telling(tokens(normalise(mended)))[:MAX_WORDS]))
        found = all_of(groups) if groups else None
        if found is None or not self._terms.matches(found):
            found = self._terms.most_of(groups)
        meant = [one for one in (article, found) if one]
        return Understood(
            Match(any_of(meant), article) if meant else None, mended if mended != asked else None
        )

    def _groups(self, asked: Sequence[Token]) -> Iterator[str]:
        """What every good must match, one expression a word or phrase."""
        place = 0
        while place < len(asked):
            length, expression = self._phrase(asked[place:])
            yield expression
            place += length

    def _phrase(self, asked: Sequence[Token]) -> tuple[int, str]:
        """How many words belong together at the beginning of `asked`, and their expression."""
        for length in range(min(LONGEST_PHRASE, len(asked)), 0, -1):
            if phrases := self._synonyms.groups.get(key_of(asked[:length])):
                meanings = [self._words(asked[:length], last=length == len(asked))]
                meanings += [self._words(phrase, last=False) for phrase in phrases]
                return length, any_of(list(dict.fromkeys(meanings)))
        for length in range(min(_ARTICLE_PIECES, len(asked)), 1, -1):
            if written := self._written_apart(asked[:length], last=length == len(asked)):
                return length, written
        return 1, self._words(asked[:1], last=len(asked) == 1)

    def _words(self, asked: Sequence[Token], *, last: bool) -> str:
        ending = len(asked) - 1
        return all_of(
            [self._token(one, last and place == ending) for place, one in enumerate(asked)]
        )

    def _written_apart(self, pieces: Sequence[Token], *, last: bool) -> str | None:
        """An article that is written with blanks, "ва 47 29"; None where there is none such."""
        if not all(
            token.kind in (Kind.NUMBER, Kind.ARTICLE)
            or (token.kind is Kind.WORD and len(token.text) <= _ARTICLE_LETTERS)
            for token in pieces
        ) or all(token.kind is Kind.WORD for token in pieces):
            return None
        joined = self._joined("".join(token.text for token in pieces), last)
        return any_of([*joined, self._words(pieces, last=last)]) if joined else None

    def _token(self, token: Token, last: bool) -> str:
        """What matches one token; of the last one the beginning is enough."""
        if token.kind in (Kind.MEASURE, Kind.SIZE):
            return quoted(JOINED + token.text)
        # a decimal is no article: 2.5 is not 25
        meanings = [] if "." in token.text else self._joined(token.text, last)
        if token.parts:
            meanings.append(self._words(token.parts, last=last))
        elif token.kind is Kind.WORD:
            meanings.append(quoted(STEM + stem(token.text)))
        elif token.kind is Kind.NUMBER:
            meanings.append(quoted(token.text))
        if last and not token.parts and len(token.text) > 1:
            longer = quoted(token.text, beginning=True)
            # each expression is paid for with every good that matches it
            if not meanings or self._terms.matches(f"{longer} NOT {any_of(meanings)}"):
                meanings.append(longer)
        return any_of(meanings or [quoted(term) for term in joined_terms(token.text)])

    def _joined(self, text: str, last: bool) -> list[str]:
        """Articles of that text, in any spelling, that the index knows."""
        found = []
        for term in joined_terms(text):
            whole, longer = quoted(term), quoted(term, beginning=True)
            found += [whole] if self._terms.matches(whole) else []
            if last and len(text) > 1 and self._terms.matches(f"{longer} NOT {whole}"):
                found.append(longer)
        return found

    def _any_known(self, terms: Sequence[str]) -> str | None:
        known = [quoted(term) for term in terms if self._terms.knows(term)]
        return any_of(known) if known else None

    def _mended(self, typed: Sequence[str]) -> Iterator[str]:
        for place, one in enumerate(typed):
            last = place == len(typed) - 1
            known = place >= MAX_WORDS or self._is_known(one, last)
            yield one if known else self._mend(one, last)

    def _mend(self, typed: str, last: bool) -> str:
        """What was to be typed, as far as anything known is near; else what was typed."""
        others = list(other_layout(typed)) if len(typed) >= _SHORTEST_MENDED else []
        for other in others:
            if self._is_known(other, last):
                return other
        for text in (normalise(typed), *others):
            mended = text
            for piece in pieces(text):
                token = read(piece)
                if token.kind is Kind.WORD and not token.parts and not self._knows(token, last):
                    near = self._spelling.nearest(token.text, self._terms, self._own_words)
                    mended = mended.replace(piece, near or piece, 1)
            if mended != text:
                return " ".join(mended.split())
        return typed

    def _is_known(self, typed: str, last: bool) -> bool:
        found = tokens(normalise(typed))
        return all(self._knows(token, last) for token in found) and bool(found)

    def _knows(self, token: Token, last: bool) -> bool:
        """Whether anything is found by it, or it is no word that could be mended."""
        if token.kind in (Kind.NUMBER, Kind.MEASURE, Kind.SIZE):
            return True
        if token.text in self._own_words or token.text in EMPTY_WORDS:
            return True
        if token.parts and all(self._knows(part, last) for part in token.parts):
            return True
        # the letters of an article may stand apart from its digits
        if self._joined(token.text, last or len(token.text) <= _ARTICLE_LETTERS):
            return True
        if token.kind is not Kind.WORD or token.parts:
            return False
        beginning = last and len(token.text) > 1
        return self._terms.knows(STEM + stem(token.text)) or (
            beginning and self._terms.knows(token.text, beginning=True)
        )


def require_text(words: str) -> None:
    """Makes sure that words can be looked for.

    Raises:
        QueryError: they are too long, or hold what is no text.
    """
    broken = "\x00" in words or any("\ud800" <= letter <= "\udfff" for letter in words)
    if len(words) > MAX_QUERY or broken:
        raise QueryError(
            f"The search text has {len(words)} characters; at most {MAX_QUERY}, no NUL and no "
            "broken ones are accepted.",
            hint="Search for fewer words.",
        )
