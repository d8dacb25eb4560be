"""Rows of an XLSX workbook's first sheet."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, is_zipfile

from vitrina.catalogue.feeds.documents import Document, archive_members
from vitrina.catalogue.feeds.markup import refuse_entities
from vitrina.errors import FeedError


def read_rows(document: Document) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each row.

    Raises:
        FeedError: it is no workbook, damaged, or declares entities.
    """
    import openpyxl  # loaded only for such a file

    if is_zipfile(document.path):
        for member in archive_members(document.path):
            if member.endswith((".xml", ".rels")):
                refuse_entities(Document(document.path, member))
    try:
        with (
            document.open() as file,
            closing(openpyxl.load_workbook(file, read_only=True, data_only=True)) as book,
        ):
            for line, cells in enumerate(book.active.iter_rows(values_only=True), start=1):
                yield line, ["" if cell is None else str(cell) for cell in cells]
    except (
        BadZipFile, ParseError, zlib.error, KeyError, ValueError, OSError, AttributeError, EOFError,
        TypeError, IndexError, NotImplementedError, RuntimeError,
    ) as error:  # fmt: skip
        raise FeedError(
            f"{document.name} is not a readable XLSX workbook: {error}.",
            hint="Open it in a spreadsheet program and save it again as XLSX or CSV.",
        ) from error
