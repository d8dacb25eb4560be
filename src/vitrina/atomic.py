"""Files and folders that appear whole or not at all.

Everything is written beside its final place, flushed to the disk, and renamed: a process that is
killed leaves the old content or the new one, never half of either.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTIAL = ".partial-"
"""What the name of everything unfinished starts with; such leftovers may be deleted."""


def write_bytes(path: Path, content: bytes) -> None:
    """Puts `content` at `path`, replacing what was there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Puts UTF-8 `content` at `path`, replacing what was there in one step."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Puts `content` at `path` as indented JSON, keys in their own order."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends without an error.

    Raises:
        FileExistsError: `path` is already there.
    """
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=path.parent))
    try:
        yield partial
        for file in sorted(partial.rglob("*")):
            if file.is_file():
                flush_file(file)
        partial.chmod(0o755)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    flush_folder(path.parent)


def remove_partials(folder: Path) -> list[Path]:
    """Deletes what killed processes left in `folder`; the caller holds the shop's lock.

    Returns:
        The paths that were deleted.
    """
    leftovers = sorted(folder.glob(f"{PARTIAL}*")) if folder.is_dir() else []
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    return leftovers


def flush_file(path: Path) -> None:
    """Forces a file's content to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Forces a folder's entries (names after a rename) to the disk, where the system can."""
    if os.name != "posix":
        return  # other systems cannot open a folder; their renames are journalled
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
