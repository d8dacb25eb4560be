"""Which language a request wants its names in."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request

from vitrina.search.answers import Language
from vitrina.storefront.texts import choose_language


def request_language(request: Request, asked: str, fallback: Language) -> Language:
    """The `lang` of the address, else Accept-Language, else the shop's own."""
    accept = request.headers.get("accept-language", "")
    return cast(Language, choose_language(asked, accept, fallback))
