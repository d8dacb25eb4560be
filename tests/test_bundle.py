"""Bundles: written whole, verified when read, one of them active."""

from __future__ import annotations

import json
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
    active_version,
    goods_array,
    read_bundle,
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
        b"tiny-1\nx",
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
