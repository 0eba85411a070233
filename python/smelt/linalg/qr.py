"""QR factorization."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, matrix


def qr(a: Any) -> tuple[Array, Array]:
    """Factor a matrix into orthonormal columns and a triangle.

    Finds A = Q·R with QᵀQ = I and R upper triangular with a diagonal that is not negative, by
    Householder reflections.

    Parameters
    ----------
    a : array-like of shape (m, n)
        The matrix.

    Returns
    -------
    q : ndarray of shape (m, min(m, n))
        Orthonormal columns.
    r : ndarray of shape (min(m, n), n)
        Upper triangle.

    Notes
    -----
    Cost: O(m·n·min(m, n)).  A tall matrix is factored by strips of rows in parallel, and read once.

    The sign of the diagonal of R is a deviation from LAPACK, which leaves it as it falls.

    References
    ----------
    J. Demmel, L. Grigori, M. Hoemmen, J. Langou, "Communication-optimal parallel and sequential QR
    and LU factorizations", SIAM Journal on Scientific Computing 34 (2012).

    Examples
    --------
    >>> from smelt.linalg import qr
    >>> q, r = qr([[3, 1], [4, 2]])
    >>> r.round(3)
    array([[5. , 2.2],
           [0. , 0.4]])
    """
    q, r = kernel("linalg.qr")(matrix(a))
    return q, r
