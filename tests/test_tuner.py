"""Tuning: every trial is told, nothing is lost, nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from listening import Listening

from vitrina import Shop
from vitrina.errors import SettingError
from vitrina.evaluation.candidate import TrialRecord
from vitrina.training.plan import TrainingPlan
from vitrina.training.run import Run

pytestmark = pytest.mark.train

TRIALS = 7
FEW = {"views": 2, "unfrozen_layers": 30}


@pytest.fixture(scope="module")
def tuned(
    trained: tuple[Shop, Run], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shop, tuple[TrialRecord, ...]]:
    """A copy of the trained shop, and its trials."""
    root = shutil.copytree(trained[0].folder.root, tmp_path_factory.mktemp("tuned") / "shop")
    shop = Shop.open(root)
    return shop, shop.tune("mobilenet_v2", trials=TRIALS, **FEW)


def test_every_trial_is_told(tuned: tuple[Shop, tuple[TrialRecord, ...]]) -> None:
    _, trials = tuned
    assert [trial.number for trial in trials] == list(range(1, TRIALS + 1))
    assert {trial.status for trial in trials} == {"completed"}
    assert all(trial.loss is not None and trial.seconds > 0 for trial in trials)
    assert len({tuple(trial.values.items()) for trial in trials}) == TRIALS


def test_the_recipes_own_head_is_tried_first(tuned: tuple[Shop, tuple[TrialRecord, ...]]) -> None:
    first = tuned[1][0].values
    recipe = TrainingPlan(backbone="mobilenet_v2")
    assert (first["optimizer"], first["head_rate"], first["dropout"]) == (
        recipe.optimizer, recipe.head_rate, recipe.dropout,
    )  # fmt: skip


def test_values_stay_inside_the_space(tuned: tuple[Shop, tuple[TrialRecord, ...]]) -> None:
    for trial in tuned[1]:
        values = trial.values
        assert values["optimizer"] in ("adam", "rmsprop", "sgd")
        assert 1e-5 <= float(values["head_rate"] or 0) <= 1e-2
        assert values["dense_layers"] in (0, 1, 2)
        assert {values["units_1"], values["units_2"]} <= {64, 128, 256, 512}
        assert 0.2 <= float(values["dropout"] or 0) <= 0.5


def test_the_best_head_is_tried_at_every_depth(
    tuned: tuple[Shop, tuple[TrialRecord, ...]],
) -> None:
    _, trials = tuned
    heads, tails = trials[:-3], trials[-3:]
    assert {trial.values["unfrozen_layers"] for trial in heads} == {0}
    assert [trial.values["unfrozen_layers"] for trial in tails] == [10, 20, 30]
    best = min(heads, key=lambda trial: trial.loss or 0)
    for tail in tails:
        assert tail.values | {"unfrozen_layers": 0} == best.values
    (chosen,) = [trial for trial in trials if trial.chosen]
    assert chosen == min(tails, key=lambda trial: trial.loss or 0)


def test_training_goes_on_from_the_chosen_trial(
    tuned: tuple[Shop, tuple[TrialRecord, ...]],
) -> None:
    shop, trials = tuned
    progress = Listening()
    again = Shop.open(shop.folder.root, progress=progress)
    run = again.train("mobilenet_v2", trials=TRIALS, **FEW)
    assert [TrialRecord(**trial) for trial in run.trials] == list(trials)
    (chosen,) = [trial for trial in trials if trial.chosen]
    assert run.plan["unfrozen_layers"] == chosen.values["unfrozen_layers"]
    assert run.plan["head_rate"] == chosen.values["head_rate"]
    assert run.asked["plan"]["unfrozen_layers"] == 30
    assert run.test["top1"] >= 0.75


def test_a_killed_search_goes_on(
    tuned: tuple[Shop, tuple[TrialRecord, ...]], tmp_path: Path
) -> None:
    shop, trials = tuned
    root = shutil.copytree(shop.folder.root, tmp_path / "shop")
    for place in (root / "cache").glob("tuning-*"):
        shutil.rmtree(place)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_TUNING, str(root)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=300) == -signal.SIGKILL
    progress = Listening()
    resumed = Shop.open(root, progress=progress).tune("mobilenet_v2", trials=TRIALS, **FEW)
    assert any(
        "tune" in line and "trials that had ended are kept" in line for line in progress.told
    )
    assert [trial.values for trial in resumed] == [trial.values for trial in trials]


KILLED_WHILE_TUNING = """
import os, signal, sys
from contextlib import contextmanager
from vitrina import Shop
from vitrina.progress import Progress, Step

class Killed(Step):
    count = 0
    def advance(self, count=1, *, note=""):
        self.count += count
        if self.count == 2:
            os.kill(os.getpid(), signal.SIGKILL)

class Killer(Progress):
    @contextmanager
    def step(self, label, total):
        yield Killed() if label == "Tuning" else Step()

Shop.open(sys.argv[1], progress=Killer()).tune(
    "mobilenet_v2", trials=7, views=2, unfrozen_layers=30
)
"""


def test_trials_that_cannot_be_read_begin_anew(
    tuned: tuple[Shop, tuple[TrialRecord, ...]], tmp_path: Path
) -> None:
    shop, _ = tuned
    root = shutil.copytree(shop.folder.root, tmp_path / "shop")
    (oracle,) = (root / "cache").glob("tuning-*/oracle.json")
    oracle.write_text("{")
    progress = Listening()
    trials = Shop.open(root, progress=progress).tune("mobilenet_v2", trials=2, **FEW)
    # another number of trials is the same search: what is there is not thrown away unread
    assert any("begin anew" in line for line in progress.told)
    assert len(trials) == 2


def test_time_ends_the_search(trained: tuple[Shop, Run], tmp_path: Path) -> None:
    root = shutil.copytree(trained[0].folder.root, tmp_path / "shop")
    # a trial that has begun comes to its end
    trials = Shop.open(root).tune("mobilenet_v2", trials=50, max_minutes=0.02, **FEW)
    assert 1 <= len(trials) < 50
    assert sum(trial.chosen for trial in trials) == 1


def test_memory_does_not_grow_from_trial_to_trial(
    tuned: tuple[Shop, tuple[TrialRecord, ...]], tmp_path: Path
) -> None:
    root = shutil.copytree(tuned[0].folder.root, tmp_path / "shop")
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY_OF_TRIALS, str(root)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    megabytes = [int(line) for line in ended.stdout.split()]
    assert len(megabytes) == 24
    # what TensorFlow compiles for each new network is some megabytes; a backbone would be hundreds
    assert megabytes[-1] - megabytes[7] < 16 * 6


MEMORY_OF_TRIALS = """
import sys
from contextlib import contextmanager
from pathlib import Path
from vitrina import Shop
from vitrina.progress import Progress, Step

class Weighed(Step):
    def advance(self, count=1, *, note=""):
        if count == 1:
            status = Path("/proc/self/status").read_text()
            anonymous = int(status.split("RssAnon:")[1].split()[0]) // 1024
            print(anonymous, file=sys.__stdout__)  # tuning holds stdout back

class Weighing(Progress):
    @contextmanager
    def step(self, label, total):
        yield Weighed() if label == "Tuning" else Step()

# heads alone: without a tail there are no depths
Shop.open(sys.argv[1], progress=Weighing()).tune(
    "mobilenet_v2", trials=24, views=2, tail_epochs=0
)
"""


def test_no_trial_is_no_tuning(trained: tuple[Shop, Run]) -> None:
    with pytest.raises(SettingError, match="at least 1"):
        trained[0].tune("mobilenet_v2", trials=0)
