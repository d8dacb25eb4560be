"""Every sentence of the merchant's screens, in Russian and in English; a test holds both equal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from types import MappingProxyType

from vitrina.storefront.written import format_price

_NO_BREAK = "\N{NO-BREAK SPACE}"


@cache
def texts(language: str) -> Mapping[str, str]:
    """Sentences by key, placeholders as `{name}`; `language` is "ru" or "en"."""
    file = resources.files(__package__).joinpath("texts", f"{language}.json")
    table: dict[str, str] = json.loads(file.read_text("utf-8"))
    return MappingProxyType(table)


def number(value: float, language: str, digits: int = 0) -> str:
    """A number as people write it: "1 290,5" or "1,290.5"."""
    written = f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    if language == "ru":
        return written.replace(",", _NO_BREAK).replace(".", ",")
    return written


def money(minor: int, currency: str, language: str) -> str:
    """A sum in hundredths of a currency."""
    return format_price(f"{minor // 100}.{minor % 100:02d}", currency, language)


def share(part: int, whole: int, language: str) -> str:
    """A part in percent; a dash where there is nothing to be a part of."""
    if not whole:
        return "—"
    return percent(part / whole, language, 0 if part >= whole / 10 or not part else 1)


def percent(value: float, language: str, digits: int = 0) -> str:
    """A share from 0 to 1 in percent."""
    return f"{number(100 * value, language, digits)}{_NO_BREAK if language == 'ru' else ''}%"


def lasting(hours: float, language: str) -> str:
    """How long something goes on: in minutes, hours or days."""
    t = texts(language)
    if hours < 1:
        return t["minutes"].format(count=round(60 * hours))
    if hours < 48:
        return t["hours"].format(count=number(hours, language, 1))
    return t["days"].format(count=number(hours / 24, language))


def day(moment: datetime, language: str) -> str:
    """A date: "26.11.2026" or "2026-11-26"."""
    return moment.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")


def clock(moment: datetime, language: str) -> str:
    """A date and its time, to the minute."""
    return f"{day(moment, language)}{_NO_BREAK}{moment:%H:%M}"
