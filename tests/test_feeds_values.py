"""Prices, texts and categories as feeds write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrina.catalogue.feeds.category_tree import CategoryTree
from vitrina.catalogue.feeds.plain_text import plain_text
from vitrina.catalogue.feeds.prices import parse_currency, parse_price, split_price
from vitrina.catalogue.feeds.row_values import TOO_DEEP, category_path


@given(st.integers(0, 10**12 - 1))
def test_price_of_any_spelling(minor: int) -> None:
    plain = f"{minor // 100}.{minor % 100:02}"
    grouped = f"{minor // 100:,}.{minor % 100:02}"
    for text in (plain, plain.replace(".", ","), grouped, grouped.replace(",", " ")):
        assert parse_price(text) == minor
    swapped = grouped.replace(",", "_").replace(".", ",").replace("_", ".")
    assert parse_price(swapped) == minor or "," not in grouped


@given(st.text(max_size=30))
def test_any_text_is_a_price_or_an_error(text: str) -> None:
    try:
        minor = parse_price(text)
    except ValueError:
        return
    assert 0 <= minor < 10**12


@pytest.mark.parametrize(
    "text",
    ["1e400", "1e-400x", "1E999999999999999999", "sNaN", "-0.01", "∞", "1" * 101, "1 2 x", "0x10"],
)
def test_no_price(text: str) -> None:
    with pytest.raises(ValueError, match="not a "):
        parse_price(text)


def test_price_smaller_than_anything() -> None:
    assert parse_price("1e-400") == 0
    assert parse_price(str(Decimal("0.004"))) == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [("rub", "RUB"), ("RUR", "RUB"), ("руб.", "RUB"), (" Руб ", "RUB"), ("643", "RUB"),
     ("USD", "USD"), ("₽", "RUB")],
)  # fmt: skip
def test_currency(text: str, code: str) -> None:
    assert parse_currency(text) == code


def test_price_with_its_currency() -> None:
    assert split_price("15.00 USD") == ("15.00", "USD")
    assert split_price("RUB 1 290,50") == ("1 290,50", "RUB")
    assert split_price("x" * 1_000_000) == ("x" * 1_000_000, "")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Лампа", "Лампа"),
        ("  Лампа \n\t E27 ", "Лампа E27"),
        ("<b>Лам</b>па", "Лампа"),
        ("<p>Один</p><p>два</p>", "Один два"),
        ("один<br/>два<BR>три", "один два три"),
        ("Rock &amp; Co &laquo;Ё&raquo;&nbsp;!", "Rock & Co «Ё» !"),
        ("Кабель 3<5 мм, 7 > 6", "Кабель 3<5 мм, 7 > 6"),
        ("a<!-- secret -->b", "ab"),
        ("<style>p {color: red}</style>текст<script>alert('<b>')</script>", "текст"),
        ('<img alt="a>b" src=x onerror=alert(1)>картинка', "картинка"),
        ("a\x00b\x07c\x1fd\x85e", "a b c d e"),
        ("мяг\xadкий \ufeffперенос", "мягкий перенос"),
        ("a\ud800b", "a b"),
        ("", ""),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_plain_text_is_one_line_that_can_be_stored(text: str) -> None:
    plain = plain_text(text)
    plain.encode()
    assert plain == " ".join(plain.split())
    assert not any(letter < " " for letter in plain)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Лампы", ("Лампы",)),
        ("Свет / Лампы", ("Свет", "Лампы")),
        ("Свет > Лампы > E27", ("Свет", "Лампы", "E27")),
        ("Ванная/кухня", ("Ванная/кухня",)),
        (" / Свет / / Лампы / ", ("Свет", "Лампы")),
        ("", ()),
    ],
)
def test_category_path(text: str, path: tuple[str, ...]) -> None:
    assert category_path(text) == path


@given(
    st.dictionaries(
        st.integers(0, 30).map(str), st.integers(0, 30).map(str), min_size=1, max_size=30
    )
)
def test_any_tree_gives_every_category_a_path(parents: dict[str, str]) -> None:
    tree = CategoryTree("parentId")
    for number, parent in parents.items():
        tree.add(number, f"к{number}", parent, "1")
    for number in parents:
        path = tree.path(number)
        assert path[-1] == f"к{number}" or len(path) == TOO_DEEP
        assert len(set(path)) == len(path)
        assert path == tree.path(number)
    assert len({tree.path(number) for number in parents}) == len(parents)
