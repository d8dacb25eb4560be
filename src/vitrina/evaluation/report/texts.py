"""Every sentence of the report, in Russian and in English.

One JSON file a language lies in `texts/`; a test holds their keys and placeholders equal.
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
    file = resources.files("vitrina.evaluation.report").joinpath("texts", f"{language}.json")
    table: dict[str, str] = json.loads(file.read_text("utf-8"))
    return MappingProxyType(table)
