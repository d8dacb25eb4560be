"""Loading TensorFlow without its greeting."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_framework() -> None:
    """Imports Keras on TensorFlow; must come before any other import of either.

    TensorFlow writes to stderr while it is being imported, before any setting of its own could
    stop it. What it wrote is shown only if the import fails.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return
    with _stderr_held_back():
        tensorflow = importlib.import_module("tensorflow")
        importlib.import_module("keras")
    # each trial of tuning is a new network, which TensorFlow takes for a mistake of ours
    tensorflow.get_logger().setLevel("ERROR")


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Keeps what native code writes to stderr in this block, and shows it on an error."""
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(own, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
