"""A model measured where it will work: inside a running web application, through HTTP.

Each repeat starts a server process of its own. Nothing here knows what the server is made of: it
is a command that prints `http://127.0.0.1:PORT` and answers `POST /v1/search/photo` with
`timings_ms.infer`. So every way of serving a network is measured by the same hands.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitrina.errors import EvaluationError
from vitrina.evaluation.candidate import OnlineRecord, Spread
from vitrina.evaluation.server_process import ServerProcess, granted_cores
from vitrina.machine import this_machine
from vitrina.progress import SILENT, Progress

ROUTE = "/v1/search/photo"


@dataclass(frozen=True)
class SentPhoto:
    """What a shopper's browser would send.

    Attributes:
        content: Bytes of the file.
        media_type: Such as image/jpeg.
    """

    content: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a server is asked to do.

    Attributes:
        photos: Sent in turn.
        requests: Measured ones, one after the other over one connection.
        warm_up: Before them, not measured.
        repeats: Fresh processes.
        threads: For one inference.
        cores: That the server may use; None for all that this process may.
    """

    photos: tuple[SentPhoto, ...]
    requests: int = 200
    warm_up: int = 20
    repeats: int = 3
    threads: int = 2
    cores: int | None = None

    def __post_init__(self) -> None:
        fewest = min(self.requests, self.repeats, self.threads, self.cores or 1)
        if not self.photos or fewest < 1 or self.warm_up < 0:
            raise EvaluationError(
                f"A server cannot be measured with {len(self.photos)} photos, {self.requests} "
                f"requests, {self.repeats} repeats and {self.threads} threads.",
                hint="At least one of each is needed.",
            )


@dataclass(frozen=True, kw_only=True)
class _Repeat:
    """Figures of one process; `OnlineRecord` says what each is."""

    cold_start_ms: float
    inference_time_ms: float
    request_ms: float
    ram_usage_mb: float
    cpu_percent: float


def serve_command(shop: Path, bundle: str) -> list[str]:
    """The command that serves one bundle of a shop, for this machine alone, on any free port."""
    return [
        sys.executable, "-m", "vitrina", "serve", "--shop", str(shop), "--bundle", bundle,
        "--host", "127.0.0.1", "--port", "0",
    ]  # fmt: skip


def measure_online(
    command: Sequence[str],
    load: Load,
    *,
    way: Literal["vitrina", "keras"],
    model_size_mb: float,
    label: str,
    progress: Progress = SILENT,
) -> OnlineRecord:
    """Starts the server anew for each repeat, asks it, and ends it.

    Args:
        command: Starts the server; it gets VITRINA_THREADS in its environment.
        load: What it is asked.
        way: What the record says the server is.
        model_size_mb: All files that are deployed, 10^6 bytes.
        label: What the progress bar says.
        progress: Where the work reports to.

    Raises:
        MissingExtra: psutil is not installed.
        EvaluationError: the server did not start, died, did not answer in time, or refused a
            photo; its last words are in the message.
    """
    repeats = []
    with progress.step(label, load.repeats) as step:
        for _ in range(load.repeats):
            repeats.append(_measure_once(command, load))
            step.advance(note=f"{repeats[-1].request_ms:.1f} ms a request")

    def spread(figure: Callable[[_Repeat], float]) -> Spread:
        figures = [figure(repeat) for repeat in repeats]
        return Spread(
            median=round(statistics.median(figures), 3),
            low=round(min(figures), 3),
            high=round(max(figures), 3),
        )

    return OnlineRecord(
        way=way,
        inference_time_ms=spread(lambda repeat: repeat.inference_time_ms),
        request_ms=spread(lambda repeat: repeat.request_ms),
        cold_start_ms=spread(lambda repeat: repeat.cold_start_ms),
        ram_usage_mb=spread(lambda repeat: repeat.ram_usage_mb),
        cpu_percent=spread(lambda repeat: repeat.cpu_percent),
        model_size_mb=round(model_size_mb, 3),
        requests=load.requests,
        repeats=load.repeats,
        threads=load.threads,
        cores=granted_cores(load.cores),
        machine=this_machine(),
    )


def _measure_once(command: Sequence[str], load: Load) -> _Repeat:
    # what is asked here are no shoppers' searches
    environment = {"VITRINA_THREADS": str(load.threads), "VITRINA_EVENTS": "false"}
    with ServerProcess(command, environment=environment, cores=load.cores) as server:
        _ask(server, load, 0)
        cold_start = time.perf_counter() - server.started
        for number in range(load.warm_up):
            _ask(server, load, number)
        bodies, seconds = [], []
        with server.usage() as usage:
            for number in range(load.requests):
                sent = time.perf_counter()
                bodies.append(_ask(server, load, number))
                seconds.append(time.perf_counter() - sent)
        return _Repeat(
            cold_start_ms=cold_start * 1e3,
            # read only now: while requests are timed, nothing else runs here
            inference_time_ms=statistics.median(_inference_ms(server, body) for body in bodies),
            request_ms=statistics.median(seconds) * 1e3,
            ram_usage_mb=usage.peak_mb,
            cpu_percent=usage.cpu_percent,
        )


def _ask(server: ServerProcess, load: Load, number: int) -> bytes:
    photo = load.photos[number % len(load.photos)]
    return server.post(ROUTE, photo.content, photo.media_type)


def _inference_ms(server: ServerProcess, body: bytes) -> float:
    """Milliseconds that the network took, as the server times it."""
    try:
        return float(json.loads(body)["timings_ms"]["infer"])
    except (ValueError, KeyError, TypeError) as error:
        shown = body[:200].decode(errors="replace")
        raise server.failed(f"answered without timings_ms.infer: {shown}") from error
