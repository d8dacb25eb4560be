"""Caches that may be interrupted anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vitrina.records import NAME_LENGTH, RecordFile


def record(number: int) -> tuple[str, npt.NDArray[Any]]:
    return f"name-{number}", np.full((4, 3), number, dtype=np.uint8)


def opened(path: Path) -> RecordFile:
    return RecordFile(path, (4, 3), np.uint8)


def test_append_and_find(tmp_path: Path) -> None:
    records = opened(tmp_path / "cache" / "a.records")
    assert len(records) == 0
    assert len(records.values) == 0
    records.append(record(number) for number in range(3))
    records.append([record(3)])
    for again in (records, opened(tmp_path / "cache" / "a.records")):
        assert len(again) == 4
        assert "name-2" in again
        assert "name-4" not in again
        assert np.array_equal(again["name-3"], record(3)[1])
        rows = again.rows_of(["name-3", "name-0"])
        assert np.array_equal(again.values[rows][:, 0, 0], [3, 0])


def test_missing_name(tmp_path: Path) -> None:
    records = opened(tmp_path / "a.records")
    records.append([record(1)])
    with pytest.raises(KeyError):
        records["name-2"]
    with pytest.raises(KeyError):
        records.rows_of(["name-1", "name-2"])


def test_longest_name(tmp_path: Path) -> None:
    records = opened(tmp_path / "a.records")
    records.append([("n" * NAME_LENGTH, record(1)[1])])
    assert "n" * NAME_LENGTH in opened(tmp_path / "a.records")


@pytest.mark.parametrize("torn", [1, 40, 91])
def test_torn_record_is_cut_off(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "a.records"
    opened(path).append(record(number) for number in range(3))
    whole = path.read_bytes()
    assert len(whole) == 3 * (NAME_LENGTH + 4 + 12)
    path.write_bytes(whole + whole[:torn])
    records = opened(path)
    assert len(records) == 3
    assert path.read_bytes() == whole
    records.append([record(7)])
    assert np.array_equal(opened(path)["name-7"], record(7)[1])


def test_error_while_appending_keeps_what_came_before(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[str, npt.NDArray[Any]]]:
        yield record(0)
        yield record(1)
        raise KeyboardInterrupt

    records = opened(tmp_path / "a.records")
    with pytest.raises(KeyboardInterrupt):
        records.append(broken())
    assert len(records) == 2
    assert np.array_equal(records["name-1"], record(1)[1])


def test_killed_while_appending(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
import numpy as np
from vitrina.records import RecordFile
def endless():
    number = 0
    while True:
        if number == 1000:
            os.kill(os.getpid(), signal.SIGKILL)
        yield f"name-{number}", np.full((4, 3), number % 256, dtype=np.uint8)
        number += 1
RecordFile(Path(sys.argv[1]), (4, 3), np.uint8).append(endless())
"""
    path = tmp_path / "a.records"
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert ended.returncode == -9
    records = opened(path)
    # what came before is kept, and nothing in it is torn
    assert 998 <= len(records) <= 1000
    for number in range(len(records)):
        assert np.array_equal(records[f"name-{number}"], record(number % 256)[1])
    assert path.stat().st_size == len(records) * (NAME_LENGTH + 4 + 12)


def test_damaged_records_are_forgotten_and_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a.records"
    opened(path).append(record(number) for number in range(5))
    content = bytearray(path.read_bytes())
    size = len(content) // 5
    content[2 * size + size - 1] ^= 1  # a value of the third
    content[4 * size] ^= 1  # the name of the fifth
    path.write_bytes(content)
    records = opened(path)
    assert records.verify() == 2
    assert "name-2" not in records
    assert "name-4" not in records
    records.append([record(2)])
    assert records.verify() == 0
    assert np.array_equal(records["name-2"], record(2)[1])
    assert np.array_equal(records["name-3"], record(3)[1])


def test_files_that_grow_together(tmp_path: Path) -> None:
    files = [opened(tmp_path / "a.records"), RecordFile(tmp_path / "b.records", (2,), np.float16)]
    RecordFile.append_together(files, [("one", (record(1)[1], np.ones(2)))])
    assert np.array_equal(files[1]["one"], [1, 1])
    assert np.array_equal(files[0]["one"], record(1)[1])


def test_pages_that_were_read_are_given_back(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import numpy as np
import vitrina.records
from vitrina.records import RecordFile
vitrina.records._KEPT_BYTES = 2**20
shape = (256, 1024)
path = Path(sys.argv[1])
RecordFile(path, shape, np.uint8).append((str(n), np.full(shape, n, np.uint8)) for n in range(200))
records = RecordFile(path, shape, np.uint8)
total = sum(int(records.values[np.array([n])].sum()) for n in range(200))
assert total == sum(range(200)) * 256 * 1024
status = Path("/proc/self/status").read_text()
print(int(status.split("RssFile:")[1].split()[0]) // 1024)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.records")],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    # the file has 50 MB; libraries alone map some 20
    assert int(ended.stdout) < 45
