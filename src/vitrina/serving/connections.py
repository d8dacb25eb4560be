"""Connections of the server: how many, how quiet, and how they end.

Uvicorn leaves a connection alone until a whole request head has arrived, however long that takes,
and reads a body that nobody wants to its end. Here both have limits, and where there are too many
connections, the one that has been silent for longest makes room.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from functools import partial
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""Until a request's head must be there, from the connection or the answer before."""

KEEP_ALIVE_SECONDS = 15
"""A connection without a request is kept so long."""

LINGER_SECONDS = 2.0
"""What comes after a refusal is read and dropped so long: closing at once could destroy the
refusal before the client has read it."""

STALLED_SECONDS = 30.0
"""A client that takes nothing of its answer for so long has gone."""

MOST_HEAD_BYTES = 16 * 1024

_SWEEP_SECONDS = 1.0
_MOST_SHORT_LINES = 100
_SHORT_LINE = 32


class OpenConnections:
    """All connections of one server.

    Args:
        most: At the same time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[Connection] = set()
        # those that wait for their client, the longest silent first, and since when
        self._quiet: OrderedDict[Connection, float] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def protocol(self) -> type[asyncio.Protocol]:
        """What uvicorn makes a connection with."""
        return cast("type[asyncio.Protocol]", partial(Connection, self))

    def add(self, connection: Connection) -> None:
        """Takes a new one; another, or itself, makes room where there are too many."""
        self._all.add(connection)
        self.note(connection, quiet=True)
        if len(self._all) > self._most:
            silent = next(iter(self._quiet))
            self.discard(silent)  # at once: several may come before its end is heard of
            silent.abort()
        if self._sweeping is None:
            self._sweep()

    def note(self, connection: Connection, *, quiet: bool) -> None:
        """Whose turn it is: the client's, or the server's."""
        self._quiet.pop(connection, None)
        if quiet:
            self._quiet[connection] = connection.loop.time()

    def discard(self, connection: Connection) -> None:
        """One has ended."""
        self._all.discard(connection)
        self._quiet.pop(connection, None)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        too_old = loop.time() - HEAD_SECONDS
        for connection, since in list(self._quiet.items()):
            if since > too_old:
                break
            if connection.waits_for_head:
                connection.abort()
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep) if self._all else None


class Connection(H11Protocol):
    """One connection."""

    def __init__(self, connections: OpenConnections, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open = connections
        self._theirs: object = None
        self._head_begun = False
        self._broken_off = False
        self._lingering: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    @property
    def waits_for_head(self) -> bool:
        """Whether a request may begin, or has begun, but its head is not there yet.

        Not while the client still takes the answer before: that may go on for longer.
        """
        return self.conn.their_state is h11.IDLE and self._stalled is None

    @property
    def is_sending(self) -> bool:
        """Whether more of a request may come that will not be answered."""
        return self._broken_off or self.conn.their_state in (h11.SEND_BODY, h11.ERROR)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast(asyncio.Transport, transport)
        super().connection_made(cast(asyncio.Transport, _Lingering(self, self._transport)))
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._open.discard(self)
        for timer in (self._lingering, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self._lingering is not None:
            return
        if self._is_unreasonable(data):
            self._break_off()
            return
        self._head_begun = True
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        """An answer has been written."""
        self._head_begun = False
        super().on_response_complete()
        self._note()

    def pause_writing(self) -> None:
        """The client takes less than is written."""
        super().pause_writing()
        self._watch_progress(0)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
            if self.waits_for_head:
                self._open.note(self, quiet=True)

    def _watch_progress(self, before: int) -> None:
        """Ends the connection when nothing has been taken since `before` bytes were waiting."""
        waiting = self._transport.get_write_buffer_size()
        if waiting == before:
            self.abort()
        else:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self._watch_progress, waiting)

    def shutdown(self) -> None:
        """The server ends: so does a connection with nothing left to say."""
        if self._lingering is not None or self.conn.our_state is h11.ERROR:
            self._transport.close()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP."""
        document = {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "code": "http",
            "detail": msg,
            "hint": "Send a request by HTTP/1.1 whose head has less than 16 KiB.",
        }
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        try:
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            self.abort()  # in the middle of another answer
        else:
            self.transport.close()

    def abort(self) -> None:
        """Ends it at once."""
        self._transport.abort()

    def linger(self) -> None:
        """Ends it once the client had time to read what it was told."""
        if self._lingering is not None:
            return
        self._lingering = self.loop.call_later(LINGER_SECONDS, self._transport.close)
        self._unset_keepalive_if_required()
        try:
            self._transport.write_eof()
        except OSError:  # the client has closed it, which the event loop has yet to find out
            self.abort()
            return
        self._transport.resume_reading()
        self._open.note(self, quiet=True)

    @property
    def is_lingering(self) -> bool:
        """Whether what comes is dropped."""
        return self._lingering is not None

    def _note(self) -> None:
        theirs = self.conn.their_state
        if theirs is not self._theirs and self._lingering is None:
            self._theirs = theirs
            self._open.note(self, quiet=theirs in (h11.IDLE, h11.SEND_BODY))

    def _is_unreasonable(self, data: bytes) -> bool:
        """Whether a head is too large, or all is short lines, or a body comes in tiny pieces.

        Each line or piece costs some microseconds of Python, so a megabyte of them would stop the
        server for seconds.
        """
        if self.conn.their_state is h11.SEND_BODY:
            if not any(name == b"transfer-encoding" for name, _ in self.headers):
                return False
        elif not self._head_begun:
            head, _, _ = data.partition(b"\r\n\r\n")
            if len(head) > MOST_HEAD_BYTES:
                return True  # h11 finds that only where a head comes in several parts
            if b"chunked" not in head.lower():
                data = head
        lines = data.count(b"\n")
        return lines > _MOST_SHORT_LINES and lines * _SHORT_LINE > len(data)

    def _break_off(self) -> None:
        self._broken_off = True
        self.send_400_response("The request is too large, or made of too many pieces.")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


class _Lingering:
    """A transport whose closing waits while the client is still sending.

    Args:
        connection: Whose it is.
        transport: The socket's.
    """

    def __init__(self, connection: Connection, transport: asyncio.Transport) -> None:
        self._connection = connection
        self._transport = transport
        # called for every answer
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self._connection.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Ends the connection when all has been written, and read by the client."""
        if (
            self._connection.is_sending
            and not self._transport.is_closing()
            and self._transport.can_write_eof()
        ):
            self._connection.linger()
        else:
            self._transport.close()
