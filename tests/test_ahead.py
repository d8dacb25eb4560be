"""Mapping over threads without taking everything at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from vitrina.ahead import UNDER_WAY, map_ahead


def test_order_is_kept() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(map_ahead(pool, lambda x: x * x, range(200))) == [x * x for x in range(200)]
        assert list(map_ahead(pool, lambda x: x, [])) == []


def test_items_are_taken_only_as_needed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with ThreadPoolExecutor(2) as pool:
        results = map_ahead(pool, lambda x: x, items())
        assert next(results) == 1
        assert taken == UNDER_WAY
        assert next(results) == 2
        assert taken == UNDER_WAY + 1
        results.close()  # type: ignore[attr-defined]
        assert taken == UNDER_WAY + 1


def test_error_arrives() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        list(map_ahead(pool, lambda x: 1 // x, [2, 1, 0, 3]))
