"""Simulated months of an A/B in the shop: is a true difference found, and how often a false one?

    python benchmarks/ab_month.py [--months 200] [--visitors 10000] [--right 0.8 0.9] [--share 0.5]

Each month visitors come, are dealt out by the product's own hash, send a photo, and click on a
product in half of the cases where the model is right about it and in a tenth where it is not. After
every day the product's own test is looked at; the first day on which it is sure ends the month.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from vitrina.evaluation.sequential import MISTAKES, Share, compare_shares
from vitrina.experiment.definition import Experiment

DAYS = 30
CLICKS_IF_RIGHT, CLICKS_IF_WRONG = 0.5, 0.1


@dataclass(frozen=True)
class Month:
    """How one month ended.

    Attributes:
        day: On which the test was sure; 0 where it never was.
        estimate: Of the difference, then or at the end.
        naive: Whether a common test at 5 %, looked at every day, would have been sure of one.
    """

    day: int
    estimate: float
    naive: bool


def simulate(right: tuple[float, float], visitors: int, seed: int, share: float = 0.5) -> Month:
    """One month.

    Args:
        right: Shares of photos that the first and the second model are right about.
        visitors: In all.
        seed: Of the month.
        share: Of the visitors that the second model gets.
    """
    rng = np.random.default_rng(seed)
    experiment = Experiment(
        id=UUID(int=int(rng.integers(1 << 62))).hex,
        first="a", second="b", share=share, criterion="click", began=0,
    )  # fmt: skip
    names = rng.bytes(8 * visitors).hex()
    second = np.array(
        [experiment.arm_of(names[16 * n : 16 * n + 16]) == "second" for n in range(visitors)]
    )
    is_right = rng.random(visitors) < np.where(second, right[1], right[0])
    clicked = rng.random(visitors) < np.where(is_right, CLICKS_IF_RIGHT, CLICKS_IF_WRONG)
    naive, estimate = False, 0.0
    for day in range(1, DAYS + 1):
        come = slice(0, visitors * day // DAYS)
        shares = [
            Share(int(clicked[come][second[come] == arm].sum()), int((second[come] == arm).sum()))
            for arm in (False, True)
        ]
        found = compare_shares(*shares)
        estimate = found.estimate
        error = np.sqrt(sum(s.value * (1 - s.value) / max(s.trials, 1) for s in shares))
        naive = naive or (min(s.trials for s in shares) > 50 and abs(estimate) > 1.96 * error)
        if found.is_sure:
            return Month(day, estimate, naive)
    return Month(0, estimate, naive)


def main() -> None:
    """Prints how months with and without a difference ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=10_000)
    parser.add_argument("--right", type=float, nargs=2, default=(0.8, 0.9))
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    answer = {}
    for name, right in (("equal", (given.right[0],) * 2), ("different", tuple(given.right))):
        months = [
            simulate(right, given.visitors, seed, given.share) for seed in range(given.months)
        ]
        sure = [month for month in months if month.day]
        answer[name] = {
            "months": len(months),
            "sure": len(sure),
            "sure_of_the_better": sum(month.estimate > 0 for month in sure),
            "median_day": float(np.median([month.day for month in sure])) if sure else None,
            "a_common_test_looked_at_daily": sum(month.naive for month in months),
        }
    if given.json:
        print(json.dumps(answer))
        return
    for name, found in answer.items():
        print(
            f"{name}: sure in {found['sure']} of {found['months']} months "
            f"({found['sure_of_the_better']} of the second), median day {found['median_day']}; "
            f"a common test looked at daily: {found['a_common_test_looked_at_daily']}"
        )
    print(f"stated rate of mistakes: {MISTAKES:.0%}")


if __name__ == "__main__":
    main()
