"""One bounded queue in front of the work on photos.

Whether a photo is taken is decided before its body is read, by the milliseconds of work that are
taken already: what could not be answered in time is turned away at once. The measure of work is
learned from the photos that were answered last.

Formats whose decoders are slow have a lane of their own within the queue, one slot wide and at most
half as long, so that they cannot fill it. Everything here happens in the server's one event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from starlette.requests import ClientDisconnect

from vitrina.errors import Busy, DeadlinePassed
from vitrina.serving.photo_load import Load

_LEARNING = 0.2
"""Weight of the newest photo in the mean of what a unit of work costs."""

_FRESH_SECONDS = 0.2
"""A photo that takes longer to arrive is counted only once it is there: slow senders must not keep
others out."""

_EXPECTED_PART = 0.5
"""Part of the deadline that a photo may be expected to take. The rest is for what takes longer than
expected: whoever is taken should be answered, and whoever is not be told at once."""

_LEAST_WAIT = 0.1
"""Part of the deadline that even work which needs all of it may wait for a slot."""


@dataclass
class _Lane:
    """What one lane holds and how fast it is.

    Attributes:
        unit_ms: Milliseconds of a unit, a moving mean.
        most: Photos of this lane worked on at the same time.
        taken: Photos taken and not answered.
        pending: Their units.
        working: Photos worked on.
    """

    unit_ms: float
    most: int
    taken: int = 0
    pending: float = 0.0
    working: int = 0


@dataclass(eq=False)
class Place:
    """A photo's way through the queue; a context manager, whose end gives everything back.

    Attributes:
        load: What it is expected to be.
        expected_ms: Milliseconds that its work was expected to take when it began.
    """

    load: Load
    _admission: Admission
    _counted: bool = False
    _arrived: float = 0.0
    _started: float = 0.0
    expected_ms: float = 0.0
    _called: asyncio.Future[None] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission._leave(self, answered=error is None)

    def arrived(self, load: Load) -> None:
        """The whole photo is here, and what it is can be told better than from its headers.

        Raises:
            Busy: it took so long, or is so much more work than it looked, that there is no room.
        """
        self._admission._arrive(self, load)

    async def slot(self, gone: asyncio.Future[Any]) -> None:
        """Waits for a slot, which is then held until the end of the context.

        Args:
            gone: Done as soon as the client has left.

        Raises:
            DeadlinePassed: the answer would come too late.
            ClientDisconnect: the client left.
        """
        await self._admission._enter(self, gone)


class Turns(Protocol):
    """Slots that this queue shares with others: when it may begin the next photo."""

    def join(self, queue: Admission) -> None:
        """Has the queue take part."""

    def call(self) -> None:
        """Something waits, or does not any more, or a slot is free."""

    def ended(self, place: Place, took_ms: float) -> None:
        """A photo has given its slot back."""

    def expected_wait(self, load: Load, own_ms: float) -> float:
        """Seconds until a shared slot is free for a photo that takes `own_ms`."""


class Admission:
    """Who may use the slots, and in which order.

    Args:
        slots: Photos worked on at the same time.
        queue: Photos that may wait.
        deadline: Longest time from arrival to answer, seconds.
        clock: Seconds, as `time.monotonic`.
        turns: Where other queues use the same slots; None where these are its own.
    """

    def __init__(
        self,
        slots: int,
        queue: int,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        turns: Turns | None = None,
    ) -> None:
        self.slots = slots
        self._queue = queue
        self._deadline = deadline
        self._clock = clock
        # until the first answers have told: a small JPEG, a telephone's HEIC
        self._fast = _Lane(unit_ms=15.0, most=slots)
        self._slow = _Lane(unit_ms=300.0, most=1)
        self._receiving: OrderedDict[Place, float] = OrderedDict()
        self._waiting: deque[Place] = deque()
        self._turns = turns
        if turns is not None:
            turns.join(self)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return self._fast.working + self._slow.working

    @property
    def waiting(self) -> int:
        """Photos that have arrived and wait for a slot."""
        return len(self._waiting)

    def admit(self, load: Load) -> Place:
        """A place for a photo whose headers alone have arrived.

        Raises:
            Busy: it could not be answered in time.
        """
        now = self._clock()
        while self._receiving:
            oldest, since = next(iter(self._receiving.items()))
            if since > now - _FRESH_SECONDS:
                break
            self._forget(oldest)
        self._require_room(load)
        place = Place(load, self)
        self._receiving[place] = now
        self._count(place)
        return place

    def expected_wait(self, load: Load) -> float:
        """Seconds until a slot is free for one more photo, as far as can be told."""
        own = self._own_wait(load)
        if self._turns is None:
            return own
        return max(own, self._turns.expected_wait(load, load.units * self._lane(load).unit_ms))

    def pending_ms(self, *, slow: bool) -> float:
        """Milliseconds of work that one lane has taken and not answered."""
        lane = self._slow if slow else self._fast
        return lane.pending * lane.unit_ms

    def begin_next(self, *, slow: bool = True) -> Place | None:
        """Gives a slot to the first who may have one; None where nobody may.

        Args:
            slow: Whether that may be a photo of the slow lane.
        """
        if self.busy >= self.slots:
            return None
        fast_only = not slow or self._slow.working >= self._slow.most
        place = next((one for one in self._waiting if not (one.load.slow and fast_only)), None)
        if place is None or place._called is None:
            return None
        self._waiting.remove(place)
        lane = self._lane(place.load)
        lane.working += 1
        place.expected_ms = place.load.units * lane.unit_ms
        place._started = self._clock()
        place._called.set_result(None)
        return place

    def _own_wait(self, load: Load) -> float:
        slow_ms = self._slow.pending * self._slow.unit_ms
        if load.slow:
            return slow_ms / self._slow.most / 1e3
        fast_ms = self._fast.pending * self._fast.unit_ms
        if self.slots == 1:
            return (fast_ms + slow_ms) / 1e3
        return fast_ms / (self.slots - (1 if self._slow.taken else 0)) / 1e3

    def _require_room(self, load: Load) -> None:
        lane = self._lane(load)
        wait = self.expected_wait(load)
        taken = self._fast.taken + self._slow.taken
        late = wait + load.units * lane.unit_ms / 1e3 > self._deadline * _EXPECTED_PART
        places = self.slots + self._queue
        # what is slow must not fill the queue, either, however much time there is
        full = taken >= places or (load.slow and self._slow.taken >= max(1, places // 2))
        # what is alone is taken even if it needs more time than there is
        if full or (late and lane.taken):
            raise Busy(
                "The server has as many photos as it can answer in time.",
                hint="Send the photo again after the seconds that Retry-After says.",
                retry_after=max(1, math.ceil(wait)),
            )

    def _arrive(self, place: Place, load: Load) -> None:
        self._forget(place)
        self._require_room(load)
        place.load = load
        place._arrived = self._clock()
        self._count(place)

    async def _enter(self, place: Place, gone: asyncio.Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        place._called = loop.create_future()
        self._waiting.append(place)
        self._call()
        if not place._called.done():
            needed = place.load.units * self._lane(place.load).unit_ms / 1e3
            latest = place._arrived + max(self._deadline - needed, self._deadline * _LEAST_WAIT)
            await asyncio.wait(
                (place._called, gone),
                timeout=max(0.0, latest - self._clock()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        if gone.done():
            raise ClientDisconnect
        if not place._called.done():
            raise DeadlinePassed(
                "The photo waited for too long.",
                hint="Send it again after the seconds that Retry-After says.",
                retry_after=max(1, math.ceil(self.expected_wait(place.load))),
            )

    def _call(self) -> None:
        """Gives free slots to those who wait, in the order of their arrival."""
        if self._turns is not None:
            self._turns.call()
            return
        while self.begin_next() is not None:
            pass

    def _leave(self, place: Place, *, answered: bool) -> None:
        lane = self._lane(place.load)
        if place._started:
            lane.working -= 1
            took_ms = (self._clock() - place._started) * 1e3
            if self._turns is not None:
                self._turns.ended(place, took_ms)
            if answered:
                lane.unit_ms += _LEARNING * (took_ms / place.load.units - lane.unit_ms)
        elif place._called is not None:
            self._waiting.remove(place)
        self._forget(place)
        self._call()

    def _count(self, place: Place) -> None:
        place._counted = True
        lane = self._lane(place.load)
        lane.taken += 1
        lane.pending += place.load.units

    def _forget(self, place: Place) -> None:
        """Takes a photo's work out of what is counted."""
        self._receiving.pop(place, None)
        if place._counted:
            place._counted = False
            lane = self._lane(place.load)
            lane.taken -= 1
            # adding up fractions leaves a rest that must not grow
            lane.pending = lane.pending - place.load.units if lane.taken else 0.0

    def _lane(self, load: Load) -> _Lane:
        return self._slow if load.slow else self._fast
