"""A split that the shop gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.catalogue.split_file import plain_path, read_split_file
from vitrina.errors import FeedError


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "split.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("delimiter", ["\t", ","])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_read(tmp_path: Path, delimiter: str, mark: str) -> None:
    lines = ("split,file,note", "train,Лампы/a.png,x", "test,b c.png,x")
    path = write(tmp_path, mark + "\r\n".join(lines).replace(",", delimiter))
    assert read_split_file(path, needed=True) == {"Лампы/a.png": "train", "b c.png": "test"}


@pytest.mark.parametrize(
    "path",
    ["./Лампы/й.png", "Лампы\\й.png", ".\\Лампы\\й.png", " Лампы//й.png", "Лампы/и\u0306.png"],
)
def test_paths_of_other_systems(tmp_path: Path, path: str) -> None:
    assert plain_path(path) == "Лампы/й.png"
    table = write(tmp_path, f"file\tsplit\n{path}\ttest\n")
    assert read_split_file(table, needed=True) == {"Лампы/й.png": "test"}


def test_missing(tmp_path: Path) -> None:
    assert read_split_file(tmp_path / "split.tsv", needed=False) == {}
    with pytest.raises(FeedError, match="no split file") as refusal:
        read_split_file(tmp_path / "split.tsv", needed=True)
    assert "--split" in refusal.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must have the columns file and split; its first row is: empty"),
        ("file,side\na,train\n", "first row is: file, side"),
        ("file,split\na,train\nb,validation\n", "line 3: split is 'validation'"),
        ("file,split\na\n", "line 2: split is None"),
        ("split,file\ntrain,\n", "line 2: file is empty"),
        ("split,file\ntrain\n", "line 2: file is empty"),
        ("file,split\nЛампы/a.png,train\n".encode("cp1251"), "utf-8"),
        ('file,split\na,"' + "x" * 20_000_000, "larger than field limit"),
    ],
)
@pytest.mark.parametrize("needed", [True, False])
def test_unusable(tmp_path: Path, content: str | bytes, message: str, needed: bool) -> None:
    with pytest.raises(FeedError, match=message) as refusal:
        read_split_file(write(tmp_path, content), needed=needed)
    assert refusal.value.hint
