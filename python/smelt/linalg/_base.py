"""Inputs of linear algebra, checked and arranged once: precision, shape, layout, finite numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smelt.errors import DataError

Array = NDArray[Any]


def matrix(values: Any, name: str = "a", *, finite: bool = True) -> Array:
    """Return a matrix of ``float32`` or ``float64`` in a layout that the kernels read."""
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise DataError(f"`{name}` holds complex numbers; smelt.linalg works on real ones")
    if array.dtype.kind not in "biuf":
        raise DataError(f"`{name}` must hold numbers, got dtype {array.dtype}")
    if array.ndim != 2:
        raise DataError(f"`{name}` must be a matrix (2 dimensions), got {array.ndim} dimension(s)")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if (
        min(array.strides) < 0
        or not array.flags.aligned
        or any(np.mod(array.strides, array.itemsize))
    ):
        array = array.copy()
    if finite:
        _require_finite(array, name)
    return array


def pair(a: Any, b: Any, *, vector: bool = False, finite: bool = True) -> tuple[Array, Array, bool]:
    """Return two matrices of one precision; with ``vector``, ``b`` may have one dimension.

    The third value says whether it had; it is a column then.
    """
    b = np.asarray(b)
    is_vector = vector and b.ndim == 1
    if is_vector:
        b = b[:, np.newaxis]
    left, right = matrix(a, "a", finite=finite), matrix(b, "b", finite=finite)
    if left.dtype != right.dtype:
        left, right = left.astype(np.float64), right.astype(np.float64)
    return left, right, is_vector


def square(values: Any, name: str = "a") -> Array:
    """Return a square matrix."""
    array = matrix(values, name)
    require_square(array, name)
    return array


def require_square(array: Array, name: str = "a") -> None:
    """Fail unless the matrix is square."""
    if array.shape[0] != array.shape[1]:
        raise DataError(f"`{name}` must be square, got shape {array.shape}")


def require_rows(a: Array, b: Array) -> None:
    """Fail unless both matrices have as many rows."""
    if a.shape[0] != b.shape[0]:
        raise DataError(f"`a` has {a.shape[0]} rows but `b` has {b.shape[0]}")


def _require_finite(array: Array, name: str) -> None:
    # One pass without a temporary: a sum of finite numbers is finite, or too large (seen below).
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    bad = ~np.isfinite(array)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"`{name}` contains {bad.sum()} entries that are NaN or infinite, the first "
            f"({array[row, column]}) at row {row}, column {column}; remove or impute them first"
        )
