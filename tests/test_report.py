"""The report of a comparison: page, table and charts, from made-up records."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from comparisons import (
    made_candidates,
    made_categories,
    made_comparison,
    made_figures,
    made_history,
    name_test_photos,
)
from drawing import drawn_photo, encoded, four_corners
from PIL import Image

from vitrina.errors import BundleError, EvaluationError, NoBundle, TrainingError, WeightsError
from vitrina.evaluation.candidate import Candidate, PhotoAnswer, TrialRecord
from vitrina.evaluation.comparison import Budget, Choice, Comparison, Excess, Lead, Verdict
from vitrina.evaluation.report import write_csv, write_report
from vitrina.evaluation.report.findings import confused_pairs, short_categories, wrong_answers
from vitrina.evaluation.report.numerals import DASH, Numerals
from vitrina.evaluation.report.page import render
from vitrina.evaluation.report.points import pareto_points
from vitrina.evaluation.report.reasons import Wording
from vitrina.evaluation.report.rows import online_rows
from vitrina.evaluation.report.table import csv_columns
from vitrina.evaluation.report.texts import LANGUAGES, texts
from vitrina.evaluation.report.thumbnails import LONG_SIDE, Thumbnails, draw_thumbnail
from vitrina.notices import Notice, leaked, left_out, same_picture, untested

HOSTILE = "\"'><script>alert(1)</script>{{ 7*7 }}&{model}$x$ 🦾 مصباح"
PACKAGE = resources.files("vitrina.evaluation.report")
SPACE = "\N{NO-BREAK SPACE}"

# What only needs records runs everywhere; charts need the train extra.
draws_charts = pytest.mark.train


class Page(HTMLParser):
    """Elements of a page with their attributes, identities and open elements checked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()
        assert not self._inside, f"never closed: {self._inside}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "img", "br", "link", "input"):
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def comparison(shop: Path) -> Comparison:
    return made_comparison(shop)


@pytest.fixture(scope="module")
def html(comparison: Comparison, shop: Path) -> dict[str, str]:
    return {language: render(comparison, shop, language) for language in LANGUAGES}


def wording(comparison: Comparison, language: str = "en") -> Wording:
    return Wording(comparison, texts(language), Numerals(language))


def told(comparison: Comparison, backbone: str, language: str = "en") -> str:
    title = comparison.candidate(backbone).title
    (reasons,) = [each for each in wording(comparison, language).others() if each.title == title]
    return " ".join(reasons.sentences)


# Texts


def placeholders(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", sentence))


def test_both_languages_say_the_same_things() -> None:
    russian, english = texts("ru"), texts("en")
    assert list(russian) == list(english)
    for key in russian:
        assert placeholders(russian[key]) == placeholders(english[key]), key
        assert russian[key].strip()
        assert english[key].strip()


def test_english_is_not_russian() -> None:
    for key, sentence in texts("en").items():
        assert not re.search("[а-яё]", sentence.lower()), key


def test_no_key_stands_twice_in_a_file() -> None:
    for language in LANGUAGES:
        source = PACKAGE.joinpath("texts", f"{language}.json").read_text("utf-8")
        pairs = json.loads(source, object_pairs_hook=list)
        assert len(pairs) == len({key for key, _ in pairs})


def test_every_sentence_is_used_and_every_used_sentence_exists() -> None:
    sources = [
        file.read_text("utf-8")
        for folder in (".", "templates")
        for file in PACKAGE.joinpath(folder).iterdir()
        if file.name.endswith((".py", ".j2"))
    ]
    together = "\n".join(sources)
    named = set(re.findall(r'(?:words\[|_say\(\s*)"(\w+)"', together))
    named |= set(re.findall(r"\bt\.(\w+)", together))
    assert named <= texts("en").keys(), named - texts("en").keys()
    begun = (*re.findall(r'f"(\w+_)\{', together), "word_")
    quoted = set(re.findall(r'"(\w+)"', together))
    unused = [
        key
        for key in texts("en")
        if key not in named | quoted
        and not key.startswith(begun)
        and key.removesuffix("_than") not in quoted
    ]
    assert not unused


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="ru, en"):
        texts("de")


# Figures as they are written


