"""Starting quickly: what is imported stays, so nobody looks for garbage in it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keeps the garbage collector out of a block that imports and builds what will stay.

    It would walk through everything again and again while modules come in, which takes about a
    tenth of a server's start. What the block made is left out of later collections too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
