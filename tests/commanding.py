"""The `vitrina` command, run in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from vitrina.cli.commands import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Vitrina = Callable[..., Ended]


def commanding(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Vitrina:
    """Calls the command with arguments."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["vitrina", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *capfd.readouterr())

    return call