def test_figures_are_written_as_each_language_does() -> None:
    russian, english = Numerals("ru"), Numerals("en")
    assert russian.percent(0.9125) == f"91,2{SPACE}%"
    assert english.percent(0.9125) == f"91.2{SPACE}%"
    assert russian.number(12345.6) == f"12{SPACE}346"
    assert english.number(12345.6) == "12,346"
    assert russian.number(-2.5, 1) == "−2,5"
    assert english.number(-0.001, 1) == "0.0"
    assert [russian.number(value) for value in (1.234, 12.34, 123.4)] == ["1,23", "12,3", "123"]
    assert [english.short(value) for value in (50.0, 1.5, 22.46)] == ["50", "1.5", "22.5"]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_figure_is_a_dash(value: float | None) -> None:
    numerals = Numerals("ru")
    assert {
        numerals.number(value),
        numerals.short(value),
        numerals.percent(value),
        numerals.times(value),
        numerals.out_of_100(value),
    } == {DASH}


def test_out_of_100_says_all_and_none_only_where_it_is_so() -> None:
    said = [Numerals("en").out_of_100(share) for share in (1.0, 0.999, 0.905, 0.001, 0.0)]
    assert said == ["100", "99", "90", "1", "0"]


# The choice in words


def test_the_choice_says_what_it_means(comparison: Comparison) -> None:
    said = " ".join(wording(comparison).choice())
    offline = comparison.candidate("mobilenet_v2").offline
    assert offline
    assert f"first try for {round(100 * offline.test.top1)}" in said
    assert f"memory up to 168{SPACE}MB" in said
    assert "EfficientNet-B0" in said
    assert "may be chance" in said
    assert f"up to 300{SPACE}MB" in said
    assert "processor cores: 2" in said


def test_a_lead_beyond_noise_is_called_so(comparison: Comparison) -> None:
    verdicts = [each for each in comparison.choice.verdicts if each.backbone != "efficientnet_b0"]
    alone = replace(comparison, choice=replace(comparison.choice, verdicts=tuple(verdicts)))
    said = " ".join(wording(alone).choice())
    assert "EfficientNet-Lite0, is right less often" in said
    assert "larger than chance" in said


def test_each_loser_learns_what_it_lost_by(comparison: Comparison) -> None:
    over = told(comparison, "resnet50")
    assert (
        f"412{SPACE}MB where 300{SPACE}MB are allowed, 112{SPACE}MB too much (37{SPACE}%)" in over
    )
    assert "ahead by 2.5 percentage points" in over
    assert "between −1.3 and 6.2" in over
    assert "may be chance" in told(comparison, "efficientnet_b0")
    assert "larger than chance" in told(comparison, "efficientnet_lite0")
    assert "ImageNet weights" in told(comparison, "convnext_tiny")


def test_the_same_is_said_in_russian(comparison: Comparison) -> None:
    assert "процентного пункта" in told(comparison, "efficientnet_b0", "ru")
    assert f"больше на 112{SPACE}МБ" in told(comparison, "resnet50", "ru")


def test_a_costlier_model_is_told_what_it_costs_more(comparison: Comparison) -> None:
    verdict = Verdict(
        backbone="efficientnet_b0",
        outcome="costlier",
        lead=Lead(points=0.0, interval=(0.0, 0.0), beyond_noise=False),
    )
    tied = replace(comparison, choice=replace(comparison.choice, verdicts=(verdict,)))
    said = told(tied, "efficientnet_b0")
    assert "As accurate to the last photo" in said
    assert f"instead of 168{SPACE}MB" in said


def test_equal_on_the_shops_photos_is_decided_by_phone_photos(comparison: Comparison) -> None:
    lead = Lead(points=0.0, interval=(0.0, 0.0), beyond_noise=False)
    verdict = Verdict(backbone="efficientnet_lite0", outcome="less_accurate", lead=lead)
    tied = replace(comparison, choice=replace(comparison.choice, verdicts=(verdict,)))
    assert "fewer on phone photos" in told(tied, "efficientnet_lite0")


