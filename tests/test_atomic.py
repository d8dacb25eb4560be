"""Files and folders appear whole or not at all, also when the process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vitrina import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run_and_be_killed(program: str, *arguments: object) -> None:
    """Runs Python that kills itself with SIGKILL."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=False, timeout=60
    )
    assert ended.returncode == -9


KILL = "import os, signal, sys; from pathlib import Path; from vitrina import atomic\n"


def test_write(tmp_path: Path) -> None:
    place = tmp_path / "new" / "file.json"
    atomic.write_json(place, {"имя": [1, 2]})
    assert place.read_text(encoding="utf-8") == '{\n  "имя": [\n    1,\n    2\n  ]\n}\n'
    atomic.write_text(place, "лампа")
    assert place.read_bytes().decode() == "лампа"
    assert place.stat().st_mode & 0o777 == 0o644
    assert names(place.parent) == ["file.json"]


def test_failed_write_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "file"
    atomic.write_text(place, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(place, "new")
    assert place.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_killed_write_keeps_the_old(tmp_path: Path) -> None:
    place = tmp_path / "file"
    atomic.write_text(place, "old")
    run_and_be_killed(
        KILL + "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic.write_text(Path(sys.argv[1]), 'new')",
        place,
    )
    assert place.read_text() == "old"
    assert len(list(tmp_path.glob(f"{atomic.PARTIAL}*"))) == 1
    assert len(atomic.remove_partials(tmp_path)) == 1
    assert names(tmp_path) == ["file"]


def test_new_folder(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "runs" / "a") as place:
        (place / "deep").mkdir()
        (place / "deep" / "file").write_text("x")
        assert not (tmp_path / "runs" / "a").exists()
    assert (tmp_path / "runs" / "a" / "deep" / "file").read_text() == "x"
    assert (tmp_path / "runs" / "a").stat().st_mode & 0o777 == 0o755
    assert names(tmp_path / "runs") == ["a"]


def test_new_folder_is_never_one_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileExistsError), atomic.new_folder(tmp_path / "a"):
        pytest.fail("the block must not run")


def test_error_in_new_folder_leaves_nothing(tmp_path: Path) -> None:
    def fill_and_stop() -> None:
        with atomic.new_folder(tmp_path / "a") as place:
            (place / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_and_stop()
    assert names(tmp_path) == []


def test_killed_in_new_folder(tmp_path: Path) -> None:
    run_and_be_killed(
        KILL + "with atomic.new_folder(Path(sys.argv[1])) as place:\n"
        "    (place / 'file').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)",
        tmp_path / "a",
    )
    assert not (tmp_path / "a").exists()
    (leftover,) = tmp_path.iterdir()
    assert atomic.remove_partials(tmp_path) == [leftover]
    with atomic.new_folder(tmp_path / "a") as place:
        (place / "file").write_text("whole")
    assert (tmp_path / "a" / "file").read_text() == "whole"


def test_remove_partials_touches_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".partial-one").write_text("x")
    (tmp_path / "partial-two").write_text("x")
    (tmp_path / ".other").mkdir()
    assert [path.name for path in atomic.remove_partials(tmp_path)] == [".partial-one"]
    assert names(tmp_path) == [".other", "partial-two"]
    assert atomic.remove_partials(tmp_path / "missing") == []
