"""The shop's page as the server writes it; what its scripts do is in tests/browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

import httpx
import pytest
from fastapi import FastAPI

from vitrina.storefront.front import Findings, Goods, ProductPage, Shelf, ShopFront, Wanted
from vitrina.storefront.pages import CONTENT_SECURITY_POLICY, Pages, create_router
from vitrina.storefront.texts import LANGUAGES, choose_language, texts
from vitrina.storefront.written import amount, format_price, product_address, safe_address, sized

HOSTILE = "\"'><script>alert(1)</script>{{ 7*7 }}&{query}"

WIDGET = "widget.js"
"""The one script beside the page's own: it is for other pages and has its sentences in itself."""

LAMP = Goods("l-1", "Лампа «Север»", "1290.00", "RUB", "https://shop.test/l-1", "/photos/a", True)


class Shop:
    """A shop of canned findings that remembers what it was asked."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.asked: list[tuple[Wanted, str]] = []
        self.shelves: Sequence[Shelf] = ()

    def find(self, wanted: Wanted, language: str) -> Findings:
        self.asked.append((wanted, language))
        return self.findings

    def product(self, sku: str, language: str) -> ProductPage | None:
        if sku != HOSTILE or language not in LANGUAGES:
            return None
        bad = Goods(
            HOSTILE, HOSTILE, "1", "RUB", "javascript:alert(1)", "javascript:alert(2)", True
        )
        return ProductPage(bad, HOSTILE, HOSTILE, HOSTILE, ["javascript:alert(3)"], "a&b=c", [bad])

    def categories(self, language: str) -> Sequence[Shelf]:
        if self.shelves:
            return self.shelves
        if language == "ru":
            return [Shelf("lamps", "Лампы", "лампа", 12), Shelf("a&b=c", HOSTILE, HOSTILE, 1)]
        return [Shelf("lamps", "Lamps", "lamp", 12)]

    def client(self, language: str = "ru", name: str = "Лавка") -> Client:
        app = FastAPI()
        front = ShopFront(name, language, self.find, self.categories, self.product)
        app.include_router(create_router(Pages(front)))
        return Client(app)


class Client:
    """A browser without scripts: asks the application itself, over no network."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(
        self,
        address: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        method: str = "GET",
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
                return await client.request(method, address, params=params, headers=headers)

        return asyncio.run(ask())


def page_data(html: str) -> dict[str, object]:
    block = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html, re.S)
    assert block
    data = json.loads(block[1])
    assert isinstance(data, dict)
    return data


def visible(html: str) -> str:
    """The page without its data block, which holds every sentence."""
    return re.sub(r"<script type=.application/json.*?</script>", "", html, flags=re.S)


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


def test_russian_is_russian_and_english_is_not() -> None:
    for key, sentence in texts("ru").items():
        assert re.search("[а-яё]", sentence.lower()), key
    for key, sentence in texts("en").items():
        assert not re.search("[а-яё]", sentence.lower()), key


def test_every_sentence_is_used_and_every_used_sentence_exists() -> None:
    package = resources.files("vitrina.storefront")
    sources = [
        file.read_text("utf-8")
        for folder in ("static", "templates", ".")
        for file in package.joinpath(folder).iterdir()
        if file.name.endswith((".js", ".html", ".py")) and file.name != WIDGET
    ]
    together = "\n".join(sources)
    said = set(re.findall(r'\bsay\(\s*"(\w+)"', together))
    said |= set(re.findall(r"\bt\.(\w+)", "\n".join(s for s in sources if "<!doctype" in s)))
    assert said <= set(texts("ru"))
    for key in texts("ru"):
        # The sentences of errors are found by the problem's code.
        assert key.startswith("error_") or re.search(rf"\b{key}\b", together), key


PROBLEMS = """
    photo_empty photo_type photo_too_large photo_dimensions photo_damaged query not_found
    no_bundle not_ready busy internal offline unreachable not_a_file
"""


@pytest.mark.parametrize("code", PROBLEMS.split())
def test_every_problem_has_a_sentence(code: str) -> None:
    for language in LANGUAGES:
        assert texts(language)[f"error_{code}"].endswith(".")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected one of ru, en. Received: 'de'"):
        texts("de")


