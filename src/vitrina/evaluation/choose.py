"""Names the model that a shop should run: the most accurate one of those that its server can bear.

What a budget leaves unspent buys a shop nothing, so inside it accuracy alone decides. On equal
photos, though, a lead may be chance: each loser's verdict says whether it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

import numpy as np

from vitrina.evaluation.bootstrap import lead
from vitrina.evaluation.budget import excess, measured_cost
from vitrina.evaluation.candidate import Candidate, OfflineRecord
from vitrina.evaluation.comparison import Budget, Choice, Excess, Lead, Limit, Verdict


def choose(candidates: Sequence[Candidate], budget: Budget) -> Choice:
    """The best model inside a budget, and for each other one what cost it the place.

    Best is the highest top-1 on the test photos. Exact ties are decided by top-1 on the phone
    photos, then by the shorter answer, then by the smaller deployment, then by the given order.

    Args:
        candidates: Measured on the same test photos; failed ones too.
        budget: What the server has. A model without online figures is inside it only where no
            limit asks for them.

    Returns:
        Best and nearest are both None where nothing was measured, or nothing that a limit asks
        for.
    """
    measured = [each for each in candidates if _offline(each) is not None]
    over = {each.backbone: excess(each, budget) for each in measured}
    inside = [each for each in measured if not over[each.backbone]]
    best = min(inside, key=_rank, default=None)
    nearest = None
    if best is None:
        known = [each for each in measured if _worst(over[each.backbone]) < math.inf]
        nearest = min(
            known, key=lambda each: (_worst(over[each.backbone]), _rank(each)), default=None
        )
    edge = _pareto(measured)
    return Choice(
        best=best.backbone if best else None,
        nearest=nearest.backbone if nearest else None,
        verdicts=tuple(
            _verdict(each, best, best or nearest, over.get(each.backbone, ()), edge)
            for each in candidates
        ),
    )


def _verdict(
    candidate: Candidate,
    best: Candidate | None,
    leader: Candidate | None,
    over: tuple[Excess, ...],
    edge: set[str],
) -> Verdict:
    name = candidate.backbone
    if _offline(candidate) is None:
        return Verdict(backbone=name, outcome="failed")
    on_the_edge = name in edge
    if candidate is best:
        return Verdict(backbone=name, outcome="chosen", on_the_edge=on_the_edge)
    ahead = _lead(leader, candidate) if leader and candidate is not leader else None
    if over:
        return Verdict(
            backbone=name, outcome="over_budget", excess=over, lead=ahead, on_the_edge=on_the_edge
        )
    same = best is not None and _accuracy(best) == _accuracy(candidate)
    return Verdict(
        backbone=name,
        outcome="costlier" if same else "less_accurate",
        lead=ahead,
        on_the_edge=on_the_edge,
    )


def _offline(candidate: Candidate) -> OfflineRecord | None:
    """Its figures; None where it failed, or answered with something that is no number."""
    record = candidate.offline
    if candidate.failed or record is None or not math.isfinite(record.test.top1):
        return None
    return record


def _accuracy(candidate: Candidate) -> tuple[float, float]:
    """Top-1 on the test photos and on the phone photos."""
    record = _offline(candidate)
    assert record is not None
    phone = record.phone.top1
    return record.test.top1, phone if math.isfinite(phone) else -math.inf


def _cost(candidate: Candidate, limit: Limit) -> float:
    """What was measured; infinite where nothing was, for it must not win by that."""
    cost = measured_cost(candidate, limit)
    return math.inf if math.isnan(cost) else cost


def _rank(candidate: Candidate) -> tuple[float, ...]:
    """The smaller, the better."""
    test, phone = _accuracy(candidate)
    return -test, -phone, _cost(candidate, "latency"), _cost(candidate, "size")


def _worst(over: tuple[Excess, ...]) -> float:
    """How many times the limit that is exceeded the most is used up; infinite where unmeasured."""
    return max(
        math.inf if math.isnan(each.measured) or each.allowed <= 0 else each.measured / each.allowed
        for each in over
    )


def _lead(leader: Candidate, other: Candidate) -> Lead | None:
    """On the photos that both answered; None where there are none."""
    first, second = _right(leader), _right(other)
    shared = [photo for photo in first if photo in second]
    if not shared:
        return None
    return lead(
        np.array([first[photo] for photo in shared]), np.array([second[photo] for photo in shared])
    )


def _right(candidate: Candidate) -> dict[str, bool]:
    """Whether each photo was answered rightly, by SHA-256."""
    record = _offline(candidate)
    assert record is not None
    return {answer.sha256: answer.guess == answer.category for answer in record.answers}


def _pareto(candidates: Sequence[Candidate]) -> set[str]:
    """Backbones that no other one matches in accuracy and every cost while beating it in one."""
    points = {
        each.backbone: (
            -_accuracy(each)[0],
            *(_cost(each, limit) for limit in get_args(Limit)),
        )
        for each in candidates
    }
    return {
        name
        for name, point in points.items()
        if not any(
            other != point and all(a <= b for a, b in zip(other, point, strict=True))
            for other in points.values()
        )
    }
