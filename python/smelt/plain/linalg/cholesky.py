"""A = L·Lᵀ, column by column."""

import numpy as np


def cholesky(a):
    """Factor a positive definite matrix; kernel: ``crates/smelt-math/src/linalg/cholesky.rs``."""
    n = len(a)
    factor = np.tril(a)
    for j in range(n):
        # 1. The diagonal: what the columns so far leave of it.
        left = factor[j, j] - factor[j, :j] @ factor[j, :j]
        if not left > 0:
            raise np.linalg.LinAlgError(
                f"the matrix is not positive definite: its leading {j + 1} x {j + 1} part is not"
            )
        factor[j, j] = np.sqrt(left)
        # 2. The column below.
        rest = factor[j + 1 :, j] - factor[j + 1 :, :j] @ factor[j, :j]
        factor[j + 1 :, j] = rest / factor[j, j]
    return factor
