"""Photo search for online stores: learns a shop's own categories from its own pictures."""

import os

from vitrina.errors import VitrinaError
from vitrina.progress import Progress
from vitrina.shop import Shop
from vitrina.version import __version__

__all__ = ["Progress", "Shop", "VitrinaError", "__version__"]

# From 1.29 on ONNX Runtime reports to its makers what it runs, unless it finds this when loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
