"""Bundles: written whole, verified when read, one of them active."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_network import tiny_info, tiny_model

from vitrina.bundle import (
    Bundle,
    activate,
    active_bundle,
    active_stamp,
    active_version,
    earlier_versions,
    goods_array,
    kept_bundles,
    read_bundle,
    step_back,
    write_bundle,
)
from vitrina.errors import BundleDamaged, NoBundle

Content = dict[str, Any]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    goods = goods_array(["a" * 64, "b" * 64], np.eye(2, 4, dtype=np.float32))
    return write_bundle(tmp_path / "bundles", tiny_info(), tiny_model(), goods)


def change(bundle: Bundle, how: Callable[[Content], object]) -> None:
    path = bundle.folder / "bundle.json"
    content = json.loads(path.read_text())
    how(content)
    path.write_text(json.dumps(content))


def test_written_and_read(bundle: Bundle) -> None:
    again = read_bundle(bundle.folder)
    assert again == bundle
    assert again.info.categories == ("kabeli", "lamps", "sockets")
    assert again.model.read_bytes() == tiny_model()
    assert again.size_bytes == sum(path.stat().st_size for path in bundle.folder.iterdir())
    assert sorted(path.name for path in bundle.folder.iterdir()) == [
        "bundle.json", "goods.npy", "model.onnx",
    ]  # fmt: skip
    goods = again.goods()
    assert [name.decode() for name in goods["sha256"]] == ["a" * 64, "b" * 64]
    assert np.array_equal(goods["embedding"], np.eye(2, 4))


def test_bundle_of_no_goods(tmp_path: Path) -> None:
    empty = goods_array([], np.empty((0, 4), dtype=np.float32))
    assert len(write_bundle(tmp_path, tiny_info(), tiny_model(), empty).goods()) == 0


def test_version_is_written_once(bundle: Bundle) -> None:
    with pytest.raises(FileExistsError):
        write_bundle(bundle.folder.parent, bundle.info, b"other", bundle.goods())
    assert read_bundle(bundle.folder) == bundle


@pytest.mark.parametrize("name", ["model.onnx", "goods.npy"])
@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c[:-1] + b"\xff", lambda _: b""])
def test_other_bytes(bundle: Bundle, name: str, damage: Callable[[bytes], bytes]) -> None:
    path = bundle.folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BundleDamaged, match=f"the SHA-256 of {name} is not") as refusal:
        read_bundle(bundle.folder)
    assert "vitrina publish" in refusal.value.hint
    assert read_bundle(bundle.folder, verify=False).info == bundle.info


@pytest.mark.parametrize("name", ["model.onnx", "goods.npy", "bundle.json"])
def test_missing_file(bundle: Bundle, name: str) -> None:
    (bundle.folder / name).unlink()
    with pytest.raises(BundleDamaged, match=name.replace("model.onnx", "model.onnx is missing")):
        read_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda c: c.update(format=2), "its format is 2, expected 1"),
        (lambda c: c.pop("format"), "its format is None"),
        (lambda c: c.pop("categories"), "cannot be read"),
        (lambda c: c.update(more=1), "cannot be read"),
        (lambda c: c.pop("run"), "cannot be read"),
        (lambda c: c["preprocessing"].update(decoder=0), "another version of the photo decoder"),
        (lambda c: c["preprocessing"].pop("decoder"), "another version of the photo decoder"),
        (lambda c: c.update(preprocessing=None), "cannot be read"),
        (lambda c: c.update(checksums={}), "must have the checksums"),
        (lambda c: c.update(checksums=["model.onnx", "goods.npy"]), "cannot be read"),
        (lambda c: c["checksums"].update({"../../shop.toml": "x"}), "must have the checksums"),
    ],
)
def test_other_description(bundle: Bundle, how: Callable[[Content], object], message: str) -> None:
    change(bundle, how)
    with pytest.raises(BundleDamaged, match=message):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_description_that_is_none(bundle: Bundle, content: bytes) -> None:
    (bundle.folder / "bundle.json").write_bytes(content)
    with pytest.raises(BundleDamaged, match="cannot be read"):
        read_bundle(bundle.folder)


def test_active(bundle: Bundle) -> None:
    bundles = bundle.folder.parent
    assert active_version(bundles) is None
    with pytest.raises(NoBundle) as refusal:
        active_bundle(bundles)
    assert "vitrina publish" in refusal.value.hint
    activate(bundles, "tiny-1")
    assert active_bundle(bundles) == bundle
    activate(bundles, "tiny-2")
    with pytest.raises(BundleDamaged, match="tiny-2"):
        active_bundle(bundles)
    activate(bundles, "tiny-1")
    assert active_bundle(bundles) == bundle


@pytest.mark.parametrize(
    "content",
    [
        b"../tiny-1",
        b"/etc",
        b"..",
        b".",
        b"a/b",
        b"tiny\x001",
        b"\xff\xfe",
        b"n" * 999,
    ],
)
def test_active_names_no_bundle(bundle: Bundle, content: bytes) -> None:
    (bundle.folder.parent / "active").write_bytes(content)
    with pytest.raises(BundleDamaged):
        active_bundle(bundle.folder.parent)


def test_nothing_active(bundle: Bundle) -> None:
    (bundle.folder.parent / "active").write_bytes(b" \n")
    with pytest.raises(NoBundle):
        active_bundle(bundle.folder.parent)


def publish_several(bundle: Bundle, *versions: str) -> Path:
    bundles = bundle.folder.parent
    for version in versions:
        write_bundle(bundles, tiny_info(version), tiny_model(), bundle.goods())
        activate(bundles, version)
    return bundles


def test_versions_that_were_served_before(bundle: Bundle) -> None:
    activate(bundle.folder.parent, "tiny-1")
    assert earlier_versions(bundle.folder.parent) == []
    bundles = publish_several(bundle, "b", "c")
    assert earlier_versions(bundles) == ["b", "tiny-1"]
    # a version stands there once, however often it was served
    activate(bundles, "tiny-1")
    activate(bundles, "c")
    assert (active_version(bundles), earlier_versions(bundles)) == ("c", ["tiny-1", "b"])
    step_back(bundles, "tiny-1")
    assert (active_version(bundles), earlier_versions(bundles)) == ("tiny-1", ["b"])
    step_back(bundles, "b")
    assert (active_version(bundles), earlier_versions(bundles)) == ("b", [])


def test_deleted_bundles_are_no_way_back(bundle: Bundle) -> None:
    bundles = publish_several(bundle, "b", "c", "d")
    (bundles / "c" / "bundle.json").unlink()
    (bundles / "active").write_text("d\nc\n../b\nb\n\x00\n")
    assert earlier_versions(bundles) == ["b"]


def test_few_versions_are_remembered(bundle: Bundle) -> None:
    bundles = bundle.folder.parent
    for number in range(30):
        activate(bundles, f"v{number}")
    assert len((bundles / "active").read_text().splitlines()) == 20


def test_every_activation_can_be_seen(bundle: Bundle) -> None:
    bundles = bundle.folder.parent
    assert active_stamp(bundles) is None
    seen = set()
    for _ in range(20):
        activate(bundles, "tiny-1")
        seen.add(active_stamp(bundles))
    assert len(seen) == 20


def test_size_of_what_is_kept(bundle: Bundle) -> None:
    bundles = publish_several(bundle, "b")
    (bundles / ".partial-x").mkdir()
    assert kept_bundles(bundles) == {
        "b": read_bundle(bundles / "b").size_bytes,
        "tiny-1": bundle.size_bytes,
    }


@pytest.mark.parametrize(
    "embedding", [[np.nan, 0, 0, 1], [np.inf, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
)
def test_embeddings_that_are_none(embedding: list[float]) -> None:
    several = np.array([[1, 0, 0, 0], embedding], dtype=np.float32)
    with pytest.raises(BundleDamaged, match=r"the photo bbbb.*expected 1; so have 1 of 2"):
        goods_array(["a" * 64, "b" * 64], several)


def rewritten(bundle: Bundle, name: str, content: bytes) -> Bundle:
    """The bundle with another file and the checksum of that."""
    (bundle.folder / name).write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    change(bundle, lambda c: c["checksums"].update({name: checksum}))
    return read_bundle(bundle.folder)


def saved(array: np.ndarray[Any, Any], *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


class Opened:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.place),)


def test_goods_are_never_unpickled(bundle: Bundle, tmp_path: Path) -> None:
    content = saved(np.array([Opened(tmp_path / "made")], dtype=object), allow_pickle=True)
    np.load(io.BytesIO(content), allow_pickle=True)
    (tmp_path / "made").rmdir()  # it works where it may
    with pytest.raises(BundleDamaged, match=r"goods.npy cannot be read"):
        rewritten(bundle, "goods.npy", content).goods()
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        saved(np.zeros(3)),
        saved(goods_array(["a" * 64], np.eye(1, 5, dtype=np.float32))),
        saved(np.zeros((2, 2), dtype=[("sha256", "S64"), ("embedding", np.float16, (4,))])),
    ],
)
def test_goods_of_another_kind(bundle: Bundle, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BundleDamaged, match=r"goods.npy") as refusal:
        rewritten(bundle, "goods.npy", content).goods()
    assert str(tmp_path) not in refusal.value.message


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.pkl", "goods.npz"])
def test_other_files_are_no_part_of_a_bundle(bundle: Bundle, name: str) -> None:
    with pytest.raises(BundleDamaged, match="must have the checksums"):
        rewritten(bundle, name, b"whatever")


def test_a_missing_bundle_is_told_without_its_place(bundle: Bundle, tmp_path: Path) -> None:
    activate(bundle.folder.parent, "gone")
    with pytest.raises(BundleDamaged, match="No such file") as refusal:
        active_bundle(bundle.folder.parent)
    assert str(tmp_path) not in refusal.value.message
