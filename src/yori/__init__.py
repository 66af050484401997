"""Hold the model. Improve the data. Prove it.

Each folder of the package is one noun of the pipeline; see the map in README.md. ``import yori`` is light: a
subpackage is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBPACKAGES = ("arrays", "attribution", "errors", "heads", "metrics", "statistics", "store", "synthetic", "task")


def __getattr__(name: str) -> ModuleType:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"yori.{name}")
    raise AttributeError(f"module 'yori' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_SUBPACKAGES, "__version__"]
