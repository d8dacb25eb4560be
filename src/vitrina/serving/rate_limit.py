"""How often one client may ask.

A client is an address, for IPv6 the network of 64 bits that a household or a rented machine has to
itself; or a key that the shop's settings name. The library `limits` counts.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from vitrina.errors import RateExceeded

KEY_HEADER = "x-api-key"


class Networks:
    """Addresses that belong to any of some networks.

    Args:
        networks: Addresses, or networks such as 10.0.0.0/8. One of IPv4 is meant also where a
            socket of IPv6 writes it as ::ffff:a.b.c.d.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for network in map(ip_network, networks):
            self._networks.append(network)
            if isinstance(network, IPv4Network):
                mapped = f"::ffff:{network.network_address}/{96 + network.prefixlen}"
                self._networks.append(ip_network(mapped))
        self._holds = lru_cache(maxsize=4096)(self._look_up)

    def __contains__(self, host: str) -> bool:
        return self._holds(host[:64])

    def named(self) -> list[str]:
        """All of them in writing."""
        return [str(network) for network in self._networks]

    def _look_up(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class RateLimit:
    """At most so many requests of each client in any minute.

    The library is loaded beside the first request that it is for, which passes uncounted: nobody
    waits for an import.

    Args:
        per_minute: Of one address; 0 for any number.
        keys: Values of X-Api-Key that are counted instead of the address.
        key_times: How many times as often as an address a key may ask.
        unlimited: Addresses that are not counted: proxies, in what they ask for themselves.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        keys: Collection[str] = (),
        key_times: int = 1,
        unlimited: Networks | None = None,
    ) -> None:
        self._per_minute = per_minute
        self._keys = frozenset(keys)
        self._key_times = key_times
        self._unlimited = unlimited
        self._counting: _Counting | None = None
        self._loading: threading.Thread | None = None

    def load(self) -> None:
        """Imports the library; counting begins."""
        self._counting = _Counting(self._per_minute, self._per_minute * self._key_times)

    def check(self, scope: Scope) -> None:
        """Counts one request.

        Raises:
            RateExceeded: its client has had as many as it may.
        """
        if not self._per_minute:
            return
        key = Headers(scope=scope).get(KEY_HEADER, "")
        # not the address too: a shop's own server asks for all its shoppers
        known = key in self._keys
        host = scope["client"][0] if scope.get("client") else ""
        if not known and self._unlimited is not None and host in self._unlimited:
            return
        if self._counting is None:
            if self._loading is None:
                self._loading = threading.Thread(target=self.load, daemon=True)
                self._loading.start()
            return
        client = f"key {key}" if known else client_name(host)
        if (wait := self._counting.count(client, known=known)) is not None:
            raise RateExceeded(
                "You have sent too many requests.",
                hint="Ask again after the seconds that Retry-After says.",
                retry_after=wait,
            )


class _Counting:
    """The library, and what it is asked for."""

    def __init__(self, per_minute: int, per_minute_of_keys: int) -> None:
        # Imported only here: it takes some 25 ms, which no start and no first answer should pay.
        from limits import RateLimitItemPerMinute
        from limits.strategies import FixedWindowRateLimiter

        from vitrina.serving.rate_storage import BoundedStorage

        self._storage = BoundedStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._address = RateLimitItemPerMinute(per_minute)
        self._key = RateLimitItemPerMinute(per_minute_of_keys, namespace="KEY")

    def count(self, client: str, *, known: bool) -> int | None:
        """Counts one request; seconds until the next may come, None where this one may."""
        item = self._key if known else self._address
        if self._limiter.hit(item, client):
            return None
        reset, _ = self._limiter.get_window_stats(item, client)
        return max(1, math.ceil(reset - self._storage.clock()))


def client_name(host: str) -> str:
    """What an address counts as: itself, or its IPv6 network of 64 bits."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]  # a proxy's own word for it
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> 64:x}::/64"
