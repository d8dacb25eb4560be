"""How long work tells what it is doing, without knowing who listens.

The stages take a `Progress`; `SILENT` is for callers who want nothing. The command line passes
one that draws bars (`vitrina.cli.bars`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Step:
    """One countable piece of work; this one counts silently."""

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Counts `count` more units as done; `note` is a short figure to show beside the bar."""


class Progress:
    """Where work reports to; this one says nothing."""

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        """A piece of work of `total` units (None: nobody knows), done when the block ends."""
        del label, total
        yield Step()

    def say(self, message: str) -> None:
        """One line that a person should read, such as a notice about skipped photos."""

    def track(self, items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
        """Passes `items` on and counts each as one unit once it has been dealt with."""
        with self.step(label, total) as step:
            for item in items:
                yield item
                step.advance()


SILENT = Progress()
