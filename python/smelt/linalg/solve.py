"""Square systems of equations."""

from __future__ import annotations

from typing import Any, Literal

from smelt._kernel import kernel
from smelt.errors import InvalidParameterError
from smelt.linalg._base import Array, pair, require_rows, require_square


def solve(a: Any, b: Any, *, assume_a: Literal["gen", "pos"] = "gen") -> Array:
    """Solve a square system of linear equations.

    Finds the X with A·X = B, by elimination with row pivoting, or by Cholesky factorization.

    Parameters
    ----------
    a : array-like of shape (n, n)
        The matrix.
    b : array-like of shape (n,) or (n, r)
        Right-hand side, or several in columns.
    assume_a : {"gen", "pos"}, default="gen"
        "pos": the matrix is symmetric positive definite, which halves the time; only its lower
        triangle is read.

    Returns
    -------
    ndarray of the shape of ``b``
        The solution.

    Raises
    ------
    LinAlgError
        If the matrix is singular, or not positive definite with ``assume_a="pos"``.

    Notes
    -----
    Cost: O(n³ + n²·r).

    References
    ----------
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, sections 3.4 and 4.2.

    Examples
    --------
    >>> from smelt.linalg import solve
    >>> solve([[2, 0], [1, 4]], [2, 9])
    array([1., 2.])
    """
    if assume_a not in ("gen", "pos"):
        raise InvalidParameterError(f"assume_a must be 'gen' or 'pos', got {assume_a!r}")
    a, b, is_vector = pair(a, b, vector=True)
    require_square(a)
    require_rows(a, b)
    x: Array = kernel("linalg.solve")(a, b, positive=assume_a == "pos")
    return x[:, 0] if is_vector else x
