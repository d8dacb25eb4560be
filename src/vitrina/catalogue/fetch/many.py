"""Many addresses at the same time, on the network's own thread.

Whoever walks through `fetch_many` gets what comes in the order in which it comes, and may take its
time: what is not taken yet holds back the next requests, so that memory stays bounded.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
import httpcore
from anyio.from_thread import start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from vitrina.catalogue.fetch.hosts import HostQueue, Politeness
from vitrina.catalogue.fetch.http import Fault, FetchLimits, Validators, fetch, open_pool
from vitrina.catalogue.fetch.public_address import CheckedBackend
from vitrina.store.remote_photos import WantedPhoto

# AVIF and HEIC are taken where they come, not asked for: they cost far more to decode
ACCEPT = "image/jpeg, image/png, image/webp, */*;q=0.1"

_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Fetched:
    """Content that came from an address."""

    address: str
    content: bytes
    validators: Validators


@dataclass(frozen=True)
class Unchanged:
    """An address whose content is what it was."""

    address: str


@dataclass(frozen=True)
class Failed:
    """An address that could not be fetched."""

    address: str
    fault: Fault


@dataclass(frozen=True)
class Left:
    """A host that is not asked any more, with as many addresses as had not been asked yet."""

    host: str
    reason: str
    count: int


Outcome = Fetched | Unchanged | Failed | Left


def fetch_many(
    wanted: Sequence[WantedPhoto],
    backend: CheckedBackend,
    limits: FetchLimits,
    *,
    parallel: int,
    politeness: Politeness,
) -> Generator[Outcome | None, None, None]:
    """Fetches all addresses; closing the iterator stops it.

    Args:
        wanted: Addresses, each once, with what is known of the content that is there.
        backend: Where connections come from.
        limits: On each address.
        parallel: Requests at a time.
        politeness: How hosts are treated.

    Yields:
        What became of each address; None about once a second while nothing comes.
    """
    with start_blocking_portal() as portal:
        send, receive = anyio.create_memory_object_stream[Outcome](0)
        run = _Run(wanted, limits, parallel, politeness, send)
        with receive:
            running = portal.start_task_soon(run.fetch_all, backend)
            while True:
                try:
                    outcome = portal.call(_next, receive)
                except anyio.EndOfStream:
                    break
                yield outcome
            running.result()


async def _next(receive: MemoryObjectReceiveStream[Outcome]) -> Outcome | None:
    with anyio.move_on_after(_TICK_SECONDS):
        return await receive.receive()
    return None


class _Run:
    """All requests of one `fetch_many`; lives in the network's thread."""

    def __init__(
        self,
        wanted: Sequence[WantedPhoto],
        limits: FetchLimits,
        parallel: int,
        politeness: Politeness,
        send: MemoryObjectSendStream[Outcome],
    ) -> None:
        self._known = {
            photo.address: Validators(photo.etag, photo.last_modified)
            for photo in wanted
            if photo.etag or photo.last_modified
        }
        self._queue = HostQueue(
            ((_host(photo.address), photo.address) for photo in wanted), politeness
        )
        self._limits = limits
        self._parallel = parallel
        self._send = send
        self._running = 0
        self._changed = anyio.Event()

    async def fetch_all(self, backend: CheckedBackend) -> None:
        async with (
            self._send,
            open_pool(backend, self._parallel) as pool,
            anyio.create_task_group() as tasks,
        ):
            while not self._queue.is_done:
                self._changed = anyio.Event()
                wait = None
                if self._running < self._parallel:
                    now = anyio.current_time()
                    if turn := self._queue.take(now):
                        self._running += 1
                        tasks.start_soon(self._fetch_one, pool, *turn)
                        continue
                    wait = self._queue.next_turn(now)
                with anyio.move_on_after(wait):
                    await self._changed.wait()

    async def _fetch_one(self, pool: httpcore.AsyncConnectionPool, host: str, address: str) -> None:
        for outcome in await self._ask(pool, host, address):
            await self._send.send(outcome)
        self._running -= 1
        self._changed.set()

    async def _ask(
        self, pool: httpcore.AsyncConnectionPool, host: str, address: str
    ) -> list[Outcome]:
        content = io.BytesIO()
        try:
            answer = await fetch(
                pool,
                address,
                self._limits,
                content.write,
                accept=ACCEPT,
                known=self._known.get(address),
            )
        except Fault as fault:
            dropped = self._queue.fail(host, address, fault, anyio.current_time())
            if dropped is None:
                return []
            left = [Left(host, self._queue.left[host], len(dropped))] if dropped else []
            return [Failed(address, fault), *left]
        finally:
            self._changed.set()
        self._queue.succeed(host)
        if not answer.changed:
            return [Unchanged(address)]
        return [Fetched(address, content.getvalue(), answer.validators)]


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
