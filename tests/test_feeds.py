"""Rows of folders and tables: what is understood, and what is refused with line, field, reason."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
from drawing import draw_folders, drawn_photo, write_table

from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.feeds.folders import ABSENT
from vitrina.catalogue.feeds.table import COLUMNS
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError

RUSSIAN = ("Артикул", "НАЗВАНИЕ", " категория ", "Цена", "Валюта", "В наличии", "Ссылка", "Фото")
LAMP = ("1", "Лампа «Ёлка»", "Лампы", "1290,50", "rub", "да", "https://shop.test/1", "a.png|b.png")


def read(source: Path) -> list[FeedRow | Refusal]:
    return list(open_feed(source).rows)


def one(tmp_path: Path, **cells: str) -> FeedRow | Refusal:
    """The only row of a table with these cells and the needed ones."""
    values = {"sku": "1", "name": "Лампа", "category": "Лампы"} | cells
    path = write_table(tmp_path / "one.csv", [tuple(values), tuple(values.values())])
    (row,) = read(path)
    return row


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_table_of_any_dialect(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / ("goods.tsv" if delimiter == "\t" else "goods.csv")
    write_table(path, [RUSSIAN, LAMP], delimiter=delimiter, encoding=encoding)
    assert read(path) == [
        FeedRow(
            line="2",
            sku="1",
            name="Лампа «Ёлка»",
            category=("Лампы",),
            images=("a.png", "b.png"),
            price_minor=129_050,
            currency="RUB",
            url="https://shop.test/1",
            absent=frozenset(
                {"search_text", "name_en", "category_en", "vendor", "vendor_code", "description"}
            ),
        )
    ]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    row = one(tmp_path, price="", url="")
    assert isinstance(row, FeedRow)
    needed = {"sku", "name", "category"}
    assert row.absent == set(COLUMNS) - needed - {"price", "url"}


def test_unknown_columns_empty_rows_and_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(
        "weight,category,sku,name,price\n5,Лампы,1,Лампа,10\n,,,,\n\n5,Лампы,2,Вторая\n"
        '5,Лампы,3,"Две\nстроки",1\n',
        encoding="utf-8",
    )
    rows = read(path)
    assert [(row.line, row.sku) for row in rows if isinstance(row, FeedRow)] == [
        ("2", "1"),
        ("5", "2"),
        ("7", "3"),
    ]
    assert isinstance(rows[2], FeedRow)
    assert rows[2].name == "Две строки"


@pytest.mark.parametrize("field", COLUMNS)
def test_every_name_of_every_column(tmp_path: Path, field: str) -> None:
    for alias in COLUMNS[field]:
        needed = [name for name in ("sku", "name", "category") if name != field]
        path = write_table(tmp_path / "a.csv", [(*needed, alias.upper()), ("x", "x", "x", "1")])
        if field in ("sku", "name", "category"):
            path = write_table(tmp_path / "a.csv", [(*needed, alias.upper()), ("x", "x", "1")])
            (row,) = read(path)
            assert isinstance(row, FeedRow)
            assert getattr(row, field) == (("1",) if field == "category" else "1")
        else:
            rows = read(path)
            assert len(rows) == 1


def test_xlsx(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(RUSSIAN)
    book.active.append((1001, "Лампа", "Лампы", 1290.5, "RUB", True, None, "a.png"))
    book.active.append(("1002", "Лампа", "Лампы", None, None, False, None, None))
    book.save(tmp_path / "goods.XLSX")
    first, second = read(tmp_path / "goods.XLSX")
    assert isinstance(first, FeedRow)
    assert isinstance(second, FeedRow)
    assert (first.line, first.sku, first.price_minor, first.in_stock) == (
        "2",
        "1001",
        129_050,
        True,
    )
    assert first.images == ("a.png",)
    assert (second.sku, second.price_minor, second.in_stock, second.images) == (
        "1002", None, False, (),
    )  # fmt: skip


def damaged_sheet(path: Path) -> None:
    """A workbook whose only sheet breaks off in the middle."""
    book = openpyxl.Workbook()
    for number in range(50):
        book.active.append(("sku", "name", "category") if not number else (number, "x", "y"))
    book.save(path.with_suffix(".whole.xlsx"))
    with (
        zipfile.ZipFile(path.with_suffix(".whole.xlsx")) as whole,
        zipfile.ZipFile(path, "w") as cut,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            cut.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)


def test_damaged_xlsx(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK no workbook")
    (tmp_path / "b.xlsx").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "c.xlsx", "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    damaged_sheet(tmp_path / "d.xlsx")
    for name in "abcd":
        with pytest.raises(FeedError, match=f"{name}.xlsx is not a readable XLSX") as refusal:
            read(tmp_path / f"{name}.xlsx")
        assert refusal.value.hint


def test_xlsx_without_the_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(("a", "b"))
    book.save(tmp_path / "goods.xlsx")
    with pytest.raises(FeedError, match="lacks the columns sku, name, category"):
        read(tmp_path / "goods.xlsx")


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1290", 129_000),
        ("1290.5", 129_050),
        ("1290,50", 129_050),
        ("1 290,50", 129_050),
        ("1\N{NO-BREAK SPACE}290", 129_000),
        ("1\N{NARROW NO-BREAK SPACE}290", 129_000),
        ("0", 0),
        ("0.01", 1),
        ("9999999999", 999_999_999_900),
    ],
)
def test_price(tmp_path: Path, text: str, minor: int) -> None:
    row = one(tmp_path, price=text)
    assert isinstance(row, FeedRow)
    assert row.price_minor == minor


@pytest.mark.parametrize(
    "price", ["дорого", "-1", "NaN", "Infinity", "1.2.3", "10000000000", "1e99"]
)
def test_no_price(tmp_path: Path, price: str) -> None:
    refusal = one(tmp_path, price=price)
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.field, refusal.value) == ("2", "price", price)
    assert refusal.reason.startswith("not a ")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("sku", " ", "empty"),
        ("name", "", "empty"),
        ("category", "", "empty"),
        ("sku", "x" * 201, "longer than 200"),
        ("name", "x" * 1001, "longer than 1000"),
        ("category", "x" * 201, "longer than 200"),
        ("currency", "рубль", "not a code"),
        ("currency", "RUBL", "not a code"),
        ("url", "javascript:alert(1)", "not an http"),
        ("url", "shop.test/1", "not an http"),
    ],
)
def test_refused_row(tmp_path: Path, field: str, value: str, reason: str) -> None:
    refusal = one(tmp_path, **{field: value})
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.field) == ("2", field)
    assert reason in refusal.reason
    assert len(refusal.value) <= 60


@pytest.mark.parametrize(
    ("text", "expected"), [("Нет", False), ("0", False), ("1", True), ("", True)]
)
def test_in_stock(tmp_path: Path, text: str, expected: bool) -> None:
    row = one(tmp_path, in_stock=text)
    assert isinstance(row, FeedRow)
    assert row.in_stock is expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns sku, name, category; its first row is: empty"),
        (b"sku,name\n1,x\n", "lacks the column category"),
        ("sku;name\n".encode("utf-16"), "lacks the column category"),
        (b'sku,name,category\n1,"' + b"x" * 200_000, "breaks off"),
        (b'sku,name,category\n1,x,y\n2,"x,y\n3,x,y\n', "never closed"),
        (b"sku,name,category\n1,x,y\n2,x", "breaks off in its last row"),
        # neither UTF-8 nor anything that cp1251 knows
        (b"sku,name,category\n1,\x98\xff,x\n", "after line 0: .*0x98"),
    ],
)
def test_file_that_is_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "goods.csv").write_bytes(content)
    with pytest.raises(FeedError, match=message) as refusal:
        read(tmp_path / "goods.csv")
    assert refusal.value.hint


def test_source_of_no_known_format(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no file or folder"):
        open_feed(tmp_path / "missing.csv")
    (tmp_path / "goods.docx").write_bytes(b"PK")
    with pytest.raises(FeedError, match="of no format"):
        open_feed(tmp_path / "goods.docx")


def test_folders_photo_is_product(goods_folder: Path) -> None:
    rows = read(goods_folder)
    assert len(rows) == 9
    assert rows[0] == FeedRow(
        "Кабели/p0.png", "Кабели/p0", "Кабели p0", ("Кабели",), ("Кабели/p0.png",), absent=ABSENT
    )


def test_folders_folder_is_product(tmp_path: Path) -> None:
    rows = read(draw_folders(tmp_path, products=2, pictures=3))
    assert len(rows) == 6
    assert isinstance(rows[1], FeedRow)
    assert (rows[1].sku, rows[1].name) == ("Кабели/p1", "Кабели p1")
    assert rows[1].images == ("Кабели/p1/0.png", "Кабели/p1/1.png", "Кабели/p1/2.png")


def test_folders_pass_over_and_refuse(tmp_path: Path) -> None:
    draw_folders(tmp_path, products=1)
    (tmp_path / ".git").mkdir()
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "Лампы" / ".DS_Store").write_text("x")
    (tmp_path / "Лампы" / "notes.txt").write_text("x")
    (tmp_path / "Лампы" / "empty").mkdir()
    (tmp_path / "Пусто").mkdir()
    refused = [row for row in read(tmp_path) if isinstance(row, Refusal)]
    assert [(row.line, row.field) for row in refused] == [
        ("Лампы/notes.txt", "image"),
        ("Пусто", "category"),
    ]


def test_folders_names_that_are_no_text(tmp_path: Path) -> None:
    draw_folders(tmp_path, products=1)
    lamps = tmp_path / "Лампы"
    (lamps / "лампа.png".encode("cp1251").decode("utf-8", "surrogateescape")).write_bytes(
        drawn_photo()
    )
    (refusal,) = (row for row in read(tmp_path) if isinstance(row, Refusal))
    assert refusal.line.encode()
    assert "UTF-8" in refusal.reason
    assert len(read(tmp_path)) == 4


def test_no_folders(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(FeedError, match="no category folders"):
        read(tmp_path)
