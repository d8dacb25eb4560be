"""Every sentence that a shopper reads, in Russian and in English.

One JSON file a language lies in `texts/`; a test holds their keys and placeholders equal. The page
and its JavaScript read the same table, so a sentence is written once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

LANGUAGES = ("ru", "en")


@cache
def texts(language: str) -> Mapping[str, str]:
    """The table of one language.

    Args:
        language: One of `LANGUAGES`.

    Returns:
        Sentences by key; placeholders are written `{name}`.

    Raises:
        ValueError: No such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"Expected one of {', '.join(LANGUAGES)}. Received: {language!r}.")
    file = resources.files(__package__).joinpath("texts", f"{language}.json")
    table: dict[str, str] = json.loads(file.read_text("utf-8"))
    return MappingProxyType(table)


def choose_language(asked: str, accept: str, fallback: str) -> str:
    """The language of a page.

    Args:
        asked: The `lang` of the address; empty where there is none.
        accept: The Accept-Language header.
        fallback: The shop's own language.
    """
    if asked in LANGUAGES:
        return asked
    # sorted is stable: of two languages wanted equally the one named first wins.
    for part in sorted(accept.split(","), key=_weight, reverse=True):
        primary = part.partition(";")[0].partition("-")[0].strip().lower()
        if primary in LANGUAGES and _weight(part) > 0:
            return primary
    return fallback


def _weight(part: str) -> float:
    """The q of one entry of Accept-Language; an entry that makes no sense counts for nothing."""
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