@draws_charts
def test_a_budget_that_nothing_meets_shows_the_nearest(comparison: Comparison) -> None:
    excess = (Excess(limit="ram", measured=168.0, allowed=100.0),)
    none = replace(
        comparison,
        budget=Budget(ram=100.0),
        choice=Choice(
            best=None,
            nearest="mobilenet_v2",
            verdicts=(
                Verdict(backbone="mobilenet_v2", outcome="over_budget", excess=excess),
                Verdict(
                    backbone="resnet50",
                    outcome="over_budget",
                    excess=(Excess(limit="ram", measured=math.nan, allowed=100.0),),
                    lead=Lead(points=-2.0, interval=(-4.0, -1.0), beyond_noise=True),
                ),
            ),
        ),
    )
    page = Page(render(none, Path("nowhere"), "en"))
    assert "No model fits the budget" in page.text
    assert "MobileNetV2 comes nearest" in page.text
    assert f"68{SPACE}MB too much".replace(SPACE, " ") in page.text.replace(SPACE, " ")
    assert "not measured for it" in page.text
    assert "ahead of MobileNetV2 by 2.0" in page.text


@draws_charts
def test_nothing_measured_at_all_is_said(comparison: Comparison) -> None:
    failed = tuple(
        Candidate(backbone=each.backbone, title=each.title, failed="The disk is full.")
        for each in comparison.candidates
    )
    verdicts = tuple(Verdict(backbone=each.backbone, outcome="failed") for each in failed)
    empty = replace(
        comparison,
        candidates=failed,
        choice=Choice(best=None, nearest=None, verdicts=verdicts),
    )
    for language, said in (("en", "nothing to choose from"), ("ru", "пока не из чего")):
        text = Page(render(empty, Path("nowhere"), language)).text
        assert said in text
        assert text.count("The disk is full.") >= len(failed)


@draws_charts
def test_a_failure_is_told_in_the_readers_language_and_in_the_programs_words(
    comparison: Comparison,
) -> None:
    for language, said in (("ru", "нигде не нашлись"), ("en", "were found nowhere")):
        text = Page(render(comparison, Path("nowhere"), language)).text
        assert text.count(said) == 2  # beside the choice and among what was not measured
        assert "None of the places that were asked" in text


