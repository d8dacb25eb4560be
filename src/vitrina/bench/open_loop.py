"""Open-loop load: requests start when they are planned, however many are still unanswered.

A client that waits for an answer before it asks again measures a slow server kindly: it asks less
while the server stands still. Shoppers do not know of each other, so here latency is counted from
the planned start, and whatever delays a request on this side is part of it too. Each request has a
connection of its own, as each shopper has. Only the standard library is used, and nothing of the
answers is read but status and headers: what this side takes of the processor, a server that is
measured on the same machine has not.
"""

from __future__ import annotations

import asyncio
import gc
import random
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Arrivals = Literal["poisson", "constant"]
Ending = Literal["answered", "timed_out", "broken"]

ROUTE = "/v1/search/photo"
_READ_BYTES = 65536
_PROBE_PAUSE_SECONDS = 0.02


class Request(NamedTuple):
    """One request of a schedule.

    Attributes:
        at: Seconds after the beginning.
        photo: Number of the photo.
    """

    at: float
    photo: int


class Outcome(NamedTuple):
    """What became of a request; times are seconds after the beginning of its round.

    Attributes:
        photo: Its number.
        planned: When the request was to start.
        sent: When it did.
        done: When its answer was there, or nobody waited any longer.
        status: Of the answer; 0 where there was none.
        ending: How it ended; "broken" is a connection that was refused or closed without an answer.
        retry_after: Whether the answer says when to come back.
    """

    photo: int
    planned: float
    sent: float
    done: float
    status: int
    ending: Ending
    retry_after: bool

    @property
    def seconds(self) -> float:
        """From the planned start to the end of the answer."""
        return self.done - self.planned


@dataclass(frozen=True, kw_only=True)
class Order:
    """A round of requests.

    Attributes:
        host: IPv4 address of the server.
        port: Where it listens.
        schedule: In the order of time.
        path: Of the resource.
        patience: Seconds after its planned start that a request is given up.
        sockets: At most so many at once; a request that finds none waits, which counts.
        probe_photo: Number of the photo of probes after the last planned request; None for none.
        normal_seconds: A probe whose answer took no longer finds the server as it was before.
        probe_seconds: Probes end that long after the schedule at the latest.
    """

    host: str
    port: int
    schedule: Sequence[Request]
    path: str = ROUTE
    patience: float = 10.0
    sockets: int = 400
    probe_photo: int | None = None
    normal_seconds: float = 0.0
    probe_seconds: float = 30.0


@dataclass(frozen=True)
class Offered:
    """What became of a round.

    Attributes:
        outcomes: Of each request, in the order of the schedule.
        wall_seconds: Of the whole round.
        cpu_seconds: Processor time that offering it took on this side.
        normal_after: Seconds from the last planned request to the first of `PROBES_IN_A_ROW` probes
            that all found the server as before; None where there were none such, or no probes.
    """

    outcomes: list[Outcome]
    wall_seconds: float
    cpu_seconds: float
    normal_after: float | None = None


PROBES_IN_A_ROW = 5
"""That many normal answers, one after the other, are more than a lucky gap."""


