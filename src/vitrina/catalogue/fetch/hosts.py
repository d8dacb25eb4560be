"""Whose turn it is: addresses by host, so that no host is asked too much or for nothing.

A host has few requests at a time and a pause between their starts. One that is busy is left alone
for as long as it asks, within bounds; one that keeps failing is not asked again at all.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from vitrina.catalogue.fetch.http import Fault


@dataclass(frozen=True)
class Politeness:
    """How hosts are treated.

    Attributes:
        at_once: Requests to one host at a time.
        pause: Seconds between the starts of two of them.
        busy_wait: Seconds that a busy host which names no time is left alone.
        longest_wait: Seconds in all that are spent on waiting for one busy host.
        strikes: Failures, or waits, in a row after which a host is not asked any more.
        attempts: At one address.
    """

    at_once: int = 4
    pause: float = 0.05
    busy_wait: float = 5.0
    longest_wait: float = 300.0
    strikes: int = 8
    attempts: int = 2


@dataclass
class _Host:
    waiting: deque[str] = field(default_factory=deque)
    running: int = 0
    ready: float = 0.0
    waited: float = 0.0
    strikes: int = 0


class HostQueue:
    """Addresses that wait to be fetched.

    It has no clock and starts nothing: callers say what time it is, in seconds of any clock that
    only goes forward.

    Args:
        addresses: As they shall be fetched, each with its host.
        politeness: How hosts are treated.
    """

    def __init__(self, addresses: Iterable[tuple[str, str]], politeness: Politeness) -> None:
        self._politeness = politeness
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._attempts: dict[str, int] = {}
        self.left: dict[str, str] = {}
        for host, address in addresses:
            self._hosts.setdefault(host, _Host()).waiting.append(address)

    def take(self, now: float) -> tuple[str, str] | None:
        """The next host and address whose turn it is; None where there is none right now."""
        for name, host in self._hosts.items():
            if host.waiting and host.running < self._politeness.at_once and host.ready <= now:
                host.running += 1
                host.ready = now + self._politeness.pause
                self._hosts.move_to_end(name)  # the others come first next time
                return name, host.waiting.popleft()
        return None

    def next_turn(self, now: float) -> float | None:
        """Seconds until a host is ready; None where a running request has to end first."""
        waits = [
            host.ready - now
            for host in self._hosts.values()
            if host.waiting and host.running < self._politeness.at_once
        ]
        return max(0.0, min(waits)) if waits else None

    @property
    def is_done(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._hosts

    def succeed(self, name: str) -> None:
        """Notes that the host answered as it should; a picture that is refused is an answer too."""
        host = self._hosts[name]
        host.strikes = 0
        self._finish(name, host)

    def fail(self, name: str, address: str, fault: Fault, now: float) -> list[str] | None:
        """Notes that an address could not be fetched.

        Returns:
            Addresses that are not tried any more, because their host is left; None where `address`
            is tried once more and nothing is to be told yet.
        """
        host = self._hosts[name]
        again = False
        if name not in self.left:
            if fault.kind == "busy":
                again = self._wait(name, host, fault, now)
            elif fault.kind == "refused":
                host.strikes = 0
            else:
                host.strikes += 1
                attempts = self._attempts[address] = self._attempts.get(address, 0) + 1
                again = attempts < self._politeness.attempts
                if host.strikes >= self._politeness.strikes:
                    self.left[name] = fault.reason
        dropped: list[str] = []
        if name in self.left:
            again = False
            dropped = list(host.waiting)
            host.waiting.clear()
        if again:
            # an address in trouble must not hold up the others
            host.waiting.append(address)
        else:
            self._attempts.pop(address, None)
        self._finish(name, host)
        return None if again else dropped

    def _wait(self, name: str, host: _Host, fault: Fault, now: float) -> bool:
        """Leaves a busy host alone for a while; False where it asks for too much."""
        wait = self._politeness.busy_wait if fault.wait is None else fault.wait
        until = now + max(wait, self._politeness.pause)
        more = max(0.0, until - max(host.ready, now))
        # requests that ran at the same time are told the same: that is one wait
        if host.ready <= now + self._politeness.pause:
            host.strikes += 1
        too_often = host.strikes >= self._politeness.strikes
        if too_often or host.waited + more > self._politeness.longest_wait:
            self.left[name] = fault.reason
            return False
        host.waited += more
        host.ready = max(host.ready, until)
        return True

    def _finish(self, name: str, host: _Host) -> None:
        host.running -= 1
        if not host.waiting and not host.running:
            del self._hosts[name]
