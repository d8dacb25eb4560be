"""What a text consists of for search: words, numbers, measures and articles, in one spelling.

The index and the queries go through `tokens`, so that both spell alike. Upper and lower case, "ё"
and "е", the Unicode forms of one letter and HTML make no difference; "10 мм" and "10мм" are one
measure, "60 Вт" and "60W" too. Words meet in their stems (Snowball, Russian and English).

What is indexed follows from this module: a change here needs a migration that fills the index
anew (`vitrina.store.fulltext.rebuild`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Any

LONGEST = 64
"""Characters of a word that count; what is longer is cut."""

_UNITS = {
    "mm": "мм mm", "cm": "см cm", "m": "м m", "km": "км km", "in": "дюйм дюйма дюймов inch inches",
    "mm2": "мм2 mm2", "m2": "м2 m2", "m3": "м3 m3", "l": "л l", "ml": "мл ml",
    "g": "г гр g", "kg": "кг kg", "mg": "мг mg", "pcs": "шт штук pcs",
    "v": "в вольт v volt volts", "kv": "кв kv", "w": "вт ватт w watt watts", "kw": "квт kw",
    "a": "а ампер a amp amps", "ma": "ма ma", "ka": "ка ka", "ah": "ач ah", "mah": "мач mah",
    "hz": "гц hz", "lm": "лм lm", "k": "к k", "mb": "мб mb", "gb": "гб gb", "tb": "тб tb",
}  # fmt: skip
"""Units as they are written after a number, by the one name that stands in the index."""

_EMPTY = (
    "и в во на с со к ко у о об от до для по из за под при или а но не a an the and or of for with "
    "in on to"
)
EMPTY_WORDS = frozenset(_EMPTY.split())
"""Words that tell nothing of a good."""

_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split()}

# Possessive quantifiers: no text makes the search go back over what it has read.
_UNIT = "|".join(sorted(_UNIT_OF, key=len, reverse=True))
_NUMBER = r"\d++(?:[.,]\d++)?+"
_END = r"(?![^\W_])"
_TOKEN = re.compile(
    rf"(?P<size>{_NUMBER}(?:\s?[xх*×]\s?{_NUMBER})++){_END}"
    rf"|(?P<number>{_NUMBER})(?:[\s-]?(?P<unit>{_UNIT}))?{_END}(?![-./\\][^\W_])"
    r"|(?P<run>[^\W_]++(?:[-‐‑–./\\_+][^\W_]++)*+)"
)
_JOINTS = re.compile(r"[\W_]+")
_TAG = re.compile(r"<[^<>]*>")
_LATIN = re.compile(r"[a-z]")
_ACCENTED = re.compile("[\u00e0-\u024f\u1e00-\u1eff]")

_TWINS = dict(zip("авекмнорстухіѕј", "abekmhopctyxisj", strict=True))
_TO_LATIN_TWINS = str.maketrans(_TWINS)
_TO_CYRILLIC_TWINS = str.maketrans({latin: own for own, latin in _TWINS.items() if own < "ѐ"})
_TRANSLITERATION = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхцыэ", "abvgdeziyklmnoprstufhcye", strict=True))
    | {"ж": "zh", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": "", "ю": "yu", "я": "ya"}
)


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    MEASURE = "measure"
    SIZE = "size"
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text.

    Attributes:
        kind: WORD: letters. NUMBER: "47", "2.5". MEASURE: a number and its unit, "10mm". SIZE:
            "3x2.5". ARTICLE: letters, digits and what joins them, "ва47-29".
        text: In the one spelling; of an article without what joined it.
        parts: Of an article or of joined words, "ва47" and "29"; else empty.
    """

    kind: Kind
    text: str
    parts: tuple[Token, ...] = ()


def normalise(text: str) -> str:
    """`text` without HTML, in lower case, in one spelling of each letter."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", text))
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return folded.translate(_WITHOUT_ACCENTS) if _ACCENTED.search(folded) else folded


def pieces(normalised: str) -> list[str]:
    """Where a text that `normalise` gave comes apart; `read` says what each piece is."""
    return [found[0] for found in _TOKEN.finditer(normalised)]


@lru_cache(maxsize=1 << 16)
def read(piece: str) -> Token:
    """What a piece is."""
    found = _TOKEN.fullmatch(piece)
    assert found, piece
    if size := found["size"]:
        numbers = re.findall(_NUMBER, size)
        return Token(Kind.SIZE, "x".join(map(_plain, numbers))[:LONGEST])
    if number := found["number"]:
        if unit := found["unit"]:
            return Token(Kind.MEASURE, _plain(number)[:LONGEST] + _UNIT_OF[unit])
        return Token(Kind.NUMBER, _plain(number)[:LONGEST])
    run = found["run"]
    kind = Kind.ARTICLE if any(letter.isdigit() for letter in run) else Kind.WORD
    apart = _JOINTS.split(run)
    if len(apart) == 1:
        return Token(kind, (_one_script(run) if kind is Kind.WORD else run)[:LONGEST])
    parts = tuple(token for part in apart for token in tokens(part))
    return Token(kind, "".join(apart)[:LONGEST], parts)


def tokens(normalised: str) -> list[Token]:
    """The pieces of a text that `normalise` gave, read, in their order."""
    return [read(piece) for piece in pieces(normalised)]


def telling(text: Sequence[Token]) -> list[Token]:
    """A text without words like "for" and "the", which tell nothing; as it is if it has no other.

    Args:
        text: Its tokens.
    """
    return [token for token in text if token.text not in EMPTY_WORDS] or list(text)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """What the forms of a word have in common: "ламп" of "лампами"; of other scripts the word."""
    russian, english = _stemmers()
    stemmed: str = (english if word.isascii() else russian).stemWord(word)
    return stemmed or word


def article_forms(text: str) -> tuple[str, ...]:
    """An article as letters and digits alone, in the spellings under which it may be asked for.

    Args:
        text: Normalised.

    Returns:
        With Latin letters for the Cyrillic ones that look like them, and transliterated: "ba4729"
        and "va4729" for each of "ва47-29" (Cyrillic) and "ba47-29" (Latin). Empty where there is
        neither letter nor digit.
    """
    squeezed = _JOINTS.sub("", text)[:LONGEST]
    if not squeezed:
        return ()
    seen = squeezed.translate(_TO_LATIN_TWINS)
    said = squeezed.translate(_TO_CYRILLIC_TWINS).translate(_TRANSLITERATION)
    return (seen, said) if said and said != seen else (seen,)


class _Accents(dict[int, str]):
    """A table for `str.translate`, filled as letters come: of "é" it makes "e"."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        self[code] = folded = base if base.isascii() else letter
        return folded


_WITHOUT_ACCENTS = _Accents()


def _plain(number: str) -> str:
    return number.replace(",", ".")


def _one_script(word: str) -> str:
    """A word in which letters of another script stand for their twins, in its own script."""
    if word.isascii() or not _LATIN.search(word):
        return word
    cyrillic = word.translate(_TO_CYRILLIC_TWINS)
    if not _LATIN.search(cyrillic):
        return cyrillic
    latin = word.translate(_TO_LATIN_TWINS)
    return latin if latin.isascii() else word


@cache
def _stemmers() -> tuple[Any, Any]:
    # loaded with the first text: a server is asked about photos sooner
    import Stemmer

    return Stemmer.Stemmer("russian"), Stemmer.Stemmer("english")
