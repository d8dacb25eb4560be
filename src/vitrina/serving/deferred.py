"""An application that is built later than the server that it belongs to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send


class Deferred:
    """Builds an application when it is asked for the first time, or ahead of that.

    Args:
        build: Makes it, once; called in a thread.
    """

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._app: ASGIApp | None = None
        self._building = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        app = self._app
        if app is None:
            app = await to_thread.run_sync(self.built)
        await app(scope, receive, send)

    def built(self) -> ASGIApp:
        """The application; whoever comes while it is being built waits."""
        with self._building:
            if self._app is None:
                self._app = self._build()
            return self._app

    def build_in(self, seconds: float) -> None:
        """Has it built in a thread of its own after so many seconds, if nobody asks before."""
        ahead = threading.Timer(seconds, self.built)
        ahead.daemon = True
        ahead.start()
