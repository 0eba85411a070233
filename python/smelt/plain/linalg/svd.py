"""A = U·diag(s)·Vᵀ by one-sided Jacobi: rotate pairs of columns until all are orthogonal."""

import numpy as np

from smelt.plain.linalg.qr import qr


def svd(a):
    """Decompose into singular values and vectors; kernel: ``…/smelt-math/src/linalg/svd.rs``."""
    if a.shape[0] < a.shape[1]:
        u, s, vt = _orthogonalize(a.T)
        u, vt = vt.T, u.T
    else:
        u, s, vt = _orthogonalize(a)
    # 4. Signs: the entry of largest magnitude in each right vector is positive.
    peaks = [row[np.abs(row).argmax()] if len(row) else 1 for row in vt]
    signs = np.where(np.less(peaks, 0), -1, 1).astype(a.dtype)
    return u * signs, s, vt * signs[:, np.newaxis]


def _orthogonalize(a):
    n = a.shape[1]
    eps = np.finfo(a.dtype).eps
    size = np.abs(a).max(initial=0) or 1
    columns, v = a / size, np.eye(n, dtype=a.dtype)
    # 1. Sweeps over all pairs of columns, until no pair was turned.
    for _ in range(60):
        turned = False
        for p in range(n):
            for q in range(p):
                x, y = columns[:, p], columns[:, q]
                xx, yy, xy = x @ x, y @ y, x @ y
                if abs(xy) <= eps * np.sqrt(xx * yy) or abs(xy) < np.finfo(a.dtype).tiny:
                    continue
                # 2. The rotation that makes this pair orthogonal.
                turned = True
                slope = (yy - xx) / (2 * xy)
                t = np.copysign(1, slope) / (abs(slope) + np.hypot(1, slope))
                c = 1 / np.hypot(1, t)
                rotation = np.array([[c, t * c], [-t * c, c]], dtype=a.dtype)
                columns[:, [p, q]] = columns[:, [p, q]] @ rotation
                v[:, [p, q]] = v[:, [p, q]] @ rotation
        if not turned:
            break
    # 3. Lengths are the singular values; directions of length zero are completed by QR.
    s = np.linalg.norm(columns, axis=0)
    order = np.argsort(-s, kind="stable")
    s, columns, v = s[order], columns[:, order], v[:, order]
    rank = int((s > eps * max(a.shape) * s[:1].sum()).sum())
    u = columns / np.where(s > 0, s, 1)
    if rank < n:
        basis = np.column_stack([u[:, :rank], np.eye(len(a), dtype=a.dtype)])
        u[:, rank:] = qr(basis)[0][:, rank:n] if rank else np.eye(len(a), n, dtype=a.dtype)
    return u, s * size, v.T
