"""Cholesky factorization."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, square


def cholesky(a: Any) -> Array:
    """Factor a symmetric positive definite matrix.

    Finds the lower triangular L with positive diagonal and A = L·Lᵀ.

    Parameters
    ----------
    a : array-like of shape (n, n)
        The matrix; only its lower triangle is read.

    Returns
    -------
    ndarray of shape (n, n)
        L, zeros above the diagonal.

    Raises
    ------
    LinAlgError
        If the matrix is not positive definite.

    Notes
    -----
    Cost: O(n³), n³/3 operations.

    References
    ----------
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, section 4.2.

    Examples
    --------
    >>> from smelt.linalg import cholesky
    >>> cholesky([[4, 2], [2, 5]])
    array([[2., 0.],
           [1., 2.]])
    """
    factor: Array = kernel("linalg.cholesky")(square(a))
    return factor
