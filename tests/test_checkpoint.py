"""A phase that is cut off at any epoch ends as if it had not been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitrina.progress import Progress, Step
from vitrina.training.plan import TrainingPlan

pytestmark = pytest.mark.train

EPOCHS = 12
PLAN = TrainingPlan(backbone="mobilenet_v2", dropout=0.3, patience=2, head_rate=0.05)


class CutOff(Progress):
    """Interrupts the phase in one of its epochs."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    @contextmanager
    def step(self, label: str, total: int) -> Iterator[Step]:
        del label, total
        outer = self

        class Counted(Step):
            done = 0

            def advance(self, count: int = 1, *, note: str = "") -> None:
                del note
                self.done += count
                if self.done == outer._epoch:
                    raise KeyboardInterrupt

        yield Counted()


def fit(checkpoint: Path | None, progress: Progress, *, falls: bool) -> tuple[Any, Any]:
    """Two classes that overlap, so that the loss has a best epoch."""
    import keras

    from vitrina.training.batches import LabelledRows
    from vitrina.training.fitting import Phase, fit_phase
    from vitrina.training.head import build_head

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 80)
    values = random.normal(labels[:, None] * 0.7, 1.0, size=(80, 6)).astype(np.float16)
    data = [
        LabelledRows(values, np.arange(80)[part][:, None], labels[part], 2)
        for part in (slice(0, 60), slice(60, 80))
    ]
    model = build_head(6, 2, PLAN)
    phase = Phase(1, "Phase", EPOCHS, 0.05, 8, falls, patience=3)
    history = fit_phase(model, phase, PLAN, *data, progress, checkpoint=checkpoint)
    return history, model.get_weights()


@pytest.fixture(autouse=True)
def _every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrina.training.checkpoint.EVERY_S", 0)


@pytest.mark.parametrize("falls", [True, False], ids=["cosine", "plateau"])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_it_goes_on_to_the_same_end(tmp_path: Path, falls: bool, epoch: int) -> None:
    expected, weights = fit(None, Progress(), falls=falls)
    file = tmp_path / "phase.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(file, CutOff(epoch), falls=falls)
    resumed, again = fit(file, Progress(), falls=falls)
    assert [entry["epoch"] for entry in resumed] == [entry["epoch"] for entry in expected]
    for one, other in zip(resumed, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)
    for one, other in zip(again, weights, strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_a_phase_that_ended_is_not_learned_again(tmp_path: Path) -> None:
    file = tmp_path / "phase.npz"
    expected, weights = fit(file, Progress(), falls=False)
    assert len(expected) < EPOCHS  # it stopped early: the best epoch's weights count
    resumed, again = fit(file, CutOff(1000), falls=False)
    assert resumed == expected
    for one, other in zip(again, weights, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("damage", [b"", b"PK no archive", None])
def test_a_damaged_file_begins_anew(tmp_path: Path, damage: bytes | None) -> None:
    file = tmp_path / "phase.npz"
    expected, _ = fit(None, Progress(), falls=True)
    with pytest.raises(KeyboardInterrupt):
        fit(file, CutOff(4), falls=True)
    file.write_bytes(file.read_bytes()[:-300] if damage is None else damage)
    resumed, _ = fit(file, Progress(), falls=True)
    assert len(resumed) == len(expected) == EPOCHS
    assert resumed[-1]["loss"] == pytest.approx(expected[-1]["loss"], rel=1e-4)
