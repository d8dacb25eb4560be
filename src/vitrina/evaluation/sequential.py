"""A comparison of two shares that may be looked at every day without fooling oneself.

A usual test holds its promise when it is looked at once. Looked at daily until it says something,
it finds a difference between two equal things in every third month. The test here keeps its rate
of mistakes however often it is looked at, and whenever one stops: the mixture sequential
probability ratio test (Robbins, "Statistical Methods Related to the Law of the Iterated
Logarithm", 1970; for shops' pages Johari et al., "Always Valid Inference", 2015), on the difference
of two means whose variances are estimated (Waudby-Smith et al., "Time-uniform Central Limit Theory
and Asymptotic Confidence Sequences", 2021). Whether visitors are shared as they should be is tested
exactly, by a mixture over shares (Lindon and Malek, "Anytime-Valid Inference for Multinomial Count
Data", 2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MISTAKES = 0.05
"""How often, at most, two equal things are called different, in all looks together."""

_LEAST_TRIALS = 100
_LEAST_SUCCESSES = 20
"""With fewer the normal approximation says nothing."""

_LIKELY_EFFECT = 0.07
"""Size of the differences that the test finds soonest, in standard deviations of one trial."""

_SPLIT_PRIOR = 100.0
"""Visitors that it takes to doubt a split which is wrong by some tenths."""


@dataclass(frozen=True)
class Share:
    """How often something came out well.

    Attributes:
        successes: How often.
        trials: Of how many.
    """

    successes: int
    trials: int

    @property
    def value(self) -> float:
        """0 to 1; 0 of no trials."""
        return self.successes / self.trials if self.trials else 0.0


@dataclass(frozen=True)
class Difference:
    """What is known of the second share minus the first.

    Attributes:
        estimate: Of it.
        low: It is not below that.
        high: Nor above that: both hold at all looks together, but for `mistakes` of all tests.
        is_sure: Whether there is a difference at all.
        doubt: Probability, valid at every look, of such a difference between equals.
    """

    estimate: float
    low: float
    high: float
    is_sure: bool
    doubt: float


def compare_shares(first: Share, second: Share, mistakes: float = MISTAKES) -> Difference:
    """Compares two shares, at this look as at any other.

    Args:
        first: Of the one.
        second: Of the other; trials are independent of each other.
        mistakes: See `Difference`.
    """
    estimate = second.value - first.value
    enough = min(first.trials, second.trials) >= _LEAST_TRIALS
    if not enough or first.successes + second.successes < _LEAST_SUCCESSES:
        return Difference(estimate, -1.0, 1.0, False, 1.0)
    pooled = Share(first.successes + second.successes, first.trials + second.trials)
    of_one = _variance_of_mean(pooled) * pooled.trials
    # of few trials with few successes the own variance is too small as often as the share is
    variance = max(
        _variance_of_mean(first) + _variance_of_mean(second),
        of_one / first.trials + of_one / second.trials,
    )
    likely = _LIKELY_EFFECT**2 * of_one
    widened = variance + likely
    ratio = 0.5 * (math.log(variance / widened) + estimate**2 * likely / (variance * widened))
    reach = math.sqrt(
        variance * widened / likely * (2 * math.log(1 / mistakes) + math.log(widened / variance))
    )
    doubt = min(1.0, math.exp(-ratio)) if ratio > 0 else 1.0
    return Difference(estimate, estimate - reach, estimate + reach, doubt <= mistakes, doubt)


def doubt_of_split(second: Share, expected: float) -> float:
    """Probability, valid at every look, of so uneven a split where visitors are shared rightly.

    Args:
        second: Visitors of the second of two, of all visitors.
        expected: Share that was to be the second's, above 0 and below 1.
    """
    rest = second.trials - second.successes
    own, others = _SPLIT_PRIOR * expected, _SPLIT_PRIOR * (1 - expected)
    mixed = _log_beta(own + second.successes, others + rest) - _log_beta(own, others)
    as_expected = second.successes * math.log(expected) + rest * math.log1p(-expected)
    return math.exp(min(0.0, as_expected - mixed))


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)


def _variance_of_mean(share: Share) -> float:
    # a success and a failure more: no share is taken for certain
    likely = (share.successes + 1) / (share.trials + 2)
    return likely * (1 - likely) / share.trials
