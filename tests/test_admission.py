"""The queue in front of the photos: who is taken, who waits, who is turned away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from clock import Clock
from drawing import drawn_photo
from starlette.requests import ClientDisconnect

from vitrina.errors import Busy, DeadlinePassed, PhotoDamaged
from vitrina.serving.admission import Admission, Place
from vitrina.serving.photo_load import Load, load_of, pixels_of

SMALL = Load(1.0)
SLOW = load_of("heic", 2_000_000)


class Photo:
    """One request in its own task, which holds its slot until it is told to end."""

    def __init__(self, admission: Admission, load: Load = SMALL) -> None:
        self.place = admission.admit(load)
        self.place.arrived(load)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.works = False
        self._end = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        with self.place as place:
            await place.slot(self.gone)
            self.works = True
            try:
                await self._end.wait()
            finally:
                self.works = False

    async def end(self) -> None:
        self._end.set()
        await self.task
        await settle()


def crowd(admission: Admission, load: Load = SMALL) -> list[Photo]:
    """As many as are taken."""
    photos = []
    with suppress(Busy):
        while len(photos) < 1000:
            photos.append(Photo(admission, load))
    return photos


async def settle() -> None:
    """Lets every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, timeout=30))


def test_slots_are_filled_then_photos_wait_in_their_order() -> None:
    async def test() -> None:
        admission = Admission(2, 10, 60.0)
        photos = [Photo(admission) for _ in range(5)]
        await settle()
        assert [photo.works for photo in photos] == [True, True, False, False, False]
        assert (admission.busy, admission.waiting) == (2, 3)
        await photos[1].end()
        assert [photo.works for photo in photos] == [True, False, True, False, False]
        await photos[0].end()
        assert [photo.works for photo in photos[3:]] == [True, False]
        for photo in photos[2:]:
            await photo.end()
        assert (admission.busy, admission.waiting) == (0, 0)
        assert admission.expected_wait(SMALL) == 0

    run(test())


def test_a_full_queue_turns_away_with_a_time_to_come_back() -> None:
    async def test() -> None:
        admission = Admission(2, 3, 60.0)
        photos = [Photo(admission) for _ in range(5)]
        with pytest.raises(Busy) as refusal:
            admission.admit(SMALL)
        assert refusal.value.retry_after >= 1
        assert refusal.value.hint
        await settle()
        await photos[0].end()
        photos.append(Photo(admission))
        for photo in photos[1:]:
            await photo.end()

    run(test())


def test_work_that_cannot_be_done_in_time_is_turned_away_however_short_the_queue() -> None:
    async def test() -> None:
        admission = Admission(2, 1000, 2.0)
        taken = crowd(admission)
        # 15 ms each until the server knows better, two at a time
        assert 100 < len(taken) < 140
        large = load_of("png", 20_000_000)
        for photo in taken:
            await photo.end()
        assert admission.admit(large)

    run(test())


def test_the_measure_of_work_is_learned_from_what_was_answered() -> None:
    async def test() -> None:
        clock = Clock()
        admission = Admission(1, 1000, 2.0, clock)

        async def answer(seconds: float, times: int) -> None:
            for _ in range(times):
                photo = Photo(admission)
                await settle()
                clock.now += seconds
                await photo.end()

        async def room() -> int:
            photos = crowd(admission)
            await settle()
            for photo in photos:
                photo.task.cancel()
            await settle()
            return len(photos)

        await answer(0.1, 60)
        assert 9 <= await room() <= 11
        await answer(0.01, 60)
        assert 90 <= await room() <= 110

    run(test())


def test_what_is_alone_is_taken_even_if_it_needs_longer_than_there_is() -> None:
    async def test() -> None:
        admission = Admission(2, 10, 0.05)
        huge = load_of("png", 20_000_000)
        photo = Photo(admission, huge)
        await settle()
        assert photo.works
        with pytest.raises(Busy):
            admission.admit(huge)
        await photo.end()

    run(test())


def test_slow_formats_cannot_fill_all_slots() -> None:
    async def test() -> None:
        admission = Admission(2, 10, 60.0)
        slow = [Photo(admission, SLOW) for _ in range(3)]
        await settle()
        assert [photo.works for photo in slow] == [True, False, False]
        fast = [Photo(admission), Photo(admission)]
        await settle()
        # it came last, but those before it may not have the free slot
        assert [photo.works for photo in fast] == [True, False]
        await fast[0].end()
        assert fast[1].works
        await slow[0].end()
        assert [photo.works for photo in slow[1:]] == [True, False]
        for photo in (fast[1], slow[1], slow[2]):
            await photo.end()
        assert admission.busy == 0

    run(test())


def test_a_crowd_of_slow_formats_does_not_turn_fast_ones_away() -> None:
    async def test() -> None:
        admission = Admission(2, 100, 1.6)
        slow = crowd(admission, SLOW)
        assert 1 <= len(slow) <= 3
        assert admission.admit(SMALL)
        for photo in slow:
            await photo.end()

    run(test())


def test_one_slot_is_shared_by_both_lanes() -> None:
    async def test() -> None:
        admission = Admission(1, 10, 60.0)
        photos = [Photo(admission, SLOW), Photo(admission), Photo(admission, SLOW)]
        await settle()
        for photo in photos:
            assert photo.works
            await photo.end()

    run(test())


@pytest.mark.parametrize("kind", ["heic", "heif", "avif"])
def test_a_heic_weighs_as_much_as_many_small_jpegs(kind: str) -> None:
    admission = Admission(2, 100, 60.0)
    admission.admit(load_of("jpeg", 60_000))
    small = admission.expected_wait(SMALL)
    admission = Admission(2, 100, 60.0)
    admission.admit(load_of(kind, 2_000_000))
    assert admission.expected_wait(load_of(kind, 0)) >= 10 * small


