"""How often somebody may try to sign in to the merchant's screens.

Two counts, of a quarter of an hour: one for each client, and one for all of them together, so that
many addresses are no way around the first. Nobody is left out of either: whoever guesses passwords
is likely to come by way of a proxy that shoppers are not limited by.
"""

from __future__ import annotations

import math
import threading

from starlette.types import Scope

from vitrina.errors import RateExceeded
from vitrina.serving.rate_limit import client_name

MINUTES = 15
OF_A_CLIENT = 10
OF_ALL = 200


class LoginTries:
    """Counts tries; the library is imported with the first."""

    def __init__(self) -> None:
        from limits import RateLimitItemPerMinute
        from limits.strategies import FixedWindowRateLimiter

        from vitrina.serving.rate_storage import BoundedStorage

        self._storage = BoundedStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._of_a_client = RateLimitItemPerMinute(OF_A_CLIENT, MINUTES)
        self._of_all = RateLimitItemPerMinute(OF_ALL, MINUTES, namespace="ALL")
        self._lock = threading.Lock()

    def count(self, scope: Scope) -> None:
        """Counts one try.

        Raises:
            RateExceeded: there were too many.
        """
        client = _client(scope)
        with self._lock:
            for item, name in ((self._of_a_client, client), (self._of_all, "all")):
                if not self._limiter.hit(item, name):
                    reset, _ = self._limiter.get_window_stats(item, name)
                    raise RateExceeded(
                        "Too many tries to sign in.",
                        hint="Try again after the seconds that Retry-After says.",
                        retry_after=max(1, math.ceil(reset - self._storage.clock())),
                    )

    def forget(self, scope: Scope) -> None:
        """Whoever signed in has used up none of a client's tries."""
        with self._lock:
            self._limiter.clear(self._of_a_client, _client(scope))


def _client(scope: Scope) -> str:
    return client_name(scope["client"][0] if scope.get("client") else "")
