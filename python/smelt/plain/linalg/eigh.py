"""A = V·diag(w)·Vᵀ by Jacobi's rotations: each makes one pair of entries off the diagonal zero."""

import numpy as np


def eigh(a):
    """Decompose a symmetric matrix; kernel: ``crates/smelt-math/src/linalg/eigh.rs``."""
    n = len(a)
    work = np.tril(a) + np.tril(a, -1).T
    size = np.abs(work).max(initial=0) or 1
    work, vectors = work / size, np.eye(n, dtype=a.dtype)
    # 1. Sweeps over all pairs, until nothing is left off the diagonal.
    for _ in range(60):
        if np.linalg.norm(np.tril(work, -1)) <= np.finfo(a.dtype).eps * np.linalg.norm(work) / 8:
            break
        for p in range(n):
            for q in range(p):
                if work[p, q] == 0:
                    continue
                # 2. The angle at which the rotated entry (p, q) is zero: t = tan of it.
                slope = (work[q, q] - work[p, p]) / (2 * work[p, q])
                t = np.copysign(1, slope) / (abs(slope) + np.hypot(1, slope))
                c = 1 / np.hypot(1, t)
                rotation = np.array([[c, t * c], [-t * c, c]], dtype=a.dtype)
                work[:, [p, q]] = work[:, [p, q]] @ rotation
                work[[p, q]] = rotation.T @ work[[p, q]]
                vectors[:, [p, q]] = vectors[:, [p, q]] @ rotation
    # 3. Order and signs.
    order = np.argsort(np.diag(work), kind="stable")
    vectors = vectors[:, order]
    peaks = (
        np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[np.newaxis], axis=0)[0]
        if n
        else 1
    )
    return np.diag(work)[order] * size, vectors * np.where(np.less(peaks, 0), -1, 1).astype(a.dtype)
