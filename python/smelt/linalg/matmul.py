"""Matrix product."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.errors import DataError
from smelt.linalg._base import Array, pair


def matmul(a: Any, b: Any) -> Array:
    """Multiply two matrices.

    Computes C = A·B.  NaN and infinity go through as in :func:`numpy.matmul`.

    Parameters
    ----------
    a : array-like of shape (m, k)
        Left factor.
    b : array-like of shape (k, n)
        Right factor.

    Returns
    -------
    ndarray of shape (m, n)
        The product, ``float32`` when both factors are, else ``float64``.

    Raises
    ------
    DataError
        If the shapes do not go together.

    Notes
    -----
    Cost: O(m·k·n).  Passing ``a.T`` makes no copy.

    Examples
    --------
    >>> from smelt.linalg import matmul
    >>> matmul([[1, 2], [3, 4]], [[1], [1]])
    array([[3.],
           [7.]])
    """
    a, b, _ = pair(a, b, finite=False)
    if a.shape[1] != b.shape[0]:
        raise DataError(f"`a` has {a.shape[1]} columns but `b` has {b.shape[0]} rows")
    product: Array = kernel("linalg.matmul")(a, b)
    return product
