"""The catalogue over HTTP: words, categories, products, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from urllib.parse import quote

import pytest
from asking import AppClient
from drawing import drawn_photo, write_table
from test_api_photo import refused

from vitrina import Shop
from vitrina.serving.app import create_app


def test_search(client: AppClient) -> None:
    answer = client.get("/v1/search", params={"q": "ЛАМПА модель"})
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = answer.json()
    assert set(found) == {"query_id", "products", "total", "next_cursor", "corrected"}
    assert (found["total"], found["next_cursor"], found["corrected"]) == (4, None, None)
    skus = [product["sku"] for product in found["products"]]
    assert sorted(skus) == [f"lampy-{n}" for n in range(4)]
    assert [product["in_stock"] for product in found["products"]] == [True, True, True, False]
    second = found["products"][skus.index("lampy-1")]
    photo = second.pop("image_url")
    assert photo.startswith("/photos/")
    assert len(photo) == len("/photos/") + 64
    assert second == {
        "sku": "lampy-1",
        "name": "Лампы модель 1",
        "price": "200.50",
        "currency": "RUB",
        "url": "https://shop.test/lampy/1",
        "in_stock": True,
        "similarity": None,
    }


def test_pages(client: AppClient) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = client.get("/v1/search", params={"limit": 5, "cursor": cursor}).json()
        assert page["total"] == 12
        seen += [product["sku"] for product in page["products"]]
        cursor = page["next_cursor"]
    assert not cursor
    assert len(seen) == len(set(seen)) == 12


def test_category_and_language(client: AppClient) -> None:
    found = client.get("/v1/search", params={"category": "lamps", "lang": "en"}).json()
    assert [product["name"] for product in found["products"]] == [
        "Лампы модель 0", "Lamps model 1", "Lamps model 2", "Lamps model 3",
    ]  # fmt: skip
    assert client.get("/v1/search", params={"category": "missing"}).json()["total"] == 0


def test_filters(client: AppClient) -> None:
    def skus(**params: object) -> set[str]:
        found = client.get("/v1/search", params=params).json()
        assert len(found["products"]) == found["total"]
        return {product["sku"] for product in found["products"]}

    everything = client.get("/v1/search").json()["products"]
    prices = {product["sku"]: product["price"] for product in everything}
    stocked = {product["sku"] for product in everything if product["in_stock"]}
    dear = {sku for sku, price in prices.items() if price and float(price) >= 200.50}
    cheap = {sku for sku, price in prices.items() if price and float(price) <= 200.50}
    assert 0 < len(dear) < 12
    assert 0 < len(stocked) < 12
    assert skus(in_stock="true") == stocked
    assert skus(price_min="200.50") == dear
    assert skus(price_max=200.5) == cheap
    assert skus(price_min="200.5", price_max="200.50") == dear & cheap
    assert skus(q="лампа", in_stock="1", price_min=200.5, category="lamps") == {
        sku for sku in dear & stocked if sku.startswith("lampy")
    }


def test_a_slip_is_told(client: AppClient) -> None:
    found = client.get("/v1/search", params={"q": "ламапы"}).json()
    assert (found["total"], found["corrected"]) == (4, "лампы")


def test_the_command_line_gives_the_same_answer(client: AppClient, published_shop: Shop) -> None:
    from typer.testing import CliRunner

    from vitrina.cli.commands import app

    given = ["--category", "lamps", "--price-from", "100", "--price-to", "300.5", "--in-stock"]
    given += ["--limit", "2", "--language", "en", "--shop", str(published_shop.folder.root)]
    told = CliRunner().invoke(app, ["search", "ламапы", "--json", *given])
    asked = {
        "q": "ламапы", "limit": 2, "lang": "en", "category": "lamps", "price_min": 100,
        "price_max": 300.5, "in_stock": True,
    }  # fmt: skip
    answer = client.get("/v1/search", params=asked | {"counted": False}).json()
    assert answer.pop("query_id") is None
    assert json.loads(told.stdout) == answer
    assert json.loads(told.stdout)["products"]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("%", 0), ("_", 0), ("*", 0), ("\ufffd", 0), ('"', 0), ("((((", 0), ("лампа%", 4),
        # signs are no words: what is beside them is looked for
        ("' OR лампа --", 4), ('лампа" NOT "модель', 4), ("name : лампа*", 4),
    ],
)  # fmt: skip
def test_hostile_words(client: AppClient, query: str, total: int) -> None:
    found = client.get("/v1/search", params={"q": query})
    assert (found.status_code, found.json()["total"]) == (200, total)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=" + "x" * 201, 400),
        ("q=" + "x" * 60_000, 400),
        ("q=a%00b", 400),
        ("q=%ED%A0%80", 200),
        ("q=%FF%FE", 200),
        ("cursor=x", 400),
        ("cursor=1-%D9%A3", 400),
        ("cursor=0-999999999999999999", 400),
        ("cursor=" + "A" * 24, 200),
        ("cursor=" + "_" * 24, 400),
        ("price_min=&price_max=", 200),
        ("price_min=-1", 422),
        ("price_min=NaN", 422),
        ("price_max=Infinity", 422),
        ("price_max=1e400", 422),
        ("price_max=" + "9" * 5000, 422),
        ("in_stock=perhaps", 422),
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=Infinity", 422),
        ("limit=" + "9" * 5000, 422),
        ("category=%00", 200),
    ],
)
def test_wrong_parameters(client: AppClient, query: str, status: int) -> None:
    answer = client.get(f"/v1/search?{query}")
    assert answer.status_code == status
    if status != 200:
        refused(answer, status, "query")
        assert len(answer.content) < 20_000


def test_categories(client: AppClient, published_shop: Shop, tmp_path: Path) -> None:
    assert client.get("/v1/categories").json() == {
        "categories": [
            {"id": "kabeli", "name": "Кабели", "search_text": "кабель", "products": 4},
            {"id": "lamps", "name": "Лампы", "search_text": "лампа", "products": 4},
            {"id": "sockets", "name": "Розетки", "search_text": "розетка", "products": 4},
        ]
    }
    english = client.get("/v1/categories?lang=en").json()["categories"]
    assert [entry["name"] for entry in english] == ["Кабели", "Lamps", "Sockets"]
    rows = [("sku", "name", "category"), ("new", "x", "Новое")]
    published_shop.import_catalogue(write_table(tmp_path / "new.csv", rows))
    # a running server reads the catalogue anew
    assert len(client.get("/v1/categories").json()["categories"]) == 4


def test_product(client: AppClient, published_shop: Shop, tmp_path: Path) -> None:
    found = client.get("/v1/products/lampy-1?lang=en")
    assert (found.status_code, found.json()["name"]) == (200, "Lamps model 1")
    skus = ["a/b c", "50%", "ёлка?#", "<b>", "a+b&c=d"]
    rows = [("sku", "name", "category"), *((sku, "x", "Новое") for sku in skus)]
    published_shop.import_catalogue(write_table(tmp_path / "new.csv", rows))
    for sku in skus:
        assert client.get(f"/v1/products/{quote(sku)}").json()["sku"] == sku
    for address in ("missing", "%00", "x" * 5000, "a/../../../etc/passwd", "%ED%A0%80"):
        refused(client.get(f"/v1/products/{address}"), 404, "not_found")


def test_picture(client: AppClient, published_shop: Shop) -> None:
    address = client.get("/v1/products/lampy-1").json()["image_url"]
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    sha256 = address.removeprefix("/photos/")
    assert answer.content == published_shop.folder.photo(sha256, ".jpg").read_bytes()


def test_head_of_a_picture(client: AppClient) -> None:
    address = client.get("/v1/products/lampy-1").json()["image_url"]
    whole, head = client.get(address), client.request("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "cache-control", "etag"):
        assert head.headers[name] == whole.headers[name]
    assert client.request("HEAD", "/photos/x").status_code == 404


@pytest.mark.parametrize(
    "name", ["0" * 64, "x", "%00", "..%2f..%2fshop.toml", "..%2fvitrina.db", "a" * 5000, "%FF"]
)
def test_no_picture(client: AppClient, name: str) -> None:
    answer = client.get(f"/photos/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert "cache-control" not in answer.headers


def test_lost_picture_file(client: AppClient, published_shop: Shop) -> None:
    address = client.get("/v1/products/lampy-1").json()["image_url"]
    published_shop.folder.photo(address.removeprefix("/photos/"), ".jpg").unlink()
    refused(client.get(address), 404, "not_found")


def test_ranges(client: AppClient) -> None:
    address = client.get("/v1/products/lampy-1").json()["image_url"]
    whole = client.get(address).content
    answer = client.get(address, headers={"range": "bytes=2-5"})
    assert (answer.status_code, answer.content) == (206, whole[2:6])
    assert client.get(address, headers={"range": "bytes=999999-"}).status_code == 416
    many = ",".join(f"{start}-{start + 1}" for start in range(10_000))
    hostile = (many, ",".join(["0-"] * 10_000), "-" * 10_000, "," * 10_000, "9" * 10_000 + "-")
    for ranges in hostile:
        started = process_time()
        answer = client.get(address, headers={"range": f"bytes={ranges}"})
        assert answer.status_code in (200, 206, 400, 416)
        assert len(answer.content) < 20 * len(whole)
        assert process_time() - started < 2


def test_png_and_webp_keep_their_type(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "image")]
    for kind in ("PNG", "WEBP"):
        (tmp_path / f"{kind}.jpg").write_bytes(drawn_photo(kind=kind))
        rows.append((kind, "x", "y", f"{kind}.jpg"))
    empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    with AppClient(create_app(empty_shop.folder)) as client:
        for kind in ("PNG", "WEBP"):
            address = client.get(f"/v1/products/{kind}").json()["image_url"]
            assert client.get(address).headers["content-type"] == f"image/{kind.lower()}"
