"""HEIC and AVIF: the same square as from any other kind, whatever the file holds besides."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from drawing import drawn_picture, encoded, four_corners
from heif_making import FTYP, avif, box, full_box, header_of, heic, patched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from vitrina.errors import NotAPhoto, PhotoDamaged, PhotoDimensions, PhotoError, PhotoTooLarge
from vitrina.photos import (
    MEDIA_TYPES,
    SIZE,
    SUFFIXES,
    HeavyDecoder,
    Limits,
    decode,
    is_heavy,
    read_header,
    sniff,
)
from vitrina.pixels import PhotoFile, PixelCache

MAKERS = {"heic": heic, "avif": avif}
both = pytest.mark.parametrize("kind", MAKERS)


@pytest.fixture(scope="module")
def heavy() -> Iterator[HeavyDecoder]:
    with HeavyDecoder(seconds=30) as decoder:
        yield decoder


def apart(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Mean difference of two pictures, in levels of 255."""
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).mean())


@both
@pytest.mark.parametrize("size", [(16, 16), (65, 33), (224, 224), (500, 300), (1300, 1100)])
def test_same_square_as_png(heavy: HeavyDecoder, kind: str, size: tuple[int, int]) -> None:
    picture = drawn_picture(size=size)
    photo = MAKERS[kind](picture)
    assert (sniff(photo), is_heavy(photo)) == (kind, True)
    header = read_header(photo)
    assert (header.kind, header.width, header.height) == (kind, *size)
    pixels = decode(photo, heavy=heavy)
    assert (pixels.shape, pixels.dtype) == ((SIZE, SIZE, 3), np.uint8)
    assert apart(pixels, decode(encoded(picture))) < 2


@both
def test_names(kind: str) -> None:
    header = read_header(MAKERS[kind](drawn_picture()))
    assert SUFFIXES[header.kind] == f".{kind}"
    assert MEDIA_TYPES[header.kind] == f"image/{kind}"


def test_child_of_its_own() -> None:
    picture = drawn_picture()
    assert apart(decode(heic(picture)), decode(encoded(picture))) < 2


def test_nothing_of_it_is_opened_in_this_process(heavy: HeavyDecoder) -> None:
    with mock.patch.object(Image, "open") as opened:
        decode(heic(drawn_picture()), heavy=heavy)
        decode(avif(drawn_picture()), heavy=heavy)
    opened.assert_not_called()


@both
@pytest.mark.parametrize("orientation", range(1, 10))
def test_orientation(heavy: HeavyDecoder, kind: str, orientation: int) -> None:
    # the encoders turn EXIF's orientation into the file's own and what is shown stays the same
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = four_corners((120, 90))
    expected = decode(encoded(stored, "PNG", exif=exif))
    photo = MAKERS[kind](stored, exif=exif.tobytes())
    assert apart(decode(photo, heavy=heavy), expected) < 4
    header = read_header(photo)
    lying = orientation in (5, 6, 7, 8)
    assert (header.width, header.height) == ((90, 120) if lying else (120, 90))


@both
@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (200, 0, 0, 0), 255),
        ("RGBA", (0, 0, 0, 128), 127),
        ("RGBA", (90, 90, 90, 255), 90),
        ("L", 40, 40),
    ],
)
def test_modes(
    heavy: HeavyDecoder, kind: str, mode: str, colour: int | tuple[int, ...], seen: int
) -> None:
    pixels = decode(MAKERS[kind](Image.new(mode, (64, 64), colour)), heavy=heavy)
    assert abs(float(pixels.mean()) - seen) < 2


