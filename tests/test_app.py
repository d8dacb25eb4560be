"""The server as a whole: health, errors, its own description, the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asking import AppClient
from test_api_photo import refused
from tiny_network import publish_tiny

from vitrina import Shop, __version__, errors
from vitrina.errors import BundleDamaged, NoBundle, ShopVersion, VitrinaError
from vitrina.search.text import TextSearch
from vitrina.serving.app import create_app
from vitrina.serving.problems import STATUS


def all_errors(kind: type[VitrinaError] = VitrinaError) -> Iterator[type[VitrinaError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def test_health_before_and_after_publishing(shop: Shop) -> None:
    with AppClient(create_app(shop.folder)) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        refused(client.get("/readyz"), 503, "no_bundle")
        assert client.get("/").status_code == 200
    publish_tiny(shop.folder)
    with AppClient(create_app(shop.folder)) as client:
        assert client.get("/readyz").json() == {"status": "ready", "version": "tiny-1"}


def test_another_bundle_than_the_active_one(published_shop: Shop) -> None:
    folder = published_shop.folder
    publish_tiny(folder, version="tiny-2")  # and activates it
    with AppClient(create_app(folder, "tiny-1")) as client:
        assert client.get("/readyz").json() == {"status": "ready", "version": "tiny-1"}
    with AppClient(create_app(folder)) as client:
        assert client.get("/readyz").json() == {"status": "ready", "version": "tiny-2"}
    (folder.bundles / "active").unlink()
    with AppClient(create_app(folder, "tiny-1")) as client:
        assert client.get("/readyz").json() == {"status": "ready", "version": "tiny-1"}


@pytest.mark.parametrize("version", ["missing", "../bundles/tiny-1", "active", "tiny-1/"])
def test_a_bundle_that_is_not_there(published_shop: Shop, version: str) -> None:
    with pytest.raises(NoBundle, match="There is no bundle") as caught:
        create_app(published_shop.folder, version)
    assert "tiny-1" in caught.value.hint


def test_a_damaged_bundle_that_was_asked_for_is_no_reason_to_serve_words_alone(
    published_shop: Shop,
) -> None:
    (published_shop.folder.bundles / "tiny-1" / "model.onnx").write_bytes(b"torn")
    with AppClient(create_app(published_shop.folder)) as client:
        refused(client.get("/readyz"), 503, "bundle_damaged")
    with pytest.raises(BundleDamaged):
        create_app(published_shop.folder, "tiny-1")


def test_shop_without_database(empty_shop: Shop) -> None:
    with pytest.raises(ShopVersion):
        create_app(empty_shop.folder)


EXPECTED = {
    "photo_empty": 400,
    "photo_type": 415,
    "photo_too_large": 413,
    "photo_dimensions": 422,
    "photo_damaged": 422,
    "query": 400,
    "body_too_large": 413,
    "turned_away": 503,
    "busy": 503,
    "deadline": 503,
    "rate": 429,
    "upload_slow": 408,
    "cold": 503,
    "stopping": 503,
    "events_many": 422,
    "not_found": 404,
    "query_unknown": 404,
    "shop_unknown": 404,
    "query_foreign": 403,
    "no_bundle": 503,
    "quantisation_failed": 503,
    "too_little_memory": 503,
    "bundle": 503,
    "bundle_damaged": 503,
    "bundle_disagrees": 503,
    "shop": 503,
    "shop_busy": 503,
    "database_away": 503,
    "shop_version": 503,
    "not_a_shop": 503,
    "shop_exists": 503,
}


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_status_of_each_error(
    client: AppClient, monkeypatch: pytest.MonkeyPatch, kind: type[VitrinaError]
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise kind("What was wrong.", hint="What mends it.")

    monkeypatch.setattr(TextSearch, "categories", fail)
    document = refused(client.get("/v1/categories"), EXPECTED.get(kind.code, 500), kind.code)
    assert (document["detail"], document["hint"]) == ("What was wrong.", "What mends it.")


def test_codes_are_unique_and_in_the_tree() -> None:
    kinds = list(all_errors())
    assert len({kind.code for kind in kinds}) == len(kinds)
    drawn = re.findall(r"[─ ]([A-Z]\w+)", (errors.__doc__ or "").partition("\n\n")[2])
    assert {kind.__name__ for kind in kinds} <= set(drawn)
    assert set(STATUS) <= set(kinds)


def test_mistake_of_the_server_tells_nothing(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("/srv/secret/place")

    monkeypatch.setattr(TextSearch, "search", fail)
    answer = client.get("/v1/search?q=x")
    refused(answer, 500, "internal")
    for told in ("secret", "Traceback", "ZeroDivision", ".py"):
        assert told not in answer.text
    assert client.get("/v1/categories").status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("GET", "/missing", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/search/photo", 405, "method"),
        ("POST", "/v1/search", 405, "method"),
        ("DELETE", "/v1/products/lampy-1", 405, "method"),
        ("PUT", "/photos/x", 405, "method"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/redoc", 404, "not_found"),
    ],
)
def test_no_such_route(
    client: AppClient, method: str, address: str, status: int, code: str
) -> None:
    answer = client.request(method, address)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "/openapi.json" in answer.json()["hint"]
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize("address", ["/", "/healthz", "/readyz", "/openapi.json", "/static/x/y"])
def test_every_answer_is_taken_for_what_it_says(client: AppClient, address: str) -> None:
    assert client.get(address).headers["x-content-type-options"] == "nosniff"


def test_page_shows_goods(client: AppClient) -> None:
    page = client.get("/?q=лампа")
    assert page.headers["content-type"].startswith("text/html")
    assert "Лампы модель 1" in page.text
    assert "Лавка" in page.text
    assert client.get("/?cursor=hostile").status_code == 200
    assert client.get("/", headers={"accept-language": "en"}).headers["content-language"] == "en"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_description(client: AppClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {"title": "Лавка: search by photo", "version": __version__}
    assert set(document["paths"]) == {
        "/v1/search/photo", "/v1/search", "/v1/categories", "/v1/products/{sku}", "/healthz",
        "/readyz", "/v1/events",
    }  # fmt: skip
    for reference in references(document):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"]
        assert {"200", "202"} & set(operation["responses"])


def test_description_of_the_photo(client: AppClient) -> None:
    photo = client.get("/openapi.json").json()["paths"]["/v1/search/photo"]["post"]
    assert photo["requestBody"]["required"] is True
    assert set(photo["requestBody"]["content"]) == {
        "image/jpeg", "image/png", "image/webp", "image/heic", "image/avif", "multipart/form-data",
    }  # fmt: skip
    form = photo["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["photo"]
    assert {parameter["name"] for parameter in photo["parameters"]} == {
        "limit",
        "lang",
        "q",
        "category",
        "price_min",
        "price_max",
        "in_stock",
        "visitor",
    }


def test_refusals_are_described_as_what_they_are(client: AppClient) -> None:
    document = client.get("/openapi.json").json()
    photo = document["paths"]["/v1/search/photo"]["post"]["responses"]
    assert set(photo) == {"200", "400", "408", "413", "415", "422", "429", "503"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status not in ("200", "202"):
                    (kind,) = answer["content"]
                    assert kind == "application/problem+json"
                    fields = answer["content"][kind]["schema"]["properties"]
                    assert set(fields) == set(client.get("/missing").json())