def test_every_error_that_costs_a_model_its_place_has_its_sentence() -> None:
    kinds = [WeightsError, TrainingError, BundleError, EvaluationError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {f"failure_{kind.code}" for kind in kinds if kind is not NoBundle} <= texts("ru").keys()


@draws_charts
def test_notices_are_told_in_the_readers_language(comparison: Comparison) -> None:
    for language, said in (
        ("ru", ["L-7 (Лампы)", "S-9 (Розетки)", "gone: категория пропущена", "Лампы, Розетки."]),
        ("en", ["L-7 (Lamps)", "S-9 (Sockets)", "gone: left out", "Lamps, Sockets."]),
    ):
        text = Page(render(comparison, Path("nowhere"), language)).text
        for words in said:
            assert words in text
    assert "Not tested" not in Page(render(comparison, Path("nowhere"), "ru")).text


def test_every_notice_has_its_sentence(comparison: Comparison) -> None:
    notices = [same_picture("1", "a", "2", "b"), left_out("a"), untested(["a", "b"]), leaked(3)]
    assert {f"notice_{each.code}" for each in notices} == {
        key for key in texts("ru") if key.startswith("notice_")
    }
    for language in LANGUAGES:
        wording = Wording(comparison, texts(language), Numerals(language))
        for each in notices:
            told = wording.notice(each, str.upper)
            values = [str(one) for value in each.values.values() for one in value_list(value)]
            assert all(value in told or value.upper() in told for value in values)
    assert wording.notice(Notice("", "As it was said."), str.upper) == "As it was said."


def value_list(value: str | int | tuple[str, ...]) -> tuple[str | int, ...]:
    return value if isinstance(value, tuple) else (value,)


def test_a_comparison_of_an_older_version_keeps_its_notices(
    comparison: Comparison, tmp_path: Path
) -> None:
    file = tmp_path / "comparison.json"
    comparison.write(file)
    assert Comparison.read(file).notices == comparison.notices
    content = json.loads(file.read_text("utf-8"))
    content["notices"] = ["a is left out."]
    file.write_text(json.dumps(content), "utf-8")
    assert Comparison.read(file).notices == (Notice("", "a is left out."),)


# What the answers show


def answer(category: str, guess: str, confidence: float, sha: str = "a") -> PhotoAnswer:
    return PhotoAnswer(
        sha256=sha, category=category, guess=guess, confidence=confidence, own=1 - confidence
    )


def test_pairs_count_both_ways() -> None:
    answers = [
        answer("b", "a", 0.9),
        answer("b", "a", 0.8),
        answer("a", "b", 0.7),
        answer("c", "a", 0.99),
        answer("a", "a", 0.99),
    ]
    first, second = confused_pairs(answers, 8)
    assert (first.first, first.second, first.forth, first.back) == ("b", "a", 2, 1)
    assert [each.confidence for each in first.answers] == [0.9, 0.8, 0.7]
    assert (second.first, second.second) == ("c", "a")
    assert len(confused_pairs(answers, 1)) == 1


def test_the_worst_are_the_most_confident() -> None:
    answers = [answer("a", "b", 0.6), answer("a", "b", math.nan), answer("a", "b", 0.9)]
    assert [each.confidence for each in wrong_answers(answers)][:2] == [0.9, 0.6]


def test_categories_short_of_photos_follow_the_rule() -> None:
    categories = [
        replace(category, train=train, test=10)
        for category, train in zip(made_categories(5), (100, 100, 40, 100, 100), strict=True)
    ]
    record = made_candidates(name_test_photos(categories))[0].offline
    assert record
    shares = {each.slug: 0.95 for each in categories}
    shares[categories[1].slug] = 0.5
    record = replace(record, test=replace(record.test, by_category=shares))
    found = {each.category.slug: each for each in short_categories(categories, record)}
    assert set(found) == {categories[1].slug, categories[2].slug}
    weak, few = found[categories[1].slug], found[categories[2].slug]
    assert (weak.few, weak.weak, weak.more) == (False, True, 50)
    assert (few.few, few.weak, few.more) == (True, False, 60)


def test_too_few_test_photos_call_no_category_weak() -> None:
    categories = [replace(each, train=100, test=2) for each in made_categories(3)]
    record = made_candidates(name_test_photos(categories))[0].offline
    assert record
    shares = dict(zip((each.slug for each in categories), (1.0, 1.0, 0.0), strict=True))
    assert not short_categories(
        categories, replace(record, test=replace(record.test, by_category=shares))
    )


# Tables


def test_the_studys_own_way_stands_beside_with_its_ratio(comparison: Comparison) -> None:
    candidates = [each for each in comparison.candidates if each.online]
    rows = online_rows(candidates, texts("en"), Numerals("en"))
    memory = next(row for row in rows if "Memory" in row.name)
    online, keras = candidates[0].online, candidates[0].keras
    assert online
    assert keras
    ratio = keras.ram_usage_mb.median / online.ram_usage_mb.median
    assert memory.cells[0].ratio == Numerals("en").times(ratio)
    assert [cell.best for cell in memory.cells] == [True, False, False, False]


def test_csv_has_a_row_a_candidate_and_opens_in_a_spreadsheet(
    comparison: Comparison, tmp_path: Path
) -> None:
    path = tmp_path / "comparison.csv"
    write_csv(comparison, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert [row["backbone"] for row in rows] == [each.backbone for each in comparison.candidates]
    first, last = rows[0], rows[-1]
    offline = comparison.candidates[0].offline
    assert offline
    assert float(first["top1"]) == offline.test.top1
    assert float(first["top1_low"]) == offline.test.top1_interval[0]
    assert float(first["keras_ram_usage_mb"]) > float(first["ram_usage_mb"])
    assert float(first["seconds_tuning"]) == comparison.candidates[0].seconds["tuning"]
    assert first["outcome"] == "chosen"
    assert last["outcome"] == "failed"
    assert {last["top1"], last["request_ms"], last["seconds_tuning"]} == {""}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in csv_columns(["tuning"]))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_csv_holds_no_formula(comparison: Comparison, tmp_path: Path, text: str) -> None:
    hostile = replace(comparison.candidates[-1], title=text, failed=text)
    path = tmp_path / "comparison.csv"
    write_csv(replace(comparison, candidates=(hostile,)), path)
    (row,) = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    assert row["title"] == f"'{text}"
    assert row["failed"] == f"'{text}"


def test_csv_leaves_nan_empty(comparison: Comparison, tmp_path: Path) -> None:
    candidate = comparison.candidates[0]
    assert candidate.offline
    lost = replace(candidate, offline=replace(candidate.offline, cpu_ms=math.nan))
    write_csv(replace(comparison, candidates=(lost,)), tmp_path / "comparison.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "comparison.csv").read_text("utf-8-sig")))
    assert row["cpu_ms"] == ""


# Photos


def test_a_thumbnail_keeps_proportions_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left goes up
    content = encoded(four_corners((400, 200)), "JPEG", exif=exif)
    small = Image.open(io.BytesIO(draw_thumbnail(content)))
    assert small.size == (LONG_SIDE // 2, LONG_SIDE)
    red, green, blue = small.convert("RGB").getpixel((LONG_SIDE // 2 - 12, 12))  # type: ignore[misc]
    assert red > max(green, blue)


def test_a_photo_that_is_gone_or_broken_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(drawn_photo())
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"nothing" * 9)
    (tmp_path / "empty.jpg").write_bytes(b"")
    files = {"g": "good.png", "b": "broken.jpg", "e": "empty.jpg", "m": "missing.jpg"}
    thumbnails = Thumbnails(tmp_path, files)
    assert (thumbnails.data_address("g") or "").startswith("data:image/webp;base64,")
    assert [thumbnails.data_address(sha) for sha in ("b", "e", "m", "unknown")] == [None] * 4


# The page


@draws_charts
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing_from_elsewhere(html: dict[str, str], language: str) -> None:
    page = Page(html[language])
    for _tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            address = attributes.get(name, "")
            assert address.startswith(("#", "data:image/webp;base64,")) or not address
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "base"}
    sheet = re.search(r"<style>(.*?)</style>", html[language], re.DOTALL)
    assert sheet
    assert not re.search(r"url\(|@import", sheet[1])
    assert "http://" not in html[language]
    assert "https://" not in html[language]


@draws_charts
def test_its_policy_allows_exactly_its_own_style(html: dict[str, str]) -> None:
    sheet = re.search(r"<style>(.*?)</style>", html["en"], re.DOTALL)
    assert sheet
    digest = base64.b64encode(hashlib.sha256(sheet[1].encode()).digest()).decode()
    (policy,) = [
        meta["content"]
        for meta in Page(html["en"]).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


@draws_charts
def test_sections_come_in_their_order_and_links_lead_to_them(html: dict[str, str]) -> None:
    page = Page(html["ru"])
    assert [attributes["id"] for attributes in page.all("section")] == [
        "choice", "others", "pareto", "offline", "online", "charts", "curves", "trials",
        "categories", "pairs", "worst", "short", "failed", "stages", "source", "glossary",
    ]  # fmt: skip
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    linked = {
        attributes["href"][1:]
        for _, attributes in page.elements
        if attributes.get("href", "").startswith("#")
    }
    described = {
        attributes["aria-labelledby"]
        for _, attributes in page.elements
        if "aria-labelledby" in attributes
    }
    assert linked | described <= set(identities)


@draws_charts
def test_it_can_be_read_without_seeing_it(html: dict[str, str]) -> None:
    page = Page(html["en"])
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert all(image["alt"] for image in page.all("img"))
    for drawing in page.all("svg"):
        assert drawing.get("aria-hidden") == "true" or drawing["aria-label"]
    assert all("scope" in attributes for attributes in page.all("th"))
    tables, captions = page.all("table"), page.all("caption")
    assert len(tables) == len(captions)


@draws_charts
def test_the_page_holds_what_was_measured(html: dict[str, str], comparison: Comparison) -> None:
    text = Page(html["en"]).text
    assert "The choice: MobileNetV2" in text
    for expected in (comparison.fingerprint, comparison.command, "keras 3.15.0", "× 4.6"):
        assert expected in text
    trials = [trial for each in comparison.candidates for trial in each.trials]
    assert text.count("The loss became NaN.") == sum(each.status == "failed" for each in trials)
    russian = Page(html["ru"]).text
    offline = comparison.candidates[0].offline
    assert offline
    assert Numerals("ru").percent(offline.test.top1) in html["ru"]
    assert "Выключатели" in russian
    assert "Switches" in text


@draws_charts
def test_photos_of_mistakes_are_in_the_page(html: dict[str, str], comparison: Comparison) -> None:
    offline = comparison.candidates[0].offline
    assert offline
    assert wrong_answers(offline.answers)
    for image in Page(html["ru"]).all("img"):
        kept = Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))
        assert max(kept.size) == LONG_SIDE
    assert Page(html["ru"]).all("img")


@draws_charts
def test_names_from_the_catalogue_stay_text(comparison: Comparison, shop: Path) -> None:
    hostile = replace(
        comparison,
        shop=HOSTILE,
        candidates=tuple(
            replace(each, title=HOSTILE, weights=HOSTILE, failed=HOSTILE if each.failed else "")
            for each in comparison.candidates
        ),
        categories=tuple(
            replace(each, name=HOSTILE, name_en="Z" * 400) for each in comparison.categories
        ),
        command=HOSTILE,
        notices=(
            *(Notice("", HOSTILE),) * 40,
            same_picture(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        ),
        versions={HOSTILE: HOSTILE},
    )
    for language in LANGUAGES:
        rendered = render(hostile, shop, language)
        assert "<script" not in rendered
        assert "{{ 7*7 }}" in Page(rendered).text


@draws_charts
def test_photos_that_disappeared_are_passed_over(comparison: Comparison) -> None:
    page = Page(render(comparison, Path("nowhere"), "en"))
    assert not page.all("img")
    assert "The photo is gone or broken" in page.text


@draws_charts
@pytest.mark.parametrize("count", [0, 1, 60, 1000])
def test_any_number_of_categories_fits(count: int, tmp_path: Path) -> None:
    many = made_comparison(categories=count)
    html = render(many, tmp_path, "ru")
    page = Page(html)
    names = [each.name for each in many.categories]
    assert all(name in page.text for name in names)
    assert len(html) < 2_500_000
    if count > 15:
        assert f"Показать остальные: {count - 15}" in page.text


@draws_charts
def test_models_of_which_little_is_known_do_not_break_it(comparison: Comparison) -> None:
    first, second, third, fourth, _ = comparison.candidates
    trial = TrialRecord(
        number=1,
        status="completed",
        values={"other_setting": None, "flag": True},
        top1=math.nan,
        loss=math.nan,
        seconds=math.inf,
    )
    partial = replace(
        comparison,
        candidates=(
            replace(first, online=None, keras=None, trials=(), history=(), seconds={}),
            replace(second, offline=None, trials=(trial,)),
            replace(third, keras=None, online=None, history=({"phase": 1, "loss": math.nan},)),
            replace(fourth, online=None, history=made_history(0.5, first=0, second=1)),
        ),
    )
    for language in LANGUAGES:
        assert "other_setting" in Page(render(partial, Path("nowhere"), language)).text


@draws_charts
def test_nan_everywhere_does_not_break_it(comparison: Comparison, tmp_path: Path) -> None:
    from vitrina.evaluation.report.charts import draw_charts

    nan = math.nan
    candidate = comparison.candidates[0]
    assert candidate.offline
    figures = replace(
        made_figures(()),
        top1=nan,
        top1_interval=(nan, nan),
        top3=nan,
        top3_interval=(nan, nan),
        loss=nan,
        macro_f1=nan,
        calibration_error=nan,
        by_category={each.slug: nan for each in comparison.categories},
    )
    answers = tuple(replace(each, confidence=nan, own=nan) for each in candidate.offline.answers)
    lost = replace(
        candidate,
        offline=replace(
            candidate.offline, test=figures, phone=figures, answers=answers, cpu_ms=nan, size_mb=nan
        ),
    )
    broken = replace(comparison, candidates=(lost,))
    assert DASH in Page(render(broken, Path("nowhere"), "ru")).text
    assert not pareto_points(broken)
    draw_charts(broken, tmp_path)


@draws_charts
def test_the_page_is_written_whole_and_stays_small(
    comparison: Comparison, shop: Path, tmp_path: Path
) -> None:
    place = tmp_path / "report"
    path = write_report(comparison, shop, place, "ru")
    assert path == place / "index.html"
    assert [each.name for each in place.iterdir()] == ["index.html"]
    assert path.stat().st_size < 2_500_000
    assert path.read_text("utf-8") == render(comparison, shop, "ru"), "the same twice"


# Charts


@draws_charts
def test_charts_are_written_as_pictures(comparison: Comparison, tmp_path: Path) -> None:
    from vitrina.evaluation.report.charts import draw_charts

    written = draw_charts(comparison, tmp_path / "images", "en")
    assert [path.name for path in written] == ["offline.png", "online.png", "pareto.png"]
    for path in written:
        picture = Image.open(path).convert("L")
        dark, light = picture.getextrema()
        assert dark < 80  # type: ignore[operator]
        assert light == 255


@draws_charts
def test_a_picture_without_figures_is_left_out(comparison: Comparison, tmp_path: Path) -> None:
    from vitrina.evaluation.report.charts import draw_charts

    only_offline = replace(
        comparison,
        candidates=tuple(replace(each, online=None, keras=None) for each in comparison.candidates),
    )
    written = draw_charts(only_offline, tmp_path)
    assert [path.name for path in written] == ["offline.png", "pareto.png"]


@draws_charts
def test_charts_draw_names_that_the_font_does_not_have() -> None:
    from vitrina.evaluation.report.canvas import as_svg, drawable
    from vitrina.evaluation.report.charts import bar_chart
    from vitrina.evaluation.report.measures import Reading
    from vitrina.evaluation.report.panels import Bar

    assert "🦾" not in drawable("🦾 Сеть")
    assert "Сеть" in drawable("🦾 Сеть")
    bars = [Bar(HOSTILE, Reading(0.5, 0.4, 0.6), "#0f5f57"), Bar(HOSTILE, Reading(0.2), "#0f5f57")]
    chart = bar_chart(bars, title="Верно", share=True, numerals=Numerals("ru"))
    drawing = as_svg(chart, name="one", title=HOSTILE)
    assert "<script" not in drawing
    assert "var(--series-1)" in drawing
    assert "Верно" in drawing


@draws_charts
def test_times_far_apart_still_have_their_names_in_the_picture(comparison: Comparison) -> None:
    from vitrina.evaluation.report.canvas import as_svg
    from vitrina.evaluation.report.pareto import pareto_chart

    points = pareto_points(comparison)
    slow = [*points, replace(points[0], title="Slow", time=900.0, memory=None, position=7)]
    chart = pareto_chart(slow, limit=50.0, words=texts("en"), numerals=Numerals("en"))
    drawing = as_svg(chart, name="pareto", title="all")
    assert all(point.title in drawing for point in slow)


def test_time_of_one_inference_stands_in_only_where_nothing_ran_in_a_server(
    comparison: Comparison,
) -> None:
    assert all(point.whole_answer for point in pareto_points(comparison))
    first = comparison.candidates[0]
    mixed = replace(
        comparison, candidates=(replace(first, online=None), *comparison.candidates[1:])
    )
    assert "MobileNetV2" not in [point.title for point in pareto_points(mixed)]
    offline = replace(
        comparison, candidates=tuple(replace(each, online=None) for each in comparison.candidates)
    )
    assert not any(point.whole_answer for point in pareto_points(offline))
    assert all(point.memory is None for point in pareto_points(offline))


# Colours


def colours_of(block: str) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))
        for name, digits in re.findall(r"--([\w-]+): #([0-9a-f]{6});", block)
    }


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Contrast ratio. Source: Web Content Accessibility Guidelines 2.2, "contrast ratio"."""

    def luminance(colour: tuple[int, ...]) -> float:
        parts = [
            part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
            for part in colour
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_words_and_bars_stand_out_in_light_and_dark() -> None:
    sheet = PACKAGE.joinpath("templates", "report.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2]
    for colours in (colours_of(light), colours_of(light) | colours_of(dark)):
        for words in ("ink", "ink-soft", "accent", "bad"):
            for ground in ("paper", "surface", "accent-wash"):
                assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)
        for name in colours:
            if name.startswith("series-"):
                assert contrast(colours[name], colours["surface"]) >= 3, name


@draws_charts
def test_charts_and_style_sheet_have_the_same_series() -> None:
    from vitrina.evaluation.report.panels import SERIES

    sheet = PACKAGE.joinpath("templates", "report.css").read_text("utf-8")
    light = colours_of(re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[0])
    wanted = [tuple(int(each[at : at + 2], 16) for at in (1, 3, 5)) for each in SERIES]
    assert [light[f"series-{number}"] for number in range(1, len(SERIES) + 1)] == wanted
