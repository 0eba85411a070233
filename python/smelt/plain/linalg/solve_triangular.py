"""Substitution: the equation with one unknown first, then the one with two, …"""

import numpy as np


def solve_triangular(a, b, lower=False, unit_diagonal=False):
    """Solve a triangular system; kernel: ``crates/smelt-math/src/linalg/trsm.rs``."""
    n = len(a)
    x = np.array(b)
    for i in range(n) if lower else reversed(range(n)):
        known = slice(0, i) if lower else slice(i + 1, n)
        x[i] -= a[i, known] @ x[known]
        if not unit_diagonal:
            if a[i, i] == 0:
                raise np.linalg.LinAlgError(
                    f"the triangular matrix is singular: diagonal entry {i} is zero"
                )
            x[i] /= a[i, i]
    return x
