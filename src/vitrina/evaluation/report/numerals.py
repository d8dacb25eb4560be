"""How figures are written in Russian and in English."""

from __future__ import annotations

import math

DASH = "\N{EM DASH}"
"""Stands where there is no figure."""

_MINUS = "\N{MINUS SIGN}"
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def is_figure(value: float | None) -> bool:
    """Whether there is something to write: neither None nor NaN nor infinite."""
    return value is not None and math.isfinite(value)


class Numerals:
    """Writes figures the way readers of one language expect them.

    Args:
        language: "ru": decimal comma, thousands apart by a space; "en": point and comma.
    """

    def __init__(self, language: str) -> None:
        self._marks = {".": ",", ",": _NO_BREAK_SPACE} if language == "ru" else {}
        self._marks["-"] = _MINUS

    def number(self, value: float | None, digits: int | None = None) -> str:
        """A figure, or a dash where there is none.

        Args:
            value: None, NaN and infinities are none.
            digits: After the decimal mark; without it three significant ones, as many as a
                measurement supports.
        """
        if value is None or not math.isfinite(value):
            return DASH
        places = _places(value) if digits is None else digits
        written = f"{value:,.{places}f}"
        if not float(written.replace(",", "")):
            written = written.lstrip("-")  # -0.0 says nothing that 0.0 does not
        return "".join(self._marks.get(sign, sign) for sign in written)

    def short(self, value: float | None) -> str:
        """The same without zeros at the end: "50", "1.5"; for sentences and axes."""
        if value is None or not math.isfinite(value):
            return DASH
        places = _places(value)
        while places and round(value, places) == round(value, places - 1):
            places -= 1
        return self.number(value, places)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of 0 to 1 as a percentage."""
        if share is None or not math.isfinite(share):
            return DASH
        return f"{self.number(100 * share, digits)}{_NO_BREAK_SPACE}%"

    def times(self, ratio: float | None) -> str:
        """How many times larger: "2.3" below 10, "11" above."""
        if ratio is None or not math.isfinite(ratio):
            return DASH
        return self.number(ratio, 1 if abs(ratio) < 9.95 else 0)

    def out_of_100(self, share: float | None) -> str:
        """A share of 0 to 1 as a whole number of hundred; 100 and 0 only where they are exact."""
        if share is None or not math.isfinite(share):
            return DASH
        whole = round(100 * share)
        if whole == 100 and share < 1:
            whole = 99
        elif whole == 0 and share > 0:
            whole = 1
        return str(whole)


def _places(value: float) -> int:
    size = abs(value)
    return 0 if size >= 99.95 else 1 if size >= 9.995 else 2
