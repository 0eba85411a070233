"""Tables as trees take them: float32 columns, or the arrays of sparse ones made dense."""

from __future__ import annotations

from typing import Any

import numpy as np


def tree_columns(X: Any) -> np.ndarray:
    """Return float32 columns behind each other; values beyond float32 become infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(X, dtype=np.float32, order="F")


def by_row(X: Any) -> np.ndarray:
    """Return a table whose sparse form has compressed rows, dense."""
    if not isinstance(X, tuple):
        return np.asarray(X)
    indptr, indices, data, inner = X
    out = np.zeros((len(indptr) - 1, inner), dtype=data.dtype)
    out[np.repeat(np.arange(len(out)), np.diff(indptr)), indices] = data
    return out


def by_column(X: Any) -> np.ndarray:
    """Return a table whose sparse form has compressed columns, dense."""
    return by_row(X).T if isinstance(X, tuple) else np.asarray(X)
