"""Tuning: Keras Tuner draws hyper-parameters, trials learn from cached activations.

The space is the study's: optimizer, learning rate, Dense layers, dropout, and how many of the last
layers are unfrozen. A trial never runs the frozen part of the network. Heads are compared with
heads first, for a head alone takes seconds; then the best of them is tried on tails of different
depth, which are compared among each other: a short phase 2 says which depth learns best, but is
too short to be held against a head that has finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras_tuner

from vitrina import atomic
from vitrina.errors import SettingError, TrainingError
from vitrina.evaluation.candidate import TrialRecord
from vitrina.progress import Progress
from vitrina.training.learning import Learner
from vitrina.training.plan import OPTIMIZERS, TrainingPlan
from vitrina.training.trial import (
    HEAD_EPOCHS,
    TAIL_EPOCHS,
    TAIL_PHOTOS,
    TrialsHere,
    TrialWorkers,
    Tried,
    fields_of,
)

FEWEST_FOR_DEPTHS = 6
"""With fewer trials than this all are heads, and the plan's own depth stays."""

_SHALLOW = (10, 20, 30)

_UNITS = (64, 128, 256, 512)


def tune(
    learner: Learner,
    plan: TrainingPlan,
    *,
    trials: int,
    max_minutes: float,
    folder: Path,
    progress: Progress,
    workers: TrialWorkers | None = None,
) -> tuple[TrialRecord, ...]:
    """Tries hyper-parameters; goes on where an earlier call with the same arguments was cut off.

    The first trial has the plan's own values, so that only something better is chosen.

    Args:
        learner: Has computed what the frozen part makes of each photo.
        plan: What is not tuned; its own values of what is are tried first.
        trials: How many in all.
        max_minutes: No trial begins after that; 0 for no limit.
        folder: Keras Tuner's files; named after all that the trials depend on.
        progress: Where the work reports to.
        workers: Who runs the trials; one after the other in this process where None.

    Returns:
        Every trial, in their order; one of them chosen.

    Raises:
        TrainingError: no trial came to its end.
    """
    if trials < 1:
        raise SettingError(
            f"The number of trials is {trials}; at least 1 is needed.", hint="Try --trials 10."
        )
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else None
    search = _open_search(learner.cut_layers, plan, trials, folder, deadline, progress)
    done = len(search.oracle.end_order)
    with progress.step("Tuning", trials) as step:
        step.advance(done)
        search.tell = lambda note: step.advance(note=note)
        with contextlib.redirect_stdout(io.StringIO()):  # Keras Tuner talks on stdout
            search.run(workers or TrialsHere(learner, plan))
    records = search.records()
    if not any(record.chosen for record in records):
        raise TrainingError(
            "No trial of tuning came to its end: "
            + "; ".join(f"{record.number}: {record.note}" for record in records)[:500],
            hint="Train without tuning: vitrina train.",
        )
    return records


def best_plan(plan: TrainingPlan, trials: tuple[TrialRecord, ...]) -> TrainingPlan:
    """The plan with the values of the chosen trial.

    Where no depth was tried, the plan keeps its own.
    """
    (chosen,) = [trial for trial in trials if trial.chosen]
    fields = fields_of(chosen.values)
    if not chosen.values["unfrozen_layers"]:
        del fields["unfrozen_layers"]
    return plan.changed(fields)


def depths(plan: TrainingPlan) -> tuple[int, ...]:
    """How many unfrozen layers are tried, each in one of the last trials; up to the plan's own.

    Where the plan lets few layers learn these are the study's.
    """
    own = plan.unfrozen_layers
    return _SHALLOW if own <= _SHALLOW[-1] else (*_SHALLOW[::2], own)


def tuning_folder(cache: Path, plan: TrainingPlan, fingerprint: str, weights: str) -> Path:
    """Where the trials of such a tuning lie."""
    own = json.dumps([asdict(plan), fingerprint, weights, HEAD_EPOCHS, TAIL_EPOCHS, TAIL_PHOTOS])
    return cache / f"tuning-{hashlib.sha256(own.encode()).hexdigest()[:16]}"


def search_space(plan: TrainingPlan) -> keras_tuner.HyperParameters:
    """The study's space, with the plan's own values as defaults."""
    space = keras_tuner.HyperParameters()
    hidden = plan.hidden or (0,)
    space.Choice("optimizer", list(OPTIMIZERS), default=plan.optimizer)
    space.Float("head_rate", 1e-5, 1e-2, sampling="log", default=plan.head_rate)
    space.Int("dense_layers", 0, 2, default=len(plan.hidden))
    space.Choice("units_1", list(_UNITS), default=_nearest(hidden[0]))
    space.Choice("units_2", list(_UNITS), default=_nearest(hidden[-1]))
    space.Float("dropout", 0.2, 0.5, step=0.05, default=min(max(plan.dropout, 0.2), 0.5))
    # 0 are the trials of heads; the oracle sets the others itself
    space.Choice("unfrozen_layers", [0, *depths(plan)], default=0)
    return space


