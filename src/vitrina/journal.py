"""One writer at a time, and an honest word about work that was cut off.

Import, train and publish each run inside `writing`: it takes the shop's lock and leaves a note of
what is being done and of what was there before. The system frees the lock when a process dies, but
the note stays; so whoever takes the lock next and finds a note knows that the work it names did not
come to its end. Whether its result had already been put in place shows when what is there now is
compared with the note: a process may be killed between its last change and the note's removal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vitrina import atomic
from vitrina.database_url import DatabaseUrl
from vitrina.errors import ShopBusy
from vitrina.folder import ShopFolder
from vitrina.progress import Progress


@dataclass(frozen=True)
class _Kept:
    """What writers leave for good, each put in place in one step.

    Attributes:
        imports: How many imports the database knows; None where it cannot be read.
        runs: Names of finished training runs.
        bundles: Names of complete bundles.
        active: The bundle that is served, as it is named.
    """

    imports: int | None
    runs: list[str]
    bundles: list[str]
    active: str


@contextmanager
def writing(folder: ShopFolder, work: str, progress: Progress) -> Iterator[None]:
    """Holds the shop's lock while `work` (the name of a command) changes it.

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
        started = datetime.now(UTC).isoformat(timespec="seconds")
        before = asdict(_look(folder))
        atomic.write_json(note, {"work": work, "started": started, "before": before})
        yield
        note.unlink()
    except Exception:
        # an error that is reported is no unfinished work; a kill leaves the note
        note.unlink(missing_ok=True)
        raise
    finally:
        lock.release()


_KEPT = {
    "check": "it had changed nothing",
    "correct": "the corrections are all done, or none of them is",
    "fetch": "the pictures that had come are kept; the next import fetches the rest",
    "tune": "the trials that had ended are kept and used again",
    "categories": "the search texts are all as they were, or all as they were wanted",
    "embed": "the embeddings it had made are kept; the next import makes the others",
    "ab": "nothing, or the other bundle answers its share: `vitrina ab status` tells",
    "learn": "what it had computed and trained is kept and used again",
    "compare": "what it had trained and measured is kept and used again",
}
"""What an interruption of each work leaves, where that is always the same."""


def _tidy(folder: ShopFolder, note: Path, progress: Progress) -> None:
    if note.exists():
        progress.say(f"Note: an earlier {_describe(note)} was cut off: {_aftermath(folder, note)}.")
    pictures = folder.photos.glob("*/")
    vectors = (folder.root / "vectors").glob("*/")
    places = (folder.root, folder.runs, folder.bundles, folder.imports, *pictures, *vectors)
    for place in places:
        atomic.remove_partials(place)
    note.unlink(missing_ok=True)


def _aftermath(folder: ShopFolder, note: Path) -> str:
    """What became of the work that `note` names."""
    entry = _read(note)
    work, now = str(entry.get("work")), _look(folder)
    if work in _KEPT:
        return _KEPT[work]
    try:
        before = _Kept(**entry["before"])
        new_runs = sorted(set(now.runs) - set(before.runs))
        new_bundles = sorted(set(now.bundles) - set(before.bundles))
    except (KeyError, TypeError):
        return "what it had kept cannot be told, for its note is damaged"
    if work == "import" and None in (now.imports, before.imports):
        return "what it had kept cannot be told, for the database cannot be read"
    if work == "import" and now.imports != before.imports:
        return "it had finished, and its goods are in the catalogue"
    if work == "import":
        return "nothing of it was kept; the catalogue is as it was before"
    if work == "train" and new_runs:
        return f"it had finished; its result is kept as the run {', '.join(new_runs)}"
    if work == "train":
        return (
            "the activations and the epochs it had computed are kept and used again; the run "
            "itself was removed"
        )
    if now.active != before.active:
        return f"it had finished; the bundle {now.active} is served"
    if work == "rollback":
        return f"nothing was changed; the bundle {now.active} still is served"
    if new_bundles:
        return (
            f"the bundle {', '.join(new_bundles)} was complete but not made the one that is "
            "served; the one that was active still is. Publish again; that folder in bundles/ may "
            "be deleted"
        )
    return "nothing of it was kept; the bundle that was active still is"


def _look(folder: ShopFolder) -> _Kept:
    try:
        served = (folder.bundles / "active").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        served = []
    return _Kept(
        imports=_count_imports(folder.database),
        runs=_names(folder.runs, "run.json"),
        bundles=_names(folder.bundles, "bundle.json"),
        active=served[0] if served else "",
    )


def _names(place: Path, file: str) -> list[str]:
    return sorted(path.parent.name for path in place.glob(f"[!.]*/{file}"))


def _count_imports(database: Path | DatabaseUrl) -> int | None:
    """How many imports ended well; 0 where there is no such table yet, None where none can look."""
    # read past the store, which stands above this module and wants its own schema
    if isinstance(database, DatabaseUrl):
        return database.count_rows("imports")
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(database)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM imports").fetchone()
            return int(count)
    except sqlite3.Error as error:
        return 0 if error.sqlite_errorcode == sqlite3.SQLITE_ERROR else None


def _describe(note: Path) -> str:
    entry = _read(note)
    return f"{entry.get('work', 'command')}, started {entry.get('started', 'some time ago')}"


def _read(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
