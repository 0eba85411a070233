"""Triangular systems of equations."""

from __future__ import annotations

from typing import Any

from smelt._kernel import kernel
from smelt.linalg._base import Array, pair, require_rows, require_square


def solve_triangular(a: Any, b: Any, *, lower: bool = False, unit_diagonal: bool = False) -> Array:
    """Solve a triangular system of linear equations.

    Finds the X with A·X = B by substitution.

    Parameters
    ----------
    a : array-like of shape (n, n)
        The matrix; the other triangle is not used.  Pass ``a.T`` and the other value of ``lower``
        for the transposed system.
    b : array-like of shape (n,) or (n, r)
        Right-hand side, or several in columns.
    lower : bool, default=False
        Whether the lower triangle of ``a`` is used, else the upper one.
    unit_diagonal : bool, default=False
        Whether to take the diagonal as ones, whatever ``a`` holds there.

    Returns
    -------
    ndarray of the shape of ``b``
        The solution.

    Raises
    ------
    LinAlgError
        If an entry of the diagonal is zero.

    Notes
    -----
    Cost: O(n²·r).

    Examples
    --------
    >>> from smelt.linalg import solve_triangular
    >>> solve_triangular([[2, 0], [1, 4]], [2, 9], lower=True)
    array([1., 2.])
    """
    a, b, is_vector = pair(a, b, vector=True)
    require_square(a)
    require_rows(a, b)
    x: Array = kernel("linalg.solve_triangular")(a, b, bool(lower), bool(unit_diagonal))
    return x[:, 0] if is_vector else x
