"""What is turned away before any route sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from vitrina.errors import BodyTooLarge, Busy, Stopping, VitrinaError
from vitrina.serving import problems
from vitrina.serving.rate_limit import RateLimit
from vitrina.serving.security_headers import has_body

PHOTO_ROUTE = "/v1/search/photo"
EVENTS_ROUTE = "/v1/events"
ADMIN = "/admin/"
"""Where the addresses of the merchant's screens begin."""

OPERATION = ("/healthz", "/readyz", "/metrics")
"""Answered also where everything else is overrun."""
_FILES = ("/static/", "/photos/", "/widget.js")

THREADS = 6
"""Requests other than photos that are worked on at the same time; the photos' slots are apart.
Each holds a connection to the database."""

WAITING = 200
"""Such requests that may wait; answering them takes about a second."""


@dataclass
class Draining:
    """Whether the server is being stopped.

    Attributes:
        since: When that was asked for, by `time.monotonic`; None while nobody has.
    """

    since: float | None = None

    def begin(self) -> None:
        """Nothing new is taken from now on. May be called by a signal's handler."""
        if self.since is None:
            self.since = time.monotonic()

    def problem(self) -> Stopping:
        """What those are told who come too late."""
        return Stopping("The server is being stopped.", hint="Ask again in some seconds.")


class Gate:
    """Turns requests away: while stopping, by rate, by body, by number.

    Args:
        app: What answers.
        draining: Whether the server is being stopped.
        photos: How often a client may send photos.
        requests: How often it may ask anything else but files.
    """

    def __init__(
        self,
        app: ASGIApp,
        draining: Draining,
        photos: RateLimit,
        requests: RateLimit,
    ) -> None:
        self._app = app
        self._draining = draining
        self._photos = photos
        self._requests = requests
        self._in_flight = 0
        self._threads_bounded = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in OPERATION:
            await self._app(scope, receive, send)
            return
        photo = scope["path"] == PHOTO_ROUTE
        counted = not photo and not scope["path"].startswith(_FILES)
        try:
            if self._draining.since is not None:
                raise self._draining.problem()
            if photo:
                self._photos.check(scope)
            elif scope["path"] != EVENTS_ROUTE and not scope["path"].startswith(ADMIN):
                self._require_no_body(scope)
            if counted:
                self._requests.check(scope)
                self._require_room()
        except VitrinaError as error:
            answer = problems.answer_to(error, scope)
            if isinstance(error, Stopping):
                answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        self._bound_threads()
        self._in_flight += counted
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= counted

    def _require_no_body(self, scope: Scope) -> None:
        if has_body(scope):
            raise BodyTooLarge(
                "This request has a body, where none is taken.",
                hint="See /openapi.json for what can be asked.",
            )

    def _require_room(self) -> None:
        if self._in_flight >= THREADS + WAITING:
            raise Busy(
                "The server has as many requests as it can answer in time.",
                hint="Ask again after the seconds that Retry-After says.",
            )

    def _bound_threads(self) -> None:
        if not self._threads_bounded:
            # the event loop's own, so it can be set only once there is one
            to_thread.current_default_thread_limiter().total_tokens = THREADS
            self._threads_bounded = True
