"""Feeds: one parser a format, each an iterable of `FeedRow` and `Refusal`."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from zipfile import is_zipfile

from vitrina.catalogue.feeds import commerceml, folders, google_xml, table, yml
from vitrina.catalogue.feeds.documents import Document, archive_members
from vitrina.catalogue.feeds.markup import read_root
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError

_TABLES = {".csv", ".tsv", ".txt"}
_FORMATS = (
    "category folders, a CSV, TSV or XLSX table, YML, Google Merchant XML or TSV, CommerceML 2"
)


@dataclass(frozen=True)
class Feed:
    """A source of products.

    Attributes:
        source: File or folder that was named.
        root: Folder that image paths are relative to, on the disk or in `archive`.
        rows: Products and refusals, in the source's order, read while iterating.
        files: What holds the rows; empty where the pictures themselves are the feed.
        archive: The pictures lie in this ZIP archive.
        is_partial: Whether what the feed lacks is not gone; asked after the last row.
    """

    source: Path
    root: Path
    rows: Iterator[FeedRow | Refusal]
    files: tuple[Path, ...] = ()
    archive: Path | None = None
    is_partial: Callable[[], bool] = field(default=lambda: False)


def open_feed(source: Path) -> Feed:
    """Finds the parser for `source` by what it holds, not by asking.

    Raises:
        FeedError: it does not exist, or is of no known format.
    """
    if source.is_dir():
        if exported := _exported([Document(path) for path in sorted(source.glob("*.xml"))]):
            return _open_commerceml(source, exported)
        return Feed(source, source, folders.read(source))
    if not source.exists():
        raise FeedError(
            f"There is no file or folder {source}.",
            hint=f"Name one of these: {_FORMATS}.",
        )
    try:
        return _open_file(source)
    except OSError as error:
        raise FeedError(
            f"{source} cannot be read: {error}.",
            hint="Let this user read it, and close the program that has it open.",
        ) from error


def _open_file(source: Path) -> Feed:
    suffix = source.suffix.lower()
    if is_zipfile(source) or suffix == ".xlsx":
        return _open_archive(source)
    if suffix == ".zip":
        archive_members(source)  # says what is wrong with it
    with source.open("rb") as file:
        head = file.read(4096)
    if _is_markup(head) or suffix in (".xml", ".yml"):
        return _open_markup(source, Document(source))
    if suffix in _TABLES or (head and _is_text(head) and _has_columns(Document(source))):
        rows = table.read(Document(source), is_workbook=False)
        return Feed(source, source.parent, rows, files=(source,))
    raise _unknown(source)


def _open_archive(source: Path) -> Feed:
    names = archive_members(source) if is_zipfile(source) else []
    if "xl/workbook.xml" in names or source.suffix.lower() == ".xlsx":
        rows = table.read(Document(source), is_workbook=True)
        return Feed(source, source.parent, rows, files=(source,))
    documents = [
        Document(source, name) for name in names if name.lower().endswith((".xml", ".yml"))
    ]
    if exported := _exported(documents):
        return _open_commerceml(source, exported)
    if len(documents) == 1:
        return _open_markup(source, documents[0])
    tables = [Document(source, name) for name in names if name.lower().endswith((".csv", ".tsv"))]
    if len(tables) == 1:
        rows = table.read(tables[0], is_workbook=False)
        return _with_pictures(source, tables[0], rows)
    raise _unknown(source)


def _open_markup(source: Path, document: Document) -> Feed:
    root = read_root(document)
    if root.name == yml.ROOT:
        return _with_pictures(source, document, yml.read(document))
    if root.name in google_xml.ROOTS:
        return _with_pictures(source, document, google_xml.read(document))
    if root.name == commerceml.ROOT:
        return _open_commerceml(source, [document])
    raise _unknown(source, f": its outermost element is <{root.name[:40]}>")


def _open_commerceml(source: Path, documents: list[Document]) -> Feed:
    exchange = commerceml.CommerceML(documents)
    feed = _with_pictures(source, documents[0], exchange.rows())
    return Feed(
        source,
        feed.root,
        feed.rows,
        files=tuple(dict.fromkeys(document.path for document in documents)),
        archive=feed.archive,
        is_partial=lambda: exchange.is_partial,
    )


def _with_pictures(source: Path, document: Document, rows: Iterator[FeedRow | Refusal]) -> Feed:
    """A feed whose pictures lie beside its document."""
    if not document.member:
        return Feed(source, document.path.parent, rows, files=(document.path,))
    root = Path(PurePosixPath(document.member).parent)
    return Feed(source, root, rows, files=(source,), archive=source)


def _exported(documents: Iterable[Document]) -> list[Document]:
    """Those that are CommerceML.

    Raises:
        FeedError: beside one that is lies one that cannot be read: the export may have broken off.
    """
    found, faults = [], []
    for document in documents:
        try:
            if read_root(document).name == commerceml.ROOT:
                found.append(document)
        except FeedError as error:
            faults.append(error)
    if found and faults:
        raise faults[0]
    return found


def _is_markup(head: bytes) -> bool:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark) or head.startswith("<".encode(encoding)):
            return "<" in head.removeprefix(mark).decode(encoding, "ignore").lstrip()[:1]
    return head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _has_columns(document: Document) -> bool:
    """Whether a file whose suffix says nothing begins like one of our tables."""
    try:
        next(table.read(document, is_workbook=False), None)
    except FeedError:
        return False
    return True


def _unknown(source: Path, reason: str = "") -> FeedError:
    return FeedError(
        f"{source.name} is of no format that can be imported{reason}.",
        hint=f"These are read: {_FORMATS}; docs/import.md shows them.",
    )
