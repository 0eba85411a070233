"""Makes all of scikit-learn reachable under ``smelt``: ``import smelt.cluster`` and the like.

A sub-package of smelt's own wins; every other public module of scikit-learn is found by an import
hook, and importing it under smelt's name gives scikit-learn's objects.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _PassThrough(MetaPathFinder, Loader):
    """Answers ``smelt.<name>`` with a module that looks its attributes up in ``sklearn.<name>``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, _, name = fullname.partition(".")
        if root != "smelt" or not name or any(part.startswith("_") for part in name.split(".")):
            return None
        try:
            found = importlib.util.find_spec(f"sklearn.{name}")
        except (ModuleNotFoundError, ValueError):
            return None
        if found is None:
            return None
        is_package = found.submodule_search_locations is not None
        return ModuleSpec(fullname, self, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        target = importlib.import_module(module.__name__.replace("smelt.", "sklearn.", 1))
        module.__doc__ = target.__doc__

        def __getattr__(name: str) -> Any:
            return getattr(target, name)

        module.__dict__["__getattr__"] = __getattr__
        module.__dict__["__dir__"] = lambda: dir(target)
        module.__dict__["__all__"] = list(getattr(target, "__all__", []))


def install() -> None:
    """Append the import hook, once."""
    if not any(isinstance(finder, _PassThrough) for finder in sys.meta_path):
        sys.meta_path.append(_PassThrough())


def sub_packages() -> list[str]:
    """Names of all public sub-packages, smelt's own and scikit-learn's."""
    import sklearn

    import smelt

    names = {info.name for info in pkgutil.iter_modules(smelt.__path__)}
    names |= {info.name for info in pkgutil.iter_modules(sklearn.__path__)}
    return sorted(name for name in names if not name.startswith("_") and name != "conftest")
