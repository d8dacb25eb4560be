"""What became of the visitors of an experiment, and whether that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitrina.evaluation.sequential import Difference, Share, compare_shares, doubt_of_split
from vitrina.experiment.definition import Criterion, Ending, Experiment
from vitrina.store.connection import PlainConnection

_REACHED: dict[Criterion, tuple[str, ...]] = {
    "click": ("click", "cart", "order"),
    "cart": ("cart", "order"),
    "order": ("order",),
}
"""What counts: whoever ordered had put it into the cart, whether the shop tells of that or not."""

HARM = 0.01
"""Of visitors, beyond the active bundle's share, that the other may fail or keep waiting."""

_HARM_MISTAKES = 0.01
_SPLIT_MISTAKES = 0.01


@dataclass(frozen=True, kw_only=True)
class ArmFigures:
    """One bundle's visitors, and what it cost to answer them.

    Attributes:
        version: The bundle.
        visitors: Different browsers whose photos it was to answer.
        won: Of those, who did what the experiment is about.
        searches: Photos that were answered.
        filled: Of those, whose answer filled the search box.
        unsure: Whose answer asked the shopper.
        unknown: Whose answer said that the shop has no such thing.
        visitors_with: Visitors with at least one event of each kind.
        values: What was ordered, by currency, in hundredths.
        failed: Of the photos, which it could not answer, and the other bundle did.
        slow: Of the photos, whose answer took longer than the experiment's limit.
        visitors_failed: Visitors with at least one of those.
        visitors_slow: Likewise.
        answer_ms: Median and 95th percentile of an answer; None without any.
        infer_ms: The same of its network alone.
    """

    version: str
    visitors: int
    won: int
    searches: int
    filled: int
    unsure: int
    unknown: int
    visitors_with: dict[str, int]
    values: dict[str, int]
    failed: int
    slow: int
    visitors_failed: int
    visitors_slow: int
    answer_ms: tuple[float, float] | None
    infer_ms: tuple[float, float] | None

    @property
    def won_share(self) -> Share:
        """Of the visitors."""
        return Share(self.won, self.visitors)


@dataclass(frozen=True)
class Outcome:
    """An experiment in numbers.

    Attributes:
        experiment: Which.
        first: The active bundle's visitors.
        second: The other one's.
        difference: Of the shares that won, second minus first.
        failing: Of the shares of visitors whose bundle failed at least once.
        slowness: Of the shares of visitors that waited too long at least once.
        split_doubt: Probability of so uneven a split, were visitors shared as they should be.
    """

    experiment: Experiment
    first: ArmFigures
    second: ArmFigures
    difference: Difference
    failing: Difference
    slowness: Difference
    split_doubt: float

    @property
    def is_lopsided(self) -> bool:
        """Whether visitors are not shared as they should be: then the shares say nothing."""
        return self.split_doubt <= _SPLIT_MISTAKES

    @property
    def decided(self) -> Ending | None:
        """What is certain: harm that the other bundle does, or which is better; None if nothing."""
        if self.failing.low > HARM:
            return "second_fails"
        if self.slowness.low > HARM:
            return "second_slower"
        if self.is_lopsided or not self.difference.is_sure:
            return None
        return "second_better" if self.difference.estimate > 0 else "first_better"


def outcome_of(connection: PlainConnection, experiment: Experiment) -> Outcome:
    """Adds up what is known of an experiment now.

    Args:
        connection: A question to `server.db`.
        experiment: Which.
    """
    first, second = (
        _figures(connection, experiment, version)
        for version in (experiment.first, experiment.second)
    )
    dealt = Share(second.visitors, first.visitors + second.visitors)
    return Outcome(
        experiment,
        first,
        second,
        difference=compare_shares(first.won_share, second.won_share),
        failing=compare_shares(
            Share(first.visitors_failed, first.visitors),
            Share(second.visitors_failed, second.visitors),
            _HARM_MISTAKES,
        ),
        slowness=compare_shares(
            Share(first.visitors_slow, first.visitors),
            Share(second.visitors_slow, second.visitors),
            _HARM_MISTAKES,
        ),
        split_doubt=doubt_of_split(dealt, experiment.share),
    )


def _figures(connection: PlainConnection, experiment: Experiment, version: str) -> ArmFigures:
    # whose turn it was, whoever answered: where one fails, the other's answer is its own doing
    own = (experiment.id, version)
    decisions = dict(
        connection.execute(
            "SELECT decision, count(*) FROM queries WHERE experiment = ? AND assigned = ? "
            "GROUP BY decision",
            own,
        ).fetchall()
    )
    visitors, failed, slow, visitors_failed, visitors_slow = connection.execute(
        "SELECT count(DISTINCT visitor), count(*) FILTER (WHERE bundle <> assigned), "
        "count(*) FILTER (WHERE milliseconds > :slow), "
        "count(DISTINCT visitor) FILTER (WHERE bundle <> assigned), "
        "count(DISTINCT visitor) FILTER (WHERE milliseconds > :slow) "
        "FROM queries WHERE experiment = :experiment AND assigned = :assigned",
        {"slow": experiment.slow_ms, "experiment": experiment.id, "assigned": version},
    ).fetchone()
    by_kind = connection.execute(
        "SELECT kind, count(DISTINCT visitor) FROM queries JOIN events ON query_id = queries.id "
        "WHERE experiment = ? AND assigned = ? GROUP BY kind",
        own,
    ).fetchall()
    reached = _REACHED[experiment.criterion]
    marks = ", ".join("?" * len(reached))
    (won,) = connection.execute(
        f"SELECT count(DISTINCT visitor) FROM queries JOIN events ON query_id = queries.id "  # noqa: S608 - marks alone
        f"WHERE experiment = ? AND assigned = ? AND kind IN ({marks})",
        (*own, *reached),
    ).fetchone()
    values = connection.execute(
        "SELECT currency, sum(value_minor) FROM queries JOIN events ON query_id = queries.id "
        "WHERE experiment = ? AND assigned = ? AND kind = 'order' AND currency IS NOT NULL "
        "GROUP BY currency ORDER BY 2 DESC",
        own,
    ).fetchall()
    searches = sum(decisions.values())
    return ArmFigures(
        version=version,
        visitors=visitors,
        won=won,
        searches=searches,
        filled=decisions.get("category", 0),
        unsure=decisions.get("unsure", 0),
        unknown=decisions.get("unknown", 0),
        visitors_with=dict(by_kind),
        values=dict(values),
        failed=failed,
        slow=slow,
        visitors_failed=visitors_failed,
        visitors_slow=visitors_slow,
        answer_ms=_spread(connection, "milliseconds", own),
        infer_ms=_spread(connection, "infer_ms", own),
    )


def _spread(
    connection: PlainConnection,
    column: Literal["milliseconds", "infer_ms"],
    own: tuple[str, str],
) -> tuple[float, float] | None:
    # the network's time is the one's that answered
    rows = f"FROM queries WHERE experiment = ? AND assigned = ? AND {column} IS NOT NULL"
    if column == "infer_ms":
        rows += " AND bundle = assigned"
    (count,) = connection.execute(f"SELECT count(*) {rows}", own).fetchone()
    if not count:
        return None
    median, late = (
        float(
            connection.execute(
                f"SELECT {column} {rows} ORDER BY 1 LIMIT 1 OFFSET ?",
                (*own, int(share * (count - 1))),
            ).fetchone()[0]
        )
        for share in (0.5, 0.95)
    )
    return median, late
