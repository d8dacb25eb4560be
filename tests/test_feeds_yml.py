"""YML: offers of every type, the tree of categories, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from feed_writing import write, yml, yml_offer

from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.feeds.yml import ABSENT
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow


def read(tmp_path: Path, *offers: str, **options: object) -> list[FeedRow | Refusal]:
    feed = write(tmp_path / "feed.xml", yml(*offers, **options))  # type: ignore[arg-type]
    return list(open_feed(feed).rows)


def one(tmp_path: Path, offer: str) -> FeedRow:
    (row,) = read(tmp_path, offer)
    assert isinstance(row, FeedRow), row
    return row


def test_simple_offer(tmp_path: Path) -> None:
    offer = yml_offer(
        "SKU-1",
        url="https://shop.test/1?a=1&amp;b=2",
        picture="https://shop.test/1.jpg</picture><picture>photos/2.jpg",
        vendor="Rock &amp; Co",
        vendorCode="ВА47-29",
        description="Тёплый свет",
    )
    row = one(tmp_path, offer)
    assert int(row.line) > 1
    assert row == FeedRow(
        line=row.line,
        sku="SKU-1",
        name="Лампа",
        category=("Свет", "Лампы"),
        images=("https://shop.test/1.jpg", "photos/2.jpg"),
        price_minor=129_050,
        currency="RUB",
        url="https://shop.test/1?a=1&b=2",
        vendor="Rock & Co",
        vendor_code="ВА47-29",
        description="Тёплый свет",
        absent=ABSENT,
    )


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"typePrefix": "Лампа", "vendor": "Свет", "model": "E27"}, "Лампа Свет E27"),
        ({"vendor": "Свет", "model": "E27"}, "Свет E27"),
        ({"model": "E27"}, "E27"),
        ({"typePrefix": "Лампа", "vendor": "Свет"}, "Лампа Свет"),
        ({"name": "Книга", "author": "Автор"}, "Книга"),
        ({"author": "Автор", "title": "Том"}, "Автор Том"),
        ({"artist": "Хор", "title": "Диск"}, "Хор Диск"),
        ({"name": "Имя", "model": "E27", "vendor": "Свет"}, "Имя"),
    ],
)
def test_name_of_offers_of_other_types(tmp_path: Path, elements: dict[str, str], name: str) -> None:
    attributes = 'type="vendor.model"'
    row = one(tmp_path, yml_offer("1", attributes=attributes, **{"name": ""} | elements))
    assert row.name == name


@pytest.mark.parametrize(
    ("attributes", "elements", "in_stock"),
    [
        ('available="true"', {}, True),
        ('available="false"', {}, False),
        ('available=" FALSE "', {}, False),
        ("", {}, True),
        ("", {"available": "false"}, False),
        ('available="true"', {"count": "0"}, False),
        ('available="true"', {"count": "5"}, True),
    ],
)
def test_stock(tmp_path: Path, attributes: str, elements: dict[str, str], in_stock: bool) -> None:
    assert one(tmp_path, yml_offer("1", attributes=attributes, **elements)).in_stock is in_stock


@pytest.mark.parametrize(
    ("elements", "field", "reason"),
    [
        ({"price": "по запросу"}, "price", "not a number"),
        ({"price": "-1"}, "price", "not a price"),
        ({"price": "NaN"}, "price", "not a price"),
        ({"price": "1e400"}, "price", "not a price"),
        ({"price": "9" * 1_000_000}, "price", "not a number"),
        ({"currencyId": "рубли"}, "currencyId", "not a code"),
        ({"url": "javascript:alert(1)"}, "url", "not an http"),
        ({"name": ""}, "name", "missing or empty"),
        ({"name": "x" * 1_000_000}, "name", "longer than 1000"),
        ({"categoryId": ""}, "categoryId", "missing or empty"),
        ({"categoryId": "77"}, "categoryId", "no such category"),
    ],
)
def test_refused_offer_names_itself(
    tmp_path: Path, elements: dict[str, str], field: str, reason: str
) -> None:
    refusal, row = read(tmp_path, yml_offer("bad", **elements), yml_offer("good"))
    assert isinstance(refusal, RefusedRow)
    assert (refusal.field, refusal.sku) == (field, "bad")
    assert reason in refusal.reason
    assert len(refusal.value) <= 60
    assert isinstance(row, FeedRow)
    assert int(row.line) > int(refusal.line) > 1


def test_offer_without_an_id(tmp_path: Path) -> None:
    (refusal,) = read(tmp_path, yml_offer(""))
    assert isinstance(refusal, Refusal)
    assert refusal.field == "offer id"


def test_html_is_stripped(tmp_path: Path) -> None:
    row = one(
        tmp_path,
        yml_offer(
            name="&lt;b&gt;Лам&lt;/b&gt;па &amp;quot;Ёлка&amp;quot;",
            description="<![CDATA[<p>Один</p><ul><li>два</li><li>три&nbsp;четыре</li></ul>"
            "<script>alert(1)</script>]]>",
        ),
    )
    assert row.name == 'Лампа "Ёлка"'
    assert row.description == "Один два три четыре"


def test_elements_inside_a_description_and_an_undeclared_entity(tmp_path: Path) -> None:
    row = one(tmp_path, yml_offer(description="<p>Один</p><p>два&nbsp;три</p>"))
    assert row.description == "Один два три"


def test_megabyte_of_description_is_cut(tmp_path: Path) -> None:
    row = one(tmp_path, yml_offer(description="<![CDATA[" + "<p>ы</p>" * 200_000 + "]]>"))
    assert row.description is not None
    assert len(row.description) <= 4000


@pytest.mark.parametrize(
    ("categories", "path", "told"),
    [
        ((("2", "", "Лампы"),), ("Лампы",), ""),
        ((("2", "0", "Лампы"),), ("Лампы",), ""),
        ((("2", "9", "Лампы"),), ("Лампы",), "there is no such category"),
        ((("2", "2", "Лампы"),), ("Лампы",), "among its own parents"),
        ((("1", "2", "Свет"), ("2", "1", "Лампы")), ("Лампы",), "among its own parents"),
        (
            (("3", "4", "а"), ("4", "3", "б"), ("2", "3", "Лампы")),
            ("а", "Лампы"),
            "among its own parents",
        ),
        ((("2", "1", "Лампы"), ("1", "", "Свет")), ("Свет", "Лампы"), ""),
        ((("2", "", "Свет / Лампы"),), ("Свет/Лампы",), ""),
        ((("2", "", "Лампы"), ("2", "", "Вторые")), ("Лампы",), "stands already in line"),
        ((("2", "", "Лампы"), ("5", "", " ")), ("Лампы",), "no name"),
    ],
)
def test_categories(
    tmp_path: Path,
    categories: tuple[tuple[str, str, str], ...],
    path: tuple[str, ...],
    told: str,
) -> None:
    rows = read(tmp_path, yml_offer(), categories=categories)
    (row,) = (row for row in rows if isinstance(row, FeedRow))
    assert row.category == path
    reasons = [row.reason for row in rows if isinstance(row, Refusal)]
    assert all(told in reason for reason in reasons)
    assert bool(reasons) == bool(told)


@pytest.mark.parametrize("order", [1, -1])
def test_category_tree_a_thousand_deep(tmp_path: Path, order: int) -> None:
    chain = [(f"{n}", f"{n - 1}" if n > 1 else "", f"к{n}") for n in range(1, 1001)]
    rows = read(
        tmp_path,
        yml_offer("deep", categoryId="1000"),
        yml_offer("flat", categoryId="20"),
        categories=tuple(chain[::order]),
    )
    assert isinstance(rows[0], Refusal)
    assert (rows[0].sku, rows[0].field) == ("deep", "categoryId")
    assert "more than 32 levels" in rows[0].reason
    assert isinstance(rows[1], FeedRow)
    assert rows[1].category == tuple(f"к{n}" for n in range(1, 21))


def test_line_of_an_offer_far_down(tmp_path: Path) -> None:
    offers = [yml_offer(str(number)) for number in range(12_000)]
    rows = read(tmp_path, *offers)
    text = (tmp_path / "feed.xml").read_text(encoding="utf-8").splitlines()
    last = rows[-1]
    assert isinstance(last, FeedRow)
    assert int(last.line) > 70_000
    # past line 65,535 the parser counts by what stands inside the element
    assert 'id="11999"' in "".join(text[int(last.line) - 2 : int(last.line)])
