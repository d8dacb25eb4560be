"""Progress for people: bars on a terminal, now and then a line where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichBars

from vitrina.progress import Progress, Step

_LINE_EVERY_S = 10.0


class _Bar(Step):
    def __init__(self, bars: RichBars, label: str, total: int | None) -> None:
        self._bars = bars
        self._task = bars.add_task(label, total=total, note="")

    def advance(self, count: int = 1, *, note: str = "") -> None:
        self._bars.update(self._task, advance=count, note=note)


class _Lines(Step):
    def __init__(self, console: Console, label: str, total: int | None) -> None:
        self._console = console
        self._label = label
        self._total = total
        self.done = 0
        self._told = time.monotonic()
        self.note = ""

    def advance(self, count: int = 1, *, note: str = "") -> None:
        self.done += count
        self.note = note
        going_on = self._total is None or self.done < self._total
        if going_on and time.monotonic() - self._told >= _LINE_EVERY_S:
            self._told = time.monotonic()
            done = f"{self.done}" if self._total is None else f"{self.done} of {self._total}"
            self._console.print(f"{self._label}: {done} {note}".rstrip())


class TerminalProgress(Progress):
    """Reports to a console, which is stderr: stdout belongs to results."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        """A bar that stays when the work has ended; a line with what was done elsewhere."""
        if self._console.is_terminal:
            with RichBars(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                TextColumn("{task.fields[note]}"),
                console=self._console,
            ) as bars:
                yield _Bar(bars, label, total)
            return
        start = time.monotonic()
        lines = _Lines(self._console, label, total)
        yield lines
        seconds = time.monotonic() - start
        # work may end early, as training does that no longer gets better
        done = f"{lines.done}" if total in (None, lines.done) else f"{lines.done} of {total}"
        self._console.print(f"{label}: {done} in {seconds:.1f} s {lines.note}".rstrip())

    def say(self, message: str) -> None:
        """One line."""
        self._console.print(message, highlight=False)
