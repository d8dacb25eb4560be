"""Progress that remembers what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vitrina.progress import Progress, Step


class Listening(Progress):
    """Keeps notices and the number of units of each step, by label."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.units: dict[str, int] = {}

    @contextmanager
    def step(self, label: str, total: int) -> Iterator[Step]:
        self.units[label] = total
        yield Step()

    def say(self, message: str) -> None:
        self.told.append(message)
