"""Ways to ask a server: the application itself, or a real process over a socket."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from fastapi.dependencies import models as fastapi_models
from starlette.types import ASGIApp

START_SECONDS = 120


def environment(**changes: str) -> dict[str, str]:
    """Of a new process: as where a shop runs it, without what libraries heed only in tests."""
    hidden = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
    return {name: value for name, value in os.environ.items() if name not in hidden} | changes


class AppClient:
    """Asks an application over no network, in one event loop of its own.

    Args:
        app: What is asked.
        address: Where requests come from.
    """

    def __init__(self, app: ASGIApp, address: str = "127.0.0.1") -> None:
        self._runner = asyncio.Runner()
        # an exception of the application becomes the answer that its own handler gives
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://shop.test")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        _forget_applications()

    def request(self, method: str, address: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, address, **options))

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.request("GET", address, **options)

    def send_photo(
        self, photo: bytes, kind: str = "image/jpeg", query: str = "", **options: Any
    ) -> httpx.Response:
        headers = {"content-type": kind} | options.pop("headers", {})
        return self.request(
            "POST", f"/v1/search/photo{query}", content=photo, headers=headers, **options
        )

    def send_form(self, query: str = "", **options: Any) -> httpx.Response:
        return self.request("POST", f"/v1/search/photo{query}", **options)


def _forget_applications() -> None:
    """FastAPI keeps the functions of the last thousands of routes, and with them what they use.

    No process has that many but this one, in which each application has a database open.
    """
    for cached in vars(fastapi_models).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


class LiveServer:
    """A `vitrina serve` process on a free port.

    Args:
        shop: Its folder.
        scratch: Its temporary and home folder, so that a test sees what is written there.
        limiting: Called in the process before it becomes the server.
        settings: Others than the defaults, as their names in the environment end.
    """

    def __init__(
        self,
        shop: Path,
        scratch: Path,
        *,
        limiting: Callable[[], None] | None = None,
        **settings: object,
    ) -> None:
        self.shop = shop
        self.scratch = scratch
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vitrina", "serve", "--shop", str(shop), "--port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(
                **{f"VITRINA_{name.upper()}": str(value) for name, value in settings.items()},
                TMPDIR=str(scratch),
                HOME=str(scratch),
                COLUMNS="300",
            ),
            preexec_fn=limiting,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        while (line := self._lines.get(timeout=START_SECONDS)) is not None:
            if found := re.search(r"http://[\d.]+:(\d+)", line):
                self.address, self.port = found[0], int(found[1])
                break
        else:
            raise AssertionError(f"The server did not start: {''.join(self.said)}")

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as stream:
            for line in stream:
                self.said.append(line)
                self._lines.put(line)
        self._lines.put(None)

    def memory_mb(self) -> float:
        """What the process has in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def peak_memory_mb(self) -> float:
        """The most that the process ever had in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def stop(self) -> str:
        """Asks the process to end; all that it wrote to stderr."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self._reader.join(timeout=30)
        return "".join(self.said)
