"""Eigenvalues of symmetric matrices."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, square


def eigh(a: Any) -> tuple[Array, Array]:
    """Decompose a symmetric matrix into eigenvalues and eigenvectors.

    Finds A = V·diag(w)·Vᵀ with VᵀV = I and w₁ ≤ w₂ ≤ ….

    Parameters
    ----------
    a : array-like of shape (n, n)
        The matrix; only its lower triangle is read.

    Returns
    -------
    w : ndarray of shape (n,)
        Eigenvalues, rising.
    v : ndarray of shape (n, n)
        Eigenvectors in columns; the entry of largest magnitude in each is positive.

    Notes
    -----
    Cost: O(n³), on at most four threads.

    Ctrl-C is answered at once, but the decomposition goes on in the background until its end and is
    then dropped (n = 2048: about 1.5 seconds on two cores).

    References
    ----------
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, chapter 8.

    Examples
    --------
    >>> from smelt.linalg import eigh
    >>> w, v = eigh([[2, 1], [1, 2]])
    >>> w
    array([1., 3.])
    """
    w, v = kernel("linalg.eigh")(square(a))
    return w, v
