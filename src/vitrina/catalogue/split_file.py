"""A split that the shop gives: which picture is for training, which for testing."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path, PurePosixPath

from vitrina.errors import FeedError

SPLITS = ("train", "test")


def read_split_file(path: Path, *, needed: bool) -> dict[str, str]:
    """Reads a tab- or comma-separated table with the columns `file` and `split`.

    Args:
        path: The table; paths in it are relative to the catalogue's folder.
        needed: Whether its absence is an error; else it means that nothing is given.

    Returns:
        "train" or "test" by picture path, as `plain_path` spells it.

    Raises:
        FeedError: it is missing though needed, or a line cannot be used.
    """
    if not path.is_file():
        if not needed:
            return {}
        raise FeedError(f"There is no split file {path}.", hint="Check the path after --split.")
    try:
        return _read(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeedError(
            f"{path.name} cannot be read as a table: {error}.",
            hint="Save it again as tab-separated text in UTF-8, one line a picture.",
        ) from error


def _read(path: Path) -> dict[str, str]:
    splits: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = "\t" if "\t" in file.readline() else ","
        file.seek(0)
        reader = csv.DictReader(file, delimiter=delimiter)
        if not {"file", "split"} <= set(reader.fieldnames or ()):
            raise FeedError(
                f"{path.name} must have the columns file and split; its first row is: "
                f"{', '.join(reader.fieldnames or ()) or 'empty'}.",
                hint="One line a picture: its path, a tab, then train or test.",
            )
        for row in reader:
            if row["split"] not in SPLITS:
                given = row["split"] and row["split"][:40]
                raise FeedError(
                    f"{path.name}, line {reader.line_num}: split is {given!r}; expected train or "
                    "test.",
                    hint="Leave pictures out whose split Vitrina shall choose.",
                )
            if not row["file"]:
                raise FeedError(
                    f"{path.name}, line {reader.line_num}: file is empty; expected a path.",
                    hint="One line a picture: its path, a tab, then train or test.",
                )
            splits[plain_path(row["file"])] = row["split"]
    return splits


def plain_path(image: str) -> str:
    """One spelling for a picture's path, whichever system or program wrote it down."""
    slashes = unicodedata.normalize("NFC", image.strip()).replace("\\", "/")
    return PurePosixPath(slashes).as_posix()


def describe_missed(splits: dict[str, str], example: str | None) -> tuple[str, str]:
    """What is wrong with a split file that names no picture of the catalogue, and what mends it.

    Args:
        splits: What was read.
        example: One of the catalogue's pictures; None where it names none.
    """
    first = f"; the first of its {len(splits)} is {next(iter(splits))!r}" if splits else ""
    message = f"names none of the catalogue's pictures{first}."
    hint = "Paths are relative to the folder or table that is imported"
    return message, f"{hint}, such as {example!r}." if example else f"{hint}."
