"""Feeds: one parser a format, each an iterable of `FeedRow` and `Refusal`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrina.catalogue.feeds import folders, table
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError


@dataclass(frozen=True)
class Feed:
    """A source of products.

    Attributes:
        source: File or folder that was named.
        root: Folder that image paths are relative to.
        rows: Products and refusals, in the source's order, read while iterating.
    """

    source: Path
    root: Path
    rows: Iterator[FeedRow | Refusal]


def open_feed(source: Path) -> Feed:
    """Finds the parser for `source` by what it is, not by asking.

    Raises:
        FeedError: it does not exist, or is of no known format.
    """
    if source.is_dir():
        return Feed(source, source, folders.read(source))
    if not source.exists():
        raise FeedError(
            f"There is no file or folder {source}.",
            hint="Name a folder with one sub-folder a category, or a CSV or XLSX table.",
        )
    if source.suffix.lower() in table.SUFFIXES:
        return Feed(source, source.parent, table.read(source))
    raise FeedError(
        f"{source.name} is of no format that can be imported: expected a folder or "
        f"{', '.join(sorted(table.SUFFIXES))}.",
        hint="Save the catalogue as CSV or XLSX with the columns that docs/import.md lists.",
    )
