"""integrations/build.py, which is a program and lies in no package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

INTEGRATIONS = Path(__file__).parents[2] / "integrations"


def build_module() -> ModuleType:
    """A fresh copy of it."""
    spec = importlib.util.spec_from_file_location("shop_archives", INTEGRATIONS / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
