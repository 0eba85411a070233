"""The leading singular vectors of a matrix that is not centred."""

import numpy as np

from smelt.plain.decomposition.krylov import basis_size, leading, positive_peaks, to_dense


def truncated_svd_fit(X, probes, *, n_components, n_iter, tol):
    A = X.astype(np.float64)
    wide = A.shape[1] > A.shape[0]
    shorter = A.T if wide else A
    # 1. leading eigenvectors on the shorter side
    side, n_probes = probes.shape
    limit = 256 if n_iter is not None else 1000
    converged = True
    if side <= max(limit, 2 * basis_size(n_iter, n_components, n_probes)):
        _, vectors = np.linalg.eigh(shorter.T @ shorter)
        vectors = vectors[:, ::-1][:, :n_components]
    else:
        _, vectors, converged = leading(shorter, probes, n_components, n_iter, tol)
    V = np.linalg.qr(A.T @ vectors)[0] if wide else vectors
    # 2. the exact decomposition of X V
    B = A @ V
    _, R = np.linalg.eigh(B.T @ B)
    R = R[:, ::-1]
    components, transformed = (V @ R).T, B @ R
    # 3. signs
    signs = positive_peaks(components)
    return {
        "components": components * signs,
        "singular": np.linalg.norm(transformed, axis=0),
        "transformed": transformed * signs.T,
        "converged": converged,
    }


def truncated_svd_fit_sparse(X, probes, **parameters):
    return truncated_svd_fit(to_dense(X), probes, **parameters)
