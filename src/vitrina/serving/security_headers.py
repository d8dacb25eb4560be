"""What browsers are told about every answer, whoever made it, errors included."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For answers that are no page: opened by themselves they load, run and send nothing."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": NOTHING,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_EMBEDDED = "/photos/"
"""Pictures of the catalogue are for the shop's own site to show, which is another origin."""


class SecurityHeaders:
    """Adds the headers that an answer does not have; closes connections with unread bodies.

    A body that nobody reads would otherwise be read to its end for the sake of the next request on
    that connection.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        unread = has_body(scope)

        async def receive_noting() -> Message:
            nonlocal unread
            message = await receive()
            if not message.get("more_body", False):
                unread = False
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(_EMBEDDED):
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                if unread:
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receive_noting, send_with_headers)


def has_body(scope: Scope) -> bool:
    """Whether a request says that a body follows its head."""
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )
