"""Training from activations against the plain loop, both run for real."""

from __future__ import annotations

import pytest

from vitrina import Shop
from vitrina.training.run import Run

pytestmark = pytest.mark.train


def test_both_ways_are_run_and_compared(trained: tuple[Shop, Run]) -> None:
    from vitrina.bench.training import benchmark_training
    from vitrina.progress import SILENT

    shop, _ = trained
    before = {path.name for path in shop.folder.cache.iterdir()}
    result = benchmark_training(shop.folder, "mobilenet_v2", 24, 1, 0, SILENT)
    assert result.photos == 24
    assert result.plain_top1 is None
    assert set(result.own_seconds) == {"activations", "tuning", "phase_1", "phase_2"}
    assert all(seconds > 0 for seconds in result.own_seconds.values())
    assert result.plain_seconds["tuning"] == pytest.approx(
        result.plain_seconds["phase_1"] * 50 / 15
    )
    assert result.ratio == pytest.approx(result.plain_total / result.own_total)
    assert 0 <= result.own_top1 <= 1
    assert min(result.own_peak_mb, result.plain_peak_mb) > 200
    assert "1 epochs of each phase" in result.conditions
    assert {path.name for path in shop.folder.cache.iterdir()} == before
