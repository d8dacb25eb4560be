"""Shops that share one server's slots: nobody waits for a noisy neighbour."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from clock import Clock
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from vitrina.errors import Busy, DeadlinePassed
from vitrina.serving.admission import Admission
from vitrina.serving.many import fair_requests
from vitrina.serving.many.fair_order import FairOrder, Share
from vitrina.serving.many.fair_requests import FairRequests, RequestTurns
from vitrina.serving.many.fair_slots import FairSlots
from vitrina.serving.photo_load import Load, load_of
from vitrina.serving.upload import SharedUploads, Uploads

SMALL = Load(1.0)
HEIC = load_of("heic", 2_000_000)


class Photo:
    """One photo in its own task, which holds its slot until it is told to end."""

    def __init__(self, queue: Admission, load: Load = SMALL) -> None:
        self.place = queue.admit(load)
        self.place.arrived(load)
        self.works = self.is_late = False
        self._end = asyncio.Event()
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            with self.place as place:
                await place.slot(self._gone)
                self.works = True
                try:
                    await self._end.wait()
                finally:
                    self.works = False
        except DeadlinePassed:
            self.is_late = True

    async def end(self) -> None:
        self._end.set()
        await self.task
        await settle()


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(test, timeout=60))


def queues(slots: FairSlots, clock: Clock, *weights: float, deadline: float = 60.0) -> Any:
    return [Admission(2, 1000, deadline, clock, slots.share(weight)) for weight in weights]


@pytest.mark.parametrize(("cost", "expected"), [((10, 10), (250, 750)), ((30, 10), (100, 900))])
def test_work_is_shared_by_weight_and_milliseconds(
    cost: tuple[int, int], expected: tuple[int, int]
) -> None:
    order, shops = FairOrder(), (Share(1), Share(3))
    for shop in shops:
        order.wants(shop)
    begun: Counter[Share] = Counter()
    for _ in range(1000):
        (shop, *_) = order.of(shops)
        begun[shop] += 1
        # what it takes in truth is known at its end alone
        order.begins(shop, 1.0)
        order.ended(shop, 1.0, cost[shops.index(shop)])
    assert [begun[shop] for shop in shops] == pytest.approx(expected, abs=3)
    assert shops[0].worked_ms == cost[0] * begun[shops[0]]


def test_a_shop_is_not_owed_the_time_in_which_it_asked_for_nothing() -> None:
    order, busy, idle = FairOrder(), Share(), Share()
    order.wants(busy)
    for _ in range(100):
        order.begins(busy, 10)
    order.wants(idle)
    begun = []
    for _ in range(10):
        shop = order.of([busy, idle])[0]
        begun.append(shop is idle)
        order.begins(shop, 10)
    assert 4 <= sum(begun) <= 6


def test_the_quiet_shop_is_next_however_many_wait_at_the_noisy_one() -> None:
    async def test() -> None:
        slots, clock = FairSlots(2), Clock()
        noisy, quiet = queues(slots, clock, 1, 1)
        crowd = [Photo(noisy) for _ in range(40)]
        await settle()
        assert sum(photo.works for photo in crowd) == 2
        asked = [Photo(quiet) for _ in range(2)]
        clock.now += 0.015
        await crowd[0].end()
        assert asked[0].works
        await asked[0].end()
        # and level again, in turn
        assert sum(photo.works for photo in (*crowd, *asked)) == 2 == slots.busy
        for photo in (*asked, *crowd):
            await photo.end()
        assert slots.busy == 0

    run(test())


def test_who_is_expected_to_wait_is_who_made_others_wait() -> None:
    async def test() -> None:
        noisy, quiet = queues(FairSlots(2), Clock(), 1, 1, deadline=2.0)
        crowd = []
        with suppress(Busy):
            while len(crowd) < 1000:
                crowd.append(Photo(noisy))
        assert 100 < len(crowd) < 140  # as many as a shop alone may have
        assert quiet.expected_wait(SMALL) < 0.05
        photo = Photo(quiet)
        # it pushes the noisy one back by no more than its own work
        assert noisy.expected_wait(SMALL) > 0.9
        for one in (photo, *crowd):
            await one.end()
        assert noisy.expected_wait(SMALL) == quiet.expected_wait(SMALL) == 0

    run(test())


def test_two_noisy_shops_are_each_told_that_half_is_theirs() -> None:
    async def test() -> None:
        shops = queues(FairSlots(2), Clock(), 1, 1, deadline=2.0)
        taken: list[list[Photo]] = [[], []]
        full = [False, False]
        while not all(full):
            for number, shop in enumerate(shops):
                try:
                    taken[number].append(Photo(shop))
                except Busy:
                    full[number] = True
        assert [len(photos) for photos in taken] == pytest.approx([66, 66], abs=4)
        for photo in (*taken[0], *taken[1]):
            await photo.end()

    run(test())


def test_one_slow_photo_of_all_shops_is_worked_on_at_a_time() -> None:
    async def test() -> None:
        shops = queues(FairSlots(2), Clock(), 1, 1, 1)
        slow = [Photo(shop, HEIC) for shop in shops]
        await settle()
        assert [photo.works for photo in slow] == [True, False, False]
        fast = Photo(shops[0])
        await settle()
        assert fast.works
        await slow[0].end()
        assert [photo.works for photo in slow] == [False, True, False]
        for photo in (*slow, fast):
            await photo.end()

    run(test())


def test_a_shop_that_leaves_its_queue_leaves_no_gap() -> None:
    async def test() -> None:
        clock = Clock()
        noisy, quiet = queues(FairSlots(1), clock, 1, 1, deadline=0.2)
        first, leaving = Photo(noisy), Photo(quiet)
        await settle()
        waiting = Photo(noisy)
        leaving._gone.set_result(None)
        with pytest.raises(Exception, match=r"^$"):  # the client left
            await leaving.task
        await settle()
        await first.end()
        assert waiting.works
        await waiting.end()

    run(test())


class Arrival(NamedTuple):
    at: float
    shop: int


def arrivals(rates: Sequence[float], seconds: float) -> list[Arrival]:
    draw = random.Random(7)
    found = []
    for shop, rate in enumerate(rates):
        at = draw.expovariate(rate)
        while at < seconds:
            found.append(Arrival(at, shop))
            at += draw.expovariate(rate)
    return sorted(found)


async def simulate(queue_of: Callable[[Clock], Callable[[int], Admission]], plan: list[Arrival]):  # type: ignore[no-untyped-def]
    """Seconds that each answered photo took, by shop, where work takes 8 to 12 ms."""
    clock, draw, number = Clock(), random.Random(8), 0
    start, queue = clock.now, queue_of(clock)
    events: list[tuple[float, int, Photo | Arrival]] = [
        (start + arrival.at, number := number + 1, arrival) for arrival in plan
    ]
    heapq.heapify(events)
    waiting: dict[Photo, Arrival] = {}
    took: dict[int, list[float]] = {}
    working: dict[Photo, Arrival] = {}
    while events:
        clock.now, _, what = heapq.heappop(events)
        if isinstance(what, Photo):
            arrival = working.pop(what)
            took.setdefault(arrival.shop, []).append(clock.now - start - arrival.at)
            await what.end()
        else:
            with suppress(Busy):
                waiting[Photo(queue(what.shop))] = what
        await settle()
        for photo in [one for one in waiting if one.works]:
            working[photo] = waiting.pop(photo)
            end = clock.now + draw.uniform(0.008, 0.012)
            heapq.heappush(events, (end, number := number + 1, photo))
    return took


def p95_of_others(took: dict[int, list[float]]) -> float:
    seconds = sorted(one for shop, times in took.items() if shop for one in times)
    return seconds[int(0.95 * len(seconds))]


def test_of_fifty_shops_one_at_ten_times_its_share_hardly_delays_the_others() -> None:
    """Two slots of 10 ms make 200 photos a second, 4 of them a shop's share; half is asked for."""

    def shared(clock: Clock) -> Callable[[int], Admission]:
        slots = FairSlots(2)
        return [Admission(2, 64, 60.0, clock, slots.share()) for _ in range(50)].__getitem__

    def first_come(clock: Clock) -> Callable[[int], Admission]:
        one = Admission(2, 100_000, 60.0, clock)
        return lambda _shop: one

    async def p95(queue: Callable[[Clock], Callable[[int], Admission]], noise: float) -> float:
        return p95_of_others(await simulate(queue, arrivals([noise, *[2.0] * 49], 8.0)))

    async def test() -> None:
        even = await p95(shared, 2.0)
        assert even > 0.01
        assert await p95(shared, 20.0) < 1.5 * even  # ten times as much as each of the others
        assert await p95(shared, 40.0) < 1.5 * even  # ten times its whole share
        # and where it asks for more than the whole server can do
        assert await p95(shared, 300.0) < 2.5 * even
        assert await p95(first_come, 300.0) > 20 * even

    run(test())


