"""Independent components: directions along which white data are least Gaussian."""

import numpy as np


def fast_ica_fit(X, w_init, *, algorithm, fun, alpha, whiten, max_iter, tol):
    n_samples, k = len(X), len(w_init)
    slope = fun if callable(fun) else SLOPES[fun]
    # 1. white data
    whitening = mean = None
    Z = X.astype(np.float64)
    if not np.isfinite(Z).all():
        raise ValueError("X contains NaN or infinity; remove or impute these entries first")
    if whiten:
        mean = Z.mean(axis=0)
        _, s, Vt = np.linalg.svd(Z - mean, full_matrices=False)
        signs = np.where(Vt[:, :1] < 0, -1.0, 1.0)
        whitening = (Vt * signs / s[:, None])[:k]
        Z = (Z - mean) @ whitening.T * np.sqrt(n_samples)
    # 2. directions
    find = all_at_once if algorithm == "parallel" else one_by_one
    unmixing, n_iter, converged = find(Z, w_init, lambda u: slope(u, alpha), max_iter, tol)
    deviation = (Z @ unmixing.T).std(axis=0) / (np.sqrt(n_samples) if whiten else 1)
    return {
        "unmixing": unmixing,
        "whitening": whitening,
        "mean": mean,
        "deviation": deviation,
        "n_iter": n_iter,
        "converged": converged,
    }


def logcosh(u, alpha):
    g = np.tanh(alpha * u)
    return g, alpha * (1 - g**2)


def bell(u, alpha):
    weight = np.exp(-(u**2) / 2)
    return u * weight, (1 - u**2) * weight


def cube(u, alpha):
    return u**3, 3 * u**2


SLOPES = {"logcosh": logcosh, "exp": bell, "cube": cube}


def turned(Z, W, slope):
    """E[g(Wz) z'] - diag(E[g'(Wz)]) W"""
    g, derivative = slope(W @ Z.T)
    return g @ Z / len(Z) - np.atleast_2d(derivative).mean(axis=-1).reshape(-1, 1) * W


def orthonormal(W):
    """(W W')^(-1/2) W"""
    s, U = np.linalg.eigh(W @ W.T)
    return (U / np.sqrt(np.maximum(s, np.finfo(float).tiny))) @ U.T @ W


def all_at_once(Z, w_init, slope, max_iter, tol):
    W = orthonormal(w_init)
    for step in range(1, max_iter + 1):
        before, W = W, orthonormal(turned(Z, W, slope))
        if np.abs(np.abs(np.einsum("ij,ij->i", W, before)) - 1).max() < tol:
            return W, step, True
    return W, max_iter, False


def one_by_one(Z, w_init, slope, max_iter, tol):
    W, most = np.zeros_like(w_init), 0
    for j, start in enumerate(w_init):
        w = start / np.linalg.norm(start)
        for step in range(1, max_iter + 1):  # noqa: B007
            before, w = w, turned(Z, w[None], slope)[0]
            w = w - (W[:j] @ w) @ W[:j]
            w /= np.linalg.norm(w)
            if np.abs(np.abs(w @ before) - 1) < tol:
                break
        W[j], most = w, max(most, step)
    return W, most, True
