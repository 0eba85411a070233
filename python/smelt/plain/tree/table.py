"""Sparse tables, which arrive as their arrays (indptr, indices, data, inner size), made dense."""

from __future__ import annotations

from typing import Any

import numpy as np


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
