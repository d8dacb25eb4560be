"""Quick starts leave the garbage collector as they found it."""

from __future__ import annotations

import gc

import pytest

from vitrina.starting import without_garbage_collection


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_put_back(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with without_garbage_collection():
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
        gc.unfreeze()


def test_what_was_made_is_left_out_of_collections() -> None:
    gc.unfreeze()
    with without_garbage_collection():
        kept = [[number] for number in range(100)]
    assert gc.get_freeze_count() >= len(kept)
    gc.unfreeze()
