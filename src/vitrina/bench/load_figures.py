"""What rounds of load come to: latencies, goodput, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitrina.bench.open_loop import Offered, Outcome

REFUSALS = (429, 503)
"""The server says that it cannot take the request now."""

OF_BAD_PHOTOS = (400, 413, 415, 422)
"""How a photo that is none may be answered."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the planned start of requests to the end of their answers.

    Attributes:
        count: Of requests; the figures are 0 where there were none.
        p50: Median.
        p95: 95th percentile.
        p99: 99th percentile.
        most: Longest.
    """

    count: int
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RoundFigures:
    """What became of a round of requests.

    Attributes:
        rate: Requests offered a second.
        seconds: During which they were planned.
        answered: As they should be: photos with 200, bad ones with a status of `OF_BAD_PHOTOS`.
        refused_429: Too many requests of one client.
        refused_503: The server is busy.
        wrong: Any other status.
        wrong_answers: How many of those, by kind of photo and status, such as "heic 422".
        timed_out: No answer while there was patience.
        broken: The connection was refused, or closed without an answer.
        goodput: Answered as they should be, and in time, a second.
        without_retry_after: Refusals that do not say when to come back.
        accepted: Latency of what was answered.
        refused: Latency of refusals.
        by_kind: Latency of what was answered, by the kind of photo.
        late_ms_p99: How late requests were sent, 99th percentile; where it is much, the figures are
            of this side as well as of the server.
        client_cpu_percent: Processor time of sending them per wall time; 100 is one whole core.
        server_cpu_percent: Of the server, likewise.
        cpu_ms: Processor time of the server for each request that was answered, milliseconds.
        peak_mb: Most resident memory of the server during the round, 10^6 bytes.
    """

    rate: float
    seconds: float
    answered: int
    refused_429: int
    refused_503: int
    wrong: int
    wrong_answers: dict[str, int]
    timed_out: int
    broken: int
    goodput: float
    without_retry_after: int
    accepted: Latency
    refused: Latency
    by_kind: dict[str, Latency]
    late_ms_p99: float
    client_cpu_percent: float
    server_cpu_percent: float
    cpu_ms: float
    peak_mb: float

    @property
    def requests(self) -> int:
        """All that were offered."""
        failed = self.wrong + self.timed_out + self.broken
        return self.answered + self.refused_429 + self.refused_503 + failed

    @property
    def not_answered(self) -> float:
        """Share of requests that were not answered as they should be."""
        return 1 - self.answered / self.requests if self.requests else 0.0


def latency(seconds: Sequence[float]) -> Latency:
    """Percentiles of durations; a percentile is the duration of one of the requests."""
    if not seconds:
        return Latency(0)
    marks = np.percentile(np.array(seconds) * 1e3, (50, 95, 99, 100), method="inverted_cdf")
    return Latency(len(seconds), *(round(float(mark), 2) for mark in marks))


def round_figures(
    offered: Offered,
    kinds: Sequence[str],
    *,
    rate: float,
    seconds: float,
    deadline: float,
    server_cpu_percent: float = 0.0,
    peak_mb: float = 0.0,
) -> RoundFigures:
    """Counts a round.

    Args:
        offered: What became of it.
        kinds: Kind of each photo, by its number; "bad" is one that is to be refused.
        rate: Requests offered a second.
        seconds: During which they were planned.
        deadline: Seconds within which an answer is of use.
        server_cpu_percent: As `RoundFigures` says.
        peak_mb: Likewise.
    """
    answered: list[Outcome] = []
    refused: list[Outcome] = []
    wrong: list[Outcome] = []
    for outcome in offered.outcomes:
        if outcome.ending != "answered":
            continue
        if outcome.status in REFUSALS:
            refused.append(outcome)
        elif _as_it_should_be(outcome.status, kinds[outcome.photo]):
            answered.append(outcome)
        else:
            wrong.append(outcome)
    statuses = [outcome.status for outcome in refused]
    endings = [outcome.ending for outcome in offered.outcomes]
    late = latency([outcome.sent - outcome.planned for outcome in offered.outcomes])
    return RoundFigures(
        rate=round(rate, 2),
        seconds=seconds,
        answered=len(answered),
        refused_429=statuses.count(429),
        refused_503=statuses.count(503),
        wrong=len(wrong),
        wrong_answers=dict(Counter(f"{kinds[each.photo]} {each.status}" for each in wrong)),
        timed_out=endings.count("timed_out"),
        broken=endings.count("broken"),
        goodput=round(sum(outcome.seconds <= deadline for outcome in answered) / seconds, 2),
        without_retry_after=sum(not outcome.retry_after for outcome in refused),
        accepted=latency([outcome.seconds for outcome in answered]),
        refused=latency([outcome.seconds for outcome in refused]),
        by_kind={
            kind: latency([each.seconds for each in answered if kinds[each.photo] == kind])
            for kind in dict.fromkeys(kinds[each.photo] for each in offered.outcomes)
        },
        late_ms_p99=late.p99,
        client_cpu_percent=round(100 * offered.cpu_seconds / offered.wall_seconds, 1),
        server_cpu_percent=round(server_cpu_percent, 1),
        cpu_ms=round(10 * server_cpu_percent * offered.wall_seconds / len(answered), 2)
        if answered
        else 0.0,
        peak_mb=round(peak_mb, 1),
    )


def _as_it_should_be(status: int, kind: str) -> bool:
    return status in OF_BAD_PHOTOS if kind == "bad" else status == 200
