"""Singular value decomposition."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, matrix


def svd(a: Any) -> tuple[Array, Array, Array]:
    """Decompose a matrix into singular values and vectors.

    Finds A = U·diag(s)·Vᵀ with orthonormal columns in U and V and s₁ ≥ s₂ ≥ … ≥ 0.

    Parameters
    ----------
    a : array-like of shape (m, n)
        The matrix.

    Returns
    -------
    u : ndarray of shape (m, min(m, n))
        Left singular vectors in columns.
    s : ndarray of shape (min(m, n),)
        Singular values, falling.
    vt : ndarray of shape (min(m, n), n)
        Right singular vectors in rows; the entry of largest magnitude in each is positive.

    Notes
    -----
    Cost: O(m·n·min(m, n)).  The thin form only, as ``full_matrices=False`` elsewhere.
    The part that works on a square matrix uses at most four threads.

    Ctrl-C is answered at once, but the decomposition goes on in the background until its end and is
    then dropped (n = 2048: about 4 seconds on two cores).

    References
    ----------
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, section 8.6.

    Examples
    --------
    >>> from smelt.linalg import svd
    >>> u, s, vt = svd([[3, 0], [0, -5]])
    >>> s
    array([5., 3.])
    """
    u, s, vt = kernel("linalg.svd")(matrix(a))
    return u, s, vt