# Language


@pytest.mark.parametrize(
    ("asked", "accept", "fallback", "expected"),
    [
        ("", "", "ru", "ru"),
        ("", "", "en", "en"),
        ("en", "ru", "ru", "en"),
        ("de", "en", "ru", "en"),
        ("", "en-GB,en;q=0.9", "ru", "en"),
        ("", "de, ru;q=0.5, en;q=0.8", "ru", "en"),
        ("", "en;q=0.8, ru;q=0.8", "ru", "en"),
        ("", "EN-us", "ru", "en"),
        ("", "en;q=0", "ru", "ru"),
        ("", "en;q=much, ru;q=0.1", "en", "ru"),
        ("", "de, *;q=0.5", "ru", "ru"),
        ("", ";;;,,=", "ru", "ru"),
        ("", "english", "ru", "ru"),
    ],
)
def test_choose_language(asked: str, accept: str, fallback: str, expected: str) -> None:
    assert choose_language(asked, accept, fallback) == expected


def test_the_page_speaks_the_visitors_language() -> None:
    shop = Shop(Findings([LAMP], 1))
    page = shop.client().get("/", headers={"Accept-Language": "en-GB"})
    assert page.headers["content-language"] == "en"
    assert page.headers["vary"] == "Accept-Language"
    assert '<html lang="en">' in page.text
    assert ">Photo<" in page.text
    assert "₽1,290" in page.text
    assert shop.asked == [(Wanted(), "en")]
    assert page_data(page.text)["texts"] == dict(texts("en"))


def test_only_a_language_asked_for_by_name_is_carried_on() -> None:
    client = Shop(Findings([LAMP], 30, "24")).client()
    chosen, found = client.get("/?q=x&lang=en").text, client.get("/?q=x").text
    assert '<input type="hidden" name="lang" value="en">' in chosen
    assert 'href="/?lang=en&amp;category=lamps"' in chosen
    assert 'href="/?lang=en&amp;q=x&amp;cursor=24"' in chosen
    assert 'href="/?lang=ru&amp;q=x" lang="ru"' in chosen
    assert 'name="lang"' not in found
    assert 'href="/?category=lamps"' in found
    assert 'href="/?lang=en&amp;q=x" lang="en"' in found


# The page


def test_the_page_is_guarded() -> None:
    page = Shop(Findings()).client().get("/")
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "private, no-cache"
    # What the policy forbids would silently not work.
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=)", page.text)


def test_nothing_comes_from_elsewhere() -> None:
    page = Shop(Findings()).client().get("/").text
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_title_and_heading_are_the_shops_name() -> None:
    page = Shop(Findings()).client(name="Лавка & <Ко>").get("/").text
    assert "<title>Лавка &amp; &lt;Ко&gt;</title>" in page
    assert "Лавка &amp; &lt;Ко&gt;</a></h1>" in page


def test_a_text_search_works_without_scripts() -> None:
    shop = Shop(Findings([LAMP], 31, "24"))
    page = visible(shop.client().get("/", params={"q": "  настольная   лампа "}).text)
    assert shop.asked == [(Wanted("настольная лампа"), "ru")]
    assert 'value="настольная лампа"' in page
    assert "По запросу «настольная лампа»" in page
    assert "Найдено: 31" in page
    assert 'href="https://shop.test/l-1"' in page
    assert "Лампа «Север»" in page
    assert "1\N{NO-BREAK SPACE}290\N{NO-BREAK SPACE}₽" in page
    assert 'src="/photos/a"' in page
    assert "cursor=24" in page


def test_a_category_fills_the_box() -> None:
    shop = Shop(Findings([LAMP], 1))
    page = shop.client().get("/?category=lamps&cursor=7").text
    assert shop.asked == [(Wanted(category="lamps", cursor="7"), "ru")]
    assert 'name="q" value="лампа"' in page
    assert '<h2 id="results-heading">Лампы</h2>' in page


def test_a_very_long_query_is_cut() -> None:
    shop = Shop(Findings())
    assert shop.client().get("/", params={"q": "я" * 5000}).status_code == 200
    assert len(shop.asked[0][0].query) == 200


