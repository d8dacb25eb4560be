"""What leaves the browser: upright, small, cut out, and without what phones write into photos."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Watch
from embedded import TEXTS, Embedded, OpenEmbedded
from embedding import Arrived
from PIL import Image
from playwright.sync_api import expect
from shopper import MakePhoto
from stand_in import COLOURS

pytestmark = pytest.mark.browser

RU = TEXTS["ru"]
MAKER, PLACE = 0x010F, 0x8825
CORNERS = ((255, 0, 0), (0, 200, 0), (0, 0, 255), (250, 220, 0))
"""Of a photo held upright: left top, right top, left bottom, right bottom."""

SaveJpeg = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> SaveJpeg:
    """Writes a picture as phones do: sideways, with its maker and its place."""

    def write(upright: Image.Image, orientation: int = 1) -> Path:
        turned = {
            1: upright,
            3: upright.transpose(Image.Transpose.ROTATE_180),
            6: upright.transpose(Image.Transpose.ROTATE_90),
            8: upright.transpose(Image.Transpose.ROTATE_270),
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[MAKER] = "Телефон".encode().decode("latin-1")
        exif[PLACE] = {1: "N", 2: (55.0, 45.0, 7.0), 3: "E", 4: (37.0, 36.0, 56.0)}
        path = tmp_path / "IMG_home.jpg"
        turned.save(path, "JPEG", quality=92, exif=exif)
        return path

    return write


def quarters(width: int, height: int) -> Image.Image:
    """A picture whose corners tell which way up it is."""
    image = Image.new("RGB", (width, height))
    for index, colour in enumerate(CORNERS):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def arrived(shop: Embedded) -> Arrived:
    """The only photo that arrived."""
    expect(shop.page).to_have_title("кеды")
    (photo,) = shop.photo_server.arrived
    return photo


def nearest(pixel: object, colours: tuple[tuple[int, int, int], ...]) -> int:
    """Which of some colours a pixel is."""
    distances = np.square(np.subtract(colours, np.asarray(pixel))).sum(axis=1)
    assert distances.min() < 2000
    return int(distances.argmin())


def corners(image: Image.Image) -> list[int]:
    """Which of `CORNERS` is where."""
    right, bottom = image.width - 20, image.height - 20
    places = ((20, 20), (right, 20), (20, bottom), (right, bottom))
    return [nearest(image.getpixel(place), CORNERS) for place in places]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_sideways_photo_arrives_upright_and_without_exif(
    embed: OpenEmbedded, save: SaveJpeg, orientation: int
) -> None:
    shop = embed()
    path = save(quarters(1200, 1600), orientation)
    assert Image.open(io.BytesIO(path.read_bytes())).getexif()[0x0112] == orientation
    shop.photo_server.answer = "sneakers"
    shop.search(path)
    photo = arrived(shop)
    assert photo.picture.size == (480, 640)
    assert corners(photo.picture) == [0, 1, 2, 3]
    assert not photo.picture.getexif()
    assert b"Exif" not in photo.content
    assert (photo.media_type, photo.file_name) == ("image/jpeg", "photo")


def test_twelve_megapixels_on_a_slow_line_leave_as_less_than_120_kb(
    embed: OpenEmbedded, save: SaveJpeg
) -> None:
    shop = embed()
    # a telephone at the edge of its net: bytes a second, milliseconds
    shop.page.context.new_cdp_session(shop.page).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 300, "downloadThroughput": 50e3, "uploadThroughput": 50e3},
    )
    # as hard as photos get: leaves and grass, sharp to the last pixel and beyond
    noise = np.random.default_rng(7)
    coarse = noise.integers(0, 256, (600, 800, 3), np.uint8).repeat(5, 0).repeat(5, 1)
    fine = noise.integers(0, 256, (3000, 4000, 3), np.uint8)
    path = save(Image.fromarray(np.where(fine > 128, coarse, 255 - coarse // 2)), 6)
    assert path.stat().st_size > 4_000_000
    shop.photo_server.answer = "sneakers"
    shop.search(path)
    photo = arrived(shop)
    assert 20_000 < len(photo.content) < 120_000
    assert b"Exif" not in photo.content
    width, height = photo.picture.size
    assert width / height == pytest.approx(4 / 3, abs=0.01)
    assert max(width, height) <= 640


def test_what_does_not_fit_at_full_size_leaves_smaller(embed: OpenEmbedded, save: SaveJpeg) -> None:
    shop = embed()
    noise = np.random.default_rng(7).integers(0, 256, (640, 640, 3), np.uint8)
    shop.photo_server.answer = "sneakers"
    shop.search(save(Image.fromarray(noise)))
    photo = arrived(shop)
    assert 20_000 < len(photo.content) < 120_000
    assert 300 < photo.picture.width < 640


def test_a_plain_photo_of_twelve_megapixels_keeps_640_pixels(
    embed: OpenEmbedded, photo: MakePhoto
) -> None:
    shop = embed()
    shop.search(photo("sneakers", (4000, 3000)))
    assert arrived(shop).picture.size == (640, 480)


def test_a_small_photo_is_not_made_larger(embed: OpenEmbedded, photo: MakePhoto) -> None:
    shop = embed()
    shop.search(photo("sneakers", (300, 200)))
    assert arrived(shop).picture.size == (300, 200)


def test_a_transparent_picture_stands_on_white(embed: OpenEmbedded, tmp_path: Path) -> None:
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    image.paste((*COLOURS["sneakers"], 255), (100, 100, 200, 200))
    image.save(tmp_path / "cut.png")
    shop = embed()
    shop.search(tmp_path / "cut.png")
    assert min(arrived(shop).picture.getpixel((10, 10))) > 245  # type: ignore[type-var, arg-type]


# Cutting out


def drag(shop: Embedded, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draws over the photo, from one share of its sides to another."""
    stage = shop.view.locator(".stage").bounding_box()
    assert stage
    for index, (x, y) in enumerate((start, end)):
        place = stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]
        shop.page.mouse.move(*place, steps=1 + 4 * index)
        if index == 0:
            shop.page.mouse.down()
    shop.page.mouse.up()


