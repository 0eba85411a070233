"""min ‖A·X − B‖, smallest ‖X‖: divide by the singular values that are not zero."""

import numpy as np

from smelt.plain.linalg.svd import svd


def lstsq(a, b, rcond=None):
    """Solve a least-squares problem; kernel: ``crates/smelt-math/src/linalg/lstsq.rs``."""
    # 1. Singular values; those up to rcond times the largest count as zero.
    u, s, vt = svd(a)
    if rcond is None:
        rcond = np.finfo(a.dtype).eps * max(a.shape)
    rank = int((s > rcond * s[:1].sum()).sum())
    # 2. X = V·diag(1/s)·Uᵀ·B over the others.
    x = vt[:rank].T @ ((u[:, :rank].T @ b) / s[:rank, np.newaxis])
    return x, rank, s
