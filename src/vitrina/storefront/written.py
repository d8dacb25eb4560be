"""How prices and addresses are written into a page."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from urllib.parse import quote, urlencode, urlsplit

_CURRENCY_SIGNS = {"RUB": "₽", "USD": "$", "EUR": "€", "KZT": "₸", "GBP": "£", "UAH": "₴"}
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_OWN_PICTURE = re.compile(r"/photos/[0-9a-f]{64}")
DOTS = (".", "..")
"""Articles that are no part of an address: browsers take them, however encoded, for folders."""

_AMOUNT = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,2})?")


def format_price(price: str | None, currency: str | None, language: str) -> str:
    """A price as people write it, much as the browser's Intl does it later.

    Args:
        price: A decimal number as text.
        currency: ISO 4217.
        language: "ru" or "en".

    Returns:
        For example "1 290 ₽" or "₽1,290"; empty where there is no price.
    """
    if price is None:
        return ""
    sign = _CURRENCY_SIGNS.get(currency or "", currency or "")
    try:
        amount = Decimal(price)
        if not amount.is_finite():
            raise InvalidOperation
        whole = amount == amount.to_integral_value()
        number = f"{amount:,.0f}" if whole else f"{amount:,.2f}"
    except (InvalidOperation, ValueError):
        return f"{price}{_NO_BREAK_SPACE}{sign}".strip()
    if language == "ru":
        number = number.replace(",", _NO_BREAK_SPACE).replace(".", ",")
        return f"{number}{_NO_BREAK_SPACE}{sign}".strip()
    gap = _NO_BREAK_SPACE if len(sign) > 1 else ""
    return f"{sign}{gap}{number}"


def safe_address(url: str | None) -> str:
    """The address if a browser may follow it, else nothing: a feed may hold `javascript:`."""
    if not url:
        return ""
    try:
        scheme = urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return ""
    return url.strip() if scheme in ("", "http", "https") else ""


def sized(url: str, side: int) -> str:
    """The address of a picture at a size; of another server's picture its only one.

    Args:
        url: As `safe_address` gives it.
        side: Longer side, pixels: 320 or 640.
    """
    return f"{url}/{side}" if _OWN_PICTURE.fullmatch(url) else url


def product_address(sku: str, lang: str = "") -> str:
    """Where a product's own page is; `lang` is kept where it was asked for by name."""
    own, kept = quote(sku, safe=""), {"lang": lang} if lang else {}
    if sku in DOTS:
        own, kept = "", {"article": sku} | kept
    return f"/product/{own}" + (f"?{urlencode(kept)}" if kept else "")


def amount(given: str) -> str:
    """A price as somebody wrote it into a field, as a decimal number; empty where it is none."""
    bare = "".join(given.split()).replace("₽", "")
    return bare.replace(",", ".") if _AMOUNT.fullmatch(bare) else ""
