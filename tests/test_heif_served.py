"""HEIC and AVIF from the import to the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from asking import AppClient
from drawing import COLOURS, drawn_photo, drawn_picture, write_table
from heif_making import avif, header_of, heic
from PIL import Image

from vitrina import Shop
from vitrina.evaluation.report.thumbnails import draw_thumbnail
from vitrina.folder import ShopFolder
from vitrina.serving.app import create_app

LAMP = drawn_picture(COLOURS["lampy"])


@pytest.mark.parametrize("content_type", ["image/heic", "image/jpeg", "application/octet-stream"])
@pytest.mark.parametrize("kind", [heic, avif])
def test_shoppers_photo(client: AppClient, kind: object, content_type: str) -> None:
    photo = heic(LAMP) if kind is heic else avif(LAMP)
    answer = client.send_photo(photo, content_type)
    assert answer.status_code == 200, answer.text
    assert answer.json()["category"]["id"] == "lamps"
    assert answer.json()["decision"] == "category"


def test_same_answer_as_for_jpeg(client: AppClient) -> None:
    found, expected = (
        client.send_photo(photo).json() for photo in (heic(LAMP), drawn_photo(COLOURS["lampy"]))
    )
    assert found["category"]["id"] == expected["category"]["id"]
    assert [product["sku"] for product in found["products"]][:1] == [
        product["sku"] for product in expected["products"]
    ][:1]


@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        (heic(LAMP)[:500], 422, "photo_damaged"),
        (header_of(640, 480), 422, "photo_damaged"),
        (header_of(60_000, 60_000), 422, "photo_dimensions"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(100), 415, "photo_type"),
    ],
    ids=["cut off", "header alone", "huge", "video"],
)
def test_refused(client: AppClient, photo: bytes, status: int, code: str) -> None:
    answer = client.send_photo(photo, "image/heic")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.send_photo(heic(LAMP)).status_code == 200


def test_switched_off(published_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINA_HEIC", "false")
    shop = Shop.open(published_shop.folder.root)
    assert shop.folder.settings.photo_limits.heic is False
    with AppClient(create_app(shop.folder)) as client:
        answer = client.send_photo(heic(LAMP))
        assert (answer.status_code, answer.json()["code"]) == (415, "photo_type")
        assert client.send_photo(drawn_photo(COLOURS["lampy"])).status_code == 200


def test_settings_reach_the_decoder(published_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINA_HEIC_SECONDS", "0.000001")
    shop = Shop.open(published_shop.folder.root)
    with AppClient(create_app(shop.folder)) as client:
        answer = client.send_photo(heic(LAMP))
        assert (answer.status_code, answer.json()["code"]) == (422, "photo_damaged")
        assert "takes too long" in answer.json()["detail"]


def test_from_python(published_shop: Shop) -> None:
    answer = published_shop.search_photo(heic(LAMP))
    assert answer.category is not None
    assert answer.category.id == "lamps"


def catalogue(folder: Path) -> Path:
    """A table of goods whose pictures are of these kinds, and of one that is not whole."""
    pictures = {
        "heic": heic(LAMP),
        "avif": avif(LAMP),
        "lying": heic(LAMP, exif=orientation(6)),
        "huge": header_of(60_000, 60_000),
    }
    rows = [("sku", "name", "category", "image")]
    for name, content in pictures.items():
        (folder / f"{name}.jpg").write_bytes(content)
        rows.append((name, "Лампа", "Лампы", f"{name}.jpg"))
    return write_table(folder / "goods.csv", rows)


def orientation(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif.tobytes()


def test_pictures_of_a_catalogue(empty_shop: Shop, tmp_path: Path) -> None:
    empty_shop.import_catalogue(catalogue(tmp_path))
    refused = "".join(
        path.read_text(encoding="utf-8-sig") for path in empty_shop.folder.imports.glob("refused-*")
    )
    assert "huge" in refused
    assert "60000 x 60000" in refused
    stored = sorted(path.suffix for path in files_of(empty_shop.folder))
    assert stored == [".avif", ".heic", ".heic"]
    with AppClient(create_app(empty_shop.folder)) as client:
        for sku, media_type in (("heic", "image/heic"), ("avif", "image/avif")):
            answer = client.get(client.get(f"/v1/products/{sku}").json()["image_url"])
            assert answer.headers["content-type"] == media_type
            assert answer.headers["x-content-type-options"] == "nosniff"


def files_of(folder: ShopFolder) -> list[Path]:
    return [path for path in (folder.root / "photos").rglob("*") if path.is_file()]


def test_folders_of_pictures(empty_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "goods" / "Лампы").mkdir(parents=True)
    (tmp_path / "goods" / "Лампы" / "a.heic").write_bytes(heic(LAMP))
    (tmp_path / "goods" / "Лампы" / "b.HEIF").write_bytes(heic(LAMP, quality=90))
    (tmp_path / "goods" / "Лампы" / "c.avif").write_bytes(avif(LAMP))
    empty_shop.import_catalogue(tmp_path / "goods")
    assert len(files_of(empty_shop.folder)) == 3


def test_thumbnail_of_a_lying_picture() -> None:
    import io

    photo = heic(drawn_picture(size=(120, 80)), exif=orientation(6))
    with Image.open(io.BytesIO(draw_thumbnail(photo))) as thumbnail:
        assert thumbnail.height > thumbnail.width
        assert np.asarray(thumbnail).std() > 1


def test_metrics_can_read_the_decoder(published_shop: Shop) -> None:
    from vitrina.serving.shop_state import load_shop

    state = load_shop(published_shop.folder)
    assert (state.heavy.photos, state.heavy.replaced) == (0, 0)