class Work:
    """An application whose answers begin when they are told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.answer: dict[str, asyncio.Event] = {}
        self.read: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name = scope["name"]
        self.begun.append(name)
        self.answer[name], self.read[name] = asyncio.Event(), asyncio.Event()
        await self.answer[name].wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.read[name].wait()


def asking(app: RequestTurns, name: str, method: str = "GET", path: str = "/v1/search") -> Any:
    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_message: Message) -> None:
        return

    scope = {"type": "http", "method": method, "path": path, "name": name}
    return asyncio.create_task(app(scope, receive, send))


def test_requests_other_than_photos_are_taken_from_each_shop_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(fair_requests, "time", SimpleNamespace(perf_counter=clock))

    async def test() -> None:
        work, turns = Work(), FairRequests(most=2)
        noisy, quiet = (RequestTurns(work, share=turns.share()) for _ in range(2))
        tasks = [asking(noisy, f"n{number}") for number in range(20)]
        await settle()
        assert work.begun == ["n0", "n1"]
        tasks += [asking(quiet, "q0"), asking(quiet, "q1")]
        # who reads the answer slowly keeps no turn
        clock.now += 0.005
        work.answer["n0"].set()
        await settle()
        assert work.begun == ["n0", "n1", "q0"]
        # neither health nor what has a body waits at all
        tasks.append(asking(noisy, "health", path="/healthz"))
        tasks.append(asking(noisy, "events", method="POST", path="/v1/events"))
        await settle()
        assert work.begun[3:] == ["health", "events"]
        # who left is passed over, and who leaves in the middle gives the turn back
        clock.now += 0.005
        for task in (*tasks[2:19], tasks[1]):
            task.cancel()
        await settle()
        assert set(work.begun[5:]) == {"q1"}
        work.answer["q0"].set()
        await settle()
        assert work.begun[6:] == ["n19"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turns._working == 0

    run(test())


def test_where_photos_on_their_way_fill_the_memory_the_shop_that_holds_most_gives_way() -> None:
    async def test() -> None:
        shared = SharedUploads(1000)
        noisy, quiet = (Uploads(2000, 10_000, 60.0, 60.0, shared) for _ in range(2))
        more = asyncio.Event()

        async def receive() -> Message:
            if not more.is_set():
                more.set()
                return {"type": "http.request", "body": bytes(700), "more_body": True}
            await asyncio.Event().wait()
            raise AssertionError("it was turned away")

        async def small() -> Message:
            return {"type": "http.request", "body": bytes(500), "more_body": False}

        headers = [(b"content-type", b"image/jpeg")]
        scope = {"type": "http", "method": "POST", "headers": headers}
        with (
            noisy.expect(Request(scope, receive)) as slow,
            quiet.expect(Request(scope, small)) as one,
        ):
            reading = asyncio.create_task(slow.read())
            await settle()
            assert noisy.held == 700
            assert len(await one.read()) == 500
            with pytest.raises(Busy):
                await reading
            assert (noisy.held, quiet.held) == (0, 500)
            # what is whole is being worked on, and is not taken away again
            with noisy.expect(Request(scope, small)) as late:
                await late.read()
                with quiet.expect(Request(scope, small)) as last, pytest.raises(Busy):
                    await last.read()

    run(test())
