"""`/widget.js` as it is sent; what it does in a page is in tests/browser/test_widget*.py."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from asking import AppClient
from fastapi import FastAPI

from vitrina.serving.app import create_app
from vitrina.shop import Shop
from vitrina.storefront.texts import texts
from vitrina.storefront.widget import MAX_AGE, create_router

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = resources.files("vitrina.storefront").joinpath("static", "widget.js").read_bytes()
PLAIN, ZIPPED = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "br, gzip;q=0.8"}


@pytest.fixture
def asking() -> Iterator[AppClient]:
    app = FastAPI()
    app.include_router(create_router())
    with AppClient(app) as client:
        yield client


def test_it_is_small() -> None:
    assert len(gzip.compress(SCRIPT, mtime=0)) < 15_000


def test_it_is_sent_as_it_lies_there(asking: AppClient) -> None:
    answer = asking.get("/widget.js", headers=PLAIN)
    assert answer.status_code == 200
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in answer.headers


def test_it_is_compressed_for_those_who_can_read_that(asking: AppClient) -> None:
    answer = asking.get("/widget.js", headers=ZIPPED)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 15_000
    assert answer.content == SCRIPT
    refused = asking.get("/widget.js", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in refused.headers
    assert answer.headers["vary"] == refused.headers["vary"] == "Accept-Encoding"


def test_any_page_may_load_it(asking: AppClient) -> None:
    headers = asking.get("/widget.js").headers
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"


def test_browsers_ask_again_after_minutes_and_get_it_once(asking: AppClient) -> None:
    first, zipped = (
        asking.get("/widget.js", headers=PLAIN),
        asking.get("/widget.js", headers=ZIPPED),
    )
    assert f"max-age={MAX_AGE}," in first.headers["cache-control"]
    assert MAX_AGE <= 3600
    assert first.headers["etag"] != zipped.headers["etag"]
    for answer, encoding in ((first, PLAIN), (zipped, ZIPPED)):
        tag = answer.headers["etag"]
        for known in (tag, f'"old", W/{tag}'):
            again = asking.get("/widget.js", headers={**encoding, "If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert again.headers["cross-origin-resource-policy"] == "cross-origin"
    assert asking.get("/widget.js", headers={"If-None-Match": '"old"'}).status_code == 200


def test_its_head_can_be_asked_for(asking: AppClient) -> None:
    answer = asking.request("HEAD", "/widget.js", headers=PLAIN)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(SCRIPT)


def test_the_server_sends_it_to_every_origin(published_shop: Shop) -> None:
    with AppClient(create_app(published_shop.folder)) as client:
        answer = client.get("/widget.js", headers={"Origin": "https://shop.test", **PLAIN})
    assert answer.content == SCRIPT
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"


# What is in it


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, str]]:
    found = re.search(r"const TEXTS = (\{.*?\n  \});", SCRIPT.decode(), re.DOTALL)
    assert found
    parsed: dict[str, dict[str, str]] = json.loads(found[1])
    return parsed


def test_both_languages_say_the_same_things(tables: dict[str, dict[str, str]]) -> None:
    russian, english = tables["ru"], tables["en"]
    assert list(russian) == list(english)
    for key, sentence in russian.items():
        assert sentence.strip()
        placeholders = re.findall(r"\{\w+\}", sentence)
        assert placeholders == re.findall(r"\{\w+\}", english[key]), key
        assert sentence != english[key], key


@pytest.mark.parametrize("language", ["ru", "en"])
def test_problems_are_told_in_the_words_of_the_page(
    tables: dict[str, dict[str, str]], language: str
) -> None:
    page = texts(language)
    shared = {key for key in tables[language] if key.startswith("error_") and key in page}
    assert len(shared) >= 8
    # the page tells an empty file from a damaged one
    differing = {key for key in shared if tables[language][key] != page[key]}
    assert differing == {"error_photo_damaged"}


def test_every_sentence_is_used(tables: dict[str, dict[str, str]]) -> None:
    code = SCRIPT.decode().partition("const BY_STATUS")[2]
    built = {f"cut_{axis}{end}" for axis in "xy" for end in (0, 1)}
    unused = {
        key
        for key in tables["ru"]
        if key not in built and not key.startswith("error_") and f'"{key}"' not in code
    }
    assert unused == set()


@pytest.mark.parametrize(
    "danger",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"],
)
def test_nothing_makes_markup_or_code_of_text(danger: str) -> None:
    assert danger not in SCRIPT.decode()


@pytest.mark.parametrize("page", ["widget.md", "widget.ru.md"])
def test_all_that_a_shop_can_set_is_documented(page: str) -> None:
    code = SCRIPT.decode()
    text = (DOCS / page).read_text("utf-8")
    told = set(re.findall(r"^\| `([\w:-]+)` \|", text, re.MULTILINE))
    assert {name for name in told if name.startswith("--")} == set(
        re.findall(r"--vitrina-[a-z-]+", code)
    )
    events = set(re.findall(r'#tell\("(\w+)"', code))
    assert {name for name in told if ":" in name} == {f"vitrina:{event}" for event in events}
    read = set(re.findall(r"dataset\.(\w+)", code))
    for names in re.findall(r"const \{ ([^}]+) \} = (?:this\.)?dataset;", code):
        read |= {re.split("[ :=]", name.strip())[0] for name in names.split(",")}
    attributes = {name.removeprefix("data-") for name in told if name.startswith("data-")}
    assert read == {re.sub(r"-(\w)", lambda found: found[1].upper(), name) for name in attributes}


def test_it_names_no_host() -> None:
    hosts = set(re.findall(r"https?://[\w.]+", SCRIPT.decode()))
    assert hosts == {"http://www.w3.org"}
