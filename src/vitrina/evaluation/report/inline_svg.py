"""matplotlib's SVG, made fit to be a part of a page.

What a stand-alone file needs (header, metadata, fixed size, style sheet) goes; colours become the
page's own, so that dark mode reaches the charts; inline style becomes plain attributes, so that a
page with a strict Content-Security-Policy may show them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_DROPPED = (
    re.compile(r"<metadata>.*?</metadata>", re.DOTALL),
    re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"<defs/>"),
)
_STYLE = re.compile(r' style="([^"]*)"')
_IDENTITY = re.compile(r' id="([^"]*)"')
_BREAKS = re.compile(r"\s+")


def inline_svg(drawing: str, *, name: str, title: str, colours: Mapping[str, str]) -> str:
    """An `<svg>` element for the inside of an HTML page.

    Args:
        drawing: An SVG file as matplotlib writes it, text kept as text.
        name: Unlike that of any other drawing on the page: identities start with it.
        title: What it shows, for people who do not see it; plain text.
        colours: CSS colour to take for each `#rrggbb` of the drawing.
    """
    for dropped in _DROPPED:
        drawing = dropped.sub("", drawing)
    start = drawing.index("<svg")
    end = drawing.index(">", start)
    box = re.search(r'viewBox="([^"]*)"', drawing[start:end])
    assert box, "matplotlib always writes a viewBox"
    body = drawing[end + 1 :].replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', body))
    body = _IDENTITY.sub(lambda match: match[0] if match[1] in used else "", body)
    for identity in used:
        body = re.sub(rf'(id="|#){re.escape(identity)}(?=[")])', rf"\g<1>{name}-{identity}", body)
    body = _STYLE.sub(lambda match: _attributes(match[1], colours), body)
    body = _BREAKS.sub(" ", body)
    return (
        f'<svg viewBox="{box[1]}" role="img" aria-label="{html.escape(title)}">'
        f"{body.removesuffix(' ')}"
    )


def _attributes(style: str, colours: Mapping[str, str]) -> str:
    written = []
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key and key != "font-family":  # the page's own font
            written.append(f' {key}="{colours.get(value, value)}"')
    return "".join(written)
