"""Why one model was chosen and the others were not, and what was told of the data: in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.comparison import Comparison, Excess, Lead, Limit, Verdict
from vitrina.evaluation.report.numerals import Numerals, is_figure
from vitrina.notices import Notice

_IN_MEGABYTES = ("ram", "size")


@dataclass(frozen=True)
class Reasons:
    """Sentences about one model.

    Attributes:
        title: What people call it.
        outcome: In a word or two.
        kind: The verdict's outcome, or "nearest"; for the looks of it.
        sentences: Why.
    """

    title: str
    outcome: str
    kind: str
    sentences: tuple[str, ...]


class Wording:
    """Says in one language why models won or lost.

    Args:
        comparison: What is reported.
        words: Texts of the report.
        numerals: Writes the figures.
    """

    def __init__(
        self, comparison: Comparison, words: Mapping[str, str], numerals: Numerals
    ) -> None:
        self._comparison = comparison
        self._words = words
        self._numerals = numerals
        self._candidates = {each.backbone: each for each in comparison.candidates}

    def heading(self) -> str:
        """The choice in one line."""
        choice = self._comparison.choice
        if choice.best:
            return self._say("choice_heading", model=self.title(choice.best))
        return self._words["choice_none_heading" if choice.nearest else "choice_empty_heading"]

    def choice(self) -> tuple[str, ...]:
        """What the choice means: accuracy, costs, the lead, the budget."""
        best, nearest = self._comparison.choice.best, self._comparison.choice.nearest
        if best:
            told = [*self._what_it_does(best), *self._what_it_costs(best), self._rival(best)]
        elif nearest:
            told = [
                self._say("choice_nearest", model=self.title(nearest)),
                *(self._over(excess) for excess in self._verdict(nearest).excess),
                self._words["choice_nearest_next"],
                *self._what_it_does(nearest),
                *self._what_it_costs(nearest),
            ]
        else:
            told = [self._words["choice_empty"]]
        return (*told, self._budget())

    def others(self) -> list[Reasons]:
        """Why each of the other models lost, in their order."""
        return [
            self._reasons(verdict)
            for verdict in self._comparison.choice.verdicts
            if verdict.outcome != "chosen"
        ]

    def title(self, backbone: str) -> str:
        """What people call a backbone."""
        candidate = self._candidates.get(backbone)
        return (candidate.title if candidate else "") or backbone

    def limit(self, limit: Limit, value: float | None) -> str:
        """A cost with its unit; times from one second on in seconds."""
        if not is_figure(value):
            return self._words["no_figure"]
        assert value is not None
        if limit in _IN_MEGABYTES:
            return self._say("unit_mb", value=self._numerals.short(value))
        if value >= 1000:
            return self._say("unit_s", value=self._numerals.short(value / 1000))
        return self._say("unit_ms", value=self._numerals.short(value))

    def failure(self, candidate: Candidate | None) -> str:
        """Why there are no figures of a model: in the reader's words, then in the program's."""
        if candidate is None or not candidate.failed:
            return self._words["why_failed_no_reason"]
        plain = self._words.get(f"failure_{candidate.failed_code}")
        if plain is None:
            return candidate.failed
        return f"{plain} {self._say('failure_message', message=candidate.failed)}"

    def notice(self, notice: Notice, name_of: Callable[[str], str]) -> str:
        """What a person should know of the data; in the program's words where it has no code.

        Args:
            notice: One of the dataset's.
            name_of: Gives the name of a category, by slug.
        """
        named = {
            name: ", ".join(map(name_of, value)) if isinstance(value, tuple) else value
            for name, value in notice.values.items()
        }
        for name in ("category", "other_category"):
            if name in named:
                named[name] = name_of(str(named[name]))
        sentence = self._words.get(f"notice_{notice.code}")
        return notice.message if sentence is None else sentence.format(**named)

    def _reasons(self, verdict: Verdict) -> Reasons:
        kind = verdict.outcome
        told: list[str] = []
        if kind == "failed":
            candidate = self._candidates.get(verdict.backbone)
            told.append(self._say("why_failed", reason=self.failure(candidate)))
        elif kind == "over_budget":
            told += [self._over(excess) for excess in verdict.excess]
            if verdict.lead and verdict.lead.points:
                told += self._beside_leader(verdict.lead)
        elif kind == "costlier":
            told.append(self._costlier(verdict.backbone))
        elif verdict.lead:
            told += self._behind(verdict.backbone, verdict.lead)
        if verdict.backbone == self._comparison.choice.nearest:
            return Reasons(
                self.title(verdict.backbone),
                self._words["outcome_nearest"],
                "nearest",
                tuple(told),
            )
        return Reasons(
            self.title(verdict.backbone), self._words[f"outcome_{kind}"], kind, tuple(told)
        )

    def _what_it_does(self, backbone: str) -> list[str]:
        candidate = self._candidates.get(backbone)
        if candidate is None or candidate.offline is None:
            return []
        test, phone = candidate.offline.test, candidate.offline.phone
        out_of_100 = self._numerals.out_of_100
        told = [self._say("choice_top1", top1=out_of_100(test.top1), top3=out_of_100(test.top3))]
        if phone.photos and is_figure(phone.top1):
            told.append(self._say("choice_phone", top1=out_of_100(phone.top1)))
        return told

    def _what_it_costs(self, backbone: str) -> list[str]:
        costs = [
            self._say(f"cost_{limit}", value=self.limit(limit, value))
            for limit, value in self._costs(backbone).items()
            if is_figure(value)
        ]
        if not costs:
            return [self._words["choice_no_cost"]]
        return [self._say("choice_cost", costs=", ".join(costs))]

    def _rival(self, best: str) -> str:
        leads = [
            (verdict.lead.points, verdict.backbone, verdict.lead)
            for verdict in self._comparison.choice.verdicts
            if verdict.outcome in ("less_accurate", "costlier")
            and verdict.lead
            and verdict.backbone != best
            and is_figure(verdict.lead.points)
        ]
        if not leads:
            return self._words["choice_alone"]
        _, backbone, lead = min(leads, key=lambda each: each[:2])
        return self._say(
            "choice_lead_sure" if lead.beyond_noise else "choice_lead_noise",
            model=self.title(backbone),
            points=self._points(lead.points),
            interval=self._interval(lead),
        )

    def _behind(self, backbone: str, lead: Lead) -> list[str]:
        if lead.points:
            sure = "why_sure" if lead.beyond_noise else "why_noise"
            return [
                self._say("why_less_accurate", points=self._points(lead.points)),
                self._say(sure, interval=self._interval(lead)),
            ]
        phone = [
            candidate.offline.phone.top1
            for name in (backbone, self._comparison.choice.best)
            if name and (candidate := self._candidates.get(name)) and candidate.offline
        ]
        if len(phone) == 2 and phone[0] < phone[1]:
            other, best = map(self._numerals.percent, phone)
            return [self._say("why_equal_test", other=other, best=best)]
        return [self._words["why_tied"]]

    def _beside_leader(self, lead: Lead) -> list[str]:
        choice = self._comparison.choice
        better = lead.points < 0
        key = "why_over_better" if better else "why_over_worse"
        if not choice.best:
            key += "_than"
        sure = "why_sure" if lead.beyond_noise else "why_noise"
        flipped = lead
        if better:
            low, high = lead.interval
            flipped = Lead(
                points=-lead.points, interval=(-high, -low), beyond_noise=lead.beyond_noise
            )
        return [
            self._say(
                key,
                points=self._points(flipped.points),
                model=self.title(choice.best or choice.nearest or ""),
            ),
            self._say(sure, interval=self._interval(flipped)),
        ]

    def _over(self, excess: Excess) -> str:
        limit = self._words[f"limit_{excess.limit}"]
        if not is_figure(excess.measured):
            return self._say("why_unmeasured", limit=limit)
        over = excess.measured - excess.allowed
        ratio = over / excess.allowed if excess.allowed else None
        return self._say(
            "why_over",
            limit=limit,
            measured=self.limit(excess.limit, excess.measured),
            allowed=self.limit(excess.limit, excess.allowed),
            over=self.limit(excess.limit, over),
            percent=self._numerals.percent(ratio, 0 if ratio is not None and ratio >= 0.1 else 1),
        )

    def _costlier(self, backbone: str) -> str:
        best = self._costs(self._comparison.choice.best or "")
        told = [
            self._say(
                f"costlier_{limit}",
                other=self.limit(limit, value),
                best=self.limit(limit, best[limit]),
            )
            for limit, value in self._costs(backbone).items()
            if limit in best and value > best[limit]
        ]
        if not told:
            return self._words["why_costlier_unknown"]
        return self._say("why_costlier", costs=", ".join(told))

    def _costs(self, backbone: str) -> dict[Limit, float]:
        """What it costs on the server, the most telling first; empty where nothing was measured."""
        candidate = self._candidates.get(backbone)
        online = candidate.online if candidate else None
        if online is None:
            return {}
        return {
            "latency": online.request_ms.median,
            "ram": online.ram_usage_mb.median,
            "cold_start": online.cold_start_ms.median,
            "size": online.model_size_mb,
        }

    def _budget(self) -> str:
        budget = self._comparison.budget
        limits = [
            self._say(f"budget_{limit}", value=self.limit(limit, allowed))
            for limit in get_args(Limit)
            if (allowed := getattr(budget, limit)) is not None
        ]
        if not limits:
            return self._words["budget_none"]
        if budget.cores is not None:
            limits.append(self._say("budget_cores", value=str(budget.cores)))
        return self._say("budget", limits=", ".join(limits))

    def _verdict(self, backbone: str) -> Verdict:
        found = [each for each in self._comparison.choice.verdicts if each.backbone == backbone]
        return found[0] if found else Verdict(backbone=backbone, outcome="over_budget")

    def _points(self, points: float) -> str:
        return self._say("points", points=self._numerals.number(points, 1))

    def _interval(self, lead: Lead) -> str:
        low, high = (self._numerals.number(end, 1) for end in lead.interval)
        return self._say("interval", low=low, high=high)

    def _say(self, key: str, **parts: str) -> str:
        return self._words[key].format(**parts)


def unmeasured(comparison: Comparison) -> list[Candidate]:
    """The candidates without figures, each with its reason."""
    failed = {each.backbone for each in comparison.choice.verdicts if each.outcome == "failed"}
    return [each for each in comparison.candidates if each.failed or each.backbone in failed]
