"""One running server under load: asked slowly, as fast as it keeps up, and beyond."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.bench.load_figures import Latency, RoundFigures, latency, round_figures
from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import Arrivals, Offered, Order, Request, Shares, plan
from vitrina.bench.photo_mix import PhotoMix
from vitrina.bench.resources import Held, ResourceWatch, held_now
from vitrina.errors import EvaluationError
from vitrina.evaluation.server_process import ServerProcess

DEADLINE = 1.0
"""An answer that takes longer is of no use to a shopper, seconds."""

_CALM_SECONDS = 30.0
_NORMAL = 2.0
_WATCH_EVERY = 0.25


@dataclass(frozen=True, kw_only=True)
class Overload:
    """A server that was asked twice as much as it keeps up with.

    Attributes:
        figures: Of the round.
        memory_before_mb: Resident, just before.
        memory_peak_mb: During it.
        memory_after_mb: Once it was as before.
        memory_mb: Every few seconds during it.
        normal_after: Seconds from the last request until answers took as long as before; None
            where that did not come within half a minute.
        normal_ms: An answer that took no longer is as before.
    """

    figures: RoundFigures
    memory_before_mb: float
    memory_peak_mb: float
    memory_after_mb: float
    memory_mb: tuple[float, ...]
    normal_after: float | None
    normal_ms: float


@dataclass(frozen=True)
class HeicFlood:
    """What many HEIC photos, which cost most, do to the others.

    Attributes:
        alone: Latency of the others without them.
        beside: Latency of the others beside them.
        heic: What became of the HEIC photos and the others together.
    """

    alone: Latency
    beside: Latency
    heic: RoundFigures


class ServerLoad:
    """Loads one server.

    Args:
        server: A running one.
        generator: That holds the photos of `mix`.
        mix: What is sent.
        arrivals: How requests follow each other.
        seed: Of their times.
    """

    def __init__(
        self,
        server: ServerProcess,
        generator: LoadGenerator,
        mix: PhotoMix,
        *,
        arrivals: Arrivals = "poisson",
        seed: int = 0,
    ) -> None:
        self._server = server
        self._generator = generator
        self._mix = mix
        self._arrivals = arrivals
        self._seed = seed
        self._rounds = 0
        self._probe = next(
            number for number, kind in enumerate(mix.kinds) if kind in mix.weights and kind != "bad"
        )
        self._normal_seconds = 0.0

    def takes(self, kind: str) -> bool:
        """Whether the server answers photos of a kind; asked once."""
        number = self._mix.kinds.index(kind)
        (outcome,) = self._in_turn([number]).outcomes
        return outcome.status == 200

    def one_at_a_time(self, count: int, warm_up: int = 20) -> Latency:
        """Photos of the mix, each sent when the answer before it is there.

        Also notes what an answer takes when nothing else is asked.

        Raises:
            EvaluationError: the server does not answer photos.
        """
        rate = 1.0
        schedule = plan(
            rate, count + warm_up, self._mix.shares, arrivals="constant", seed=self._seed
        )
        offered = self._in_turn([request.photo for request in schedule])
        measured = Offered(offered.outcomes[warm_up:], offered.wall_seconds, offered.cpu_seconds)
        figures = round_figures(
            measured, self._mix.kinds, rate=rate, seconds=1.0, deadline=DEADLINE
        )
        if figures.not_answered:
            raise EvaluationError(
                f"{figures.requests - figures.answered} of {figures.requests} photos were not "
                f"answered as they should be, though they came one at a time: {_told(figures)}.",
                hint="Start the server by hand, send it a photo and look at what it says.",
            )
        probes = self._in_turn([self._probe] * warm_up).outcomes
        self._normal_seconds = _NORMAL * latency([each.seconds for each in probes]).p95 / 1e3
        return figures.accepted

    def offer(self, rate: float, seconds: float, *, patience: float = 2 * DEADLINE) -> RoundFigures:
        """A round at a fixed mean rate, once the server is calm.

        Args:
            rate: Requests a second.
            seconds: How long.
            patience: Seconds after which a request is given up.
        """
        self.wait_until_calm()
        schedule = self._plan(rate, seconds, self._mix.shares)
        return self._send(schedule, rate, seconds, patience=patience)[1]

    def overload(self, rate: float, seconds: float) -> Overload:
        """A round beyond what the server keeps up with, and how long it takes to recover.

        Args:
            rate: Requests a second.
            seconds: How long.
        """
        self.wait_until_calm()
        schedule = self._plan(rate, seconds, self._mix.shares)
        before = held_now(self._server.pid)
        with ResourceWatch(self._server.pid, every=_WATCH_EVERY) as watch:
            offered, figures = self._send(
                schedule, rate, seconds, patience=10 * DEADLINE, probe=True
            )
        after = held_now(self._server.pid)
        return Overload(
            figures=figures,
            memory_before_mb=before.resident_mb,
            memory_peak_mb=max(figures.peak_mb, *(look.resident_mb for look in watch.looks)),
            memory_after_mb=after.resident_mb,
            memory_mb=_every_few(watch.looks),
            normal_after=None if offered.normal_after is None else round(offered.normal_after, 2),
            normal_ms=round(self._normal_seconds * 1e3, 1),
        )

    def heic_flood(self, rate: float, heic_rate: float, seconds: float) -> HeicFlood:
        """The mix at a rate without HEIC photos, then the same requests beside many.

        Args:
            rate: Requests a second of the mix.
            heic_rate: HEIC photos a second.
            seconds: How long each.
        """
        shares = self._mix.without("heic").shares if "heic" in self._mix.weights else None
        others = self._plan(rate, seconds, shares or self._mix.shares)
        heic = self._plan(heic_rate, seconds, Shares([self._mix.numbers("heic")], [1.0]))
        self.wait_until_calm()
        _, alone = self._send(others, rate, seconds, patience=10 * DEADLINE)
        self.wait_until_calm()
        both = sorted(others + heic)
        offered, figures = self._send(both, rate + heic_rate, seconds, patience=10 * DEADLINE)
        beside = [
            outcome.seconds
            for outcome in offered.outcomes
            if outcome.status == 200 and self._mix.kinds[outcome.photo] != "heic"
        ]
        return HeicFlood(alone.accepted, latency(beside), figures)

    def wait_until_calm(self) -> None:
        """Waits until answers take what they took when nothing else was asked, for a while."""
        self._generator.offer(self._order([], probe=True, probe_seconds=_CALM_SECONDS))

    def _plan(self, rate: float, seconds: float, shares: Shares) -> list[Request]:
        self._rounds += 1
        seed = self._seed + self._rounds
        return plan(rate, seconds, shares, arrivals=self._arrivals, seed=seed)

    def _send(
        self,
        schedule: list[Request],
        rate: float,
        seconds: float,
        *,
        patience: float,
        probe: bool = False,
    ) -> tuple[Offered, RoundFigures]:
        order = self._order(schedule, patience=patience, probe=probe)
        with self._server.usage() as usage:
            offered = self._generator.offer(order)
        return offered, round_figures(
            offered,
            self._mix.kinds,
            rate=rate,
            seconds=seconds,
            deadline=DEADLINE,
            server_cpu_percent=usage.cpu_percent,
            peak_mb=usage.peak_mb,
        )

    def _in_turn(self, photos: list[int]) -> Offered:
        order = self._order([Request(0.0, photo) for photo in photos])
        return self._generator.ask_in_turn(order)

    def _order(
        self,
        schedule: list[Request],
        *,
        patience: float = 30.0,
        probe: bool = False,
        probe_seconds: float = 30.0,
    ) -> Order:
        return Order(
            host="127.0.0.1",
            port=self._server.port,
            schedule=schedule,
            patience=patience,
            probe_photo=self._probe if probe else None,
            normal_seconds=self._normal_seconds,
            probe_seconds=probe_seconds,
        )


def _every_few(looks: list[Held]) -> tuple[float, ...]:
    """About twenty of the looks, evenly spread."""
    step = max(1, len(looks) // 20)
    return tuple(look.resident_mb for look in looks[::step])


def _told(figures: RoundFigures) -> str:
    """What became of requests that were not answered, in words."""
    counts = figures.wrong_answers | {
        "429": figures.refused_429,
        "503": figures.refused_503,
        "no answer in time": figures.timed_out,
        "closed without an answer": figures.broken,
    }
    return ", ".join(f"{count} x {what}" for what, count in counts.items() if count)
