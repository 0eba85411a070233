"""Least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt._kernel import kernel
from smelt.errors import InvalidParameterError
from smelt.linalg._base import Array, pair, require_rows


def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Array, Array, int, Array]:
    """Solve a least-squares problem, whatever its shape and rank.

    Finds the X of smallest norm among those that minimise ‖A·X − B‖.

    Parameters
    ----------
    a : array-like of shape (m, n)
        The matrix.
    b : array-like of shape (m,) or (m, r)
        Right-hand side, or several in columns.
    rcond : float, default=None
        Singular values up to ``rcond`` times the largest count as zero.  None: the rounding unit
        times max(m, n).

    Returns
    -------
    x : ndarray of shape (n,) or (n, r)
        The solution.
    residuals : ndarray of shape (r,) or (0,)
        Sums of squared residuals; empty where the rank is below n or m ≤ n.
    rank : int
        Number of singular values that count.
    s : ndarray of shape (min(m, n),)
        Singular values of ``a``.

    Raises
    ------
    InvalidParameterError
        If ``rcond`` is negative or not a number.

    Notes
    -----
    Cost: O(m·n·min(m, n)).  One QR factorization of [A | B] for a tall matrix, then the singular
    values of the triangle.

    References
    ----------
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, section 5.5.

    Examples
    --------
    >>> from smelt.linalg import lstsq
    >>> x, residuals, rank, s = lstsq([[1, 0], [1, 1], [1, 2]], [1, 3, 5])
    >>> x.round(6)
    array([1., 2.])
    """
    if rcond is not None and not rcond >= 0:
        raise InvalidParameterError(f"rcond must be at least 0, got {rcond!r}")
    a, b, is_vector = pair(a, b, vector=True)
    require_rows(a, b)
    x, rank, s = kernel("linalg.lstsq")(a, b, None if rcond is None else float(rcond))
    residuals = np.empty(0, dtype=a.dtype)
    if rank == a.shape[1] < a.shape[0]:
        with np.errstate(over="ignore"):  # the square of a huge residual is infinite
            residuals = ((b - kernel("linalg.matmul")(a, x)) ** 2).sum(axis=0)
    return (x[:, 0] if is_vector else x), residuals, int(rank), s
