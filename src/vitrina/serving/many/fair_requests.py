"""Requests other than photos: pages and searches by words, taken from each shop in turn.

Only the work counts, from a request's turn to the beginning of its answer: who reads the answer
slowly keeps no turn. Requests with bodies pass, they would keep one for as long as they are sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vitrina.serving.gate import OPERATION, THREADS
from vitrina.serving.many.fair_order import FairOrder, Share

_LEARNING = 0.2
_FIRST_MS = 5.0


class FairRequests:
    """Turns of all shops.

    Args:
        most: Requests worked on at the same time.
    """

    def __init__(self, most: int = THREADS) -> None:
        self._most = most
        self._order = FairOrder()
        self._waiting: dict[RequestShare, None] = {}
        self._working = 0

    def share(self, weight: float = 1.0) -> RequestShare:
        """A new shop's part."""
        return RequestShare(self, weight)

    async def _enter(self, share: RequestShare) -> float:
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        share.waiting.append(turn)
        if share not in self._waiting:
            self._order.wants(share)
            self._waiting[share] = None
        self._call()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(share, turn.result(), 0.0)
            raise

    def _leave(self, share: RequestShare, expected_ms: float, took_ms: float) -> None:
        self._working -= 1
        self._order.ended(share, expected_ms, took_ms)
        share.usual_ms += _LEARNING * (took_ms - share.usual_ms)
        self._call()

    def _call(self) -> None:
        while self._working < self._most and self._waiting:
            share = self._order.of(self._waiting)[0]
            while share.waiting and (turn := share.waiting.popleft()).done():
                pass  # who asked has left
            if not share.waiting:
                del self._waiting[share]
            if turn.done():
                continue
            self._working += 1
            self._order.begins(share, share.usual_ms)
            turn.set_result(share.usual_ms)


class RequestShare(Share):
    """One shop's part.

    Args:
        requests: Of the server.
        weight: Beside those of other shops.

    Attributes:
        waiting: Requests whose turn has not come.
        usual_ms: What one takes, a moving mean.
    """

    def __init__(self, requests: FairRequests, weight: float) -> None:
        super().__init__(weight)
        self.waiting: deque[asyncio.Future[float]] = deque()
        self.usual_ms = _FIRST_MS
        self._requests = requests

    async def enter(self) -> float:
        """Waits for a turn; the milliseconds that it is expected to take."""
        return await self._requests._enter(self)

    def leave(self, expected_ms: float, took_ms: float) -> None:
        """Gives the turn back."""
        self._requests._leave(self, expected_ms, took_ms)


class RequestTurns:
    """Middleware: has a shop's requests wait for their turn.

    Args:
        app: What answers.
        share: Of the shop.
    """

    def __init__(self, app: ASGIApp, share: RequestShare) -> None:
        self._app = app
        self._share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not reads or scope["path"] in OPERATION:
            await self._app(scope, receive, send)
            return
        expected_ms = await self._share.enter()
        began = time.perf_counter()
        holds = True

        def leave() -> None:
            nonlocal holds
            if holds:
                holds = False
                self._share.leave(expected_ms, (time.perf_counter() - began) * 1e3)

        async def answering(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self._app(scope, receive, answering)
        finally:
            leave()
