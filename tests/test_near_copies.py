"""The same picture is found whatever was done to it, and goods alike are not joined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawing import encoded
from PIL import Image, ImageDraw, ImageEnhance

from vitrina import near_copies as package
from vitrina.near_copies import CopyGroups, groups, near_copies
from vitrina.near_copies.perceptual_hash import RADIUS, HashIndex
from vitrina.photos import DEFAULT_LIMITS
from vitrina.pixels import PhotoFile, PixelCache

SIZE = (320, 260)


def drawn_goods(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A thing on white: a body with a few parts of its own colours and places."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", size, (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.rounded_rectangle(
        (width * 0.2, height * 0.15, width * 0.8, height * 0.85), 20, fill=(90, 100, 110)
    )
    for _ in range(14):
        x, y = random.uniform(0.2, 0.7) * width, random.uniform(0.15, 0.75) * height
        w, h = random.uniform(0.04, 0.2) * width, random.uniform(0.04, 0.2) * height
        colour = tuple(int(part) for part in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    return picture


def cropped(picture: Image.Image) -> bytes:
    width, height = picture.size
    box = (width * 0.04, height * 0.03, width * 0.97, height * 0.98)
    return encoded(picture.crop(tuple(map(int, box))), "JPEG", quality=85)


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "resized": lambda picture: encoded(picture.resize((150, 122)), "PNG"),
    "recompressed": lambda picture: encoded(picture, "JPEG", quality=35),
    "cropped": cropped,
    "mirrored": lambda picture: encoded(
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=80
    ),
    "mirrored and cropped": lambda picture: cropped(
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    ),
    "brighter": lambda picture: encoded(ImageEnhance.Brightness(picture).enhance(0.85), "PNG"),
}


def cached(folder: Path, contents: list[bytes]) -> tuple[list[str], PixelCache]:
    """Decodes pictures; returns their names in the same order."""
    pixels = PixelCache(folder)
    files = []
    for content in contents:
        name = hashlib.sha256(content).hexdigest()
        (folder / name).write_bytes(content)
        files.append(PhotoFile(name, folder / name))
    assert not pixels.add(files, limits=DEFAULT_LIMITS)
    return [file.sha256 for file in files], pixels


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_others_stay_apart(tmp_path: Path, change: str) -> None:
    originals = [drawn_goods(seed) for seed in range(12)]
    contents = [encoded(one, "PNG") for one in originals]
    names, pixels = cached(tmp_path, [*contents, *(CHANGES[change](one) for one in originals)])
    found = near_copies(names, pixels, tmp_path)
    half = len(originals)
    assert {frozenset(group) for group in found.groups} == {
        frozenset((names[place], names[place + half])) for place in range(half)
    }
    assert all(pair.mirrored == change.startswith("mirrored") for pair in found.pairs)


def test_goods_alike_are_not_joined(tmp_path: Path) -> None:
    # the same outline on white: only what is printed on them differs
    names, pixels = cached(tmp_path, [encoded(drawn_goods(seed), "PNG") for seed in range(60)])
    assert near_copies(names, pixels, tmp_path).groups == ()


def test_the_same_thing_in_another_colour_is_no_copy(tmp_path: Path) -> None:
    picture = drawn_goods(1)
    red, green, blue = picture.split()
    other = Image.merge("RGB", (blue, green, red))
    names, pixels = cached(tmp_path, [encoded(picture, "PNG"), encoded(other, "PNG")])
    assert near_copies(names, pixels, tmp_path).groups == ()


def test_blank_pictures_are_not_copies_of_each_other(tmp_path: Path) -> None:
    blank = [encoded(Image.new("RGB", SIZE, (shade,) * 3), "PNG") for shade in (250, 251, 252)]
    names, pixels = cached(tmp_path, blank)
    assert near_copies(names, pixels, tmp_path).groups == ()


def test_copies_of_copies_are_one_group_in_any_order(tmp_path: Path) -> None:
    picture = drawn_goods(3)
    contents = [encoded(picture, "PNG"), *(change(picture) for change in CHANGES.values())]
    contents += [encoded(drawn_goods(seed), "PNG") for seed in range(20, 26)]
    names, pixels = cached(tmp_path, contents)
    found = near_copies(names, pixels, tmp_path)
    assert found.groups == (tuple(sorted(names[: len(CHANGES) + 1])),)
    (tmp_path / "near-copies.json").unlink()
    assert near_copies(names[::-1], pixels, tmp_path) == found


def test_a_second_time_only_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [encoded(drawn_goods(0), "PNG"), CHANGES["resized"](drawn_goods(0))]
    (*names, other), pixels = cached(tmp_path, [*contents, encoded(drawn_goods(1), "PNG")])
    found = near_copies(names, pixels, tmp_path)
    assert len(found.groups) == 1

    def fail(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(groups, "find_candidates", fail)
    assert near_copies(names[::-1], pixels, tmp_path) == found
    with pytest.raises(AssertionError, match="computed again"):
        # other photos are another question
        near_copies([*names, other], pixels, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 1}'])
def test_a_damaged_cache_is_made_again(tmp_path: Path, content: str) -> None:
    contents = [encoded(drawn_goods(0), "PNG"), CHANGES["resized"](drawn_goods(0))]
    names, pixels = cached(tmp_path, contents)
    found = near_copies(names, pixels, tmp_path)
    (tmp_path / "near-copies.json").write_text(content)
    assert near_copies(names, pixels, tmp_path) == found


def test_embeddings_bring_copies_that_hashes_miss(tmp_path: Path) -> None:
    picture = drawn_goods(5)
    width, height = picture.size
    box = (width * 0.13, height * 0.1, width * 0.96, height * 0.97)
    contents = [encoded(picture, "PNG"), encoded(picture.crop(tuple(map(int, box))), "PNG")]
    names, pixels = cached(tmp_path, contents)
    assert near_copies(names, pixels, tmp_path).groups == ()
    alike = dict.fromkeys(names, np.array((1, 0), dtype=np.float32))
    apart = {names[0]: alike[names[0]], names[1]: np.array((0, 1), dtype=np.float32)}
    assert near_copies(names, pixels, tmp_path, embeddings=apart).groups == ()
    assert len(near_copies(names, pixels, tmp_path, embeddings=alike).groups) == 1


def test_nothing_to_compare(tmp_path: Path) -> None:
    names, pixels = cached(tmp_path, [encoded(drawn_goods(0), "PNG")])
    assert near_copies([], pixels, tmp_path) == CopyGroups()
    assert near_copies(names, pixels, tmp_path).groups == ()
    assert package.near_copies is near_copies


def test_the_index_finds_exactly_the_close_hashes() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 300, dtype=np.uint64)
    # some near each other: a few bits changed, at every distance up to beyond the radius
    for place in range(150):
        changed = random.choice(64, place % (RADIUS + 4), replace=False)
        mask = np.bitwise_xor.reduce(np.uint64(1) << changed.astype(np.uint64), initial=0)
        hashes[place + 150] = hashes[place] ^ np.uint64(mask)
    found = {
        (int(one), int(other))
        for own, others in HashIndex(hashes).close(hashes)
        for one, other in zip(own, others, strict=True)
    }
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])
    expected = {(int(one), int(other)) for one, other in np.argwhere(distances <= RADIUS)}
    assert found == expected
