"""Principal components batch by batch: the components before stand for all rows before."""

import numpy as np

from smelt.plain.decomposition.krylov import positive_peaks


def incremental_pca_fit_batch(X, known, mean, variance, *, n_components, n_seen):
    n_batch = len(X)
    n_all = n_seen + n_batch
    # 1. means and variances of all rows so far
    batch_mean = X.mean(axis=0, dtype=np.float64)
    A = X - batch_mean
    way = batch_mean - mean if n_seen else np.zeros_like(mean)
    squares = np.square(A).sum(axis=0) + n_seen * variance + way**2 * n_seen * n_batch / n_all
    if not np.isfinite(squares).all():
        raise ValueError("X contains NaN or infinity; remove or impute these entries first")
    # 2. components before, centred batch, the way between both means
    if n_seen:
        correction = np.sqrt(n_seen / n_all * n_batch) * -way
        A = np.vstack([known, A, correction])
    _, s, Vt = np.linalg.svd(A, full_matrices=False)
    components = Vt[:n_components]
    # 3. signs
    return {
        "components": components * positive_peaks(components),
        "singular": s,
        "mean": mean + way * n_batch / n_all if n_seen else batch_mean,
        "variance": squares / n_all,
    }
