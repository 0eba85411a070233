"""Leading singular vectors from a random sketch of the range (Halko, Martinsson, Tropp)."""

from smelt.plain.linalg.qr import qr
from smelt.plain.linalg.svd import svd


def randomized_svd(a, probes, n_components, n_iter):
    """Approximate; kernel: ``crates/smelt-math/src/linalg/randomized_svd.rs``."""
    # 1. A basis of the range.
    q, _ = qr(a @ probes)
    # 2. Power iterations: each multiplies the singular values by their squares.
    for _ in range(n_iter):
        back, _ = qr(a.T @ q)
        q, _ = qr(a @ back)
    # 3. The small problem.
    u, s, vt = svd(q.T @ a)
    return (q @ u)[:, :n_components], s[:n_components], vt[:n_components]