def test_a_large_body_weighs_more_than_a_small_one() -> None:
    sizes = [load_of("jpeg", size).units for size in (0, 60_000, 4_000_000, 20_000_000)]
    assert sizes == sorted(sizes)
    assert sizes[2] > 2 * sizes[1]
    assert load_of("png", 4_000_000).units > sizes[2]
    assert load_of("webp", 4_000_000).units > sizes[2]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\x00\x00MM"}])
@pytest.mark.parametrize("size", [(300, 200), (64, 1000), (2000, 64)])
def test_pixels_count_where_bytes_say_little(
    kind: str, options: dict[str, object], size: tuple[int, int]
) -> None:
    photo = drawn_photo(size=size, kind=kind, **options)
    assert pixels_of(kind.lower(), photo) == size[0] * size[1]
    for length in range(40):
        assert pixels_of(kind.lower(), photo[:length]) >= 0


def test_a_plain_picture_of_many_pixels_is_much_work() -> None:
    assert load_of("png", 20_000, 12_000_000).units > 10
    assert load_of("jpeg", 20_000, 12_000_000).units < 2


def test_waiting_past_the_deadline_is_told_and_frees_the_place() -> None:
    async def test() -> None:
        admission = Admission(1, 10, 0.2)
        first = Photo(admission)
        second = Photo(admission)
        with pytest.raises(DeadlinePassed) as refusal:
            await second.task
        assert refusal.value.retry_after >= 1
        assert (admission.busy, admission.waiting) == (1, 0)
        await first.end()
        assert admission.expected_wait(SMALL) == 0

    run(test())


def test_a_client_that_leaves_frees_its_place_in_the_queue() -> None:
    async def test() -> None:
        admission = Admission(1, 10, 60.0)
        first, second, third = (Photo(admission) for _ in range(3))
        await settle()
        second.gone.set_result(None)
        with pytest.raises(ClientDisconnect):
            await second.task
        assert (admission.busy, admission.waiting) == (1, 1)
        await first.end()
        assert third.works
        await third.end()

    run(test())


def test_a_client_that_leaves_just_as_it_is_called_frees_the_slot() -> None:
    async def test() -> None:
        admission = Admission(1, 10, 60.0)
        first, second, third = (Photo(admission) for _ in range(3))
        await settle()
        second.gone.set_result(None)
        first._end.set()
        with pytest.raises(ClientDisconnect):
            await second.task
        await settle()
        assert third.works
        await third.end()
        assert (admission.busy, admission.waiting) == (0, 0)

    run(test())


def test_cancelled_work_frees_the_slot() -> None:
    async def test() -> None:
        admission = Admission(1, 10, 60.0)
        photos = [Photo(admission) for _ in range(3)]
        await settle()
        for photo in photos[:2]:
            photo.task.cancel()
        await settle()
        assert photos[2].works
        await photos[2].end()
        assert (admission.busy, admission.waiting) == (0, 0)

    run(test())


def test_failed_work_teaches_nothing() -> None:
    clock = Clock()
    admission = Admission(1, 10, 60.0, clock)

    async def fail(place: Place) -> None:
        with place:
            place.arrived(SMALL)
            await place.slot(asyncio.get_running_loop().create_future())
            clock.now += 50
            raise PhotoDamaged("torn")

    async def test() -> None:
        with pytest.raises(PhotoDamaged):
            await fail(admission.admit(SMALL))
        admission.admit(SMALL)
        assert admission.expected_wait(SMALL) < 1

    run(test())


def test_those_who_send_slowly_keep_nobody_out() -> None:
    clock = Clock()
    admission = Admission(2, 4, 60.0, clock)
    slow = [admission.admit(SMALL) for _ in range(6)]
    with pytest.raises(Busy):
        admission.admit(SMALL)
    clock.now += 2
    fresh = [admission.admit(SMALL) for _ in range(6)]
    assert len(fresh) == 6
    # one of the slow ones is done at last, but its place is not kept
    with pytest.raises(Busy):
        slow[0].arrived(SMALL)
    for place in (*slow, *fresh):
        place.__exit__(None, None, None)
    assert admission.expected_wait(SMALL) == 0


def test_a_body_that_is_more_work_than_its_head_said_is_turned_away() -> None:
    async def test() -> None:
        admission = Admission(2, 100, 1.6)
        others = [Photo(admission, SLOW) for _ in range(2)]
        place = admission.admit(SMALL)
        with pytest.raises(Busy):
            place.arrived(SLOW)
        for photo in others:
            await photo.end()

    run(test())


def test_nothing_is_lost_whatever_happens_to_whom() -> None:
    """A thousand photos that end, fail, leave and are cancelled in any order."""

    async def test() -> None:
        chance = random.Random(7)
        admission = Admission(3, 30, 1.0)
        photos: list[Photo] = []
        for _ in range(1000):
            try:
                photos.append(Photo(admission, chance.choice((SMALL, SMALL, SLOW))))
            except Busy:
                chance.choice(photos)._end.set()
            await settle()
            photo = chance.choice(photos)
            deed = chance.randrange(5)
            if deed == 0:
                photo.task.cancel()
            elif deed == 1 and not photo.gone.done():
                photo.gone.set_result(None)
            elif deed == 2:
                photo._end.set()
            await settle()
            assert admission.busy <= 3
            assert admission.busy == sum(one.works for one in photos)
        for photo in photos:
            photo._end.set()
        await asyncio.gather(*(photo.task for photo in photos), return_exceptions=True)
        assert (admission.busy, admission.waiting) == (0, 0)
        assert admission.expected_wait(SMALL) == pytest.approx(0)
        assert admission.expected_wait(SLOW) == pytest.approx(0)

    run(test())
