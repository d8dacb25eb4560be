"""Mapping over threads with a bounded number of items under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

UNDER_WAY = 32
"""How many items are taken before the first result is asked for."""


def map_ahead(
    pool: Executor, work: Callable[[Given], Made], items: Iterable[Given]
) -> Iterator[Made]:
    """Results of `work` in the order of `items`.

    Unlike `Executor.map` it does not take all items at once, so memory does not grow with them.
    """
    under_way: deque[Future[Made]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) >= UNDER_WAY:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
