"""What the server writes about itself: whole lines, nothing of a shopper, never in the way."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import environment

from vitrina.serving.log_lines import one_line
from vitrina.serving.logs import event, is_json, written_to


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stuck(io.StringIO):
    """A stream whose reader has stopped reading."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.Event()
        self.reached = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.reading.wait(30)
        return super().write(text)


def lines(say: Callable[[], None], stream: io.StringIO | None = None, **options: Any) -> list[str]:
    stream = stream or io.StringIO()
    with written_to(stream, **options):
        say()
    return stream.getvalue().splitlines()


def failing(photo: bytes) -> None:
    raise ValueError(f"cannot read {photo!r} in /srv/secret")


def test_an_event_is_one_json_object() -> None:
    def say() -> None:
        event(logging.INFO, "answer", route="/v1/search", status=200, ms=1.5, code="", nobody=None)

    (line,) = lines(say)
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info", "event": "answer", "route": "/v1/search", "status": 200, "ms": 1.5,
    }  # fmt: skip


def test_on_a_terminal_a_line_is_for_people() -> None:
    def say() -> None:
        event(logging.WARNING, "answer", say="GET /x 404", code="not_found", shop="Моя лавка")

    (line,) = lines(say, Terminal())
    moment, rest = line.split(" ", 1)
    assert len(moment) == len("12:00:00")
    assert rest == 'warning: GET /x 404  code=not_found shop="Моя лавка"'


def test_nothing_is_said_twice() -> None:
    def say() -> None:
        event(logging.INFO, "answer", say="GET /x", shown=("method",), method="GET", status=200)

    assert "message" not in json.loads(lines(say)[0])
    assert lines(say, Terminal())[0].endswith(" GET /x  status=200")


@pytest.mark.parametrize(
    ("wanted", "terminal", "expected"),
    [
        ("auto", False, True),
        ("auto", True, False),
        ("json", True, True),
        ("text", False, False),
    ],
)
def test_form(wanted: Any, terminal: bool, expected: bool) -> None:
    assert is_json(wanted, Terminal() if terminal else io.StringIO()) == expected


HOSTILE = [
    "a\nb", "a\r\nlevel=error", "a\x0bb", "a\x85b", "a\u2028b", "a\u202egpj.exe", "a\x00b",
    "a\x1b[31mred", "a\ud800b", "a\x7fb", "\U000e0001", '"}\n{"level": "error"',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("terminal", [False, True])
def test_nobody_writes_lines_of_their_own(text: str, terminal: bool) -> None:
    def say() -> None:
        event(logging.INFO, "answer", say=f"GET {text}", route=text)
        logging.getLogger("uvicorn.error").warning("Invalid request: %s", text)

    stream = Terminal() if terminal else io.StringIO()
    written = "\n".join(lines(say, stream))
    assert written.count("\n") == 1
    assert all(line.isprintable() for line in written.split("\n"))
    written.encode()  # no half of a character is left
    if not terminal:
        first, _ = map(json.loads, written.split("\n"))
        assert first["route"] == text


def test_a_flood_of_notices_is_no_flood_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("vitrina.serving.logs.time.monotonic", lambda: now[0])

    def say() -> None:
        for _ in range(100):
            logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        now[0] += 1
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")

    found = [json.loads(line) for line in lines(say)]
    assert len(found) == 21
    assert found[-1]["omitted_before"] == 80


def test_what_prints_stays_as_it_is() -> None:
    assert one_line("Лавка [/] № 5 — ок") == "Лавка [/] № 5 — ок"


def test_a_failure_says_where_and_nothing_of_what() -> None:
    def say() -> None:
        try:
            failing(b"SECRET")
        except ValueError as error:
            event(logging.ERROR, "answer", failure=error)
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")

    for form in ("json", "text"):
        for line in lines(say, form=form):
            assert "ValueError" in line
            assert "test_logs:" in line
            assert "failing <" in line
            for told in ("SECRET", "cannot read", "/srv", "Traceback", ".py"):
                assert told not in line


def test_levels() -> None:
    def say() -> None:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            event(level, logging.getLevelName(level))
            logging.getLogger("uvicorn.error").log(level, "of uvicorn")

    def events(**options: Any) -> list[str]:
        return [json.loads(line)["event"] for line in lines(say, **options)]

    assert events(level="debug").count("notice") == 3
    # at "info" uvicorn would say what events of our own say
    assert events(level="info") == ["INFO", "WARNING", "notice"]
    assert events(level="warning") == ["WARNING", "notice"]


def test_what_must_be_known_is_written_at_every_level() -> None:
    (line,) = lines(lambda: event(logging.INFO, "ready", always=True), level="warning")
    assert json.loads(line)["level"] == "info"


def test_afterwards_everything_is_as_before() -> None:
    loggers = [logging.getLogger(name) for name in ("vitrina", "uvicorn.error")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    running = threading.active_count()
    lines(lambda: event(logging.INFO, "ready"))
    assert [(logger.level, list(logger.handlers)) for logger in loggers] == before
    assert threading.active_count() == running


def test_a_reader_that_stops_reading_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrina.serving.logs._MOST_WAITING", 50)
    monkeypatch.setattr("vitrina.serving.logs._LAST_WORDS_SECONDS", 0.05)
    stream = Stuck()
    with written_to(stream) as written:
        event(logging.INFO, "taken")
        assert stream.reached.wait(30)  # the thread that writes is held up by now
        for number in range(80):
            event(logging.INFO, "answer", number=number)
        assert written.dropped == 30
    stream.reading.set()


def test_a_full_disk_holds_nobody_up() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, f"No space left for {len(text)} characters")

    with written_to(Full()) as written:
        for _ in range(3):
            event(logging.INFO, "answer")
    assert written.dropped == 3


def test_a_pipe_that_nobody_reads_does_not_keep_a_server_from_ending(tmp_path: Any) -> None:
    program = (
        "import logging, sys\n"
        "from vitrina.serving import logs\n"
        "logs._LAST_WORDS_SECONDS = 0.1\n"
        "with logs.written_to(logs.stderr_lines()):\n"
        "    for number in range(20_000):\n"
        "        logs.event(logging.INFO, 'answer', padding='x' * 100)\n"
        "print('ended')\n"
    )
    reading, writing = os.pipe()
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE, stderr=writing, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(reading)
        os.close(writing)
    assert (ended.returncode, ended.stdout) == (0, b"ended\n")


def signalled() -> None:
    """Writes lines while a signal's handler writes its own; for a process of its own."""

    heard = written = 0

    def handle(_number: int, _frame: object) -> None:
        nonlocal heard
        heard += 1
        event(logging.WARNING, "signal")
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005)  # only now: a handler is not to meet itself

    def say() -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005)
        nonlocal written
        # a machine's clock may tick seldom
        while written < 3000 or (heard < 5 and written < 300_000):
            event(logging.INFO, "answer", number=written)
            written += 1
        signal.signal(signal.SIGVTALRM, signal.SIG_IGN)

    signal.signal(signal.SIGVTALRM, handle)
    found = [json.loads(line) for line in lines(say)]
    assert [line["number"] for line in found if line["event"] == "answer"] == list(range(written))
    assert any(line["event"] == "signal" for line in found)


def test_a_signal_in_the_middle_of_a_line_may_write_its_own() -> None:
    # a process of its own: the threads of other libraries are not to be signalled
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "import test_logs; test_logs.signalled()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
