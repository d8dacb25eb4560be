"""Work that a test kills: done in a process of its own, which ends itself at a chosen point.

A point is a change that the process is about to make: a file that is opened for writing, renamed or
removed, a folder, a statement for the database, a commit. The tests choose among all of them, or
kill the process from outside after a time.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from sqlalchemy import Engine, event
from tiny_network import tiny_model, write_tiny

from vitrina import Shop
from vitrina.journal import writing
from vitrina.progress import SILENT
from vitrina.search.going_live import go_live, roll_back

PRELOADED = (
    "pytest", "numpy", "onnx", "onnxruntime", "PIL.Image", "sqlalchemy", "alembic.command",
    "usearch.index", "vitrina.shop", "vitrina.catalogue.fetched_import",
    "vitrina.search.going_live",
)  # fmt: skip

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")


def publish(root: str, version: str, mirrored: bool) -> None:
    """What `vitrina publish` does once a network is exported."""
    shop = Shop.open(root)
    with writing(shop.folder, "publish", SILENT):
        write_tiny(shop.folder, version=version, encoding=tiny_model(mirrored=mirrored))
        go_live(shop.folder, version)


def import_feed(root: str, source: str) -> None:
    """What `vitrina import` does."""
    Shop.open(root).import_catalogue(source)


def go_back(root: str, version: str | None) -> None:
    """What `vitrina rollback` does."""
    roll_back(Shop.open(root).folder, version)


def reword(root: str, texts: Mapping[str, str]) -> None:
    """What `vitrina categories` does: the goods of the categories are indexed anew."""
    Shop.open(root).set_search_texts(texts)


def start(
    context: ForkServerContext, work: Callable[..., None], *arguments: Any, die_at: int = 0
) -> ForkServerProcess:
    """Begins work in another process, which kills itself before its change number `die_at`."""
    process = context.Process(target=_run, args=(None, die_at, work, arguments))
    process.start()
    return process


def count_changes(context: ForkServerContext, work: Callable[..., None], *arguments: Any) -> int:
    """Does work to its end; how many changes it made."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, 0, work, arguments))
    process.start()
    theirs.close()
    try:
        return int(ours.recv())
    finally:
        process.join()
        ours.close()


def _run(pipe: Pipe | None, die_at: int, work: Callable[..., None], arguments: Any) -> None:
    made = 0

    def about_to_change() -> None:
        nonlocal made
        made += 1
        if made == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, details: tuple[object, ...]) -> None:
        opened = (
            name == "open"
            and isinstance(details[2], int)
            and details[2] & (os.O_RDWR | os.O_WRONLY)
        )
        if opened or name in _CHANGES:
            about_to_change()

    def statement(*_details: object) -> None:
        about_to_change()

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", statement)
    sys.addaudithook(audit)
    work(*arguments)
    if pipe is not None:
        pipe.send(made)
