"""What became of the visitors of an experiment, and whether that decides it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from vitrina.evaluation.sequential import Difference, Share, compare_shares
from vitrina.experiment.definition import Criterion, Ending, Experiment

_REACHED: dict[Criterion, tuple[str, ...]] = {
    "click": ("click", "cart", "order"),
    "cart": ("cart", "order"),
    "order": ("order",),
}
"""What counts: whoever ordered had put it into the cart, whether the shop tells of that or not."""


@dataclass(frozen=True, kw_only=True)
class ArmFigures:
    """One bundle's visitors, and what it cost to answer them.

    Attributes:
        version: The bundle.
        visitors: Different browsers that sent a photo.
        won: Of those, who did what the experiment is about.
        searches: Photos that were answered.
        filled: Of those, whose answer filled the search box.
        unsure: Whose answer asked the shopper.
        unknown: Whose answer said that the shop has no such thing.
        visitors_with: Visitors with at least one event of each kind.
        values: What was ordered, by currency, in hundredths.
        answer_ms: Median and 95th percentile of an answer; None without any.
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
    answer_ms: tuple[float, float] | None

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
    """

    experiment: Experiment
    first: ArmFigures
    second: ArmFigures
    difference: Difference

    @property
    def decided(self) -> Ending | None:
        """Which one is better for certain; None while that is not known."""
        if not self.difference.is_sure:
            return None
        return "second_better" if self.difference.estimate > 0 else "first_better"


def outcome_of(connection: sqlite3.Connection, experiment: Experiment) -> Outcome:
    """Adds up what is known of an experiment now.

    Args:
        connection: A question to `server.db`.
        experiment: Which.
    """
    first, second = (
        _figures(connection, experiment, version)
        for version in (experiment.first, experiment.second)
    )
    difference = compare_shares(first.won_share, second.won_share)
    return Outcome(experiment, first, second, difference)


def _figures(connection: sqlite3.Connection, experiment: Experiment, version: str) -> ArmFigures:
    own = (experiment.id, version)
    decisions = dict(
        connection.execute(
            "SELECT decision, count(*) FROM queries WHERE experiment = ? AND bundle = ? "
            "GROUP BY decision",
            own,
        ).fetchall()
    )
    (visitors,) = connection.execute(
        "SELECT count(DISTINCT visitor) FROM queries WHERE experiment = ? AND bundle = ?", own
    ).fetchone()
    by_kind = connection.execute(
        "SELECT kind, count(DISTINCT visitor) FROM queries JOIN events ON query_id = queries.id "
        "WHERE experiment = ? AND bundle = ? GROUP BY kind",
        own,
    ).fetchall()
    reached = _REACHED[experiment.criterion]
    marks = ", ".join("?" * len(reached))
    (won,) = connection.execute(
        f"SELECT count(DISTINCT visitor) FROM queries JOIN events ON query_id = queries.id "  # noqa: S608 - marks alone
        f"WHERE experiment = ? AND bundle = ? AND kind IN ({marks})",
        (*own, *reached),
    ).fetchone()
    values = connection.execute(
        "SELECT currency, sum(value_minor) FROM queries JOIN events ON query_id = queries.id "
        "WHERE experiment = ? AND bundle = ? AND kind = 'order' AND currency IS NOT NULL "
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
        answer_ms=_spread(connection, own, searches),
    )


def _spread(
    connection: sqlite3.Connection, own: tuple[str, str], searches: int
) -> tuple[float, float] | None:
    if not searches:
        return None
    ordered = (
        "SELECT milliseconds FROM queries WHERE experiment = ? AND bundle = ? "
        "ORDER BY milliseconds LIMIT 1 OFFSET ?"
    )
    median, late = (
        float(connection.execute(ordered, (*own, int(share * (searches - 1)))).fetchone()[0])
        for share in (0.5, 0.95)
    )
    return median, late
