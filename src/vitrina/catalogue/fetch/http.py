"""One address, fetched over HTTP within limits: bytes, seconds, redirects, and where it may lead.

httpcore speaks HTTP here without a client above it: there are no cookies, no logins and no proxies
to switch off. Redirects are followed by hand, each target checked as the first address was.
"""

from __future__ import annotations

import re
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

import anyio
import httpcore
import httpx

from vitrina.catalogue.fetch.public_address import AddressRefused, CheckedBackend, parse_address
from vitrina.version import __version__

USER_AGENT = f"Vitrina/{__version__}"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})
_CERTIFICATE = re.compile(r"certificate verify failed: (.+?)(?: \(_ssl.*)?$")
_PIECE = 65_536
"""Most bytes that are unpacked at once: a small piece may unpack to a thousand times as much."""

FaultKind = Literal["refused", "failed", "unreachable", "busy"]


class Fault(Exception):
    """Why an address could not be fetched.

    Args:
        kind: "refused": asking again now would change nothing. "failed": the server broke off, took
            too long or had an error of its own. "unreachable": no connection came about, which says
            nothing of this address. "busy": the server asks to be left alone for a while.
        reason: In plain words, as the end of a sentence.
        wait: Seconds that a busy server asks for; None where it does not say.
    """

    def __init__(self, kind: FaultKind, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.wait = wait


@dataclass(frozen=True)
class FetchLimits:
    """How much one address may take.

    Attributes:
        max_bytes: Of the content, after unpacking what was packed for the way.
        seconds: For everything, redirects included.
        connect_seconds: For each connection.
        silent_seconds: That a server may say nothing.
        redirects: That are followed.
    """

    max_bytes: int
    seconds: float = 20.0
    connect_seconds: float = 10.0
    silent_seconds: float = 10.0
    redirects: int = 3


@dataclass(frozen=True)
class Validators:
    """What a server said of a content, to be asked later whether there is a newer one.

    Attributes:
        etag: Its mark of the content; None where it gave none.
        last_modified: When it changed, in the server's words; likewise.
    """

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """What a request carries that wants content only where there is a newer one."""
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {name: value for name, value in pairs if value}


@dataclass(frozen=True)
class Answer:
    """A server's answer that can be used.

    Attributes:
        changed: Whether content came; False where the server still has what is known of.
        validators: Of the content.
    """

    changed: bool
    validators: Validators


@asynccontextmanager
async def open_pool(
    backend: CheckedBackend, connections: int
) -> AsyncIterator[httpcore.AsyncConnectionPool]:
    """Connections that are kept for the next request to the same host.

    Args:
        backend: What makes them.
        connections: Most at a time.
    """
    pool = httpcore.AsyncConnectionPool(
        ssl_context=httpx.create_ssl_context(),  # honours SSL_CERT_FILE
        max_connections=connections,
        keepalive_expiry=5.0,
        network_backend=backend,
    )
    async with pool:
        yield pool


async def fetch(
    pool: httpcore.AsyncConnectionPool,
    address: str,
    limits: FetchLimits,
    write: Callable[[bytes], object],
    *,
    accept: str = "*/*",
    known: Validators | None = None,
) -> Answer:
    """Fetches what lies at `address`.

    Args:
        pool: As `open_pool` makes it.
        address: http or https.
        limits: What it may take.
        write: Takes the content piece by piece; what it took is worthless after a `Fault`.
        accept: Kinds of content that are wanted.
        known: Of a content that is there already: fetched only where it has changed.

    Raises:
        Fault: it could not be fetched, or not within the limits.
    """
    headers = {"Accept": accept, **(known.headers() if known else {})}
    try:
        with anyio.fail_after(limits.seconds):
            url = parse_address(address)
            for _ in range(limits.redirects + 1):
                async with _get(pool, url, limits, headers) as response:
                    answered = httpx.Headers(response.headers)
                    if response.status in _REDIRECTS and "location" in answered:
                        url = _follow(url, answered["location"])
                        continue
                    if response.status == HTTPStatus.NOT_MODIFIED and known:
                        return Answer(False, known)
                    _require_content(response.status, answered, limits)
                    unpacking = _Unpacking(answered, limits.max_bytes)
                    async for piece in response.aiter_stream():
                        for unpacked in unpacking.take(piece):
                            write(unpacked)
                    unpacking.end()
                    return Answer(True, _validators(answered))
            raise Fault("refused", f"is redirected more than {limits.redirects} times")
    except AddressRefused as error:
        raise Fault("refused", str(error)) from error
    except TimeoutError as error:
        raise Fault("failed", f"took longer than {limits.seconds:g} seconds") from error
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise Fault("unreachable", _why_unreachable(error)) from error
    except httpcore.TimeoutException as error:
        reason = f"the server said nothing for {limits.silent_seconds:g} seconds"
        raise Fault("failed", reason) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise Fault("failed", f"the connection broke off: {error}") from error


@asynccontextmanager
async def _get(
    pool: httpcore.AsyncConnectionPool,
    url: httpx.URL,
    limits: FetchLimits,
    headers: Mapping[str, str],
) -> AsyncIterator[httpcore.Response]:
    silent = limits.silent_seconds
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    asked = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",  # pictures are packed already
        **headers,
    }
    timeout = {
        "connect": limits.connect_seconds, "read": silent, "write": silent, "pool": limits.seconds,
    }  # fmt: skip
    async with pool.stream(
        "GET", target, headers=list(asked.items()), extensions={"timeout": timeout}
    ) as response:
        yield response


