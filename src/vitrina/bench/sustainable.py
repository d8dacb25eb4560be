"""The highest rate of requests that a server keeps up with, found by trying."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from vitrina.bench.load_figures import RoundFigures
from vitrina.errors import EvaluationError

MOST_NOT_ANSWERED = 0.01
"""A server that refuses, fails or loses more than this share does not keep up."""

_FASTER = 1.3
_MOST_TRIES = 20
_STEP_DOWN = 0.95


@dataclass(frozen=True)
class Step:
    """One rate that was tried.

    Attributes:
        figures: What came of it.
        held: Whether the server kept up.
    """

    figures: RoundFigures
    held: bool


@dataclass(frozen=True)
class SustainableRate:
    """What a server keeps up with.

    Attributes:
        confirmed: The longer round at the rate that was found.
        steps: All rates that were tried, in their order.
    """

    confirmed: RoundFigures
    steps: tuple[Step, ...]


def keeps_up(figures: RoundFigures, deadline: float) -> bool:
    """Whether p99 of what was answered is within the deadline and nearly all was answered.

    Args:
        figures: Of a round.
        deadline: Seconds.
    """
    in_time = figures.accepted.count > 0 and figures.accepted.p99 <= deadline * 1e3
    return in_time and figures.not_answered < MOST_NOT_ANSWERED


def find_sustainable_rate(
    try_rate: Callable[[float], RoundFigures],
    confirm: Callable[[float], RoundFigures],
    *,
    start: float,
    deadline: float,
    precision: float = 0.05,
) -> SustainableRate:
    """Goes up by steps until the server does not keep up, then halves the gap in logarithms.

    Args:
        try_rate: Offers so many requests a second for a short while.
        confirm: The same for longer; where it fails, a slightly lower rate is tried.
        start: First rate.
        deadline: Seconds within which an answer is of use.
        precision: The gap between what held and what did not, as a share, at the end.

    Raises:
        EvaluationError: the server keeps up with no rate.
    """
    steps: list[Step] = []
    low, high, rate = 0.0, math.inf, start
    while high > low * (1 + precision) and len(steps) < _MOST_TRIES:
        figures = try_rate(rate)
        steps.append(Step(figures, keeps_up(figures, deadline)))
        if steps[-1].held:
            low = rate
        else:
            high = rate
        if math.isinf(high):
            rate = low * _FASTER
        else:
            rate = math.sqrt(low * high) if low else high / _FASTER
    while low and len(steps) < 2 * _MOST_TRIES:
        figures = confirm(low)
        steps.append(Step(figures, keeps_up(figures, deadline)))
        if steps[-1].held:
            return SustainableRate(figures, tuple(steps))
        low *= _STEP_DOWN
    last = steps[-1].figures
    raise EvaluationError(
        f"The server kept up with no rate that was tried; at {last.rate:g} a second p99 was "
        f"{last.accepted.p99:g} ms and {last.not_answered:.0%} were not answered.",
        hint="Stop what else works on this machine, or look at what the server says.",
    )
