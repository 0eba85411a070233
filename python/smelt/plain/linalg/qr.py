"""A = Q·R by Householder reflections: each turns what is left of a column onto its first axis."""

import numpy as np


def qr(a):
    """Factor into orthonormal columns and a triangle; kernel: ``…/smelt-math/src/linalg/qr.rs``."""
    m, n = a.shape
    k = min(m, n)
    r, q = np.array(a), np.eye(m, k, dtype=a.dtype)
    reflections = []
    for j in range(k):
        # 1. The reflection I - 2·v·vᵀ that turns column j onto ±‖column‖·e₁, without cancellation.
        v = r[j:, j].copy()
        size = np.abs(v).max()
        if size > 0:
            v /= size
            v[0] += np.copysign(np.linalg.norm(v), v[0])
            v /= np.linalg.norm(v)
        # 2. Applied to the columns that are left.
        r[j:, j:] -= 2 * np.outer(v, v @ r[j:, j:])
        reflections.append(v)
    # 3. Q is the product of the reflections, built from the last to the first.
    for j in reversed(range(k)):
        v = reflections[j]
        q[j:] -= 2 * np.outer(v, v @ q[j:])
    # 4. Signs: a diagonal that is not negative.
    signs = np.where(np.diag(r)[:k] < 0, -1, 1).astype(a.dtype)
    return q * signs, np.triu(r[:k]) * signs[:, np.newaxis]