def test_nothing_found_says_so_and_offers_categories() -> None:
    page = Shop(Findings(total=0)).client().get("/?q=слон").text
    assert '<h2 id="results-heading">Ничего не нашлось</h2>' in page
    assert '<p class="empty" id="empty">' in page
    assert "Найдено: 0" in page
    assert page.index('id="results"') < page.index('id="shelves"')
    assert re.search(r'<section class="shelves"[^>]*"shelves-heading">', page)


def test_a_problem_is_a_plain_sentence() -> None:
    client = Shop(Findings(problem="busy")).client()
    page = visible(client.get("/?q=лампа").text)
    assert texts("ru")["error_busy"] in page
    assert re.search(r'<section class="results"[^>]* hidden>', page)


def test_a_problem_of_tomorrow_reads_as_internal() -> None:
    page = Shop(Findings(problem="eclipse")).client().get("/?q=лампа").text
    assert texts("ru")["error_internal"] in visible(page)


def test_hostile_words_stay_words() -> None:
    odd = Goods(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, True)
    client = Shop(Findings([odd], 1, HOSTILE)).client(name=HOSTILE)
    for address in ("/", "/?category=a%26b%3Dc"):
        page = client.get(address, params={"q": HOSTILE} if address == "/" else None).text
        assert "<script>alert" not in page
        assert "49" not in visible(page)
        assert "{{ 7*7 }}" in page
        assert 'href="/?category=a%26b%3Dc"' in page
        names = [one["name"] for one in page_data(page)["categories"]]  # type: ignore[attr-defined]
        assert names == ["Лампы", HOSTILE]


def test_an_address_that_runs_code_is_no_link() -> None:
    bad = Goods("x", "Лампа", None, None, "javascript:alert(1)", "data:text/html,x", False)
    page = visible(Shop(Findings([bad], 1)).client().get("/?q=x").text)
    assert "javascript:" not in page
    assert "data:text" not in page
    # its card leads to its own page here instead
    assert '<a class="card-body" href="/product/x">' in page
    assert texts("ru")["no_price"] in page
    assert texts("ru")["out_of_stock"] in page


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, ""),
        ("", ""),
        (" https://a.test/b ", "https://a.test/b"),
        ("HTTP://a.test", "HTTP://a.test"),
        ("/goods/1", "/goods/1"),
        ("goods/1", "goods/1"),
        ("javascript:alert(1)", ""),
        ("\x01JaVa\nScript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[", ""),
    ],
)
def test_safe_address(url: str | None, expected: str) -> None:
    assert safe_address(url) == expected


@pytest.mark.parametrize(
    ("price", "currency", "language", "expected"),
    [
        (None, "RUB", "ru", ""),
        ("1290.00", "RUB", "ru", "1 290 ₽"),
        ("1290.5", "RUB", "ru", "1 290,50 ₽"),
        ("1290.5", "RUB", "en", "₽1,290.50"),
        ("1234567", "KZT", "ru", "1 234 567 ₸"),
        ("10", "BYN", "ru", "10 BYN"),
        ("10", "BYN", "en", "BYN 10"),
        ("10", None, "ru", "10"),
        ("договор", "RUB", "ru", "договор ₽"),
        ("NaN", "RUB", "ru", "NaN ₽"),
        ("Infinity", "RUB", "en", "Infinity ₽"),
    ],
)
def test_format_price(price: str | None, currency: str, language: str, expected: str) -> None:
    assert format_price(price, currency, language).replace("\N{NO-BREAK SPACE}", " ") == expected


# Files


# What is left out, and a product's own page


def test_filters_go_along() -> None:
    shop = Shop(Findings([LAMP], 31, "24"))
    asked = {"category": "lamps", "price_min": "1 000,50", "price_max": "-5", "in_stock": "1"}
    page = visible(shop.client().get("/", params=asked).text)
    wanted = Wanted(category="lamps", price_min="1000.50", in_stock=True)
    assert shop.asked == [(wanted, "ru")]
    form = page[page.index('id="filters"') :]
    assert "hidden>" not in form[: form.index(">") + 1]
    assert 'name="price_min" value="1000.50"' in form
    assert 'name="price_max" value=""' in form
    assert 'name="in_stock" value="1" checked' in form
    more = "/?category=lamps&amp;price_min=1000.50&amp;in_stock=1&amp;cursor=24"
    assert f'href="{more}"' in page
    assert 'lang=en&amp;category=lamps&amp;price_min=1000.50&amp;in_stock=1"' in page


