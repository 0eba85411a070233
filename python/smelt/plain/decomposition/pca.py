"""Principal components: eigenvectors of the covariance, by falling variance."""

import numpy as np

from smelt.plain.decomposition.krylov import basis_size, leading, positive_peaks, to_dense


def pca_fit(X, probes=None, *, method, n_components, n_iter, tol):
    # 1. means
    mean = X.mean(axis=0, dtype=np.float64)
    A = X - mean
    if not np.isfinite(A).all():
        raise ValueError("X contains NaN or infinity; remove or impute these entries first")
    n_samples, n_features = A.shape
    total, converged = np.square(A).sum(), True
    # 2. components by the method asked for
    if method == "covariance":
        squares, components = by_covariance(A, n_features)
    elif method == "full":
        _, s, components = np.linalg.svd(A, full_matrices=False)
        squares = s**2
    else:
        wide = n_features > n_samples
        side, n_probes = probes.shape
        limit = 256 if n_iter is not None else 1500
        if side <= max(limit, 2 * basis_size(n_iter, n_components, n_probes)):
            squares, rows = by_covariance(A.T if wide else A, n_components)
            vectors = rows.T
        else:
            side = A.T if wide else A
            squares, vectors, converged = leading(side, probes, n_components, n_iter, tol)
        if wide:  # left vectors were found: A'U = V S W'
            vectors, s, _ = np.linalg.svd(A.T @ vectors, full_matrices=False)
            squares = s**2
        components = vectors.T
    # 3. signs
    components = components * positive_peaks(components)
    squares = np.maximum(squares, 0)
    return {
        "mean": mean,
        "components": components,
        "squares": squares,
        "total": float(total),
        "converged": converged,
    }


def pca_fit_sparse(X, probes=None, **parameters):
    if parameters["method"] == "full":
        parameters["method"] = "covariance"
    return pca_fit(to_dense(X), probes, **parameters)


def by_covariance(A, k):
    values, vectors = np.linalg.eigh(A.T @ A)
    return values[::-1][:k], vectors.T[::-1][:k]
