"""smelt: machine learning for Python on a Rust core.

``smelt`` mirrors scikit-learn's sub-packages: change ``sklearn`` to ``smelt`` in an import and
nothing else.  Algorithms with a kernel of smelt's own come from here (:func:`native` lists them),
everything else is passed through from scikit-learn.

Everything is imported lazily: ``import smelt`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from smelt import _passthrough
from smelt._config import config, get_config
from smelt._version import __version__

if TYPE_CHECKING:
    from smelt._native import native, patch_sklearn, unpatch_sklearn
    from smelt.app.pipeline.train import train
    from smelt.export.model_file import load, save

_passthrough.install()

_LAZY = {
    "load": "smelt.export.model_file",
    "native": "smelt._native",
    "patch_sklearn": "smelt._native",
    "save": "smelt.export.model_file",
    "train": "smelt.app.pipeline.train",
    "unpatch_sklearn": "smelt._native",
}

__all__ = [
    "__version__",
    "config",
    "get_config",
    "load",
    "native",
    "patch_sklearn",
    "save",
    "train",
    "unpatch_sklearn",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"smelt.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"smelt.{name}":
                raise
    raise AttributeError(f"module 'smelt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_passthrough.sub_packages()])
