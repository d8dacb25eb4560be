"""Where a phase of training stands, on the disk: a killed run goes on as if never killed.

Weights alone are not enough for that: the optimizer's moments, the seeds of dropout and what the
callbacks remember (best loss so far, how long ago) decide what comes next, so all of it is kept.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vitrina import atomic

EVERY_S = 10.0
"""Epochs that end sooner after the last writing are not written, seconds."""
_REMEMBERED = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")
"""What Keras's EarlyStopping and ReduceLROnPlateau decide by, besides the best weights."""


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the state of a phase after an epoch, and brings a model back to it.

    Must stand behind the callbacks that it watches, so that it sees what they decided.

    Args:
        path: The file; whoever chooses it names in it all that the phase depends on.
        watched: EarlyStopping and ReduceLROnPlateau, whose state belongs to the phase's.
    """

    def __init__(
        self,
        path: Path,
        watched: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__()
        self._path = path
        self._watched = watched
        self._written = time.monotonic()
        self.history: list[dict[str, float]] = []
        self.complete = False

    def restore(self, model: keras.Model) -> None:
        """Brings `model`, compiled and built, and the watched callbacks to where the file says.

        A missing or damaged file, or one of another network, leaves everything as it is.
        """
        variables = _variables(model)
        try:
            with np.load(BytesIO(self._path.read_bytes()), allow_pickle=False) as kept:
                meta = json.loads(bytes(kept["meta"]).decode())
                arrays = [kept[f"variable_{number}"] for number in range(meta["variables"])]
                best = [
                    [kept[f"best_{number}_{part}"] for part in range(count)]
                    for number, count in enumerate(meta["best"])
                ]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [array.shape for array in arrays] or len(best) != len(self._watched):
            return
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        for callback, state, weights in zip(self._watched, meta["callbacks"], best, strict=True):
            for name, value in state.items():
                setattr(callback, name, value)
            if weights:
                callback.best_weights = weights
        self.history, self.complete = meta["history"], meta["complete"]

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes the epoch, and writes the file now and then."""
        del epoch
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        if time.monotonic() - self._written >= EVERY_S:
            self._write()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Writes the phase's result, the weights of its best epoch."""
        del logs
        self.complete = True
        self._write()

    def _write(self) -> None:
        variables = _variables(self.model)
        arrays: dict[str, Any] = {f"variable_{n}": np.asarray(v) for n, v in enumerate(variables)}
        counts = []
        for number, callback in enumerate(self._watched):
            # once the phase is complete the model itself holds them
            weights = [] if self.complete else getattr(callback, "best_weights", None) or []
            counts.append(len(weights))
            arrays |= {f"best_{number}_{n}": np.asarray(value) for n, value in enumerate(weights)}
        meta = {
            "variables": len(variables),
            "best": counts,
            "callbacks": [_remembered(callback) for callback in self._watched],
            "history": self.history,
            "complete": self.complete,
        }
        content = BytesIO()
        as_bytes = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        np.savez(content, meta=as_bytes, **arrays)
        atomic.write_bytes(self._path, content.getvalue())
        self._written = time.monotonic()


def _variables(model: keras.Model) -> list[Any]:
    """What the next step depends on: weights, seeds of dropout, the optimizer; no metrics."""
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return [*own, *model.optimizer.variables]


def _remembered(callback: keras.callbacks.Callback) -> dict[str, Any]:
    state = {name: getattr(callback, name, None) for name in _REMEMBERED if hasattr(callback, name)}
    return {
        name: value if value is None or isinstance(value, int) else float(value)
        for name, value in state.items()
    }
