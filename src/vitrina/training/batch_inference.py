"""A Keras model over many rows, in batches of one size."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from vitrina.training.batches import Values

BATCH = 32


def run_in_batches(
    model: keras.Model,
    values: Values,
    rows: npt.NDArray[np.int64] | None = None,
    batch: int = BATCH,
) -> npt.NDArray[np.float32]:
    """What `model` answers in inference mode, read from `values` a batch at a time.

    Args:
        model: One input, one output.
        values: (M, ...) of any real dtype, mapped or in memory.
        rows: (N,) int64, which of `values` to ask and in which order; None asks all.
        batch: The last one is filled up, because every new size would be compiled anew.

    Returns:
        (N, ...) float32.
    """
    rows = np.arange(len(values)) if rows is None else rows
    answers = []
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        filled = np.concatenate([part, np.repeat(part[-1:], batch - len(part))])
        inputs = np.asarray(values[filled], dtype=np.float32)
        answers.append(np.asarray(model.predict_on_batch(inputs))[: len(part)])
    return np.concatenate(answers)
