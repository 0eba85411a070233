"""Gram matrix."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, matrix


def gram(a: Any) -> Array:
    """Multiply a matrix with its transpose.

    Computes G = Aᵀ·A, exactly symmetric.

    Parameters
    ----------
    a : array-like of shape (m, n)
        The matrix, one row a sample.

    Returns
    -------
    ndarray of shape (n, n)
        The products of all pairs of columns.

    Notes
    -----
    Cost: O(m·n²), half of a general product.

    Examples
    --------
    >>> from smelt.linalg import gram
    >>> gram([[1, 2], [3, 4]])
    array([[10., 14.],
           [14., 20.]])
    """
    product: Array = kernel("linalg.gram")(matrix(a, finite=False))
    return product