@both
def test_profile_is_converted(heavy: HeavyDecoder, kind: str) -> None:
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    swapped = bytes(content).replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    swapped = swapped.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    picture = Image.new("RGB", (64, 64), (200, 30, 30))
    photo = MAKERS[kind](picture, icc_profile=swapped)
    red, green, _ = decode(photo, heavy=heavy).reshape(-1, 3).mean(axis=0)
    assert red < 60 < 160 < green


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", bytes(70)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_metadata_is_ignored(heavy: HeavyDecoder, exif: bytes) -> None:
    photo = heic(four_corners((64, 64)), exif=exif)
    assert apart(decode(photo, heavy=heavy), decode(encoded(four_corners((64, 64))))) < 4


def test_avif_with_broken_metadata_is_refused(heavy: HeavyDecoder) -> None:
    # libavif opens none
    exif = Image.Exif()
    exif[0x010E] = "a picture"
    photo = avif(four_corners((64, 64)), exif=exif.tobytes())
    decode(photo, heavy=heavy)
    with pytest.raises(PhotoDamaged, match="Exif"):
        decode(photo.replace(exif.tobytes()[6:14], b"garbage!"), heavy=heavy)


def test_ten_bits(heavy: HeavyDecoder) -> None:
    import pillow_heif

    grey = np.full((64, 64, 3), 128 * 257, dtype=np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 64), grey.tobytes())
    pixels = decode(heic_of(file), heavy=heavy)
    assert abs(float(pixels.mean()) - 128) < 2


def heic_of(file: object) -> bytes:
    import io

    saved = io.BytesIO()
    file.save(saved, quality=-1)  # type: ignore[attr-defined]
    return saved.getvalue()


def test_tiles(heavy: HeavyDecoder) -> None:
    picture = four_corners((1000, 700))
    photo = heic(picture, tile_size=256)
    assert b"grid" in photo
    assert (read_header(photo).width, read_header(photo).height) == (1000, 700)
    assert apart(decode(photo, heavy=heavy), decode(encoded(picture))) < 3


def test_only_the_primary_picture_is_seen(heavy: HeavyDecoder) -> None:
    import io

    import pillow_heif

    file = pillow_heif.from_pillow(Image.new("RGB", (64, 64), "blue"))
    file.add_from_pillow(Image.new("RGB", (128, 96), "red"))
    file.add_from_pillow(Image.new("RGB", (64, 64), "lime"))
    saved = io.BytesIO()
    file.save(saved, quality=-1, primary_index=1)
    header = read_header(saved.getvalue())
    assert (header.width, header.height) == (128, 96)
    red, green, blue = decode(saved.getvalue(), heavy=heavy).reshape(-1, 3).mean(axis=0)
    assert red > 200
    assert max(green, blue) < 60


def test_first_frame_of_an_animation(heavy: HeavyDecoder) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "lime")]
    photo = avif(frames[0], save_all=True, append_images=frames[1:] * 20)
    red, green, blue = decode(photo, heavy=heavy).reshape(-1, 3).mean(axis=0)
    assert red > 200
    assert max(green, blue) < 60


def test_large_preview_is_taken(heavy: HeavyDecoder) -> None:
    picture = drawn_picture(size=(2400, 1800))
    photo = heic(picture, quality=60, thumbnails=[800])
    assert shows(photo, picture, heavy)
    # with the picture itself made unreadable the preview still answers
    assert shows(spoil_largest_item(photo), picture, heavy)


def shows(photo: bytes, picture: Image.Image, heavy: HeavyDecoder) -> bool:
    """Whether the photo is decoded, and to the picture: HEVC gives noise for noise."""
    try:
        return apart(decode(photo, heavy=heavy), decode(encoded(picture))) < 2
    except PhotoDamaged:
        return False


def test_small_preview_is_not(heavy: HeavyDecoder) -> None:
    picture = drawn_picture(size=(2400, 1800))
    spoiled = spoil_largest_item(heic(picture, quality=60, thumbnails=[320]))
    assert not shows(spoiled, picture, heavy)


