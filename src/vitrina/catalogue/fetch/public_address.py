"""Connections that lead to public addresses only, whatever a feed calls them.

A feed is written by others, and what fetches its pictures may stand inside a network that those
others cannot reach. So a name is resolved here, every address that it stands for is checked, and
the connection is made to the very address that was checked: a name whose answer changes between
the check and the connection (DNS rebinding) gains nothing. The check sits below HTTP, where every
connection passes, redirects included; TLS above it still verifies the host's name.

The tables follow IANA's registries of special-purpose addresses (RFC 6890), not the judgement of
`ipaddress`, which differs between versions of Python.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import anyio
import httpcore
import httpx

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host's name and a port to numeric addresses; raises OSError where there are none."""

MAX_ADDRESS = 2000
"""Longest address that is looked at, characters: what the database keeps of one."""

_MOST_ATTEMPTS = 4

_NEVER_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # "this network"; Linux takes 0.0.0.0 for itself
        "100.100.100.200/32",  # where a cloud tells its machines their secrets
        "169.254.0.0/16",  # link-local, among it the same of other clouds
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, likewise the next but two
        "192.88.99.0/24",  # 6to4 relays, given up
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PRIVATE_V4 = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's address translation
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
"""All that is given out as global unicast; what is not in it is refused unread."""
_NEVER_V6 = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # protocol assignments, among them Teredo tunnels
        "2001:db8::/32",  # documentation, likewise the last
        "2002::/16",  # 6to4 tunnels: an IPv4 address in disguise
        "3fff::/20",
        "fd00:ec2::/32",  # where a cloud tells its machines their secrets
    )
)
_PRIVATE_V6 = (ip_network("::1/128"), ip_network("fc00::/7"))
_MAPPED = ip_network("::ffff:0:0/96")
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """An address that is not fetched from, and why, as the end of a sentence."""


def parse_address(text: str) -> httpx.URL:
    """An http or https address, with what browsers would escape escaped.

    Raises:
        AddressRefused: it is none, or it carries a user's name.
    """
    if len(text) > MAX_ADDRESS:
        raise AddressRefused(f"the address has more than {MAX_ADDRESS} characters")
    try:
        url = httpx.URL(text.strip()).copy_with(fragment=None)
        host, port = url.raw_host.decode("ascii"), url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"this is no address: {error}") from error
    if url.scheme not in ("http", "https"):
        raise AddressRefused("only http and https addresses are fetched")
    if not host:
        raise AddressRefused("the address names no host")
    if port is not None and not 0 < port < 65536:
        raise AddressRefused(f"there is no port {port}")
    if url.userinfo:
        raise AddressRefused("the address carries a user's name, which is not sent")
    return url


def require_public(numeric: str, *, allow_private: bool = False) -> None:
    """Makes sure that a numeric address lies in the public internet.

    Args:
        numeric: IPv4 or IPv6, as the resolver gives it.
        allow_private: Take the addresses of one's own networks and of this machine, too; never
            link-local ones, multicast, or what is reserved.

    Raises:
        AddressRefused: it does not.
    """
    try:
        address = ip_address(numeric)
    except ValueError as error:
        raise AddressRefused(f"{numeric} is no internet address") from error
    if not _is_allowed(address, allow_private):
        raise AddressRefused(f"it leads to {numeric}, which is no public address")


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Where httpcore gets its connections: resolved, checked, then connected, in that order.

    Args:
        allow_private: As in `require_public`.
        resolve: What turns names into addresses; the system's resolver unless given.
    """

    def __init__(self, *, allow_private: bool = False, resolve: Resolve | None = None) -> None:
        self._allow_private = allow_private
        self._resolve = resolve or resolve_by_system
        self._connect = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`.

        Raises:
            AddressRefused: one of its addresses is not public.
            httpcore.ConnectError: it has no address, or none of them answers.
            httpcore.ConnectTimeout: none does within `timeout` seconds.
        """
        try:
            with anyio.fail_after(timeout):
                numerics = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        if not numerics:
            raise httpcore.ConnectError(f"the name {host} has no address")
        for numeric in numerics:
            require_public(numeric, allow_private=self._allow_private)
        tried = numerics[:_MOST_ATTEMPTS]
        share = None if timeout is None else timeout / len(tried)
        for numeric in tried[:-1]:
            try:
                return await self._connect.connect_tcp(
                    numeric, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connect.connect_tcp(
            tried[-1], port, share, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Waits, on behalf of httpcore."""
        await anyio.sleep(seconds)


async def resolve_by_system(host: str, port: int) -> list[str]:
    """What the system's resolver answers, in its order, each address once.

    Raises:
        OSError: it knows no such name.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_allowed(address: IPv4Address | IPv6Address, allow_private: bool) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id:  # only what is link-local has one
            return False
        if address in _MAPPED or address in _NAT64:  # an IPv4 address within: that one counts
            return _is_allowed(IPv4Address(address.packed[-4:]), allow_private)
        if any(address in block for block in _NEVER_V6):
            return False
        own = any(address in block for block in _PRIVATE_V6)
        return allow_private if own else address in _GLOBAL_V6
    if any(address in block for block in _NEVER_V4):
        return False
    return allow_private or not any(address in block for block in _PRIVATE_V4)
