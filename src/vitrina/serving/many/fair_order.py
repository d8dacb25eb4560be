"""Whose turn it is: start-time fair queueing, by milliseconds of work.

Each shop has a tag, the work that it was given divided by its weight. The smallest tag is next. A
shop that had nothing to do for a while begins at the tag of what was begun last: it is not owed
what it did not ask for, nor does it pay for what it was given while nobody else wanted it. What a
piece of work took in truth is put right once it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar


class Share:
    """What one shop has had.

    Args:
        weight: Its part, beside those of the others.

    Attributes:
        tag: Milliseconds of work, divided by the weight.
        worked_ms: Milliseconds of work in all.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight
        self.tag = 0.0
        self.worked_ms = 0.0


AnyShare = TypeVar("AnyShare", bound=Share)


class FairOrder:
    """Tells in which order shops are to be served."""

    def __init__(self) -> None:
        self._begun = 0.0

    def wants(self, share: Share) -> None:
        """A shop waits, that had nothing waiting before."""
        share.tag = max(share.tag, self._begun)

    def begins(self, share: Share, expected_ms: float) -> None:
        """Work of a shop begins."""
        self._begun = max(self._begun, share.tag)
        share.tag += expected_ms / share.weight

    def ended(self, share: Share, expected_ms: float, took_ms: float) -> None:
        """It has ended, and took more or less than was expected."""
        share.tag += (took_ms - expected_ms) / share.weight
        share.worked_ms += took_ms

    @staticmethod
    def of(shares: Iterable[AnyShare]) -> list[AnyShare]:
        """Shops that wait, the next first; those that are level in the order that they are in."""
        return sorted(shares, key=lambda share: share.tag)
