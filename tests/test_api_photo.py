"""`POST /v1/search/photo`: its answers, and everything that it refuses."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import httpx
import pytest
from asking import AppClient
from drawing import COLOURS, drawn_photo
from tiny_network import publish_tiny, tiny_model

from vitrina import Shop
from vitrina.serving.app import create_app

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The problem document of an answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "code", "detail", "hint"}
    assert (document["status"], document["code"], document["type"]) == (status, code, "about:blank")
    assert document["detail"]
    assert document["hint"]
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("WEBP", "image/jpeg"),
        ("JPEG", "IMAGE/*; q=1"),
        ("PNG", "application/octet-stream"),
    ],
)
def test_body(client: AppClient, kind: str, content_type: str) -> None:
    answer = client.send_photo(drawn_photo(COLOURS["lampy"], kind=kind), content_type)
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = answer.json()
    assert set(found) == {
        "query_id", "decision", "category", "alternatives", "products", "timings_ms", "model",
    }  # fmt: skip
    assert found["decision"] == "category"
    assert set(found["category"]) == {"id", "name", "search_text", "confidence"}
    assert (found["category"]["id"], found["category"]["search_text"]) == ("lamps", "лампа")
    assert 0.9 < found["category"]["confidence"] <= 1
    assert [guess["id"] for guess in found["alternatives"]] == ["sockets", "kabeli"]
    assert set(found["products"][0]) == {
        "sku", "name", "price", "currency", "url", "image_url", "in_stock", "similarity",
    }  # fmt: skip
    assert {product["sku"] for product in found["products"]} == {f"lampy-{n}" for n in range(4)}
    assert set(found["timings_ms"]) == {"queue", "decode", "infer", "search", "total"}
    assert all(value >= 0 for value in found["timings_ms"].values())
    assert found["timings_ms"]["total"] >= found["timings_ms"]["infer"]
    assert found["model"] == {"name": "tiny", "version": "tiny-1"}


def test_query_ids_differ(client: AppClient) -> None:
    ids = {client.send_photo(LAMP).json()["query_id"] for _ in range(3)}
    assert len(ids) == 3


def test_unsure(client: AppClient) -> None:
    found = client.send_photo(drawn_photo((130, 115, 60))).json()
    assert (found["decision"], found["category"]) == ("unsure", None)
    assert len(found["alternatives"]) == 3


def test_form(client: AppClient) -> None:
    found = client.send_form(files={"photo": ("a.jpg", LAMP, "image/jpeg")}, data={"more": "x"})
    assert found.json()["category"]["id"] == "lamps"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "a\u202egpj.exe",
        "<img src=x onerror=alert(1)>",
        "x" * 30_000,
        "имя\x00.jpg",
        "",
        "a\r\nX-Injected: 1",
    ],
)
def test_file_name_means_nothing(client: AppClient, published_shop: Shop, name: str) -> None:
    before = sorted(published_shop.folder.root.rglob("*[!lm]"))  # the database's own apart
    answer = client.send_form(files={"photo": (name, LAMP, "text/html")})
    # a part without a name is no file, and one of 30 kB is no name
    if 0 < len(name) < 1000:
        assert answer.json()["category"]["id"] == "lamps"
    else:
        refused(answer, 400, "query")
    assert name[:20] not in answer.text or not name
    assert "x-injected" not in answer.headers
    assert sorted(published_shop.folder.root.rglob("*[!lm]")) == before


def test_limit_and_language(client: AppClient) -> None:
    found = client.send_photo(LAMP, query="?limit=2&lang=en").json()
    assert len(found["products"]) == 2
    assert found["category"]["name"] == "Lamps"
    accept = {"accept-language": "en-GB,en;q=0.9"}
    assert client.send_photo(LAMP, headers=accept).json()["category"]["name"] == "Lamps"
    other = client.send_photo(LAMP, query="?lang=de", headers={"accept-language": "de"})
    assert other.json()["category"]["name"] == "Лампы"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1e3", "NaN", "9" * 5000])
def test_wrong_limit(client: AppClient, limit: str) -> None:
    document = refused(client.send_photo(LAMP, query=f"?limit={limit}"), 422, "query")
    assert "limit" in str(document["detail"])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "photo_empty"),
        (b"%PDF-1.7 ...", 415, "photo_type"),
        (b"GIF89a", 415, "photo_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "photo_type"),
        (LAMP[: len(LAMP) // 10], 422, "photo_damaged"),
        (LAMP[: len(LAMP) // 2], 422, "photo_damaged"),
        (LAMP[: len(LAMP) * 9 // 10], 422, "photo_damaged"),
        (drawn_photo(size=(3, 3)), 422, "photo_dimensions"),
        (drawn_photo(size=(20, 2000)), 422, "photo_dimensions"),
    ],
)
def test_refused_photo(client: AppClient, content: bytes, status: int, code: str) -> None:
    refused(client.send_photo(content), status, code)
    form = client.send_form(files={"photo": ("a.jpg", content, "image/jpeg")})
    refused(form, status, code)
    assert client.send_photo(LAMP).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/html", "application/json", "video/mp4", "multipart/mixed", "", "\xff", "image"]
)
def test_wrong_content_type(client: AppClient, kind: str) -> None:
    headers = {"content-type": kind.encode("latin-1")}
    answer = client.request("POST", "/v1/search/photo", content=LAMP, headers=headers)
    refused(answer, 415, "photo_type")


def test_compressed_body_is_not_unpacked(client: AppClient) -> None:
    answer = client.send_photo(b"\x1f\x8b\x08" + bytes(50), headers={"content-encoding": "gzip"})
    refused(answer, 415, "photo_type")


def test_nothing_published(shop: Shop) -> None:
    with AppClient(create_app(shop.folder)) as client:
        document = refused(client.send_photo(LAMP), 503, "no_bundle")
    assert "vitrina publish" in str(document["hint"])


@pytest.mark.parametrize("damage", ["nan", "truncated", "checksum"])
def test_damaged_bundle(shop: Shop, damage: str) -> None:
    model = {"nan": tiny_model(factor=math.nan), "truncated": tiny_model()[:500]}.get(damage)
    bundle = publish_tiny(shop.folder, model=model)
    if damage == "checksum":
        bundle.model.write_bytes(tiny_model(factor=2.0))
    with AppClient(create_app(shop.folder)) as client:
        for answer in (client.send_photo(LAMP), client.get("/readyz")):
            refused(answer, 503, "bundle_damaged")
            assert str(shop.folder.root) not in answer.text
        assert client.get("/v1/search?q=лампа").json()["total"] == 4


def test_nothing_of_a_photo_is_written_or_logged(
    client: AppClient,
    published_shop: Shop,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import tempfile

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    caplog.set_level(logging.DEBUG)
    photo = drawn_photo(size=(1400, 1400), kind="PNG", seed=3) + b"SECRET-PLACE" * 200_000
    for content in (photo, b"GIF89a" + photo, photo[:3000] + b"SECRET-PLACE"):
        client.send_form(files={"photo": ("SECRET-NAME.png", content, "image/png")})
    said = caplog.text + "".join(capfd.readouterr())
    assert "SECRET" not in said
    assert list((tmp_path / "tmp").iterdir()) == []
    written = (path for path in published_shop.folder.root.rglob("*") if path.is_file())
    assert not [path for path in written if b"SECRET" in path.read_bytes()]