def test_a_frame_drawn_with_the_mouse_is_what_is_sent(embed: OpenEmbedded, save: SaveJpeg) -> None:
    shop = embed()
    shop.photo_server.answer = "sneakers"
    shop.choose(save(quarters(1600, 1200), 8))
    drag(shop, (0.55, 0.1), (0.95, 0.45))
    shop.press(RU["find"])
    picture = arrived(shop).picture
    assert picture.width == pytest.approx(640, abs=12)
    assert picture.width / picture.height == pytest.approx(1600 * 0.4 / (1200 * 0.35), rel=0.03)
    assert corners(picture) == [1, 1, 1, 1]


def test_a_frame_is_moved_and_pulled(embed: OpenEmbedded, save: SaveJpeg) -> None:
    shop = embed()
    shop.photo_server.answer = "sneakers"
    shop.choose(save(quarters(1600, 1200)))
    drag(shop, (0.1, 0.1), (0.4, 0.4))
    drag(shop, (0.25, 0.25), (0.75, 0.25))  # as it is, to the right
    drag(shop, (0.9, 0.4), (0.9, 0.9))  # its lower right corner, down
    shop.press(RU["find"])
    picture = arrived(shop).picture
    assert picture.height / picture.width == pytest.approx(1200 * 0.8 / (1600 * 0.3), rel=0.05)
    assert corners(picture) == [1, 1, 3, 3]


def test_a_tap_sets_a_frame_around_the_thing_and_taps_make_it_smaller(
    embed: OpenEmbedded, save: SaveJpeg
) -> None:
    shop = embed(width=360, phone=True)
    shop.photo_server.answer = "sneakers"
    shop.choose(save(quarters(1600, 1200)), by="gallery")
    stage = shop.view.locator(".stage")
    place = stage.bounding_box()
    assert place
    for _ in range(3):
        stage.tap(position={"x": place["width"] * 0.8, "y": place["height"] * 0.8})
    shop.press(RU["find"])
    picture = arrived(shop).picture
    assert picture.width == round(1600 * 0.6 * 0.75 * 0.75)
    assert corners(picture) == [3, 3, 3, 3]


def test_a_frame_is_set_by_keys_and_taken_back(embed: OpenEmbedded, save: SaveJpeg) -> None:
    shop = embed()
    shop.photo_server.answer = "sneakers"
    shop.choose(save(quarters(1600, 1200)))
    left = shop.dialog.get_by_role("slider", name=RU["cut_x0"])
    top = shop.dialog.get_by_role("slider", name=RU["cut_y0"])
    for _ in range(6):
        left.press("Shift+ArrowRight")
    expect(left).to_have_attribute("aria-valuenow", "60")
    expect(left).to_have_attribute("aria-valuetext", "60 %")
    shop.press(RU["whole"])
    expect(left).to_have_attribute("aria-valuenow", "0")
    for _ in range(20):
        top.press("Shift+ArrowDown")
    expect(top).to_have_attribute("aria-valuenow", "95")
    for _ in range(4):
        top.press("Shift+ArrowUp")
    top.press("ArrowDown")
    expect(top).to_have_attribute("aria-valuenow", "57")
    shop.press(RU["find"])
    picture = arrived(shop).picture
    assert picture.size == (640, round(640 * 1200 * 0.43 / 1600))
    assert corners(picture) == [2, 3, 2, 3]


# What the browser cannot open


def heic() -> bytes:
    return b"\0\0\0\x18ftypheic" + bytes(range(256)) * 20


def test_heic_that_the_browser_cannot_read_is_sent_as_it_is(
    embed: OpenEmbedded, tmp_path: Path
) -> None:
    shop = embed()
    (tmp_path / "IMG_home.heic").write_bytes(heic())
    shop.photo_server.answer = "sneakers"
    shop.choose(tmp_path / "IMG_home.heic")
    photo = arrived(shop)
    assert photo.content == heic()
    assert photo.file_name == "photo"


def test_heic_that_the_server_cannot_read_either(
    embed: OpenEmbedded, tmp_path: Path, watch: Watch
) -> None:
    watch.refusals_expected = True
    shop = embed()
    (tmp_path / "photo.heic").write_bytes(heic())
    shop.choose(tmp_path / "photo.heic")
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU["error_photo_type"])
    assert len(shop.photo_server.arrived) == 1


def broken_jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG")
    return out.getvalue()[:120]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jpg", b"", "photo_damaged"),
        ("a.jpg", broken_jpeg(), "photo_damaged"),
        ("a.pdf", b"%PDF-1.7", "photo_type"),
        ("a.tiff", b"II*\0" + bytes(100), "photo_type"),
        ("a", b"no photo at all", "photo_type"),
    ],
)
def test_what_nobody_can_read_is_not_even_sent(
    embed: OpenEmbedded, photo: MakePhoto, tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    shop = embed()
    (tmp_path / name).write_bytes(content)
    shop.choose(tmp_path / name)
    expect(shop.dialog.get_by_role("alert")).to_have_text(RU[f"error_{code}"])
    # the same file would be refused again
    expect(shop.dialog.get_by_role("button", name=RU["retry"])).to_have_count(0)
    assert shop.photo_server.arrived == []
    shop.press(RU["other"])
    shop.search(photo("mugs"))
    shop.expect_searched("кружка")
