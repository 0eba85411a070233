"""C = A·B as a sum of outer products: one column of A times one row of B at a time."""

import numpy as np


def matmul(a, b):
    """Multiply two matrices; kernel: ``crates/smelt-math/src/linalg/gemm.rs``."""
    product = np.zeros((a.shape[0], b.shape[1]), dtype=a.dtype)
    for column, row in zip(a.T, b, strict=True):
        product += np.outer(column, row)
    return product
