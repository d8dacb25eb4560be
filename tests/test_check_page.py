"""The page of a check: everything in one file, in two languages, of bounded size."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from drawing import drawn_photo, encoded, write_table
from PIL import Image

from vitrina import Shop
from vitrina.catalogue.checks.findings import KINDS, CheckReport, Finding, ShownPhoto
from vitrina.catalogue.checks.page import PICTURES, SHOWN, ShownShop, texts, write_page
from vitrina.store.shown import CategoryRecord

PARTS = ("title", "meaning", "heading", "detail")


def test_every_sentence_is_in_both_languages() -> None:
    russian, english = texts("ru"), texts("en")
    assert russian.keys() == english.keys()
    for key in russian:
        placeholders = [set(re.findall(r"{(\w+)}", table[key])) for table in (russian, english)]
        assert placeholders[0] == placeholders[1], key
    for kind in KINDS:
        assert {f"{kind.replace(' ', '_')}_{part}" for part in PARTS} <= russian.keys()


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def written(tmp_path: Path, findings: list[Finding], language: str = "ru") -> str:
    category = CategoryRecord(1, "lampy", "Лампы", "Лампы", "Lamps", None, "", False)
    content = drawn_photo(size=(200, 150))
    (tmp_path / "a.png").write_bytes(content)
    report = CheckReport(10, 10, {"lampy": 10}, findings, page=tmp_path / "check" / "index.html")
    shop = ShownShop("<Лавка>", tmp_path, {"a": "a.png", "lost": "lost.png"}, [category])
    write_page(report, shop, "ru" if language == "ru" else "en")
    assert report.page is not None
    return report.page.read_text("utf-8")


def finding(kind: str, sha: str = "a", count: int = 1) -> Finding:
    photos = tuple(ShownPhoto("lampy", f"<b>{number}", sha) for number in range(count))
    return Finding(kind, "lampy", "<script>x", "10 x 10", photos, other="other", share=0.5)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_page_is_whole_and_asks_for_nothing(tmp_path: Path, language: str) -> None:
    page = written(tmp_path, [finding(kind) for kind in KINDS], language)
    outline = _Outline()
    outline.feed(page)
    assert outline.open == []
    assert "script" not in outline.tags
    assert all(source.startswith(("data:image/webp", "#")) for source in outline.sources)
    assert "&lt;script&gt;x" in page
    assert "&lt;Лавка&gt;" in page
    assert ("Лампы" in page) == (language == "ru")
    assert ("Lamps" in page) == (language == "en")
    for kind in KINDS:
        assert f'id="{kind.replace(" ", "-")}"' in page
    assert "prefers-color-scheme: dark" in page


def test_the_worst_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    few = written(tmp_path, [finding("tiny")] * SHOWN)
    many = written(tmp_path, [finding("tiny")] * (SHOWN + 25))
    assert few.count("<figure>") == many.count("<figure>") == SHOWN
    assert texts("ru")["more_findings"].format(count=25) in many
    large = written(tmp_path, [finding("copy in other product", count=PICTURES + 3)])
    assert large.count("<figure>") == PICTURES
    assert texts("ru")["more_photos"].format(count=3) in large


def test_a_lost_picture_is_named(tmp_path: Path) -> None:
    page = written(tmp_path, [finding("unreadable", "lost")])
    assert "<img" not in page
    assert texts("ru")["photo_gone"] in page


def test_nothing_was_found(tmp_path: Path) -> None:
    page = written(tmp_path, [])
    assert texts("ru")["nothing"] in page
    assert "--apply" not in page


def test_the_check_writes_it_in_the_shops_language(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop", name="Corner", language="en")
    (tmp_path / "x.png").write_bytes(encoded(Image.new("RGB", (200, 200), (9, 9, 9)), "PNG"))
    rows = [("sku", "name", "category", "image"), ("x", "x", "Lamps", "x.png")]
    shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    report = shop.check(labels=False)
    assert report.page == shop.folder.root / "check" / "index.html"
    assert report.page is not None
    page = report.page.read_text("utf-8")
    assert "Photo check: Corner" in page
    assert texts("en")["blank_title"] in page
