"""Small printed marks: text, frames, gauges and signs, drawn as transparent pictures.

Sizes are millimetres on the product; a picture has ``PER_MM`` pixels a millimetre, fewer for
large prints.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

PER_MM = 14.0
INK = "#2a2c30"


@lru_cache(maxsize=64)
def font(pixels: int) -> ImageFont.FreeTypeFont:
    """The scalable font that ships with Pillow (Latin only), at a height in pixels."""
    found = ImageFont.load_default(max(4, pixels))
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def scale_for(w: float, h: float) -> float:
    """Pixels a millimetre for a print, so that its longer side stays below 640 pixels."""
    return min(PER_MM, 640.0 / max(w, h))


def blank(w: float, h: float, paper: str | None = None) -> Image.Image:
    """An empty print of ``w`` by ``h`` millimetres; clear, or of a paper colour."""
    s = scale_for(w, h)
    size = (max(2, round(w * s)), max(2, round(h * s)))
    return Image.new("RGBA", size, paper if paper else (0, 0, 0, 0))


def text(
    lines: str,
    w: float,
    h: float,
    ink: str = INK,
    paper: str | None = None,
    bold: float = 0.06,
    align: str = "center",
) -> Image.Image:
    """Lines of text that fill a print of ``w`` by ``h`` millimetres.

    Args:
        lines: Text, its lines split by newlines.
        w: Width, millimetres.
        h: Height, millimetres.
        ink: Colour of the text.
        paper: Colour of the ground, or None for a clear one.
        bold: Stroke added round the letters, as a share of the line height.
        align: ``center`` or ``left``.
    """
    picture = blank(w, h, paper)
    draw = ImageDraw.Draw(picture)
    rows = lines.split("\n")
    row = picture.height / len(rows)
    size = row * 0.86
    widest = max(font(100).getlength(r) for r in rows) / 100
    size = min(size, picture.width * 0.92 / max(widest, 0.01))
    face = font(int(size))
    stroke = int(size * bold * 0.5)
    for i, words in enumerate(rows):
        x = picture.width / 2 if align == "center" else picture.width * 0.04
        anchor = "mm" if align == "center" else "lm"
        draw.text((x, row * (i + 0.5)), words, ink, face, anchor=anchor, stroke_width=stroke)
    return picture


def nameplate(title: str, rows: list[str], w: float, h: float, accent: str) -> Image.Image:
    """A rating plate: a coloured title bar with rows of small data and a bar code."""
    picture = blank(w, h, "#f3f3ef")
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    bar = int(height * 0.26)
    draw.rectangle((0, 0, width, bar), fill=accent)
    size = int(min(bar * 0.8, width * 0.9 / max(font(100).getlength(title) / 100, 0.1)))
    draw.text((width * 0.05, bar / 2), title, "#ffffff", font(size), anchor="lm", stroke_width=1)
    step = (height - bar) / (len(rows) + 1.2)
    for i, words in enumerate(rows):
        y = bar + step * (i + 0.8)
        draw.text((width * 0.05, y), words, INK, font(int(step * 0.78)), anchor="lm")
    x = int(width * 0.66)
    for i, c in enumerate(title * 4):
        thick = 1 + (ord(c) + i) % 3
        if x + thick > width * 0.95:
            break
        draw.rectangle((x, height * 0.66, x + thick, height * 0.93), fill=INK)
        x += thick * 2 + 1
    return picture


def bands(colours: list[str], shares: list[float], w: float, h: float) -> Image.Image:
    """Horizontal stripes from top to bottom; the shares add up to 1."""
    picture = blank(w, h, colours[0])
    draw = ImageDraw.Draw(picture)
    y = 0.0
    for colour, share in zip(colours, shares, strict=True):
        draw.rectangle((0, y, picture.width, y + share * picture.height), fill=colour)
        y += share * picture.height
    return picture


def put(
    ground: Image.Image,
    words: str,
    x: float,
    y: float,
    size: float,
    ink: str = INK,
    turn: int = 0,
    bold: float = 0.05,
) -> None:
    """Writes text on a print; ``x``, ``y`` and ``size`` are shares of its width and height."""
    face = font(int(size * ground.height))
    box = face.getbbox(words)
    pad = 4
    patch = Image.new("RGBA", (int(box[2]) + 2 * pad, int(box[3]) + 2 * pad), (0, 0, 0, 0))
    ImageDraw.Draw(patch).text(
        (pad, pad), words, ink, face, stroke_width=int(size * ground.height * bold * 0.5)
    )
    patch = patch.rotate(turn, expand=True)
    spot = (int(x * ground.width - patch.width / 2), int(y * ground.height - patch.height / 2))
    ground.alpha_composite(patch, (max(0, spot[0]), max(0, spot[1])))


def dial(size: float, low: str, high: str, ink: str = INK, ticks: int = 11) -> Image.Image:
    """A scale round a knob, open at the bottom, with its two end marks."""
    picture = blank(size, size)
    draw = ImageDraw.Draw(picture)
    r = picture.width / 2
    import math

    for i in range(ticks):
        a = math.radians(225 - 270 * i / (ticks - 1))
        c, s = math.cos(a), -math.sin(a)
        draw.line(
            (r + 0.72 * r * c, r + 0.72 * r * s, r + 0.86 * r * c, r + 0.86 * r * s),
            ink,
            max(2, int(r * 0.03)),
        )
    put(picture, low, 0.16, 0.92, 0.11, ink)
    put(picture, high, 0.84, 0.92, 0.11, ink)
    return picture


def ring(size: float, ink: str, share: float = 0.12, fill: str | None = None) -> Image.Image:
    """A circle line, ``share`` of the radius thick, filled where a colour is given."""
    picture = blank(size, size)
    edge = picture.width - 1
    ImageDraw.Draw(picture).ellipse(
        (1, 1, edge - 1, edge - 1), fill, ink, max(1, int(edge / 2 * share))
    )
    return picture


def power_sign(size: float, ink: str = INK) -> Image.Image:
    """The on/off sign: an open ring with a stroke."""
    picture = blank(size, size)
    draw = ImageDraw.Draw(picture)
    n = picture.width
    thick = max(2, n // 10)
    draw.arc((n * 0.15, n * 0.2, n * 0.85, n * 0.9), 310, 230, ink, thick)
    draw.line((n / 2, n * 0.08, n / 2, n * 0.5), ink, thick)
    return picture


def bolt_sign(size: float, ink: str = INK, fill: str = "#f5c518") -> Image.Image:
    """The warning triangle with a lightning bolt."""
    picture = blank(size, size)
    draw = ImageDraw.Draw(picture)
    n = picture.width
    draw.polygon([(n / 2, n * 0.06), (n * 0.97, n * 0.92), (n * 0.03, n * 0.92)], ink)
    draw.polygon([(n / 2, n * 0.18), (n * 0.87, n * 0.86), (n * 0.13, n * 0.86)], fill)
    spots = [(0.54, 0.30), (0.42, 0.60), (0.50, 0.60), (0.44, 0.82), (0.60, 0.52), (0.51, 0.52)]
    draw.polygon([(n * x, n * y) for x, y in spots], ink)
    return picture


def segments(
    digits: str, w: float, h: float, ink: str = "#1d2a1c", paper: str = "#a9b79b"
) -> Image.Image:
    """A seven-segment display showing digits (and dots)."""
    picture = blank(w, h, paper)
    draw = ImageDraw.Draw(picture)
    count = sum(c != "." for c in digits)
    step = picture.width * 0.94 / count
    a, b = step * 0.62, picture.height * 0.7
    x, y = picture.width * 0.05, picture.height * 0.15
    lit = {
        "0": "abcdef",
        "1": "bc",
        "2": "abged",
        "3": "abgcd",
        "4": "fgbc",
        "5": "afgcd",
        "6": "afgedc",
        "7": "abc",
        "8": "abcdefg",
        "9": "abcdfg",
        "-": "g",
        " ": "",
    }
    t = max(2, int(step * 0.13))
    for c in digits:
        if c == ".":
            draw.ellipse((x - step * 0.3, y + b - t, x - step * 0.3 + t, y + b), ink)
            continue
        lines = {
            "a": (x, y, x + a, y),
            "b": (x + a, y, x + a, y + b / 2),
            "c": (x + a, y + b / 2, x + a, y + b),
            "d": (x, y + b, x + a, y + b),
            "e": (x, y + b / 2, x, y + b),
            "f": (x, y, x, y + b / 2),
            "g": (x, y + b / 2, x + a, y + b / 2),
        }
        for name in lit[c]:
            draw.line(lines[name], ink, t)
        x += step
    return picture