class _Oracle(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Random search over heads, then depths under the best head; its files never appear half.

    Source: Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012. With some
    ten trials a model of the space would not have begun to help yet.
    """

    depths: tuple[int, ...] = ()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values of the next trial: the defaults, drawn heads, and last the depths."""
        if not self.trials:
            values = {each.name: each.default for each in self.hyperparameters.space}
            return {"status": "RUNNING", "values": values}
        left = self.max_trials - len(self.trials)
        if left <= len(self.depths) and self.ongoing_trials and not self._tails_began():
            return {"status": "IDLE"}  # the best head is known once all of them have ended
        if left <= len(self.depths) and (best := best_trial(self, tails=False)):
            depth = self.depths[len(self.depths) - left]
            values = best.hyperparameters.values | {"unfrozen_layers": depth}
            return {"status": "RUNNING", "values": values}
        drawn: dict[str, Any] = super().populate_space(trial_id)
        if drawn.get("values"):
            drawn["values"] = drawn["values"] | {"unfrozen_layers": 0}
        return drawn

    def _tails_began(self) -> bool:
        return any(one.hyperparameters.values["unfrozen_layers"] for one in self.trials.values())

    def save(self) -> None:
        """The state of the search, in one step."""
        atomic.write_text(Path(self._get_oracle_fname()), json.dumps(self.get_state()))

    def _save_trial(self, trial: Any) -> None:
        place = Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
        atomic.write_text(place, json.dumps(trial.get_state()))


class _Search(keras_tuner.engine.base_tuner.BaseTuner):  # type: ignore[misc]
    """Has trials run until they are all done, or time is up."""

    def __init__(self, deadline: float | None, **options: Any) -> None:
        self._deadline = deadline
        self.tell: Callable[[str], None] = lambda _note: None
        super().__init__(**options)

    def run(self, workers: TrialWorkers) -> None:
        """Keeps all workers busy as long as there are trials."""
        running: dict[str, Any] = {}
        free = [f"worker-{number}" for number in range(workers.slots)]
        while True:
            while free and (trial := self._next_trial(free[-1])):
                running[trial.trial_id] = (trial, free.pop())
                workers.start(trial.trial_id, dict(trial.hyperparameters.values))
            if not running:
                return
            name, tried = workers.wait()
            trial, worker = running.pop(name)
            self._end(trial, tried)
            free.append(worker)

    def _next_trial(self, worker: str) -> Any | None:
        """The trial that is begun now; None where there is none, or none yet."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.oracle.max_trials = len(self.oracle.trials)
        trial = self.oracle.create_trial(worker)
        return trial if trial.status == "RUNNING" else None

    def _end(self, trial: Any, tried: Tried) -> None:
        """Keeps what came of a trial."""
        if tried.failure:
            trial.status, trial.message = "FAILED", tried.failure
        else:
            trial.status = "COMPLETED"
            self.oracle.update_trial(trial.trial_id, tried.figures)
        self.oracle.end_trial(trial)
        self.save()
        loss = tried.figures.get("loss")
        self.tell("failed" if loss is None else f"validation loss {loss:.3f}")

    def save(self) -> None:
        """Nothing of its own: the oracle knows all."""
        self.oracle.save()
        atomic.write_text(Path(self._get_tuner_fname()), "{}")

    def records(self) -> tuple[TrialRecord, ...]:
        """Every trial that ended, in their order."""
        # they may end in another order than they began in
        ended = [self.oracle.trials[name] for name in sorted(self.oracle.end_order, key=int)]
        best = best_trial(self.oracle, tails=True) or best_trial(self.oracle, tails=False)
        return tuple(
            TrialRecord(
                number=number,
                status="failed" if _metric(trial, "loss") is None else "completed",
                values=dict(trial.hyperparameters.values),
                top1=_metric(trial, "top1"),
                loss=_metric(trial, "loss"),
                seconds=_metric(trial, "seconds") or 0.0,
                chosen=trial is best,
                note=_last_line(trial.message) if _metric(trial, "loss") is None else "",
            )
            for number, trial in enumerate(ended, start=1)
        )


def best_trial(oracle: keras_tuner.Oracle, *, tails: bool) -> Any | None:
    """The completed trial with the lowest loss among those of tails, or of heads alone.

    Tails say something only once all depths have been tried.
    """
    found = [
        trial
        for trial in oracle.trials.values()
        if _metric(trial, "loss") is not None
        and bool(trial.hyperparameters.values["unfrozen_layers"]) == tails
    ]
    if not found or (tails and len(found) < len(oracle.depths)):
        return None
    return min(found, key=lambda trial: float(trial.metrics.get_last_value("loss")))


def _open_search(
    cut_layers: int,
    plan: TrainingPlan,
    trials: int,
    folder: Path,
    deadline: float | None,
    progress: Progress,
) -> _Search:
    def opened() -> _Search:
        oracle = _Oracle(
            objective=keras_tuner.Objective("loss", "min"),
            max_trials=trials,
            hyperparameters=search_space(plan),
            allow_new_entries=False,
            tune_new_entries=False,
            seed=plan.seed + 1,  # 0 would mean: draw one
            max_consecutive_failed_trials=trials + 1,
        )
        oracle.verbose = 0
        if plan.learns_tail and trials >= FEWEST_FOR_DEPTHS:
            oracle.depths = tuple(depth for depth in depths(plan) if depth <= cut_layers)
        return _Search(
            deadline,
            oracle=oracle,
            directory=str(folder.parent),
            project_name=folder.name,
        )

    with contextlib.redirect_stdout(io.StringIO()):
        try:
            search = opened()
        except (ValueError, KeyError, RuntimeError, OSError) as error:
            progress.say(f"The trials in {folder} cannot be read ({error}); they begin anew.")
            shutil.rmtree(folder, ignore_errors=True)
            search = opened()
    search.oracle.max_trials = trials
    return search


def _nearest(units: int) -> int:
    return min(_UNITS, key=lambda known: abs(known - units))


def _metric(trial: Any, name: str) -> float | None:
    if trial.status != "COMPLETED" or not trial.metrics.exists(name):
        return None
    value = trial.metrics.get_last_value(name)
    return None if value is None else float(value)


def _last_line(message: str | None) -> str:
    return ((message or "").strip().splitlines() or ["It failed without a word."])[-1][:200]
