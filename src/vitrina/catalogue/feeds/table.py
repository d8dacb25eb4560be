"""Tables: CSV, TSV and XLSX with one product a row.

Columns are found by their header, in English or Russian, in any order and any case; unknown ones
are passed over. Needed: sku, name, category. Several pictures in one cell are separated by `|`.
A header of Google Merchant's is known as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vitrina.catalogue.feeds import delimited, workbook
from vitrina.catalogue.feeds.documents import Document
from vitrina.catalogue.feeds.google_table import google_parser
from vitrina.catalogue.feeds.row_values import NEEDED, category_path, check_row
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError

COLUMNS = {
    "sku": ("sku", "article", "артикул", "код"),
    "name": ("name", "title", "название", "наименование", "товар"),
    "category": ("category", "категория", "раздел"),
    "price": ("price", "цена"),
    "currency": ("currency", "валюта"),
    "url": ("url", "link", "ссылка"),
    "image": ("image", "images", "picture", "photo", "картинка", "изображение", "фото"),
    "search_text": ("search_text", "поисковый запрос"),
    "in_stock": ("in_stock", "available", "наличие", "в наличии"),
    "vendor": ("vendor", "brand", "производитель", "бренд"),
    "vendor_code": ("vendor_code", "mpn", "артикул производителя"),
    "description": ("description", "описание"),
    "name_en": ("name_en",),
    "category_en": ("category_en",),
}
"""Each field with the headers that name it."""


def read(document: Document, *, is_workbook: bool) -> Iterator[FeedRow | Refusal]:
    """Products of a table.

    Raises:
        FeedError: it cannot be read as a table, or a needed column is missing.
    """
    rows = (workbook if is_workbook else delimited).read_rows(document)
    header = next(rows, (0, list[str]()))[1]
    parse = google_parser(header)
    if parse is None:
        fields = match_header(document.name, header)
        absent = frozenset(COLUMNS) - frozenset(fields)
    for line, cells in rows:
        row = parse(str(line), cells) if parse else _parse_row(str(line), cells, fields, absent)
        if row is not None:
            yield row


def match_header(name: str, header: Sequence[str]) -> dict[str, int]:
    """Place of each field that a header names.

    Raises:
        FeedError: a needed one is missing.
    """
    names = [cell.strip().casefold() for cell in header]
    fields = {
        field: names.index(alias)
        for field, aliases in COLUMNS.items()
        for alias in aliases[::-1]
        if alias in names
    }
    missing = [field for field in NEEDED if field not in fields]
    if missing:
        raise FeedError(
            f"{name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"its first row is: {', '.join(names)[:200] or 'empty'}.",
            hint="The first row must name the columns: " + ", ".join(COLUMNS) + ".",
        )
    return fields


def _parse_row(
    line: str, cells: Sequence[str], fields: dict[str, int], absent: frozenset[str]
) -> FeedRow | Refusal | None:
    values = {
        name: cell
        for name, column in fields.items()
        if column < len(cells) and (cell := cells[column].strip())
    }
    if not values:
        return None
    category = category_path(values.get("category", "")[:5000])
    images = [name for image in values.get("image", "").split("|") if (name := image.strip())]
    return check_row(line, values, category, images=images, absent=absent)
