"""A web application as a process of its own: started, asked over HTTP, and always ended."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from vitrina.errors import EvaluationError
from vitrina.evaluation.process_usage import ProcessUsage, family, require_psutil
from vitrina.machine import usable_cores

DEADLINE_SECONDS = 120.0
"""A server that has not answered by then never will."""

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_LOOK_SECONDS = 0.001
_ENDING_SECONDS = 20.0
_SHOWN_LINES, _SHOWN_CHARACTERS = 8, 1000


class ServerProcess:
    """A server that prints `http://127.0.0.1:PORT` once it answers; to be used in a `with` block.

    The process never outlives the block, whatever happens in it.

    Args:
        command: Starts it.
        environment: What is set for it beside this process's own variables.
        cores: Processor cores that it may use; None, and a system that cannot restrict a process,
            leaves it all that this process may use. The asking side keeps all.

    Attributes:
        pid: Of the process.
        port: Where it listens on 127.0.0.1.
        output: File with all that it says; there until the block ends.
        started: `time.perf_counter` just before the process was made.
        listening: `time.perf_counter` when it had said its address.

    Raises:
        EvaluationError: it cannot be started, ends, or does not listen within `DEADLINE_SECONDS`.
    """

    pid: int
    port: int
    output: Path
    started: float
    listening: float

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cores: int | None = None,
    ) -> None:
        self._command = list(command)
        self._environment = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {})
        self._cores = cores
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        require_psutil()  # before there is a process to end
        self._folder = tempfile.TemporaryDirectory(prefix="vitrina-")
        self.output = Path(self._folder.name) / "output.txt"
        try:
            self._start()
            self.port = self._wait_for_port()
            self.listening = time.perf_counter()
        except BaseException:
            self._end()
            raise
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=DEADLINE_SECONDS
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._end()

    def post(self, path: str, photo: bytes, media_type: str) -> bytes:
        """Sends a photo over the one connection that is kept open; what was answered.

        Raises:
            EvaluationError: no answer within `DEADLINE_SECONDS`, or another status than 200.
        """
        try:
            self._connection.request("POST", path, photo, {"Content-Type": media_type})
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise self.failed(f"did not answer a photo ({reason})") from error
        if answer.status != 200:
            shown = body[:_SHOWN_CHARACTERS].decode(errors="replace")
            raise self.failed(f"answered a photo with status {answer.status}: {shown}")
        return body

    def usage(self) -> ProcessUsage:
        """Watches what the server takes of the machine."""
        return ProcessUsage(self.pid)

    def failed(self, what: str) -> EvaluationError:
        """The error for a server that did `what`, with its last words."""
        words = "\n".join(self._said().splitlines()[-_SHOWN_LINES:])[-_SHOWN_CHARACTERS:].strip()
        said = f"It said:\n{words}" if words else "It said nothing."
        return EvaluationError(
            f"The server {what}. {said}",
            hint=f"Start it by hand and look at what it says: {shlex.join(self._command)}",
        )

    def _start(self) -> None:
        with self.output.open("wb") as output, _on_cores(self._cores):
            self.started = time.perf_counter()
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the command is the caller's
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                )
            except OSError as error:
                raise self.failed(f"cannot be started: {error.strerror}") from error
        self.pid = self._process.pid

    def _wait_for_port(self) -> int:
        assert self._process is not None
        while time.perf_counter() - self.started < DEADLINE_SECONDS:
            if found := _ADDRESS.search(self._said()):
                return int(found[1])
            if self._process.poll() is not None:
                raise self.failed(f"ended with status {self._process.returncode} unasked")
            time.sleep(_LOOK_SECONDS)
        raise self.failed(f"did not listen within {DEADLINE_SECONDS:g} s")

    def _said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def _end(self) -> None:
        try:
            if self._process is not None and self._process.poll() is None:
                _end_family(self._process)
        finally:
            self._folder.cleanup()


def _end_family(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, then ends it, and what it had started."""
    import psutil

    # asked before the end: afterwards nobody knows whose children they were
    kin = family(psutil.Process(process.pid))
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_ENDING_SECONDS)
    finally:  # also when a person does not want to wait for that
        for each in kin:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()


@contextmanager
def _on_cores(count: int | None) -> Iterator[None]:
    """A process that is started inside the block has so many cores from its first moment on."""
    if count is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    own = os.sched_getaffinity(0)
    # of this thread alone, which is put back; a child inherits from the thread that starts it
    os.sched_setaffinity(0, sorted(own)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def granted_cores(count: int | None) -> int:
    """How many cores a server has that was started with `cores=count`."""
    if count is None or not hasattr(os, "sched_setaffinity"):
        return usable_cores()
    return min(count, usable_cores())