def _follow(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return parse_address(str(url.join(location)))
    except (AddressRefused, httpx.InvalidURL, ValueError) as error:
        raise Fault("refused", f"is redirected to where nothing is fetched: {error}") from error


def _require_content(status: int, headers: httpx.Headers, limits: FetchLimits) -> None:
    """Makes sure that content follows, and says that it is no larger than it may be."""
    if status in _BUSY:
        raise Fault("busy", f"the server answered {_named(status)}", _asked_wait(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Fault("failed", f"the server answered {_named(status)}")
    if status != HTTPStatus.OK:
        raise Fault("refused", f"the server answered {_named(status)}")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.max_bytes:
        raise _too_large(limits.max_bytes)


class _Unpacking:
    """Content as it comes, unpacked and counted; a server may pack it although asked not to."""

    def __init__(self, headers: httpx.Headers, max_bytes: int) -> None:
        packing = headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Fault("refused", f"is packed in a way that was not asked for: {packing[:40]}")
        # this much tells gzip from zlib by itself
        packed = packing not in ("", "identity")
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        self._max_bytes = self._left = max_bytes

    def take(self, piece: bytes) -> Iterator[bytes]:
        """What comes out of one piece of the answer."""
        if self._unpacker is None:
            yield self._count(piece)
            return
        while not self._unpacker.eof:
            try:
                unpacked = self._unpacker.decompress(piece, _PIECE)
            except zlib.error as error:
                raise Fault("failed", f"cannot be unpacked: {error}") from error
            yield self._count(unpacked)
            piece = self._unpacker.unconsumed_tail
            if not piece and len(unpacked) < _PIECE:
                return

    def end(self) -> None:
        """Makes sure that nothing is missing."""
        if self._unpacker and not self._unpacker.eof:
            raise Fault("failed", "the connection broke off within packed content")

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise _too_large(self._max_bytes)
        return piece


def _validators(headers: httpx.Headers) -> Validators:
    return Validators(
        _usable(headers.get("etag", ""), 200), _usable(headers.get("last-modified", ""), 100)
    )


def _usable(value: str, longest: int) -> str | None:
    # cut to what the database keeps it would be of no use
    return value if 0 < len(value) <= longest and value.isascii() else None


def _why_unreachable(error: Exception) -> str:
    # httpcore keeps of the error below its text alone
    if found := _CERTIFICATE.search(str(error)):
        return f"the server's certificate is not valid: {found[1]}"
    return f"the server cannot be reached: {str(error) or 'it does not answer'}"


def _asked_wait(headers: httpx.Headers) -> float | None:
    """Seconds that Retry-After names, as a number or as a date."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal() and len(asked) < 10:
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _too_large(max_bytes: int) -> Fault:
    return Fault("refused", f"has more than {max_bytes / 1e6:g} MB")
