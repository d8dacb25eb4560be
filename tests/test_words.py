"""Words, numbers, measures and articles in one spelling, whatever they came in."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrina.words import Kind, article_forms, normalise, pieces, stem, telling, tokens


def spelt(text: str) -> list[tuple[str, str]]:
    return [(token.kind.value, token.text) for token in tokens(normalise(text))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ёлка", "елка"),
        ("ЛАМПА", "лампа"),
        ("cafe\u0301", "Café"),
        ("ﬁlter", "filter"),
        ("<b>Лампа</b>&nbsp;E27", "лампа e27"),
        ("10мм", "10 ММ"),
        ("10 мм", "10 mm"),
        ("60Вт", "60 W"),
        ("2,5 мм²", "2.5мм2"),
        ("220 вольт", "220В"),
        ("3х1,5", "3x1.5"),
        ("3 × 1.5", "3*1,5"),
        ("Лaмпа", "Лампа"),  # the second letter of the first is Latin
        ("16А", "16 A"),  # Cyrillic and Latin
    ],
)
def test_one_spelling(one: str, other: str) -> None:
    assert spelt(one) == spelt(other) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Лампы E27, 60 Вт", [("word", "лампы"), ("article", "e27"), ("measure", "60w")]),
        ("ВА47-29", [("article", "ва4729")]),
        ("2.5 и 10", [("number", "2.5"), ("word", "и"), ("number", "10")]),
        ("120х60", [("size", "120x60")]),
        ("USB-C", [("word", "usbc")]),
        ("1.1.1", [("article", "111")]),
        ("10х20мм", [("article", "10х20мм")]),
        ("16а-3", [("article", "16а3")]),
        ("цена: 100.", [("word", "цена"), ("number", "100")]),
        ("!?* <br> — «»", []),
    ],
)
def test_kinds(text: str, expected: list[tuple[str, str]]) -> None:
    assert spelt(text) == expected


def test_decimals_and_sizes_are_not_mixed_up() -> None:
    assert spelt("3х2,5") != spelt("3х25")
    assert spelt("2,5 мм") != spelt("25 мм")


def test_parts_of_an_article() -> None:
    (token,) = tokens(normalise("220В/50Гц"))
    assert token.kind is Kind.ARTICLE
    assert [(part.kind.value, part.text) for part in token.parts] == [
        ("measure", "220v"),
        ("measure", "50hz"),
    ]


@pytest.mark.parametrize(
    "forms", [("лампа", "лампы", "лампами", "ламп"), ("lamp", "lamps"), ("ёлка", "елкой")]
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(normalise(form)) for form in forms}) == 1


def test_other_words_have_other_stems() -> None:
    assert len({stem(word) for word in ("лампа", "розетка", "lamp", "socket", "ランプ")}) == 5


def test_articles_meet_in_every_spelling() -> None:
    cyrillic, latin = (set(article_forms(normalise(one))) for one in ("ВА47-29", "BA47-29"))
    said = set(article_forms(normalise("va 47/29")))
    assert cyrillic & latin
    assert cyrillic & said
    assert latin & said
    assert not cyrillic & set(article_forms(normalise("ВА47-28")))
    assert article_forms("-/.") == ()


def test_words_that_tell_nothing_are_left_out_unless_they_are_all() -> None:
    assert [token.text for token in telling(tokens("лампа для дома"))] == ["лампа", "дома"]
    assert [token.text for token in telling(tokens("для"))] == ["для"]


@given(st.text())
def test_any_text_comes_apart_into_plain_pieces(text: str) -> None:
    for token in tokens(normalise(text)):
        assert token.text
        assert len(token.text) <= 70
        # nothing of what full-text queries and SQL are written in
        assert all(letter.isalnum() or letter == "." for letter in token.text)


@pytest.mark.parametrize(
    "junk", ["1", "1.", "1x", "<", "a-", "&#", "1 x ", "10 ", "ё", "é", "а1-", "&lt;", "<a "]
)
def test_a_megabyte_of_anything_is_read_in_time_that_grows_with_it(junk: str) -> None:
    def seconds(size: int) -> float:
        started = process_time()
        pieces(normalise(junk * (size // len(junk))))
        return process_time() - started

    seconds(1000)
    assert seconds(800_000) < 60 * max(seconds(100_000), 0.01)
