"""G = Aᵀ·A: every pair of columns multiplied once."""

import numpy as np


def gram(a):
    """Multiply the transpose with the matrix; kernel: ``crates/smelt-math/src/linalg/syrk.rs``."""
    n = a.shape[1]
    product = np.zeros((n, n), dtype=a.dtype)
    for i in range(n):
        for j in range(i + 1):
            product[i, j] = product[j, i] = a[:, i] @ a[:, j]
    return product
