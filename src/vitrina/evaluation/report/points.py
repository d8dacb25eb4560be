"""What the Pareto picture shows: accuracy, the time of an answer, memory."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.numerals import is_figure


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model in the picture.

    Attributes:
        title: What people call it.
        position: Its place in the comparison, from 0.
        time: Of an answer, milliseconds.
        whole_answer: Whether `time` is a whole answer of the server, not one inference.
        top1: 0 to 1.
        low: Lower end of the 95 % interval.
        high: Upper end.
        memory: Peak of the server, megabytes; None where it was not measured.
        chosen: Whether it is the best inside the budget.
        on_the_edge: No other model is at least as good in accuracy and every cost.
    """

    title: str
    position: int
    time: float
    whole_answer: bool
    top1: float
    low: float
    high: float
    memory: float | None
    chosen: bool
    on_the_edge: bool


def pareto_points(comparison: Comparison) -> list[Point]:
    """The models that have an accuracy and a time, in their order.

    Where no model was measured in a server, the time is one inference instead of a whole answer;
    the two are never mixed.
    """
    edge = {each.backbone for each in comparison.choice.verdicts if each.on_the_edge}
    whole = any(candidate.offline and candidate.online for candidate in comparison.candidates)
    points = []
    for position, candidate in enumerate(comparison.candidates):
        offline, online = candidate.offline, candidate.online
        if offline is None or (whole and online is None):
            continue
        time = online.request_ms.median if whole and online else offline.cpu_ms
        memory = online.ram_usage_mb.median if whole and online else None
        if not (is_figure(time) and is_figure(offline.test.top1)):
            continue
        low, high = offline.test.top1_interval
        points.append(
            Point(
                title=candidate.title or candidate.backbone,
                position=position,
                time=time,
                whole_answer=whole,
                top1=offline.test.top1,
                low=low,
                high=high,
                memory=memory if is_figure(memory) else None,
                chosen=candidate.backbone == comparison.choice.best,
                on_the_edge=candidate.backbone in edge,
            )
        )
    return points
