"""Google Merchant: RSS, Atom and tables, with Google's own names."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from drawing import write_table
from feed_writing import google, google_item, write

from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow
from vitrina.errors import FeedError

HEADER = (
    "id", "title", "description", "link", "image_link", "additional_image_link", "availability",
    "price", "brand", "mpn", "product_type",
)  # fmt: skip
LAMP = (
    "1", "Лампа", "<b>Тёплый</b> свет", "https://shop.test/1", "https://shop.test/a.jpg",
    "https://shop.test/b.jpg,https://shop.test/c.jpg", "in stock", "1290.50 RUB", "Свет",
    "ВА47-29", "Свет > Лампы",
)  # fmt: skip


def read(path: Path) -> list[FeedRow | Refusal]:
    return list(open_feed(path).rows)


def the_lamp(row: FeedRow | Refusal) -> None:
    """Makes sure that a row says what `LAMP` says."""
    assert isinstance(row, FeedRow), row
    assert (row.sku, row.name, row.category) == ("1", "Лампа", ("Свет", "Лампы"))
    assert (row.price_minor, row.currency, row.in_stock) == (129_050, "RUB", True)
    assert row.images == tuple(f"https://shop.test/{name}.jpg" for name in "abc")
    assert (row.vendor, row.vendor_code, row.url) == ("Свет", "ВА47-29", "https://shop.test/1")
    assert row.description == "Тёплый свет"
    assert row.absent == {"name_en", "category_en", "search_text"}


def test_rss(tmp_path: Path) -> None:
    pictures = "https://shop.test/b.jpg</g:additional_image_link>\n<g:additional_image_link>"
    item = google_item(
        description="<![CDATA[<b>Тёплый</b> свет]]>",
        link="https://shop.test/1",
        additional_image_link=pictures + "https://shop.test/c.jpg",
        image_link="https://shop.test/a.jpg",
        brand="Свет",
        mpn="ВА47-29",
    )
    (row,) = read(write(tmp_path / "feed.xml", google(item)))
    the_lamp(row)


def test_plain_elements_give_way_to_googles(tmp_path: Path) -> None:
    item = google_item().replace("<g:id>", "<title>Другая</title><link>https://a.test</link><g:id>")
    (row,) = read(write(tmp_path / "feed.xml", google(item)))
    assert isinstance(row, FeedRow)
    assert (row.name, row.url) == ("Лампа", "https://a.test")


def test_atom(tmp_path: Path) -> None:
    text = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<title>Лавка</title><link rel="self" href="https://shop.test"/>
<entry><g:id>1</g:id><title>Лампа</title><link href="https://shop.test/1"/>
<summary>&lt;b&gt;Тёплый&lt;/b&gt; свет</summary>
<g:image_link>https://shop.test/a.jpg</g:image_link>
<g:additional_image_link>https://shop.test/b.jpg</g:additional_image_link>
<g:additional_image_link>https://shop.test/c.jpg</g:additional_image_link>
<g:price>1290.50 RUB</g:price><g:availability>in stock</g:availability><g:brand>Свет</g:brand>
<g:mpn>ВА47-29</g:mpn><g:product_type>Свет &gt; Лампы</g:product_type></entry></feed>"""
    (row,) = read(write(tmp_path / "atom.xml", text))
    the_lamp(row)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("suffix", ["tsv", "txt", "data"])
def test_table(tmp_path: Path, encoding: str, suffix: str) -> None:
    path = tmp_path / f"feed.{suffix}"
    write_table(path, [HEADER, LAMP], delimiter="\t", encoding=encoding)
    (row,) = read(path)
    the_lamp(row)


def test_table_of_other_spellings_and_as_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([name.replace("_", " ").title() for name in HEADER])
    book.active.append(LAMP)
    book.save(tmp_path / "feed.xlsx")
    (row,) = read(tmp_path / "feed.xlsx")
    the_lamp(row)


def test_columns_that_a_table_does_not_have(tmp_path: Path) -> None:
    rows = [("id", "title", "product_type"), ("1", "Лампа", "Лампы"), ("", "", "")]
    (row,) = read(write_table(tmp_path / "feed.tsv", rows, delimiter="\t"))
    assert isinstance(row, FeedRow)
    assert {"price", "currency", "image", "url", "in_stock", "vendor"} < row.absent


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("1290.50 RUB", 129_050, "RUB"),
        ("RUB 1290.50", 129_050, "RUB"),
        ("1,290.50 USD", 129_050, "USD"),
        ("1.290,50 EUR", 129_050, "EUR"),
        ("15", 1_500, None),
    ],
)
def test_price(tmp_path: Path, text: str, minor: int, currency: str | None) -> None:
    (row,) = read(write(tmp_path / "feed.xml", google(google_item(price=text))))
    assert isinstance(row, FeedRow)
    assert (row.price_minor, row.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("availability", "in_stock"),
    [("in stock", True), ("in_stock", True), ("out of stock", False), ("out_of_stock", False),
     ("preorder", False), ("backorder", False), ("", True)],
)  # fmt: skip
def test_availability(tmp_path: Path, availability: str, in_stock: bool) -> None:
    item = google_item(availability=availability)
    (row,) = read(write(tmp_path / "feed.xml", google(item)))
    assert isinstance(row, FeedRow)
    assert row.in_stock is in_stock


@pytest.mark.parametrize(
    ("elements", "field", "reason"),
    [
        ({"product_type": ""}, "product_type", "missing or empty"),
        ({"product_type": "", "google_product_category": "632"}, "product_type", "only a number"),
        ({"price": "по запросу"}, "price", "not a number"),
        ({"price": "-5 RUB"}, "price", "not a price"),
        ({"price": "NaN RUB"}, "price", "not a price"),
        ({"price": "1e400 RUB"}, "price", "not a price"),
        ({"title": ""}, "title", "missing or empty"),
        ({"title": "x" * 1_000_000}, "title", "longer than 1000"),
        ({"link": "ftp://shop.test"}, "link", "not an http"),
    ],
)
def test_refused(tmp_path: Path, elements: dict[str, str], field: str, reason: str) -> None:
    items = google_item("bad", **elements), google_item("good")
    refusal, row = read(write(tmp_path / "feed.xml", google(*items)))
    assert isinstance(refusal, RefusedRow)
    assert (refusal.field, refusal.sku) == (field, "bad")
    assert reason in refusal.reason
    assert isinstance(row, FeedRow)


def test_category_of_googles_taxonomy_as_text(tmp_path: Path) -> None:
    item = google_item(product_type="", google_product_category="Дом &gt; Свет")
    (row,) = read(write(tmp_path / "feed.xml", google(item)))
    assert isinstance(row, FeedRow)
    assert row.category == ("Дом", "Свет")


def test_page_of_news_is_no_catalogue(tmp_path: Path) -> None:
    (refusal,) = read(write(tmp_path / "feed.xml", google("<item><title>Новость</title></item>")))
    assert isinstance(refusal, Refusal)
    with pytest.raises(FeedError, match="outermost element is <html>"):
        open_feed(write(tmp_path / "page.xml", "<html><body/></html>"))
