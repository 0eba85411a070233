"""A·X = B by Gaussian elimination with row pivoting, or by Cholesky factorization."""

import numpy as np

from smelt.plain.linalg.cholesky import cholesky
from smelt.plain.linalg.solve_triangular import solve_triangular


def solve(a, b, positive=False):
    """Solve a square system; kernel: ``crates/smelt-math/src/linalg/solve.rs``."""
    if positive:
        factor = cholesky(a)
        return solve_triangular(factor.T, solve_triangular(factor, b, lower=True))
    upper, x = np.array(a), np.array(b)
    for j in range(len(a)):
        # 1. The largest entry left in the column becomes the pivot.
        pivot = j + np.argmax(np.abs(upper[j:, j]))
        if upper[pivot, j] == 0:
            raise np.linalg.LinAlgError(
                f"the matrix is singular: elimination finds no pivot for column {j}"
            )
        upper[[j, pivot]], x[[j, pivot]] = upper[[pivot, j]], x[[pivot, j]]
        # 2. Multiples of the pivot's row clear the column below.
        multiple = upper[j + 1 :, j] / upper[j, j]
        upper[j + 1 :, j:] -= np.outer(multiple, upper[j, j:])
        x[j + 1 :] -= np.outer(multiple, x[j])
    # 3. Back substitution.
    return solve_triangular(upper, x)
