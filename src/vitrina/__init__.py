"""Photo search for online stores: learns a shop's own categories from its own pictures."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitrina.errors import VitrinaError
    from vitrina.progress import Progress
    from vitrina.shop import Shop
    from vitrina.version import __version__

__all__ = ["Progress", "Shop", "VitrinaError", "__version__"]

_PLACES = {
    "Progress": "vitrina.progress",
    "Shop": "vitrina.shop",
    "VitrinaError": "vitrina.errors",
    "__version__": "vitrina.version",
}

# From 1.29 on ONNX Runtime reports to its makers what it runs, unless it finds this when loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> object:
    """Loads what is asked for: the command must do things of its own before anything comes in."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