def spoil_largest_item(photo: bytes) -> bytes:
    """The same file whose main picture, written first, is noise."""
    start = photo.index(b"mdat") + 4
    noise = np.random.default_rng(0).integers(1, 255, 400, dtype=np.uint8).tobytes()
    return photo[: start + 8] + noise + photo[start + 8 + len(noise) :]


def test_preview_of_another_shape_is_not_taken(heavy: HeavyDecoder) -> None:
    picture = drawn_picture(size=(2400, 1800))
    photo = heic(picture, quality=60, thumbnails=[800])
    # the preview now says that it is a square of its own shorter side
    lying = photo.replace(struct.pack(">II", 800, 600), struct.pack(">II", 600, 600))
    assert lying != photo
    assert not shows(spoil_largest_item(lying), picture, heavy)


@pytest.mark.parametrize("rotation", [None, 0, 1, 2, 3])
def test_header_says_what_is_shown(rotation: int | None) -> None:
    header = read_header(header_of(640, 480, rotation=rotation))
    lying = rotation in (1, 3)
    assert (header.width, header.height) == ((480, 640) if lying else (640, 480))


@pytest.mark.parametrize(
    ("width", "height"), [(65_535, 65_535), (40_000, 40_000), (2**32 - 1, 2**32 - 1), (6000, 6000)]
)
def test_promised_pixels_never_reach_a_decoder(width: int, height: int) -> None:
    with HeavyDecoder() as decoder:
        with pytest.raises(PhotoDimensions):
            decode(header_of(width, height), heavy=decoder)
        assert decoder.photos == 0


@pytest.mark.parametrize("size", [(15, 300), (1, 1), (20, 401), (100_000, 20)])
def test_tiny_and_strips(size: tuple[int, int]) -> None:
    with pytest.raises(PhotoDimensions, match=f"{size[0]} x {size[1]}"):
        read_header(header_of(*size))


@both
def test_promise_that_is_not_kept(heavy: HeavyDecoder, kind: str) -> None:
    # the container says 64 x 64, the codec inside has more than is accepted: libheif refuses,
    # libavif makes of it what the container says, and memory is limited in any case
    photo = MAKERS[kind](Image.new("RGB", (1200, 1200), "red"))
    lying = photo.replace(struct.pack(">II", 1200, 1200), struct.pack(">II", 64, 64))
    assert read_header(lying).width == 64
    if kind == "avif":
        assert decode(lying, Limits(max_pixels=100_000), heavy).shape == (SIZE, SIZE, 3)
        return
    with pytest.raises(PhotoError):
        decode(lying, Limits(max_pixels=100_000), heavy)


def test_half_of_the_pixels() -> None:
    photo = heic(Image.new("RGB", (100, 100)))
    assert read_header(photo, Limits(max_pixels=20_000)).width == 100
    with pytest.raises(PhotoDimensions, match=r"at most 0\.009999 million"):
        read_header(photo, Limits(max_pixels=19_999))


@both
def test_switched_off(kind: str) -> None:
    photo = MAKERS[kind](drawn_picture())
    for refuse in (read_header, decode):
        with pytest.raises(NotAPhoto, match=f"{kind.upper()} photos are not accepted"):
            refuse(photo, Limits(heic=False))


def test_too_many_bytes() -> None:
    with pytest.raises(PhotoTooLarge):
        decode(heic(drawn_picture()), Limits(max_bytes=100))


@both
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated(heavy: HeavyDecoder, kind: str, part: float) -> None:
    photo = MAKERS[kind](drawn_picture(size=(400, 300)))
    replaced = heavy.replaced
    with pytest.raises(PhotoDamaged) as refusal:
        decode(photo[: int(len(photo) * part)], heavy=heavy)
    assert refusal.value.hint
    assert heavy.replaced == replaced


