"""Connections: silent, slow, too many, and those that are closed while the client still sends."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from vitrina.serving import connections
from vitrina.serving.connections import KEEP_ALIVE_SECONDS, OpenConnections
from vitrina.serving.security_headers import SecurityHeaders


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers /read with the length of the body, /large with 20 MB, all else without reading."""
    answer = b"unread"
    if scope["path"] == "/read":
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length += len(message["body"])
            more = message["more_body"]
        answer = str(length).encode()
    if scope["path"] == "/large":
        answer = bytes(20_000_000)
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class Server:
    """The application on a free port, in a thread."""

    def __init__(self, most: int = 100) -> None:
        self.open = OpenConnections(most)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(
            SecurityHeaders(application),
            http=self.open.protocol(),
            lifespan="off",
            ws="none",
            log_level="critical",
            timeout_graceful_shutdown=5,
        )
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run, args=([self._listener],))
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def works(self) -> bool:
        with self.connect() as connection:
            return ask(connection) == (200, b"5")

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the answer that comes; (0, b"") where the connection ends without."""
    with connection.makefile("rb") as stream:
        status = stream.readline().split()
        if not status:
            return 0, b""
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return int(status[1]), stream.read(length)


def ask(
    connection: socket.socket, path: str = "/read", body: bytes = b"12345"
) -> tuple[int, bytes]:
    connection.sendall(head(path, f"Content-Length: {len(body)}") + body)
    return read_answer(connection)


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: shop.test", *lines, "", "")).encode()


def ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection, waited for."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.5)
    running = Server()
    yield running
    running.stop()


@pytest.mark.parametrize("start", [b"", b"P", b"POST /read HTTP/1.1\r\nHost: shop.test\r\nX: "])
def test_a_head_that_does_not_come_ends_the_connection(server: Server, start: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(start)
        assert ended(connection)
    assert server.works()


def test_a_head_that_comes_byte_by_byte_ends_the_connection(server: Server) -> None:
    with server.connect() as connection, pytest.raises(ConnectionError):  # noqa: PT012
        connection.sendall(head("/read")[:-2] + b"X: ")
        for _ in range(2000):
            connection.sendall(b"x")
            time.sleep(0.01)
    assert server.works()


def test_a_body_may_take_longer_than_a_head(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/read", "Content-Length: 20"))
        for _ in range(20):
            time.sleep(0.05)
            connection.sendall(b"x")
        assert read_answer(connection) == (200, b"20")
        # and the next request on it is answered
        assert ask(connection) == (200, b"5")


def test_where_there_are_too_many_the_longest_silent_makes_room() -> None:
    server = Server(most=20)
    try:
        working = server.connect()
        working.sendall(head("/read", "Content-Length: 5") + b"1234")
        silent = [server.connect() for _ in range(60)]
        for connection in silent[:40]:
            assert ended(connection)
        assert server.works()
        assert len(server.open) <= 20
        for connection in (working, *silent):
            connection.close()
        assert server.works()
    finally:
        server.stop()


def test_a_refusal_can_be_read_by_a_client_that_sends_all_the_same(server: Server) -> None:
    body = bytes(1_000_000)
    for _ in range(5):
        with server.connect() as connection:
            connection.sendall(head("/refused", f"Content-Length: {len(body)}"))
            time.sleep(0.05)  # the refusal is there before the body
            connection.sendall(body)
            assert read_answer(connection) == (200, b"unread")
            assert ended(connection)


def test_a_client_that_never_stops_sending_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.3)
    sent = 0
    with server.connect() as connection, pytest.raises(ConnectionError):  # noqa: PT012
        connection.sendall(head("/refused", "Transfer-Encoding: chunked"))
        while sent < 10_000_000_000:
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            sent += 0x10000
    assert server.works()


def test_an_unread_body_closes_the_connection_and_says_so(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/refused", "Content-Length: 100"))
        with connection.makefile("rb") as answer:
            lines = [line.strip().lower() for line in answer]
    assert b"connection: close" in lines


def test_who_waits_to_be_asked_for_the_body_is_refused_without_it(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/refused", "Content-Length: 9000000", "Expect: 100-continue"))
        assert read_answer(connection) == (200, b"unread")


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/large"))
        end = time.monotonic() + 20
        while len(server.open) and time.monotonic() < end:
            time.sleep(0.05)
        assert len(server.open) == 0
    assert server.works()


def test_a_client_that_takes_its_answer_slowly_gets_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALLED_SECONDS", 1.5)  # a busy machine makes pauses too
    begun = time.monotonic()
    with socket.socket() as connection:
        # else the systems between the two hold megabytes, and seconds pass without a sign
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(head("/large"))
        received = 0
        while taken := len(connection.recv(200_000)):
            received += taken
            if received >= 20_000_000:
                break
            time.sleep(0.02)
    assert received >= 20_000_000
    assert time.monotonic() - begun > 1.5


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/x\r\nHost: s\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: s\r\nContent-Length: -1\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: s\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: s\r\n" + b"a:b\r\n" * 3000 + b"\r\n",
        b"\r\n" * 30_000,
        b"\n" * 30_000,
    ],
    ids=range(11),
)
def test_what_is_no_request_is_told_as_a_problem(server: Server, request_: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(request_)
        status, body = read_answer(connection)
    document = json.loads(body)
    assert (status, document["status"], document["code"]) in ((400, 400, "http"),)
    assert document["hint"]
    assert server.works()


def test_garbage_after_a_request_does_not_spoil_its_answer(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/read", "Content-Length: 5") + b"12345" + b"\x00garbage\r\n\r\n")
        assert read_answer(connection) == (200, b"5")
    assert server.works()


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_body_in_a_flood_of_tiny_pieces_is_cut_off(server: Server, end: bytes) -> None:
    pieces = (b"1" + end + b"x" + end) * 100_000
    with server.connect() as connection:
        began = time.process_time()
        try:
            connection.sendall(head("/read", "Transfer-Encoding: chunked") + pieces)
            assert read_answer(connection)[0] == 400
        except ConnectionError:
            pass  # cut off while it still sent
        # the server is in this process
        assert time.process_time() - began < 0.5
    assert server.works()


def test_a_body_in_pieces_of_common_size(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/read", "Transfer-Encoding: chunked"))
        for _ in range(200):
            connection.sendall(b"400\r\n" + b"\r\n" * 0x200 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        status, _ = read_answer(connection)
    # ends of lines within a body of pieces look like a flood; a photo has no such
    assert status == 400
    with server.connect() as connection:
        connection.sendall(head("/read", "Transfer-Encoding: chunked"))
        for number in range(200):
            connection.sendall(b"400\r\n" + bytes([number]) * 0x400 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection) == (200, b"204800")


def test_several_requests_at_once_are_answered_in_turn(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall((head("/read", "Content-Length: 2") + b"xy") * 20)
        with connection.makefile("rb") as stream:
            for _ in range(20):
                assert stream.readline().startswith(b"HTTP/1.1 200")
                while stream.readline().strip():
                    pass
                assert stream.read(1) == b"2"


def test_stopping_ends_lingering_connections_too(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/refused", "Content-Length: 100000"))
        assert read_answer(connection) == (200, b"unread")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5


def test_the_proxy_lets_go_of_quiet_connections_first() -> None:
    """Else the server could close one just as a photo is sent on it, which nginx asks but once."""
    configuration = Path(__file__).parents[1] / "deploy/nginx.conf"
    upstream = re.search(r"^upstream .*?^}", configuration.read_text(), re.MULTILINE | re.DOTALL)
    assert upstream is not None
    (seconds,) = re.findall(r"^\s*keepalive_timeout (\d+)s;", upstream[0], re.MULTILINE)
    assert int(seconds) < KEEP_ALIVE_SECONDS
