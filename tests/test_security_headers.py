"""What browsers are told about answers, and which other sites' pages may read them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest
from asking import AppClient
from test_api_photo import LAMP, refused

from vitrina import Shop
from vitrina.search.engine import PhotoSearch
from vitrina.search.text import TextSearch
from vitrina.serving.app import create_app

SHOP = "https://shop.test"


@pytest.fixture
def embedded(published_shop: Shop) -> Iterator[AppClient]:
    """A server that the pages of one other origin may use."""
    toml = published_shop.folder.toml
    toml.write_text(f'{toml.read_text("utf-8")}\ncors_origins = ["{SHOP}"]\n', "utf-8")
    with AppClient(create_app(Shop.open(published_shop.folder.root).folder)) as client:
        yield client


def policy(value: str) -> dict[str, str]:
    """Directives of a content security policy."""
    parts = (part.strip().partition(" ") for part in value.split(";"))
    return {name: sources for name, _, sources in parts}


def test_every_answer_has_the_headers(client: AppClient) -> None:
    addresses = (
        "/", "/healthz", "/readyz", "/openapi.json", "/v1/search?q=x", "/v1/categories",
        "/v1/products/lampy-1", "/v1/products/none", "/photos/none", "/static/x/y", "/none",
        "/v1/search?limit=x", "/v1/search/photo",
    )  # fmt: skip
    for address in addresses:
        has_headers(client.get(address).headers)


def has_headers(headers: httpx.Headers) -> None:
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=(self)" in headers["permissions-policy"]
    directives = policy(headers["content-security-policy"])
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    for sources in directives.values():
        assert "unsafe" not in sources
        assert "*" not in sources


def test_also_a_mistake_of_the_server_has_them(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextSearch, "search", lambda *_a, **_o: 1 / 0)
    answer = client.get("/v1/search?q=x")
    refused(answer, 500, "internal")
    assert answer.headers["content-security-policy"]


def test_pictures_alone_may_be_embedded_elsewhere(client: AppClient) -> None:
    picture = client.get("/v1/products/lampy-1").json()["image_url"]
    assert client.get(picture).headers["cross-origin-resource-policy"] == "cross-origin"
    for address in ("/", "/v1/categories", "/none"):
        assert client.get(address).headers["cross-origin-resource-policy"] == "same-origin"


def test_the_page_needs_nothing_that_its_policy_forbids(client: AppClient) -> None:
    page = client.get("/?q=лампа")
    directives = policy(page.headers["content-security-policy"])
    assert directives["script-src"] == directives["style-src"] == "'self'"
    html = page.text
    # a block of data is no script; nothing else may stand in the page itself
    for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL):
        assert 'type="application/json"' in attributes or ("src=" in attributes and not content)
    assert "<style" not in html
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=", html)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//(?!shop\.test)", html)
    for script in re.findall(r'src="(/static/[^"]+\.js)"', html):
        text = client.get(script).text
        assert "eval(" not in text
        assert "new Function" not in text
        assert ".style." not in text or "cssText" not in text


def test_other_sites_get_no_permission_by_default(client: AppClient) -> None:
    for origin in (SHOP, "null", "http://shop.test"):
        answer = client.get("/v1/categories", headers={"origin": origin, "cookie": "a=b"})
        assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"origin": SHOP, "access-control-request-method": "POST"}
    answer = client.request("OPTIONS", "/v1/search/photo", headers=preflight)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_shops_own_site_may_read_answers(embedded: AppClient) -> None:
    answer = embedded.send_photo(LAMP, headers={"origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    # refusals too, so that its script knows why
    answer = embedded.send_photo(b"no photo", headers={"origin": SHOP})
    refused(answer, 415, "photo_type")
    assert answer.headers["access-control-allow-origin"] == SHOP


def test_the_shops_own_site_is_told_of_mistakes_of_the_server(
    embedded: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PhotoSearch, "search", lambda *_a, **_o: 1 / 0)
    answer = embedded.send_photo(LAMP, headers={"origin": SHOP})
    refused(answer, 500, "internal")
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-expose-headers"] == "Retry-After"


@pytest.mark.parametrize(
    "origin",
    [
        "null", "https://shop.test.evil.test", "https://evil.test", "http://shop.test",
        "https://shop.test:8443", "HTTPS://SHOP.TEST", "https://shop.test/", "*", "",
    ],
)  # fmt: skip
def test_foreign_origins_may_not(embedded: AppClient, origin: str) -> None:
    answer = embedded.get("/v1/categories", headers={"origin": origin, "cookie": "a=b"})
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    answer = embedded.request("OPTIONS", "/v1/search/photo", headers=preflight)
    assert answer.status_code >= 400
    assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_is_answered(embedded: AppClient) -> None:
    preflight = {
        "origin": SHOP,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = embedded.request("OPTIONS", "/v1/search/photo", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    preflight["access-control-request-method"] = "DELETE"
    assert embedded.request("OPTIONS", "/v1/search", headers=preflight).status_code == 400


@pytest.mark.parametrize(
    "ranges",
    [
        ",".join(f"{start}-{start + 1}" for start in range(10_000)),
        ",".join(["0-"] * 10_000),
        "-" * 10_000,
        "," * 10_000,
        "9" * 10_000 + "-",
    ],
    ids=["ranges", "whole", "minus", "commas", "digits"],
)
def test_ten_thousand_ranges_of_the_pages_files(client: AppClient, ranges: str) -> None:
    (address,) = re.findall(r'href="(/static/[^"]+\.css)"', client.get("/").text)
    whole = client.get(address).content
    took = []
    for _ in range(3):
        began = time.process_time()
        answer = client.get(address, headers={"range": f"bytes={ranges}"})
        took.append(time.process_time() - began)
        assert answer.status_code in (200, 416)
        assert len(answer.content) <= len(whole)
    assert min(took) < 0.1


def test_a_body_is_taken_by_nothing_but_the_search_by_photo(client: AppClient) -> None:
    for method in ("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PROPFIND"):
        for address in ("/", "/v1/search", "/photos/x", "/static/x/y", "/none"):
            answer = client.request(method, address, content=b"x" * 100_000)
            assert answer.headers["connection"] == "close"
            if method == "HEAD":
                assert answer.status_code == 413
            else:
                refused(answer, 413, "body_too_large")


def test_the_host_that_was_asked_is_believed_in_nothing(client: AppClient) -> None:
    for host in ("evil.test", "", "shop.test:99999", "a@b", "[::1", "x" * 5000):
        answer = client.get("/?q=лампа", headers={"host": host})
        assert answer.status_code == 200
        assert not host or host[:12] not in answer.text
        for address in ("/v1/categories/", "/v1//search", "/static"):
            answer = client.get(address, headers={"host": host})
            refused(answer, 404, "not_found")