FAULTS = {
    "no picture in it": header_of(64, 64),
    "avif without time": avif(Image.new("RGB", (64, 64)), save_all=True,
                              append_images=[Image.new("RGB", (64, 64), "red")]).replace(
        struct.pack(">I", 1000), bytes(4)),
    "avif of noise": avif(drawn_picture())[:-200] + bytes(range(56, 256)),
    "heic of noise": heic(drawn_picture())[:-200] + bytes(range(56, 256)),
    "heic of zeros": heic(drawn_picture())[:-200] + bytes(200),
    "heic that names another codec": heic(drawn_picture()).replace(b"hvc1", b"vvc1"),
}  # fmt: skip


@pytest.mark.parametrize("content", FAULTS.values(), ids=FAULTS)
def test_what_a_decoder_raises_is_no_crash(heavy: HeavyDecoder, content: bytes) -> None:
    replaced = heavy.replaced
    try:
        assert decode(content, heavy=heavy).shape == (SIZE, SIZE, 3)
    except PhotoDamaged as error:
        assert "crashed" not in error.message  # noqa: PT017
    assert heavy.replaced == replaced


DEEP = box(b"meta", bytes(4))
for _ in range(200):
    DEEP = box(b"meta", bytes(4), DEEP)

BROKEN = {
    "nothing after its kind": FTYP,
    "no primary": FTYP + full_box(b"meta", full_box(b"hdlr", bytes(20))),
    "no properties": FTYP + full_box(b"meta", full_box(b"pitm", b"\0\1")),
    "box longer than the file": FTYP + struct.pack(">I", 5000) + b"meta" + bytes(20),
    "box of 64 bits, too long": FTYP + struct.pack(">I4sQ", 1, b"meta", 2**63) + bytes(20),
    "box shorter than its head": FTYP + struct.pack(">I", 4) + b"meta" + bytes(20),
    "primary cut off": FTYP + full_box(b"meta", full_box(b"pitm", b"")),
    "another item's size": patched(header_of(64, 64), b"pitm", 8, b"\0\2"),
    "thousands of boxes": FTYP + box(b"free") * 10_000,
    "boxes within boxes": FTYP + DEEP,
    "millions of associations": FTYP
    + full_box(
        b"meta",
        full_box(b"pitm", b"\0\1"),
        box(b"iprp", box(b"ipco"), full_box(b"ipma", b"\xff\xff\xff\xff", bytes(3_000_000))),
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_boxes(content: bytes) -> None:
    start = time.process_time()
    with pytest.raises(PhotoDamaged):
        read_header(content)
    assert time.process_time() - start < 0.2


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_boxes(content: bytes) -> None:
    with pytest.raises(PhotoError):
        read_header(FTYP + content)


GOOD = {kind: maker(drawn_picture(size=(64, 48))) for kind, maker in MAKERS.items()}


@settings(
    max_examples=120, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_mutated(heavy: HeavyDecoder, kind: str, changes: list[tuple[float, int]]) -> None:
    content = bytearray(GOOD[kind])
    for place, value in changes:
        content[int(place * len(content))] = value
    try:
        pixels = decode(bytes(content), Limits(max_pixels=1_000_000), heavy)
    except PhotoError as error:
        # no file of the machine is named, nor a place in its memory
        assert "/" not in error.message  # noqa: PT017
        assert " at 0x" not in error.message  # noqa: PT017
    else:
        assert pixels.shape == (SIZE, SIZE, 3)


def test_pixel_cache(tmp_path: Path) -> None:
    photos = {
        "a" * 64: heic(drawn_picture()),
        "b" * 64: avif(drawn_picture()),
        "c" * 64: heic(drawn_picture())[:400],
    }
    files = []
    for sha256, content in photos.items():
        (tmp_path / sha256).write_bytes(content)
        files.append(PhotoFile(sha256, tmp_path / sha256))
    cache = PixelCache(tmp_path / "cache")
    refused = cache.add(files, limits=Limits())
    assert list(refused) == ["c" * 64]
    for sha256 in ("a" * 64, "b" * 64):
        assert np.array_equal(cache[sha256], decode(photos[sha256]))
