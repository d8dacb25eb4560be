"""Tables: CSV, TSV and XLSX with one product a row.

Columns are found by their header, in English or Russian, in any order and any case; unknown ones
are passed over. Needed: sku, name, category. Several pictures in one cell are separated by `|`.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError

SUFFIXES = {".csv", ".tsv", ".xlsx"}
NEEDED = ("sku", "name", "category")
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
    "name_en": ("name_en",),
    "category_en": ("category_en",),
}
"""Each field with the headers that name it."""

_NO = {"0", "no", "false", "нет", "n", "-"}
_MAX_LENGTH = {"sku": 200, "name": 1000, "category": 200, "search_text": 500, "url": 2000}


def read(path: Path) -> Iterator[FeedRow | Refusal]:
    """Products of the table at `path`.

    Raises:
        FeedError: it cannot be read as a table, or a needed column is missing.
    """
    rows = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    header = next(rows, (0, []))[1]
    fields = _match_header(path, header)
    absent = frozenset(COLUMNS) - frozenset(fields)
    for line, cells in rows:
        values = {
            name: cells[column].strip()
            for name, column in fields.items()
            if column < len(cells) and cells[column].strip()
        }
        if values:
            yield _parse_row(str(line), values, absent)


def _match_header(path: Path, header: list[str]) -> dict[str, int]:
    names = [cell.strip().casefold() for cell in header]
    fields = {
        field: names.index(alias)
        for field, aliases in COLUMNS.items()
        for alias in aliases[::-1]
        if alias in names
    }
    missing = [name for name in NEEDED if name not in fields]
    if missing:
        raise FeedError(
            f"{path.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"its first row is: {', '.join(names)[:200] or 'empty'}.",
            hint="The first row must name the columns: " + ", ".join(COLUMNS) + ".",
        )
    return fields


def _parse_row(line: str, values: dict[str, str], absent: frozenset[str]) -> FeedRow | Refusal:
    for name in NEEDED:
        if name not in values:
            return Refusal(line, name, "", "the cell is empty")
    for name, longest in _MAX_LENGTH.items():
        if len(values.get(name, "")) > longest:
            return Refusal(line, name, values[name][:60], f"longer than {longest} characters")
    try:
        price = _parse_price(values["price"]) if "price" in values else None
    except ValueError as error:
        return Refusal(line, "price", values["price"][:60], str(error))
    currency = values.get("currency", "").upper() or None
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        return Refusal(line, "currency", currency[:60], "not a code such as RUB")
    url = values.get("url")
    if url and not url.lower().startswith(("http://", "https://")):
        return Refusal(line, "url", url[:60], "not an http or https address")
    return FeedRow(
        line=line,
        sku=values["sku"],
        name=values["name"],
        category=values["category"],
        images=tuple(
            image.strip() for image in values.get("image", "").split("|") if image.strip()
        ),
        price_minor=price,
        currency=currency,
        url=url,
        in_stock=values.get("in_stock", "yes").casefold() not in _NO,
        search_text=values.get("search_text"),
        name_en=values.get("name_en"),
        category_en=values.get("category_en"),
        absent=absent,
    )


def _parse_price(text: str) -> int:
    """Hundredths of what `text` says; blanks group digits, comma or point starts the decimals."""
    plain = "".join(text.split()).replace("\N{NO-BREAK SPACE}", "").replace(",", ".")
    try:
        price = Decimal(plain)
    except InvalidOperation:
        raise ValueError("not a number such as 1234.50") from None
    if not price.is_finite() or price < 0 or price >= 10**10:
        raise ValueError("not a price between 0 and 9999999999")
    return int((price * 100).to_integral_value())


def _read_csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        line = 0
        try:
            first = file.readline()
            delimiter = max(",;\t", key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            for cells in reader:
                line = reader.line_num
                yield line, cells
        except (csv.Error, UnicodeDecodeError) as error:
            raise FeedError(
                f"{path.name}, after line {line}: {error}.",
                hint="Save the table again as CSV in UTF-8.",
            ) from error


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is that, else what Russian Windows programs write."""
    with path.open("rb") as file:
        decoder = io.TextIOWrapper(file, encoding="utf-8-sig")
        try:
            while decoder.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "cp1251"
    return "utf-8-sig"


def _read_xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    import openpyxl  # loaded only for such a file

    try:
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            rows: Iterable[tuple[object, ...]] = book.active.iter_rows(values_only=True)
            for line, cells in enumerate(rows, start=1):
                yield line, ["" if cell is None else str(cell) for cell in cells]
    except (
        BadZipFile, ParseError, zlib.error, KeyError, ValueError, OSError, AttributeError,
    ) as error:  # fmt: skip
        raise FeedError(
            f"{path.name} is not a readable XLSX workbook: {error}.",
            hint="Open it in a spreadsheet program and save it again as XLSX or CSV.",
        ) from error
