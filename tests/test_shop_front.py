"""The shop's pages as the real server shows them: products, filters, pictures, missing pages."""

from __future__ import annotations

import hashlib
import html
import io
import re
import sqlite3
from collections.abc import Callable
from urllib.parse import quote

import pytest
from asking import AppClient
from heif_making import avif, heic
from PIL import Image

from vitrina import Shop
from vitrina.photos import HeavyDecoder
from vitrina.serving import shown_pictures
from vitrina.serving.app import create_app
from vitrina.serving.shown_pictures import SIDES, ShownPictures, draw
from vitrina.storefront.texts import texts

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
RU = texts("ru")


def skus(page: str) -> list[str]:
    return re.findall(r'data-sku="([^"]+)"', page)


def test_a_products_own_page(client: AppClient) -> None:
    page = client.get("/product/lampy-1", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    text = html.unescape(page.text)
    assert "<h1>Lamps model 1</h1>" in text
    assert "₽200.50" in text
    assert 'href="https://shop.test/lampy/1"' in text
    assert 'href="/?category=lamps"' in text
    assert set(skus(text)) == {"lampy-0", "lampy-2", "lampy-3"}
    assert client.get("/product/lampy-0").text.count('/640"') == 2  # both of its pictures


def test_articles_of_every_kind(published_shop: Shop) -> None:
    for number, sku in enumerate(("a/b c", "..", "100%", HOSTILE)):
        with sqlite3.connect(published_shop.folder.database) as connection:
            connection.execute(
                "UPDATE products SET sku = ?, name = ?, url = NULL, vendor = ?, description = ? "
                "WHERE sku = ?",
                (sku, HOSTILE, HOSTILE, HOSTILE, f"lampy-{number}"),
            )
        connection.close()
    with AppClient(create_app(published_shop.folder)) as client:
        page = client.get("/?category=lamps")
        for address in re.findall(r'href="(/product/[^"]+)"', page.text):
            shown = client.get(html.unescape(address))
            assert shown.status_code == 200, address
            assert "<img src=x" not in shown.text
            assert "<script" not in shown.text
        assert len(re.findall(r'href="/product/', page.text)) == 4
        assert client.get(f"/product/{quote(HOSTILE, safe='')}").status_code == 200
        assert client.get("/v1/products/", params={"article": ".."}).json()["sku"] == ".."
        assert client.get("/v1/products/").json()["code"] == "not_found"
        assert client.get("/product/", headers=PAGE).status_code == 404


def test_filters(client: AppClient) -> None:
    assert sorted(skus(client.get("/?category=lamps&in_stock=1").text)) == [
        "lampy-0", "lampy-1", "lampy-2",
    ]  # fmt: skip
    assert skus(client.get("/?category=lamps&price_min=201&price_max=300,50").text) == ["lampy-2"]
    nothing = client.get("/?category=lamps&price_max=1").text
    assert skus(nothing) == []
    assert RU["empty_filtered"] in nothing


@pytest.mark.parametrize("address", ["/product/none", "/nothing", "/admin-panel"])
def test_what_is_not_there(client: AppClient, address: str) -> None:
    page = client.get(address, headers=PAGE)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert RU["error_not_found"] in page.text
    assert 'data-category="lamps"' in page.text
    assert client.get("/v1/nothing", headers=PAGE).json()["code"] == "not_found"
    assert client.get("/nothing").json()["code"] == "not_found"


# Pictures


def test_pictures_in_the_sizes_of_pages(client: AppClient, published_shop: Shop) -> None:
    address = client.get("/v1/products/lampy-1").json()["image_url"]
    original = client.get(address)
    for side in SIDES:
        smaller = client.get(f"{address}/{side}")
        assert smaller.status_code == 200
        assert "immutable" in smaller.headers["cache-control"]
        assert len(smaller.content) <= len(original.content)
    for wrong in ("100", "0", "-1", "x", "320.webp"):
        assert client.get(f"{address}/{wrong}").status_code == 404
    assert client.get(f"/photos/{'a' * 64}/320").status_code == 404
    assert client.get("/photos/..%2F..%2Fshop.toml/320").status_code == 404


def large(shop: Shop) -> str:
    """Puts a sideways JPEG of several megapixels in place of a product's picture."""
    with sqlite3.connect(shop.folder.database) as connection:
        (sha256, suffix), *_ = connection.execute(
            "SELECT sha256, suffix FROM photos JOIN products ON products.id = product_id "
            "WHERE sku = 'lampy-1'"
        )
    connection.close()
    image = Image.effect_noise((2400, 1600), 60).convert("RGB")
    image.paste((250, 0, 0), (0, 0, 1200, 1600))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(shop.folder.photo(sha256, suffix), "JPEG", quality=95, exif=exif)
    return f"/photos/{sha256}"


def test_a_large_picture_is_made_smaller_once(client: AppClient, published_shop: Shop) -> None:
    address = large(published_shop)
    answer = client.get(f"{address}/320")
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (213, 320)  # upright
        upper = picture.convert("RGB").getpixel((100, 40))
        assert isinstance(upper, tuple)
        assert upper[0] > 200 > 80 > upper[1]
        assert not picture.getexif()
    made = list((published_shop.folder.cache / "shown").rglob("*.webp"))
    assert len(made) == 1
    made[0].write_bytes(b"kept")
    assert client.get(f"{address}/320").content == b"kept"


def test_a_cache_that_cannot_be_written_costs_no_picture(
    client: AppClient, published_shop: Shop
) -> None:
    address = large(published_shop)
    (published_shop.folder.cache / "shown").write_bytes(b"no folder")
    assert client.get(f"{address}/320").content == client.get(address).content


def stored_as(shop: Shop, content: bytes, suffix: str) -> str:
    """Puts a picture of another kind in place of a product's."""
    sha256 = hashlib.sha256(content).hexdigest()
    with sqlite3.connect(shop.folder.database) as connection:
        connection.execute(
            "UPDATE photos SET sha256 = ?, suffix = ? WHERE product_id = "
            "(SELECT id FROM products WHERE sku = 'lampy-1')",
            (sha256, suffix),
        )
    connection.close()
    path = shop.folder.photo(sha256, suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"/photos/{sha256}"


@pytest.mark.sqlite
@pytest.mark.parametrize(("suffix", "make"), [(".heic", heic), (".avif", avif)])
def test_pictures_that_browsers_do_not_show(
    client: AppClient, published_shop: Shop, suffix: str, make: Callable[..., bytes]
) -> None:
    image = Image.new("RGB", (1200, 900), "white")
    image.paste((250, 0, 0), (0, 0, 600, 900))
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    image.info["exif"] = exif.tobytes()
    content = make(image)
    address = stored_as(published_shop, content, suffix)
    answer = client.get(f"{address}/320")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    assert b"SECRET" not in answer.content
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (320, 240)
        left, right = (picture.convert("RGB").getpixel((x, 120)) for x in (80, 240))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 200 > 60 > left[1]
    assert min(right) > 245
    assert client.get(address).content == content


def test_a_small_heic_picture_is_shown_as_another_kind() -> None:
    with HeavyDecoder() as heavy:
        for side in SIDES:
            small = draw(heic(Image.new("RGB", (64, 48), "green")), side, heavy)
            assert small is not None
            with Image.open(io.BytesIO(small)) as picture:
                assert (picture.format, picture.size) == ("WEBP", (64, 48))
        assert heavy.photos == 2
    # a browser that shows AVIF at all needs no smaller one of this
    assert draw(avif(Image.new("RGB", (64, 48), "green")), 320) is None


def test_a_heic_picture_that_is_damaged_is_sent_as_it_is(
    client: AppClient, published_shop: Shop
) -> None:
    content = heic(Image.new("RGB", (640, 480), "green"))
    address = stored_as(published_shop, content[: len(content) * 2 // 3], ".heic")
    answer = client.get(f"{address}/320")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/heic")
    assert answer.content == client.get(address).content


def test_who_would_wait_too_long_gets_the_original_for_now(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_pictures, "_PATIENCE_S", 0.05)
    shown = ShownPictures(published_shop.folder)
    path = published_shop.folder.root / "large.jpg"
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(path, quality=95)
    with shown._making:
        assert shown.find(path, "a" * 64, 320) == (path, False)
    made, stays = shown.find(path, "a" * 64, 320)
    assert stays
    assert made.suffix == ".webp"


def test_kinds_of_pictures() -> None:
    out = io.BytesIO()
    clear = Image.new("RGBA", (900, 450), (0, 0, 0, 0))
    clear.paste((0, 0, 200, 255), (300, 0, 600, 450))
    clear.convert("P").save(out, "PNG", transparency=0)
    assert draw(out.getvalue(), 320) is None or len(draw(out.getvalue(), 320) or b"") > 0
    out = io.BytesIO()
    clear.save(out, "PNG", compress_level=0)
    small = draw(out.getvalue(), 320)
    assert small is not None
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.size == (320, 160)
        corner = picture.convert("RGB").getpixel((5, 5))
        assert isinstance(corner, tuple)
        assert min(corner) > 245  # on white
