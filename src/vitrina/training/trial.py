"""One trial of tuning, and who runs trials: the same function here and on other machines.

A trial depends on its values and on what the frozen part made of the photos, which lies in the
shop's cache; so it can run wherever that is seen.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from vitrina.dataset import Dataset
from vitrina.errors import TrainingError
from vitrina.evaluation.metrics import cross_entropy, top_k_accuracy
from vitrina.folder import ShopFolder
from vitrina.progress import SILENT
from vitrina.training.learning import Learner
from vitrina.training.plan import TrainingPlan, Tuning

HEAD_EPOCHS = 5
TAIL_EPOCHS = 4
TAIL_PHOTOS = 3000
"""A tail's trial is a taste: enough to tell depths apart, not to finish."""


@dataclass(frozen=True)
class Tried:
    """What came of one trial.

    Attributes:
        figures: loss and top1 on photos that were not learned from, seconds; empty where it failed.
        failure: Why, in one line; empty where it did not.
    """

    figures: dict[str, float]
    failure: str = ""


@dataclass(frozen=True)
class TrialsOf:
    """What all trials of one tuning share, and what another machine makes its learner of.

    Attributes:
        folder: The shop, in whose cache the frozen part's work is complete.
        dataset: What is learned.
        plan: What is not tuned.
        tuning: How much is tried.
        weights: File with ImageNet weights; None: they are looked for.
    """

    folder: ShopFolder
    dataset: Dataset
    plan: TrainingPlan
    tuning: Tuning
    weights: Path | None


class TrialWorkers(Protocol):
    """Runs trials.

    Attributes:
        slots: How many at the same time.
    """

    slots: int

    def start(self, trial: str, values: dict[str, Any]) -> None:
        """Begins a trial; never with more than `slots` under way."""

    def wait(self) -> tuple[str, Tried]:
        """The next one that has ended."""


class TrialsHere:
    """Runs one trial after the other in this process.

    Args:
        learner: Has computed what the frozen part makes of each photo.
        plan: What is not tuned.
    """

    slots = 1

    def __init__(self, learner: Learner, plan: TrainingPlan) -> None:
        self._learner = learner
        self._plan = plan
        self._asked: tuple[str, dict[str, Any]] | None = None

    def start(self, trial: str, values: dict[str, Any]) -> None:
        """Keeps it until it is waited for."""
        self._asked = trial, values

    def wait(self) -> tuple[str, Tried]:
        """Runs it."""
        assert self._asked
        trial, values = self._asked
        return trial, run_trial(self._learner, self._plan, values)


def run_trial(learner: Learner, plan: TrainingPlan, values: dict[str, Any]) -> Tried:
    """Learns with one set of values, and measures on photos that were watched.

    Args:
        learner: Has computed what the frozen part makes of each photo.
        plan: What is not tuned.
        values: Of `vitrina.training.tuner.search_space`.
    """
    start = time.monotonic()
    short = replace(
        plan.changed(fields_of(values)), head_epochs=HEAD_EPOCHS, tail_epochs=TAIL_EPOCHS
    )
    try:
        learned = learner.learn(short, SILENT, tail_photos=TAIL_PHOTOS)
        probabilities, labels = learner.probabilities(learned, "validation")
        if not len(labels):
            probabilities, labels = learner.probabilities(learned, "train")
        loss = cross_entropy(probabilities, labels)
        if not np.isfinite(loss) or not np.isfinite(probabilities).all():
            return Tried({}, "The loss is not a number.")
        top1 = top_k_accuracy(probabilities, labels, 1)
    except TrainingError as error:
        return Tried({}, error.message)
    except Exception as error:  # one set of values must not end the search
        return Tried({}, f"{type(error).__name__}: {error}")
    finally:
        # what the trial left Keras would keep for the life of the process
        keras.backend.clear_session(free_memory=True)
    return Tried({"loss": loss, "top1": top1, "seconds": round(time.monotonic() - start, 2)})


def fields_of(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a plan from the values of a trial."""
    units = (values["units_1"], values["units_2"])[: values["dense_layers"]]
    return {
        "optimizer": values["optimizer"],
        "head_rate": values["head_rate"],
        "hidden": tuple(units),
        "dropout": round(values["dropout"], 2),
        "unfrozen_layers": values["unfrozen_layers"],
    }
