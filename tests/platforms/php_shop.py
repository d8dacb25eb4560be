"""A stand-in of a shop platform behind PHP's own web server, on a free port of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.rows import FeedRow

HERE = Path(__file__).parent
NEEDED = {"php": "php-cli", "pdo_sqlite": "php-sqlite3"}
TWIG = Path("/usr/share/php/Twig/autoload.php")


@cache
def php() -> str:
    """PHP's command; the tests of PHP fail where it is not, rather than pass unseen."""
    found = shutil.which("php")
    modules = ["php"] * bool(found)
    if found:
        listed = subprocess.run([found, "-m"], capture_output=True, text=True, check=True)
        modules += listed.stdout.split()
    missing = [package for module, package in NEEDED.items() if module not in modules]
    missing += ["php-twig"] * (not TWIG.exists())
    if missing or not found:
        pytest.fail(
            f"The shop modules are tested by PHP, and Debian's {', '.join(missing)} is not here. "
            "Hint: make .php",
            pytrace=False,
        )
    return found


class PhpShop:
    """Serves `router` until the block ends.

    Args:
        router: A PHP file of this folder.
        state: Folder that the router reads its shop from and keeps its database in.
        environment: What else the router is told.
    """

    def __init__(self, router: str, state: Path, **environment: str) -> None:
        self.state = state
        settings = ("memory_limit=128M", "date.timezone=UTC", "display_errors=1")
        given = [part for setting in settings for part in ("-d", setting)]
        self._command = [php(), *given, "-S", "127.0.0.1:0", str(HERE / router)]
        self._environment = {**os.environ, "STATE": str(state), **environment}

    def __enter__(self) -> Self:
        self.state.mkdir(exist_ok=True)
        log = self.state.with_suffix(".log")
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=file, stderr=file
            )
        started = None
        while not started and self._process.poll() is None:
            started = re.search(r"\((http://[\d.:]+)\) started", log.read_text())
            time.sleep(0.005)
        assert started, log.read_text()
        self.address = started[1]
        self._client = httpx.Client(base_url=self.address, timeout=30.0, trust_env=False)
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait()

    def forget(self) -> None:
        """Makes the state as it was before the first request."""
        shutil.rmtree(self.state)
        (self.state / "pictures").mkdir(parents=True)

    def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """One request; an answer in which PHP complains fails the test."""
        answer = self._client.request(method, path, **more)
        assert "BROKEN:" not in answer.text, answer.text[-3000:]
        assert answer.status_code != 500, answer.text[-3000:]
        return answer

    def keep(self, name: str, value: object) -> None:
        """Writes what the stand-in reads as `state(name)`."""
        (self.state / f"{name}.json").write_text(json.dumps(value))

    def kept(self, name: str) -> Any:
        """What the stand-in kept."""
        return json.loads((self.state / f"{name}.json").read_text())

    @property
    def peak(self) -> int:
        """Memory that the last request took at most, bytes."""
        return int((self.state / "peak").read_text())


def imported(feed: bytes, folder: Path) -> dict[str, FeedRow]:
    """Goods of a feed by article, as Vitrina's own parser reads them; none may be refused."""
    path = folder / "feed.xml"
    path.write_bytes(feed)
    goods: dict[str, FeedRow] = {}
    for row in open_feed(path).rows:
        assert isinstance(row, FeedRow), row
        assert row.sku not in goods
        goods[row.sku] = row
    return goods
