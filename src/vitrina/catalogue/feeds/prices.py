"""Prices and currencies as feeds write them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_MOST = 10**10
_CODES = {
    "RUR": "RUB", "BYR": "BYN", "РУБ": "RUB", "РУБ.": "RUB", "Р": "RUB", "Р.": "RUB", "₽": "RUB",
    "ГРН": "UAH", "ГРН.": "UAH", "ТГ": "KZT", "ТНГ": "KZT", "$": "USD", "€": "EUR",
    "643": "RUB", "810": "RUB", "840": "USD", "978": "EUR", "933": "BYN", "398": "KZT",
    "980": "UAH", "156": "CNY",
}  # fmt: skip
"""What programs write instead of ISO 4217's present letters."""

_WITH_CODE = re.compile(r"^(?P<before>[A-Z]{3})?\s*(?P<price>.*?)\s*(?P<after>[A-Z]{3})?$")


def parse_price(text: str) -> int:
    """Hundredths of what `text` says, from "1 234,50", "1234.50" or "1,234.50".

    Raises:
        ValueError: it is no number, negative, or 10,000,000,000 or more.
    """
    plain = "".join(text.split()) if len(text) <= 100 else ""
    if "," in plain and "." in plain:  # the last of the two starts the decimals
        grouping = "," if plain.rfind(".") > plain.rfind(",") else "."
        plain = plain.replace(grouping, "")
    try:
        price = Decimal(plain.replace(",", "."))
    except InvalidOperation:
        raise ValueError("not a number such as 1234.50") from None
    if not price.is_finite() or price < 0 or price >= _MOST:
        raise ValueError(f"not a price between 0 and {_MOST - 1}")
    return int(price.scaleb(2).to_integral_value())


def parse_currency(text: str) -> str:
    """ISO 4217 code of what `text` says, from "rub", "RUR", "руб." or "643".

    Raises:
        ValueError: it is no code.
    """
    code = text.strip().upper()
    code = _CODES.get(code, code)
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ValueError("not a code such as RUB")
    return code


def split_price(text: str) -> tuple[str, str]:
    """Price and currency of a text that holds both, such as "1234.50 RUB"; "" for no currency."""
    found = _WITH_CODE.match(text.strip()) if len(text) <= 100 else None
    if found is None:
        return text, ""
    return found["price"], found["after"] or found["before"] or ""
