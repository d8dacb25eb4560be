"""Embeddings on the disk: segments that are added, merged, and refused when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_network import tiny_info

from vitrina.bundle import Bundle, goods_array, write_bundle
from vitrina.search.vector_index import build_index, measure_recall, open_index
from vitrina.search.vectors import (
    append_segment,
    merge_segments,
    open_vectors,
    segment_files,
    vectors_folder,
)

DIMENSIONS = 16


def names(start: int, count: int) -> list[str]:
    return [f"{number:064x}" for number in range(start, start + count)]


def units(count: int, seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def published(shop: Path, version: str = "first", count: int = 5, size: int = DIMENSIONS) -> Bundle:
    goods = goods_array(names(0, count), units(count, seed=0, dimensions=size))
    return write_bundle(
        shop / "bundles", tiny_info(version, embedding_size=size), b"network", goods
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return published(tmp_path)


def test_rows_keep_their_numbers_when_segments_are_added(bundle: Bundle) -> None:
    append_segment(bundle, names(5, 2), units(2, seed=1))
    append_segment(bundle, names(7, 1), units(1, seed=2))
    store = open_vectors(bundle)
    assert (len(store), store.dimensions) == (8, DIMENSIONS)
    assert [name.decode() for name in store.names()] == names(0, 8)
    expected = np.concatenate([units(5, 0), units(2, 1), units(1, 2)]).astype(np.float16)
    rows = np.array([7, 0, 6, 5, 0])
    assert np.array_equal(store.take(rows), expected[rows])
    assert np.array_equal(store.part(3, 7), expected[3:7])


def test_fingerprint_changes_with_every_segment(bundle: Bundle) -> None:
    seen = [open_vectors(bundle).fingerprint]
    for number in range(3):
        append_segment(bundle, names(5 + number, 1), units(1, seed=number))
        seen.append(open_vectors(bundle).fingerprint)
    assert len(set(seen)) == len(seen)
    assert open_vectors(bundle).fingerprint == seen[-1]


def test_a_flipped_bit_costs_one_record(bundle: Bundle) -> None:
    file = append_segment(bundle, names(5, 3), units(3, seed=1))
    content = bytearray(file.read_bytes())
    record = 64 + 2 * DIMENSIONS + 4
    content[-record - 10] ^= 1  # inside the embedding of the one before the last
    file.write_bytes(content)
    found = [name.decode() for name in open_vectors(bundle).names()[5:]]
    assert found == [names(5, 1)[0], "", names(7, 1)[0]]


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_segment_is_passed_over(bundle: Bundle, content: bytes) -> None:
    append_segment(bundle, names(5, 1), units(1, seed=1))
    (vectors_folder(bundle) / "000002.npy").write_bytes(content)
    assert len(open_vectors(bundle)) == 6
    assert append_segment(bundle, names(6, 1), units(1, seed=2)).name == "000003.npy"


def test_a_truncated_segment_is_passed_over(bundle: Bundle) -> None:
    file = append_segment(bundle, names(5, 3), units(3, seed=1))
    file.write_bytes(file.read_bytes()[:-7])
    assert len(open_vectors(bundle)) == 5


def test_vectors_of_two_networks_never_meet(tmp_path: Path) -> None:
    first = published(tmp_path, "first")
    second = published(tmp_path, "second", size=8)
    append_segment(first, names(5, 1), units(1, seed=1))
    assert len(open_vectors(second)) == 5
    # nor does a file that got into the other one's folder
    stray = vectors_folder(second) / "000001.npy"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(segment_files(first)[0].read_bytes())
    assert len(open_vectors(second)) == 5


def test_merging_leaves_one_segment_with_all_that_is_whole(bundle: Bundle) -> None:
    append_segment(bundle, names(5, 2), units(2, seed=1))
    damaged = append_segment(bundle, names(7, 2), units(2, seed=2))
    append_segment(bundle, names(6, 2), units(2, seed=3))  # one of them is there already
    content = bytearray(damaged.read_bytes())
    content[-10] ^= 1
    damaged.write_bytes(content)
    merge_segments(bundle)
    assert [file.name for file in segment_files(bundle)] == ["000004.npy"]
    store = open_vectors(bundle)
    assert sorted(name.decode() for name in store.names()) == names(0, 8)
    merge_segments(bundle)  # nothing is left to do
    assert open_vectors(bundle).fingerprint == store.fingerprint


def test_index_is_measured_saved_and_read_again(tmp_path: Path) -> None:
    bundle = published(tmp_path, count=3000)
    store = open_vectors(bundle)
    info = build_index(bundle, store)
    assert info.rows == 3000
    assert info.recall > 0.9
    index = open_index(bundle, store)
    assert index is not None
    assert index.info == info
    assert measure_recall(index, store) == info.recall
    query = store.take(np.array([42]))[0].astype(np.float32)
    assert index.propose(query)[0] == 42


def test_long_embeddings_are_projected_for_the_index(tmp_path: Path) -> None:
    bundle = published(tmp_path, count=1500, size=300)
    store = open_vectors(bundle)
    info = build_index(bundle, store)
    assert info.dimensions == 256
    index = open_index(bundle, store)
    assert index is not None
    query = store.take(np.array([7]))[0].astype(np.float32)
    assert 7 in index.propose(query)


def test_index_serves_while_segments_are_added_but_not_for_others(tmp_path: Path) -> None:
    bundle = published(tmp_path, count=500)
    build_index(bundle, open_vectors(bundle))
    append_segment(bundle, names(500, 1), units(1, seed=9))
    index = open_index(bundle, open_vectors(bundle))
    assert index is not None
    assert index.info.rows == 500
    other = published(tmp_path / "other", count=400)
    for file in vectors_folder(bundle).glob("index*"):
        target = vectors_folder(other) / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    assert open_index(other, open_vectors(other)) is None


def test_damaged_index_is_not_used(tmp_path: Path) -> None:
    bundle = published(tmp_path, count=500)
    store = open_vectors(bundle)
    assert open_index(bundle, store) is None
    info = build_index(bundle, store)
    file = vectors_folder(bundle) / info.file
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert open_index(bundle, store) is None
    (vectors_folder(bundle) / "index.json").write_text("{", encoding="utf-8")
    assert open_index(bundle, store) is None


def test_only_the_newest_index_is_kept(tmp_path: Path) -> None:
    bundle = published(tmp_path, count=300)
    build_index(bundle, open_vectors(bundle))
    append_segment(bundle, names(300, 5), units(5, seed=9))
    build_index(bundle, open_vectors(bundle))
    assert len(list(vectors_folder(bundle).glob("index-*.usearch"))) == 1
    index = open_index(bundle, open_vectors(bundle))
    assert index is not None
    assert index.info.rows == 305
