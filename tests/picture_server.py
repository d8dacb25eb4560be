"""A local server of pictures that answers as each test tells it, well or badly."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Behaviour = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; behaviours answer it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        with owner.lock:
            owner.asked.append(self.path)
            owner.headers.append({name.lower(): value for name, value in self.headers.items()})
            owner.now += 1
            owner.most = max(owner.most, owner.now)
        try:
            owner.behaviours.get(self.path, missing)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker had enough
        finally:
            with owner.lock:
                owner.now -= 1

    def send(self, content: bytes = b"", status: int = 200, **headers: str) -> None:
        """A whole answer; underscores in names of headers stand for dashes."""
        self.start(status, **{"Content_Length": str(len(content)), **headers})
        self.wfile.write(content)

    def start(self, status: int = 200, **headers: str) -> None:
        """The answer's first lines; what follows is up to the behaviour."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: PictureServer

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # askers that hang up are part of the tests


class PictureServer:
    """Serves `behaviours` by path on a free port of this machine, until the block ends.

    Args:
        tls: Speak TLS in this way.
        behaviours: What answers each path.

    Attributes:
        behaviours: What answers each path; others are not found.
        asked: Paths, in the order in which they were asked for.
        headers: Of those requests, names in lower case.
        most: Requests at the same time, at most.
        stopped: Set once the block ends; endless behaviours watch it.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, **behaviours: Behaviour) -> None:
        self.behaviours = {f"/{name}": behaviour for name, behaviour in behaviours.items()}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Request)
        self._server.owner = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def missing(request: Request) -> None:
    request.send(b"no such page", 404)


def sends(content: bytes, status: int = 200, **headers: str) -> Behaviour:
    """Always the same answer."""
    return lambda request: request.send(content, status, **headers)


def redirects(to: str, status: int = 302) -> Behaviour:
    return lambda request: request.send(status=status, Location=to)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour after the other; the last one stays."""
    left = list(behaviours)
    lock = threading.Lock()

    def answer(request: Request) -> None:
        with lock:
            behaviour = left.pop(0) if len(left) > 1 else left[0]
        behaviour(request)

    return answer


def streams(
    pieces: Iterable[bytes] | None = None, *, seconds: float = 0.0, **headers: str
) -> Behaviour:
    """Pieces without an end that was announced; without pieces, zeros for ever."""

    def answer(request: Request) -> None:
        stopped = request.server.owner.stopped
        request.start(**headers)
        request.close_connection = True
        for piece in pieces if pieces is not None else iter(lambda: b"\0" * 65_536, b""):
            request.wfile.write(piece)
            request.wfile.flush()
            if stopped.wait(seconds) if seconds else stopped.is_set():
                return

    return answer


def says_nothing(request: Request) -> None:
    """Takes the request and does not answer."""
    request.close_connection = True
    request.server.owner.stopped.wait(30)


def drops(request: Request) -> None:
    """Hangs up at once."""
    request.close_connection = True


def breaks_off(content: bytes) -> Behaviour:
    """Announces all of `content` and hangs up in its middle."""

    def answer(request: Request) -> None:
        request.start(Content_Length=str(len(content)))
        request.wfile.write(content[: len(content) // 2])
        request.close_connection = True

    return answer