@dataclass(frozen=True)
class Sent:
    """A photo as it goes over the wire.

    Attributes:
        content: Of the body.
        media_type: Such as image/jpeg.
        host: Name of the shop's host, where one server has several; its address where empty.
    """

    content: bytes
    media_type: str
    host: str = ""

    def request(self, order: Order) -> memoryview:
        """Head and body of its request, in one piece."""
        head = (
            f"POST {order.path} HTTP/1.1\r\n"
            f"Host: {self.host or f'{order.host}:{order.port}'}\r\n"
            f"Content-Type: {self.media_type}\r\nContent-Length: {len(self.content)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return memoryview(head.encode("ascii") + self.content)


@dataclass(frozen=True)
class Shares:
    """Photos to choose from at random.

    Attributes:
        photos: Numbers of the photos of each kind.
        weights: How often each kind is taken.
    """

    photos: Sequence[Sequence[int]]
    weights: Sequence[float]


def plan(
    rate: float, seconds: float, shares: Shares, *, arrivals: Arrivals = "poisson", seed: int = 0
) -> list[Request]:
    """A schedule: arrivals at a fixed mean rate, each with a photo.

    Args:
        rate: Requests a second.
        seconds: How long.
        shares: What is sent. The photos of a kind are taken in turn, kinds at random.
        arrivals: "poisson": independent shoppers; "constant": one every 1 / rate seconds.
        seed: Of times and kinds.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    kinds = range(len(shares.photos))
    taken = [draw.randrange(len(photos)) for photos in shares.photos]
    schedule = []
    for at in _times(rate, seconds, arrivals, draw):
        (kind,) = draw.choices(kinds, shares.weights)
        taken[kind] += 1
        photos = shares.photos[kind]
        schedule.append(Request(at, photos[taken[kind] % len(photos)]))
    return schedule


def _times(rate: float, seconds: float, arrivals: Arrivals, draw: random.Random) -> Iterator[float]:
    if arrivals == "constant":
        yield from (number / rate for number in range(round(rate * seconds)))
        return
    at = draw.expovariate(rate)
    while at < seconds:
        yield at
        at += draw.expovariate(rate)


def offer(photos: Sequence[Sent], order: Order) -> Offered:
    """Sends a round of requests, each at its time."""
    return _run(_Round(photos, order))


def ask_in_turn(photos: Sequence[Sent], order: Order) -> Offered:
    """Sends the same requests one after the other; their planned times do not matter."""
    return _run(_Turns(photos, order))


class _Turns:
    """Requests one after the other."""

    def __init__(self, photos: Sequence[Sent], order: Order) -> None:
        self._order = order
        self._bodies = [photo.request(order) for photo in photos]

    async def run(self) -> tuple[list[Outcome], float | None]:
        """All outcomes; nothing is said about recovery."""
        loop = asyncio.get_running_loop()
        self._start = loop.time()
        return [
            await self.ask(request.photo, loop.time() - self._start)
            for request in self._order.schedule
        ], None

    async def ask(self, photo: int, planned: float) -> Outcome:
        """One request, from connecting to the end of the answer."""
        loop = asyncio.get_running_loop()
        sent = loop.time() - self._start
        answer = bytearray()
        ending: Ending = "answered"
        try:
            async with asyncio.timeout_at(self._start + planned + self._order.patience):
                await self._exchange(self._bodies[photo], answer)
        except TimeoutError:
            ending = "timed_out"
        except OSError:
            pass  # who refuses early may close before all is read: what was said counts
        status, retry_after = _read_head(answer)
        if ending == "answered" and not status:
            ending = "broken"
        return Outcome(photo, planned, sent, loop.time() - self._start, status, ending, retry_after)

    async def _exchange(self, request: memoryview, answer: bytearray) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, (self._order.host, self._order.port))
            sending = asyncio.ensure_future(loop.sock_sendall(connection, request))
            try:
                # read meanwhile: a refusal comes before the body is through
                while piece := await loop.sock_recv(connection, _READ_BYTES):
                    answer += piece
            finally:
                sending.cancel()
                with suppress(OSError, asyncio.CancelledError):
                    await sending


@dataclass
class _Watch:
    """Looks for the first of some normal answers in a row."""

    normal_seconds: float
    in_a_row: int = 0
    first: float = field(default=0.0)

    def saw(self, outcome: Outcome) -> bool:
        """Whether the server is as before."""
        normal = outcome.status == 200 and outcome.seconds <= self.normal_seconds
        if normal and not self.in_a_row:
            self.first = outcome.planned
        self.in_a_row = self.in_a_row + 1 if normal else 0
        return self.in_a_row >= PROBES_IN_A_ROW


class _Round(_Turns):
    """Requests at their times."""

    async def run(self) -> tuple[list[Outcome], float | None]:
        loop = asyncio.get_running_loop()
        self._free = asyncio.Semaphore(self._order.sockets)
        self._start = loop.time()
        tasks = []
        for request in self._order.schedule:
            await self._until(request.at)
            tasks.append(asyncio.ensure_future(self._ask_bounded(request)))
        normal_after = await self._recovery()
        return list(await asyncio.gather(*tasks)), normal_after

    async def _ask_bounded(self, request: Request) -> Outcome:
        async with self._free:
            return await self.ask(request.photo, request.at)

    async def _until(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        if (left := self._start + at - loop.time()) > 0:
            await asyncio.sleep(left)

    async def _recovery(self) -> float | None:
        if self._order.probe_photo is None:
            return None
        loop = asyncio.get_running_loop()
        over = loop.time() - self._start
        watch = _Watch(self._order.normal_seconds)
        while (now := loop.time() - self._start) < over + self._order.probe_seconds:
            if watch.saw(await self.ask(self._order.probe_photo, now)):
                return watch.first - over
            await asyncio.sleep(_PROBE_PAUSE_SECONDS)
        return None


def _read_head(answer: bytes | bytearray) -> tuple[int, bool]:
    """Status of an answer, 0 where there is none, and whether it has Retry-After."""
    head, end, _ = bytes(answer).partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    words = first.split(b" ", 2)
    if not end or not words[0].startswith(b"HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        return 0, False
    names = {line.partition(b":")[0].strip().lower() for line in fields}
    return int(words[1]), b"retry-after" in names


def _run(turns: _Turns) -> Offered:
    wall, cpu = time.perf_counter(), time.process_time()
    collects = gc.isenabled()
    gc.disable()  # a pause of this side would count as the server's
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            outcomes, normal_after = runner.run(turns.run())
    finally:
        if collects:
            gc.enable()
    return Offered(outcomes, time.perf_counter() - wall, time.process_time() - cpu, normal_after)


def _new_loop() -> asyncio.AbstractEventLoop:
    # epoll and poll wake on whole milliseconds only, which would be counted as the server's
    return asyncio.SelectorEventLoop(selectors.SelectSelector())
