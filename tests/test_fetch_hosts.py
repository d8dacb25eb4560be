"""Whose turn it is, told by a clock that the test moves by hand."""

from __future__ import annotations

from dataclasses import replace

from vitrina.catalogue.fetch.hosts import HostQueue, Politeness
from vitrina.catalogue.fetch.http import Fault

CALM = Politeness(at_once=2, pause=1.0, busy_wait=5.0, longest_wait=30.0, strikes=3, attempts=2)


def queue(politeness: Politeness = CALM, **hosts: int) -> HostQueue:
    """Addresses a1, a2... of host a, and so on."""
    return HostQueue(
        ((host, f"{host}{n}") for host, count in hosts.items() for n in range(1, count + 1)),
        politeness,
    )


def test_hosts_take_turns_and_each_has_its_pause() -> None:
    waiting = queue(a=3, b=3)
    assert [waiting.take(0) for _ in range(3)] == [("a", "a1"), ("b", "b1"), None]
    assert waiting.next_turn(0.25) == 0.75
    assert [waiting.take(1) for _ in range(3)] == [("a", "a2"), ("b", "b2"), None]
    # both have as many requests as they may have: time alone changes nothing
    assert (waiting.take(9), waiting.next_turn(9)) == (None, None)
    waiting.succeed("b")
    assert waiting.take(9) == ("b", "b3")


def test_it_is_done_when_nothing_waits_and_nothing_runs() -> None:
    waiting = queue(a=1)
    assert waiting.take(0)
    assert (waiting.take(5), waiting.is_done) == (None, False)
    waiting.succeed("a")
    assert waiting.is_done


def test_busy_host_waits_as_long_as_it_says_and_others_go_on() -> None:
    waiting = queue(a=2, b=1)
    waiting.take(0)
    assert waiting.fail("a", "a1", Fault("busy", "later", wait=10), now=0) is None
    assert waiting.take(1) == ("b", "b1")
    assert (waiting.take(9), waiting.next_turn(9)) == (None, 1)
    assert waiting.take(10) == ("a", "a2")
    assert waiting.take(11) == ("a", "a1")


def test_busy_host_that_names_no_time_waits_too() -> None:
    waiting = queue(a=1)
    waiting.take(0)
    waiting.fail("a", "a1", Fault("busy", "later"), now=0)
    assert (waiting.take(4.9), waiting.take(5)) == (None, ("a", "a1"))


def test_host_that_asks_for_too_much_is_left_with_all_that_waits() -> None:
    waiting = queue(a=3)
    waiting.take(0)
    assert waiting.fail("a", "a1", Fault("busy", "later", wait=60), now=0) == ["a2", "a3"]
    assert waiting.left == {"a": "later"}
    assert waiting.is_done


def test_one_wait_that_two_requests_are_told_of_counts_once() -> None:
    waiting = queue(a=2)
    waiting.take(0)
    waiting.take(1)
    for address in ("a1", "a2"):
        assert waiting.fail("a", address, Fault("busy", "later", wait=20), now=2) is None
    assert waiting.next_turn(2) == 20


def test_host_that_is_busy_again_and_again_is_left() -> None:
    waiting = queue(a=2)
    told = []
    for now in (10, 20, 30):
        turn = waiting.take(now)
        assert turn is not None
        told.append(waiting.fail(*turn, Fault("busy", "later", wait=0), now))
    assert told == [None, None, ["a2"]]


def test_failure_is_tried_once_more_and_after_the_others() -> None:
    waiting = queue(replace(CALM, pause=0.0), a=2)
    waiting.take(0)
    assert waiting.fail("a", "a1", Fault("failed", "broke off"), now=0) is None
    assert [waiting.take(0), waiting.take(0)] == [("a", "a2"), ("a", "a1")]
    assert waiting.fail("a", "a1", Fault("failed", "broke off"), now=0) == []


def test_refusals_and_successes_are_no_strikes() -> None:
    waiting = queue(replace(CALM, pause=0.0, attempts=1), a=30)
    for n in range(1, 19):
        waiting.take(0)
        if n % 3 == 0:
            waiting.succeed("a")
        else:
            kind = "refused" if n % 3 == 1 else "failed"
            assert waiting.fail("a", f"a{n}", Fault(kind, "no"), now=0) == []
    assert waiting.left == {}
    for n in range(3):
        waiting.take(0)
        waiting.fail("a", f"x{n}", Fault("unreachable", "no answer"), now=0)
    assert waiting.left == {"a": "no answer"}
