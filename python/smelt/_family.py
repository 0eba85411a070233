"""Makes a sub-package: smelt's own classes first, scikit-learn's for every other name, all lazy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def family(
    package: str, native: dict[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a sub-package.

    Parameters
    ----------
    package : str
        ``__name__`` of the sub-package, e.g. ``"smelt.linear_model"``; names that are not native
        come from the module of the same name in scikit-learn, where there is one.
    native : dict
        Public name -> module within the package that defines it.
    """

    def scikit_learn() -> Any:
        try:
            return importlib.import_module(package.replace("smelt.", "sklearn.", 1))
        except ModuleNotFoundError:
            return None

    def __getattr__(name: str) -> Any:
        if name in native:
            return getattr(importlib.import_module(f"{package}.{native[name]}"), name)
        module = None if name.startswith("_") else scikit_learn()
        if module is not None and hasattr(module, name):
            return getattr(module, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        module = scikit_learn()
        passed = [] if module is None else getattr(module, "__all__", [])
        return sorted({*native, *passed})

    return __getattr__, __dir__, sorted(native)
