"""Comparing with all: NumPy and USearch find the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from vitrina.search.exact import exact_nearest, load_ahead


def unit(rows: int) -> np.ndarray:
    vectors = np.random.default_rng(rows).standard_normal((rows, 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_both_ways_find_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit(rows)
    load_ahead()
    keys, cosines = exact_nearest(vectors, vectors[rows // 2], 5)
    monkeypatch.delitem(sys.modules, "usearch.index")
    own_keys, own_cosines = exact_nearest(vectors, vectors[rows // 2], 5)
    assert "usearch.index" not in sys.modules
    np.testing.assert_array_equal(own_keys, keys)
    np.testing.assert_allclose(own_cosines, cosines, atol=2e-3)
    assert own_keys[0] == rows // 2
    assert len(own_keys) == min(5, rows)


def test_nothing_to_compare_with_finds_nothing() -> None:
    for count, vectors in ((3, unit(4)[:0]), (0, unit(4))):
        keys, cosines = exact_nearest(vectors, unit(4)[0], count)
        assert len(keys) == len(cosines) == 0
