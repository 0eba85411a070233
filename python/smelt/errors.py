"""Every exception and warning that smelt raises, under one roof.

Where scikit-learn or NumPy has the type, it is theirs, so that ``except`` clauses keep working;
theirs are looked up on first use, so that the command line need not import scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.linalg import LinAlgError
    from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
    from sklearn.utils._param_validation import InvalidParameterError

__all__ = [
    "BudgetError",
    "CheckError",
    "ConvergenceWarning",
    "DataConversionWarning",
    "DataError",
    "InputWarning",
    "InternalError",
    "InvalidParameterError",
    "LinAlgError",
    "ModelFileError",
    "NotFittedError",
    "UsageError",
]

_THEIRS = {
    "ConvergenceWarning": "sklearn.exceptions",
    "DataConversionWarning": "sklearn.exceptions",
    "InvalidParameterError": "sklearn.utils._param_validation",
    "LinAlgError": "numpy.linalg",
    "NotFittedError": "sklearn.exceptions",
}


class _Hinted(Exception):
    """An error that can say how to mend what it is about."""

    def __init__(self, *parts: object, hint: str | None = None) -> None:
        super().__init__(*parts)
        self.hint = hint


class UsageError(_Hinted, ValueError):
    """A command, option or configuration that cannot be carried out (exit code 2)."""


class DataError(_Hinted, ValueError):
    """Data that cannot be used: what, where, why and how to mend it (exit code 3)."""


class ModelFileError(_Hinted, ValueError):
    """A model file that is damaged, hostile or newer than this reader (exit code 4)."""


class BudgetError(_Hinted, RuntimeError):
    """The time budget ended before anything was trained (exit code 5)."""


class CheckError(_Hinted, RuntimeError):
    """A check that was asked for did not hold, e.g. ``smelt verify`` (exit code 6)."""


class InputWarning(UserWarning):
    """Values in the data of a prediction that cannot be read and were taken as missing."""


class InternalError(RuntimeError):
    """A defect of smelt itself; please report it."""


def __getattr__(name: str) -> Any:
    if name in _THEIRS:
        return getattr(importlib.import_module(_THEIRS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
