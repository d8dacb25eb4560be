"""Every answer is named, counted, timed and, as one line, written down.

The outermost layer of the application: what is refused before a route sees it passes here, too.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Collection
from ipaddress import ip_address, ip_network
from typing import Any, Literal
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vitrina.serving import metrics as families
from vitrina.serving.logs import Governor, event
from vitrina.serving.metrics import OTHER, ServerMetrics
from vitrina.serving.problems import CODE, DETAIL

LogClients = Literal["pseudonym", "network", "none"]

REQUEST_ID = "X-Request-Id"
GONE = "gone"
"""Status of a request whose client left before its answer."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_KEY = "vitrina.observed"
_QUIET = ("/healthz", "/readyz", "/metrics", "/photos/")
"""Asked so often, and so dull, that only refusals of theirs are worth a line."""


class Observed:
    """What is noted of one request while it is worked on.

    Attributes:
        request_id: Names it, in the answer and in the log.
        code: Of the problem that it was answered with.
        failure: The exception that nobody had expected.
        decision: On a photo.
        query_id: Of a photo's answer.
        parts: Milliseconds of the parts of the work on an answered photo, by their names there.
        received: Bytes of its body.
        status: Of the answer; 0 before it begins.
    """

    # written out: a dataclass would add most of a millisecond to the start
    __slots__ = (
        "code", "decision", "failure", "parts", "query_id", "received", "request_id", "status",
    )  # fmt: skip

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.code = ""
        self.failure: BaseException | None = None
        self.decision = ""
        self.query_id = ""
        self.parts: dict[str, float] = {}
        self.received = 0
        self.status = 0


def observed(scope: Scope) -> Observed:
    """What is noted of a request; to be filled in by whoever knows more of it."""
    found = scope.get(_KEY)
    # where nothing observes, as in a test of one route, it is noted for nobody
    return found if isinstance(found, Observed) else Observed("")


class Observation:
    """Middleware that watches every request from outside.

    Args:
        app: What is watched.
        metrics: Where it is counted.
        client: The address that a request came from; None where it is not known.
        clients: How a client is named in the log.
        paths: Addresses without parameters, to name what is refused before it finds its route.
        shop: Whose requests these are, where one server answers for several shops.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: ServerMetrics,
        *,
        client: Callable[[Scope], str | None],
        clients: LogClients,
        paths: Collection[str] = (),
        shop: str | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._client = client
        self._clients = clients
        self._paths = frozenset(paths)
        self._shop = shop
        self._pseudonyms = secrets.token_bytes(16)
        self._problems = Governor()
        self._in_flight = 0
        metrics.read(families.IN_FLIGHT, lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and notes what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted = scope[_KEY] = Observed(_request_id(Headers(scope=scope).get(REQUEST_ID, "")))

        async def counted() -> Message:
            message = await receive()
            noted.received += len(message.get("body", b""))
            return message

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted.status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = noted.request_id
            await send(message)

        began = time.perf_counter()
        self._in_flight += 1
        try:
            await self._app(scope, counted, named)
        except Exception as error:
            # the error's own handler may have answered; whoever calls this application knows what
            # else to do with an error
            noted.status, noted.code, noted.failure = 500, "internal", error
            raise
        finally:
            self._in_flight -= 1
            self._note(scope, noted, time.perf_counter() - began)

    def _note(self, scope: Scope, noted: Observed, seconds: float) -> None:
        route, method = self._route(scope), scope["method"]
        method = method if method in _METHODS else OTHER
        if noted.status >= 400:
            noted.code = noted.code or scope.get(CODE, "")
        status = GONE if noted.code == GONE or not noted.status else str(noted.status)
        self._metrics.count(families.REQUESTS, route, method, status)
        self._metrics.observe(families.REQUEST_DURATION, seconds, route)
        if noted.received:
            self._metrics.count(families.RECEIVED, by=noted.received)
        if noted.code and status != GONE:
            self._metrics.count(families.PROBLEMS, noted.code)
        if noted.parts:
            milliseconds = {f"{part}_ms": value for part, value in noted.parts.items()}
            self._metrics.photo_answered(noted.decision, **milliseconds)
        self._write(scope, noted, route, method, status, seconds)

    def _write(
        self, scope: Scope, noted: Observed, route: str, method: str, status: str, seconds: float
    ) -> None:
        omitted = 0
        if noted.status < 400 or status == GONE:
            level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
        else:
            level = logging.WARNING if noted.status < 500 else logging.ERROR
            allowed, omitted = self._problems.allows()
            if not allowed and noted.failure is None:
                return
        parts: dict[str, Any] = {f"{part}_ms": value for part, value in noted.parts.items()}
        event(
            level,
            "answer",
            say=f"{method} {route} {status}",
            shown=("method", "route", "status"),
            failure=noted.failure,
            shop=self._shop,
            request=noted.request_id,
            method=method,
            route=route,
            status=status if status == GONE else noted.status,
            code=noted.code if status != GONE else "",
            detail=scope.get(DETAIL),
            decision=noted.decision,
            query_id=noted.query_id,
            ms=round(seconds * 1e3, 1),
            **parts,
            bytes_in=noted.received or None,
            client=self._name(self._client(scope)),
            omitted_before=omitted or None,
        )

    def _route(self, scope: Scope) -> str:
        """The route as it was declared: there are few of them, and no shopper's words in them."""
        path = getattr(scope.get("route"), "path_format", None) or getattr(
            scope.get("route"), "path", None
        )
        if path is not None:
            return str(path)
        asked = scope["path"]
        return asked if asked in self._paths else OTHER

    def _name(self, address: str | None) -> str | None:
        """A client as the log may know it.

        A pseudonym tells clients apart, no more: its key is made at the start and is nowhere else,
        so that trying out all addresses leads back to none.
        """
        if address is None or self._clients == "none":
            return None
        if self._clients == "pseudonym":
            return hashlib.blake2b(
                address.encode(errors="replace"), digest_size=4, key=self._pseudonyms
            ).hexdigest()
        try:
            bits = 24 if ip_address(address).version == 4 else 48
            return str(ip_network((address, bits), strict=False))
        except ValueError:
            return None


def _request_id(asked: str) -> str:
    """The id that a proxy gave the request, where it is one that may stand in a log; else a new."""
    return asked if _SANE_ID.fullmatch(asked) else uuid4().hex
