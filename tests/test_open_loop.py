"""The load generator: it keeps its times whatever the server does, and counts from them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import psutil
import pytest

from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import (
    PROBES_IN_A_ROW,
    Order,
    Request,
    Sent,
    Shares,
    ask_in_turn,
    offer,
    plan,
)
from vitrina.errors import EvaluationError

Answer = Callable[[bytes], tuple[int, dict[str, str]]]
ALL_ALIKE = Shares([[0]], [1.0])
PHOTO = [Sent(b"photo", "image/jpeg")]


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """A server that answers a body as it is told; its port."""

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, fields = answer(self.rfile.read(int(self.headers["Content-Length"])))
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 200
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            pass  # clients that went away

    server = Server(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def order(port: int, schedule: list[Request], **options: object) -> Order:
    return Order(host="127.0.0.1", port=port, schedule=schedule, **options)  # type: ignore[arg-type]


def test_nothing_waits_for_an_answer() -> None:
    """The server answers nobody until the last one has asked."""
    all_there = threading.Barrier(50, timeout=30)

    def answer(_body: bytes) -> tuple[int, dict[str, str]]:
        all_there.wait()
        return 200, {}

    schedule = plan(100, 0.5, ALL_ALIKE, arrivals="constant")
    with serving(answer) as port:
        outcomes = offer(PHOTO, order(port, schedule, patience=60)).outcomes
    assert [outcome.status for outcome in outcomes] == [200] * 50
    assert [outcome.planned for outcome in outcomes] == [request.at for request in schedule]
    assert all(outcome.sent >= outcome.planned for outcome in outcomes)


def test_latency_counts_from_the_planned_start() -> None:
    """With one socket each request waits for those before it, and that is counted."""

    def answer(_body: bytes) -> tuple[int, dict[str, str]]:
        time.sleep(0.05)
        return 200, {}

    schedule = plan(1000, 0.01, ALL_ALIKE, arrivals="constant")
    with serving(answer) as port:
        outcomes = offer(PHOTO, order(port, schedule, sockets=1)).outcomes
    for number, outcome in enumerate(outcomes):
        assert outcome.seconds >= 0.05 * (number + 1) - outcome.planned
        assert outcome.seconds > outcome.done - outcome.sent or number == 0


def test_at_most_so_many_sockets() -> None:
    here, most, lock = 0, 0, threading.Lock()

    def answer(_body: bytes) -> tuple[int, dict[str, str]]:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        time.sleep(0.01)
        with lock:
            here -= 1
        return 200, {}

    with serving(answer) as port:
        offer(PHOTO, order(port, plan(1000, 0.05, ALL_ALIKE), sockets=3))
    assert 1 <= most <= 3


def test_endings_are_told_apart() -> None:
    over = threading.Event()

    def answer(body: bytes) -> tuple[int, dict[str, str]]:
        if body == b"hang":
            over.wait(30)
            return 0, {}
        return int(body), {"retry-AFTER": "1"} if body == b"429" else {}

    bodies = [b"200", b"429", b"503", b"500", b"0", b"hang"]
    photos = [Sent(body, "image/png") for body in bodies]
    schedule = [Request(0.0, number) for number in range(len(bodies))]
    with serving(answer) as port:
        outcomes = offer(photos, order(port, schedule, patience=2)).outcomes
        over.set()
    told = [(outcome.status, outcome.ending, outcome.retry_after) for outcome in outcomes]
    assert told == [
        (200, "answered", False), (429, "answered", True), (503, "answered", False),
        (500, "answered", False), (0, "broken", False), (0, "timed_out", False),
    ]  # fmt: skip
    assert outcomes[5].seconds >= 2
    refused = offer(PHOTO, order(port, schedule[:1])).outcomes[0]
    assert (refused.status, refused.ending) == (0, "broken")


def test_a_refusal_that_comes_before_the_body_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        large = [Sent(bytes(20_000_000), "image/jpeg")]
        port = listener.getsockname()[1]
        (outcome,) = offer(large, order(port, [Request(0.0, 0)])).outcomes
        thread.join()
    assert (outcome.status, outcome.ending, outcome.retry_after) == (503, "answered", True)


def test_what_is_no_http_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def mutter() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=mutter)
        thread.start()
        port = listener.getsockname()[1]
        (outcome,) = offer(PHOTO, order(port, [Request(0.0, 0)])).outcomes
        thread.join()
    assert (outcome.status, outcome.ending) == (0, "broken")


def test_the_request_is_whole() -> None:
    seen: list[tuple[str, str | None, bytes]] = []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        photos = [Sent(b"", "image/png"), Sent(bytes(range(256)) * 4000, "image/webp")]
        asked = order(server.server_port, [Request(0.0, 1), Request(0.0, 0)])
        ask_in_turn(photos, asked)
        server.shutdown()
        thread.join()
    assert seen == [
        ("/v1/search/photo", "image/webp", bytes(range(256)) * 4000),
        ("/v1/search/photo", "image/png", b""),
    ]


def test_the_time_until_answers_are_as_before() -> None:
    """Probes that are answered otherwise, or slowly, do not count; nor do few good ones."""
    ways = iter([200, 200, 503, 200] + [200] * 20)

    def answer(body: bytes) -> tuple[int, dict[str, str]]:
        return (next(ways), {}) if body == b"probe" else (200, {})

    photos = [Sent(b"photo", "image/jpeg"), Sent(b"probe", "image/jpeg")]
    asked = [Request(0.0, 0), Request(0.1, 0)]
    with serving(answer) as port:
        patient = order(port, asked, probe_photo=1, normal_seconds=30)
        offered = offer(photos, patient)
        assert next(ways, None) is not None
        never = order(port, asked, probe_photo=1, normal_seconds=0, probe_seconds=0.2)
        assert offer(photos, never).normal_after is None
        assert offer(photos, order(port, asked)).normal_after is None
    assert len(offered.outcomes) == 2
    assert offered.normal_after is not None
    # the three that did not count came first, each after a pause
    assert 0.06 <= offered.normal_after < offered.wall_seconds - 0.1
    assert PROBES_IN_A_ROW > 2


def test_a_schedule_follows_from_its_seed() -> None:
    shares = Shares([[0, 1, 2], [3]], [3.0, 1.0])
    schedule = plan(50, 100, shares, seed=7)
    assert schedule == plan(50, 100, shares, seed=7) != plan(50, 100, shares, seed=8)
    times = [request.at for request in schedule]
    assert times == sorted(times)
    assert times[-1] < 100
    assert 4700 < len(times) < 5300
    # independent arrivals: gaps scatter as much as they last on average
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    scatter = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.9 < scatter / mean < 1.1
    rare = sum(request.photo == 3 for request in schedule) / len(schedule)
    assert 0.22 < rare < 0.28
    counts = [sum(request.photo == number for request in schedule) for number in range(3)]
    assert max(counts) - min(counts) <= 1


def test_constant_arrivals() -> None:
    times = [request.at for request in plan(4, 1.5, ALL_ALIKE, arrivals="constant")]
    assert times == [0, 0.25, 0.5, 0.75, 1.0, 1.25]


# Tests of what survives a killed process may have ended the helper that multiprocessing keeps.
@pytest.mark.filterwarnings("ignore:resource_tracker. process died unexpectedly:UserWarning")
def test_it_works_in_a_process_of_its_own() -> None:
    with serving(lambda _body: (200, {})) as port, LoadGenerator(PHOTO) as generator:
        asked = order(port, [Request(0.01 * number, 0) for number in range(5)])
        for offered in (generator.offer(asked), generator.ask_in_turn(asked)):
            assert [outcome.status for outcome in offered.outcomes] == [200] * 5
            assert offered.cpu_seconds > 0
            assert offered.wall_seconds > 0
        children = psutil.Process().children(recursive=True)
        assert children
    assert not [child for child in children if child.is_running() and "spawn" in _command(child)]


def test_it_is_not_waited_for_when_something_goes_wrong() -> None:
    def fail() -> None:
        with LoadGenerator(PHOTO) as generator:
            generator._pipe.send((offer, order(1, [Request(1000.0, 0)])))
            raise ZeroDivisionError

    start = time.perf_counter()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert time.perf_counter() - start < 100


def test_its_end_is_told() -> None:
    with LoadGenerator(PHOTO) as generator:
        generator._process.kill()
        with pytest.raises(EvaluationError, match="ended"):
            generator.offer(order(1, []))


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
