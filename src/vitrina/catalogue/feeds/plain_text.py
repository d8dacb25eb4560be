"""Text as shops export it (HTML, entities, stray control characters) -> plain text on one line."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_LONGEST_HTML = 40_000
"""Characters of HTML that are looked at; ten times what is kept of any text."""

_CONTROLS = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0xFEFF, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], " "
) | {0xAD: "", 0xFEFF: ""}
"""What no text needs; a soft hyphen or a byte order mark leaves no gap."""

_TAG = re.compile(r"</?[a-zA-Z!]")
_HIDDEN = {"script", "style", "title"}
_INLINE = {"a", "b", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}


class _TextOfHtml(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag in _HIDDEN:
            self._hidden = tag
        elif tag not in _INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif tag not in _INLINE:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain_text(text: str) -> str:
    """`text` without tags, entities and control characters; every run of blanks is one blank."""
    if len(text) > _LONGEST_HTML:
        text = text[:_LONGEST_HTML]
    if "<" in text and _TAG.search(text):
        parser = _TextOfHtml()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
    elif "&" in text:
        text = unescape(text)
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    return " ".join(text.split())
