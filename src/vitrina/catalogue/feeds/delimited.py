"""Rows of a CSV or TSV file, whichever program wrote it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from vitrina.catalogue.feeds.documents import Document
from vitrina.errors import FeedError

_LONGEST_CELL = 1 << 24
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


def read_rows(document: Document) -> Iterator[tuple[int, list[str]]]:
    """Last line and cells of each row.

    Comma, semicolon or tab, whichever the first line has most of; UTF-8, UTF-16 with its mark, or
    Windows-1251.

    Raises:
        FeedError: it is no text, or breaks off within a row.
    """
    # for the whole process: the module has no other way, and a cell of 1 MB must not end an import
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    encoding = _encoding(document)
    line, columns, ended, record = 0, 0, True, list[str]()
    with document.open() as raw:
        file = io.TextIOWrapper(raw, encoding=encoding, newline="")

        def lines() -> Iterator[str]:
            nonlocal ended
            for text in file:
                ended = text.endswith(("\n", "\r"))
                record.append(text)
                yield text

        try:
            first = file.readline()
            delimiter = max(",;\t", key=first.count)
            file.seek(0)
            reader = csv.reader(lines(), delimiter=delimiter)
            cells: list[str] = []
            kept = record
            for cells in reader:
                line = reader.line_num
                columns = columns or len(cells)
                kept, record = record, []
                yield line, cells
            _require_end(document, kept, delimiter, ended or len(cells) >= columns)
        except (csv.Error, UnicodeError) as error:
            raise FeedError(
                f"{document.name}, after line {line}: {error}.",
                hint="Save the table again as CSV in UTF-8.",
            ) from error


def _require_end(document: Document, record: list[str], delimiter: str, ended: bool) -> None:
    """Makes sure that the last row is whole: half a table must not pass for all of it."""
    try:
        for _ in csv.reader(record, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        ended = ended and "unexpected end" not in str(error)
    if not ended:
        raise FeedError(
            f"{document.name} breaks off in its last row, or a quotation mark there is never "
            "closed.",
            hint="Export or copy the table again.",
        )


def _encoding(document: Document) -> str:
    """What its mark says; without one UTF-8 where the whole file is that, else Windows-1251."""
    with document.open() as file:
        head = file.read(4)
        for mark, encoding in _BYTE_ORDER_MARKS.items():
            if head.startswith(mark):
                return encoding
    with document.open() as file:
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
        except UnicodeDecodeError:
            return "cp1251"
    return "utf-8"
