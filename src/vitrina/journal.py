"""One writer at a time, and an honest word about work that was cut off.

Import, train and publish each run inside `writing`: it takes the shop's lock and leaves a note of
what is being done. The system frees the lock when a process dies, but the note stays; so whoever
takes the lock next and finds a note knows that the work it names did not end, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vitrina import atomic
from vitrina.errors import ShopBusy
from vitrina.folder import ShopFolder
from vitrina.progress import Progress

_AFTERMATH = {
    "import": "nothing of it was kept; the catalogue is as it was before",
    "check": "it had changed nothing",
    "train": "the activations it had computed are kept and used again; the run itself was removed",
    "publish": "nothing of it was kept; the bundle that was active still is",
}


@contextmanager
def writing(folder: ShopFolder, work: str, progress: Progress) -> Iterator[None]:
    """Holds the shop's lock while `work` ("import", "check", "train", "publish") changes it.

    Raises:
        ShopBusy: another process holds the lock.
    """
    lock = FileLock(folder.root / ".lock")
    note = folder.root / ".unfinished.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ShopBusy(
            f"Another process is changing the shop {folder.root}: {_describe(note)}.",
            hint="Wait until it has ended, or stop it; then run the command again.",
        ) from error
    try:
        _tidy(folder, note, progress)
        atomic.write_json(
            note, {"work": work, "started": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        yield
        note.unlink()
    except Exception:
        # an error that is reported is no unfinished work; a kill leaves the note
        note.unlink(missing_ok=True)
        raise
    finally:
        lock.release()


def _tidy(folder: ShopFolder, note: Path, progress: Progress) -> None:
    if note.exists():
        work = _read(note).get("work", "")
        progress.say(
            f"Note: an earlier {_describe(note)} was cut off: "
            f"{_AFTERMATH.get(work, 'nothing of it was kept')}."
        )
    pictures = folder.photos.glob("*/")
    for place in (folder.root, folder.runs, folder.bundles, folder.imports, *pictures):
        atomic.remove_partials(place)
    note.unlink(missing_ok=True)


def _describe(note: Path) -> str:
    entry = _read(note)
    return f"{entry.get('work', 'command')}, started {entry.get('started', 'some time ago')}"


def _read(note: Path) -> dict[str, str]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
