"""Feeds that break off, in any encoding, or made to do harm: an error, and nothing changes."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from feed_writing import (
    catalogue_xml,
    good,
    google,
    google_item,
    offer,
    offers_xml,
    pack,
    write,
    yml,
    yml_offer,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina import Shop
from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.rows import FeedRow, Refusal
from vitrina.errors import FeedError

XML_FORMATS = ("yml", "google", "commerceml")
FORMATS = (*XML_FORMATS, "csv", "tsv")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "windows-1251")


def table(names: list[str], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(("sku", "name", "category", "price"))
    writer.writerows((f"{n}", name, "Свет / Лампы", "1290,50") for n, name in enumerate(names))
    return text.getvalue()


def feed_text(kind: str, names: list[str], *, head: str = "", encoding: str = "UTF-8") -> str:
    """A feed of goods 0, 1, ... with these names, which may hold markup."""
    options = {"head": head, "encoding": encoding}
    match kind:
        case "yml":
            return yml(*(yml_offer(f"{n}", name=x) for n, x in enumerate(names)), **options)
        case "google":
            return google(*(google_item(f"{n}", title=x) for n, x in enumerate(names)), **options)
        case "commerceml":
            goods = (good(f"{n}", Наименование=x) for n, x in enumerate(names))
            return catalogue_xml(*goods, **options)
    return table(names, "\t" if kind == "tsv" else ",")


def file_of(folder: Path, kind: str) -> Path:
    return folder / f"feed.{kind if kind in ('csv', 'tsv') else 'xml'}"


def read(path: Path) -> list[FeedRow | Refusal]:
    return list(open_feed(path).rows)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", FORMATS)
def test_encodings(tmp_path: Path, kind: str, encoding: str) -> None:
    declared = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = feed_text(kind, ["Лампа «Ёлка»", "Вторая"], encoding=declared)
    first, second = read(write(file_of(tmp_path, kind), text, encoding))
    assert isinstance(first, FeedRow)
    assert isinstance(second, FeedRow)
    assert (first.name, first.category, second.sku) == ("Лампа «Ёлка»", ("Свет", "Лампы"), "1")


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_anywhere_changes_nothing(empty_shop: Shop, tmp_path: Path, kind: str) -> None:
    names = [f"Лампа {n}" for n in range(8)]
    path = file_of(tmp_path, kind)
    whole = feed_text(kind, names).encode()
    path.write_bytes(whole)
    empty_shop.import_catalogue(path)
    for cut in range(20, len(whole) - 12, len(whole) // 14):
        if kind in ("csv", "tsv") and _ends_with_a_row(whole[:cut], kind):
            continue  # nothing in it says that more should follow
        path.write_bytes(whole[:cut])
        with pytest.raises(FeedError) as refusal:
            empty_shop.import_catalogue(path)
        assert refusal.value.hint
        assert empty_shop.search_text("").total == 8


@pytest.mark.parametrize("kind", XML_FORMATS)
def test_declared_encoding_that_is_not_the_real_one(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "feed.xml", feed_text(kind, ["Лампа"]), "windows-1251")
    with pytest.raises(FeedError, match="damaged or breaks off"):
        read(path)


def _ends_with_a_row(table: bytes, kind: str) -> bool:
    last = table.rpartition(b"\n")[2]
    return not last or (last.count(b"\t") == 3 if kind == "tsv" else last.count(b'"') == 2)


BOMB = "".join(
    f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)  # fmt: skip
HEADS = {
    "billion laughs": f"<!DOCTYPE x [{BOMB}]>",
    "quadratic": f'<!DOCTYPE x [<!ENTITY lol9 "{"a" * 50_000}">]>',
    "external file": '<!DOCTYPE x [<!ENTITY lol9 SYSTEM "file:///etc/passwd">]>',
    "external address": '<!DOCTYPE x [<!ENTITY lol9 SYSTEM "http://127.0.0.1:1/x">]>',
    "parameter": '<!DOCTYPE x [<!ENTITY % out SYSTEM "http://127.0.0.1:1/x.dtd"> %out;]>',
    "harmless": '<!DOCTYPE x [<!ENTITY nbsp "&#160;">]>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1251"])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", XML_FORMATS)
def test_declared_entities(tmp_path: Path, kind: str, head: str, encoding: str) -> None:
    text = feed_text(kind, ["&lol9;" * 100], head=HEADS[head], encoding=encoding)
    with pytest.raises(FeedError, match="declares the entity") as refusal:
        read(write(tmp_path / "feed.xml", text, encoding))
    assert "ENTITY" in refusal.value.hint


@pytest.mark.parametrize("kind", XML_FORMATS)
def test_entities_in_attributes_and_after_a_long_head(tmp_path: Path, kind: str) -> None:
    text = feed_text(kind, ["x"], head=f"<!-- {'-x' * 300_000} -->{HEADS['billion laughs']}")
    first = text.index(">", text.rindex("]>") + 2)
    text = f'{text[:first]} bomb="&lol9;"{text[first:]}'
    with pytest.raises(FeedError, match="declares the entity"):
        read(write(tmp_path / "feed.xml", text))


@pytest.mark.parametrize("kind", XML_FORMATS)
def test_external_dtd_is_not_loaded(tmp_path: Path, kind: str) -> None:
    (tmp_path / "own.dtd").write_text('<!ENTITY secret "opened">')
    text = feed_text(kind, ["Лампа &secret;"], head='<!DOCTYPE x SYSTEM "own.dtd">')
    (row,) = read(write(tmp_path / "feed.xml", text))
    assert isinstance(row, FeedRow)
    assert row.name == "Лампа &secret;"


@pytest.mark.parametrize("kind", FORMATS)
def test_doubled_ids(empty_shop: Shop, tmp_path: Path, kind: str) -> None:
    text = feed_text(kind, ["Первая", "Вторая", "Третья"])
    for place in ('offer id="1"', "<g:id>1<", "<Ид>1</Ид>\n<Арт", "\r\n1,", "\r\n1\t"):
        text = text.replace(place, place.replace("1", "0"))
    report = empty_shop.import_catalogue(write(file_of(tmp_path, kind), text))
    assert (report.products, report.refused) == (2, 1)
    assert "stands already in line" in report.refusals[0].reason
    assert empty_shop.search_text("Первая").total == 1
    assert empty_shop.search_text("Вторая").total == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_megabyte_fields_refuse_their_row_alone(tmp_path: Path, kind: str) -> None:
    refusal, row = read(write(file_of(tmp_path, kind), feed_text(kind, ["ы" * 1_000_000, "Лампа"])))
    assert isinstance(refusal, Refusal)
    assert "longer than 1000" in refusal.reason
    assert isinstance(row, FeedRow)


@pytest.mark.parametrize("kind", FORMATS)
def test_html_in_names(tmp_path: Path, kind: str) -> None:
    name = "<b>Лам</b>па &amp; <script>alert(1)</script>свет"
    if kind in XML_FORMATS:
        name = f"<![CDATA[{name}]]>"
    (row,) = read(write(file_of(tmp_path, kind), feed_text(kind, [name])))
    assert isinstance(row, FeedRow)
    assert row.name == "Лампа & свет"


def test_workbook_with_hostile_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(("sku", "name", "category", "price"))
    cells = ("NaN", "-1", "1e400", "по запросу", "Infinity", "=1/0")
    for number, price in enumerate(cells):
        book.active.append((number, "x" * 30_000 if number == 5 else "<b>x</b>", "Лампы", price))
    book.active.append((9, "Лампа", "Свет > Лампы", 5))
    book.save(tmp_path / "feed.xlsx")
    *refusals, row = read(tmp_path / "feed.xlsx")
    assert all(isinstance(refusal, Refusal) for refusal in refusals)
    assert len(refusals) == len(cells)
    assert isinstance(row, FeedRow)
    assert row.category == ("Свет", "Лампы")
    whole = (tmp_path / "feed.xlsx").read_bytes()
    (tmp_path / "torn.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FeedError, match="not a readable XLSX"):
        read(tmp_path / "torn.xlsx")


@pytest.mark.parametrize("head", HEADS)
def test_workbook_with_entities(tmp_path: Path, head: str) -> None:
    book = openpyxl.Workbook()
    book.active.append(("sku", "name", "category"))
    book.active.append(("1", "MARK", "Лампы"))
    book.save(tmp_path / "whole.xlsx")
    files = {}
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole:
        for name in whole.namelist():
            text = whole.read(name).decode()
            start = text.index("?>") + 2 if text.startswith("<?xml") else 0
            files[name] = text
            if "MARK" in text:
                text = text.replace("MARK", "&lol9;")
                files[name] = text[:start] + HEADS[head] + text[start:]
    pack(tmp_path / "feed.xlsx", files)
    with pytest.raises(FeedError, match="declares the entity"):
        read(tmp_path / "feed.xlsx")


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 10**6),
    junk=st.binary(min_size=1, max_size=40),
    kind=st.sampled_from(FORMATS),
)
def test_any_damage_is_an_error_or_rows(
    tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes, kind: str
) -> None:
    content = feed_text(kind, ["Лампа", "Розетка", "Кабель"]).encode()
    cut = place % len(content)
    path = file_of(tmp_path_factory.mktemp("damaged"), kind)
    path.write_bytes(content[:cut] + junk + content[cut + len(junk) :])
    try:
        rows = read(path)
    except FeedError:
        return
    assert all(isinstance(row, FeedRow | Refusal) for row in rows)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")),
    min_size=1, max_size=40,
).filter(lambda text: text.strip() and not {"<", "&"} & set(text))  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=5), kind=st.sampled_from(FORMATS))
def test_names_arrive_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], kind: str
) -> None:
    path = file_of(tmp_path_factory.mktemp("names"), kind)
    text = [name.replace("]]>", "]] >") for name in names]
    wrapped = [f"<![CDATA[{name}]]>" for name in text] if kind in XML_FORMATS else text
    rows = read(write(path, feed_text(kind, wrapped)))
    got = [row.name for row in rows if isinstance(row, FeedRow)]
    invisible = str.maketrans("", "", "\xad\ufeff")
    assert got == [" ".join(name.translate(invisible).split()) for name in text if name]


def test_offers_alone_are_no_catalogue(empty_shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="gave no product"):
        empty_shop.import_catalogue(write(tmp_path / "offers.xml", offers_xml(offer())))
