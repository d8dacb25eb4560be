"""Long work that a screen starts: a command of its own process, one at a time.

Publishing loads Keras, and going to another bundle embeds goods. Neither belongs into the process
that answers photos: the command is the one that a person would type, and runs behind the server's
own work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vitrina.errors import ShopBusy

_LAST_LETTERS = 1500
_NICENESS = 10


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of work.

    Attributes:
        what: Which.
        target: A run, a bundle or a source of goods.
        who: Began it.
        began: By the time of day, seconds since 1970.
        ended: Likewise; None while it goes on.
        failed: Whether it ended with an error.
        said: The end of what the command said.
    """

    what: Literal["publish", "activate", "rollback", "ab", "import", "check"]
    target: str
    who: str
    began: float
    ended: float | None = None
    failed: bool = False
    said: str = ""


class Work:
    """What is being done, and what was done last; may be used from several threads.

    Args:
        shop: Its folder.
        ended: Told of each task that came to an end.
    """

    def __init__(self, shop: Path, ended: Callable[[Task], None]) -> None:
        self._shop = shop
        self._ended = ended
        self._lock = threading.Lock()
        self._task: Task | None = None
        self._thread: threading.Thread | None = None

    @property
    def task(self) -> Task | None:
        """What goes on, or went on last."""
        return self._task

    def begin(self, task: Task, arguments: Sequence[str]) -> None:
        """Starts a command of `vitrina`.

        Args:
            task: What it is for.
            arguments: The command and its arguments, the shop left out.

        Raises:
            ShopBusy: another one goes on.
        """
        with self._lock:
            if self._task is not None and self._task.ended is None:
                raise ShopBusy(
                    "Other work goes on: one thing is done at a time.",
                    hint="Wait until it has ended.",
                )
            self._task = task
            self._thread = threading.Thread(
                target=self._run, args=(task, list(arguments)), name="admin-work", daemon=True
            )
            self._thread.start()

    def wait(self) -> None:
        """Waits until what goes on has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, task: Task, arguments: list[str]) -> None:
        code, said = 1, ""
        try:
            code, said = self._command([*arguments, "--shop", str(self._shop)])
        except OSError as error:
            said = f"The command cannot be started: {error.strerror}."
        ended = replace(task, ended=time.time(), failed=code != 0, said=said)
        try:
            self._ended(ended)
        finally:
            self._task = ended

    def _command(self, arguments: list[str]) -> tuple[int, str]:
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(  # noqa: S603 - our own command, its arguments no shell sees
                [sys.executable, "-m", "vitrina", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
            )
            with suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
            code = process.wait()
            out.seek(max(0, out.seek(0, os.SEEK_END) - 4 * _LAST_LETTERS))
            said = out.read().decode(errors="replace")
        return code, said[-_LAST_LETTERS:].strip()
