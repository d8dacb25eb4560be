"""XML read as a stream, in bounded memory, trusting nothing in it.

No network, no DTD, no entity of the document's own: a document that declares one is refused before
anything of it is read. An undeclared one, such as `&nbsp;` under Yandex's `shops.dtd`, stays text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pyexpat import ExpatError
from typing import Any
from xml.parsers import expat

from vitrina.catalogue.feeds.documents import Document
from vitrina.errors import FeedError

_PIECE = 4096
_LONGEST_PROLOG = 1 << 20


@dataclass(frozen=True)
class Root:
    """How an XML document begins.

    Attributes:
        name: Of its outermost element, without namespace.
        namespace: Of it; empty where there is none.
    """

    name: str
    namespace: str


class _Begun(Exception):
    """The outermost element was met: the way out of the parser."""


def read_root(document: Document) -> Root:
    """Reads no further than the outermost element's tag.

    Raises:
        FeedError: it is no XML, or declares entities.
    """
    begun = _read_head(document)
    if isinstance(begun, str):
        raise damaged(document, begun)
    return begun


def refuse_entities(document: Document) -> None:
    """Makes sure that XML which another library reads declares no entities; damaged XML passes.

    Raises:
        FeedError: it declares one.
    """
    _read_head(document)


def _read_head(document: Document) -> Root | str:
    """The outermost element, or why there is none."""
    found: list[str] = []

    def begin(name: str, _attributes: object) -> None:
        found.append(name)
        raise _Begun

    def refuse(name: str, *_declaration: object) -> None:
        raise FeedError(
            f"{document.name} declares the entity {name[:40]!r}: such documents are not read.",
            hint="Export the feed without <!ENTITY ...> in its head.",
        )

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.EntityDeclHandler = refuse
    with document.open() as file:
        try:
            for _ in range(_LONGEST_PROLOG // _PIECE):
                piece = file.read(_PIECE)
                parser.Parse(piece, not piece)
                if not piece:
                    break
        except _Begun:
            namespace, _, name = found[0].rpartition(" ")
            return Root(name, namespace)
        except (ExpatError, LookupError, ValueError) as error:
            return str(error)
    return "no element was found"


def elements(document: Document, names: Collection[str]) -> Iterator[Any]:
    """Every element of these names as soon as it has ended, without namespaces in its tags.

    What was yielded, and everything between, is forgotten once the next one is asked for, but
    elements inside an element of `names` are whole when that one is yielded.

    Args:
        document: Any XML; `read_root` is asked first.
        names: Local names. "/name" yields that element when it begins, with its attributes only.

    Yields:
        lxml elements; an ended one and a begun one are told apart by their names.

    Raises:
        FeedError: the document is not well-formed, breaks off, or declares entities.
    """
    from lxml import etree

    read_root(document)
    begun = {name[1:] for name in names if name.startswith("/")}
    ended = set(names)
    with document.open() as file:
        reader = etree.iterparse(
            file,
            events=("start", "end"),
            load_dtd=False,
            no_network=True,
            resolve_entities=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=False,
        )
        inside = 0
        try:
            for event, element in reader:
                name = local_name(element)
                if event == "start":
                    if name in begun:
                        yield element
                    inside += name in ended
                    continue
                wanted = name in ended
                inside -= wanted
                if inside:
                    continue
                if wanted:
                    yield element
                _forget(element)
        except etree.XMLSyntaxError as error:
            raise damaged(document, str(error.msg or error)) from error


def children(element: Any) -> Iterator[tuple[str, Any]]:
    """Local name of every child element, and it."""
    for child in element:
        if isinstance(child.tag, str):  # an entity that nobody declared is a child, too
            yield local_name(child), child


def text_of(element: Any) -> str:
    """All text in an element and in those inside it."""
    if len(element) == 0:
        return (element.text or "").strip()
    return " ".join(element.itertext()).strip()


def local_name(element: Any) -> str:
    """Tag without its namespace."""
    tag: str = element.tag
    return tag.rpartition("}")[2]


def damaged(document: Document, reason: str) -> FeedError:
    """What is said of XML that cannot be read to its end."""
    return FeedError(
        f"{document.name} is damaged or breaks off: {reason.rstrip('.')}. Nothing was changed.",
        hint="Export or download the feed again; it must be well-formed XML to its last tag.",
    )


def _forget(element: Any) -> None:
    """Frees an element and its elder brothers, which iterparse would keep to the end."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