def test_what_filters_leave_out_is_said() -> None:
    client = Shop(Findings(total=0)).client()
    filtered = visible(client.get("/?category=lamps&in_stock=1").text)
    assert texts("ru")["empty_filtered"] in filtered
    assert texts("ru")["empty_help"] not in filtered
    assert texts("ru")["empty_help"] in visible(client.get("/?category=lamps").text)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("100", "100"), ("1 290,50", "1290.50"), ("99.9", "99.9"), ("500₽", "500"), ("", ""),
        ("-1", ""), ("1e9", ""), ("1,2,3", ""), ("NaN", ""), ("\u0661\u0662", ""), ("9" * 13, ""),
    ],
)  # fmt: skip
def test_amounts(given: str, read: str) -> None:
    assert amount(given) == read


def test_a_products_page_is_guarded() -> None:
    page = Shop(Findings()).client().get(product_address(HOSTILE))
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "<script" not in page.text
    assert "javascript:" not in page.text
    assert f'href="{product_address(HOSTILE)}"' in page.text
    assert texts("ru")["heading_beside"] in page.text


def test_pages_that_are_not_there() -> None:
    client = Shop(Findings()).client()
    page = client.get("/product/none?lang=en")
    assert page.status_code == 404
    assert texts("en")["error_not_found"] in visible(page.text)
    assert 'data-category="lamps"' in page.text


def test_pictures_come_in_the_size_in_which_they_are_shown() -> None:
    own = "/photos/" + "a" * 64
    assert sized(own, 320) == own + "/320"
    for foreign in ("https://shop.test/photos/" + "a" * 64, "/photos/a", own + "/320"):
        assert sized(foreign, 320) == foreign
    picture = visible(Shop(Findings([replace(LAMP, image_url=own)], 1)).client().get("/?q=x").text)
    assert f'src="{own}/320" srcset="{own}/320 320w, {own}/640 640w"' in picture
    assert 'loading="lazy"' in picture


def test_many_categories_wait_to_be_asked_for() -> None:
    shop = Shop(Findings([LAMP], 1))
    shop.shelves = [Shelf(f"s-{number}", f"Полка {number}", "полка", 1) for number in range(30)]
    page = visible(shop.client().get("/").text)
    before, _, behind = page.partition("<details")
    assert (before.count("data-category="), behind.count("data-category=")) == (8, 22)
    assert texts("ru")["all_categories"].format(count=30) in behind


def test_the_pages_files_are_kept_for_long_under_their_own_version() -> None:
    client = Shop(Findings()).client()
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)
    assert {address.rpartition(".")[2] for address in addresses} == {"css", "js", "svg"}
    for address in addresses:
        file = client.get(address)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["x-content-type-options"] == "nosniff"


def test_every_import_of_a_script_is_served_in_the_same_folder() -> None:
    client = Shop(Findings()).client()
    page = client.get("/").text
    entry = re.search(r'src="(/static/\w+/)(storefront\.js)"', page)
    assert entry
    waiting, seen = [entry[2]], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        script = client.get(entry[1] + name)
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        waiting += set(re.findall(r'^import[^;]*"\./([\w.-]+)"', script.text, re.M)) - seen
    scripts = resources.files("vitrina.storefront").joinpath("static").iterdir()
    assert seen | {WIDGET} == {file.name for file in scripts if file.name.endswith(".js")}


def test_an_old_pages_file_is_todays_but_not_kept() -> None:
    file = Shop(Findings()).client().get("/static/000000000000/storefront.css")
    assert file.status_code == 200
    assert file.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpages.py", "%2e%2e/pages.py"])
def test_nothing_else_is_served(name: str) -> None:
    assert Shop(Findings()).client().get(f"/static/000000000000/{name}").status_code == 404


def test_head_answers_like_get() -> None:
    page = Shop(Findings()).client().get("/", method="HEAD")
    assert page.status_code == 200
    assert page.text == ""
    assert "content-security-policy" in page.headers
