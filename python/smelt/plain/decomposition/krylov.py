"""Leading eigenvectors of A'A from a block Krylov space (Musco and Musco 2015)."""

import numpy as np


def basis_size(n_iter, k, p):
    """Vectors of a basis that does what ``n_iter`` power iterations do; None: until convergence."""
    if n_iter is None:
        return max(3 * k, k + 12 * min(8, p))
    return p * (1 + int(np.ceil(np.sqrt(1.5 * n_iter + 1))))


def leading(A, start, k, n_iter, tol):
    """Return k eigenvalues, eigenvectors in columns, and whether the residuals are small."""
    m, p = start.shape
    limit = min(m, basis_size(n_iter, k, p))
    tol, width = (1e-7, p) if n_iter is not None else (max(tol, 1e-12), min(8, p))
    # 1. an orthonormal start
    Q, _ = np.linalg.qr(start[:, :width])
    basis, T = np.empty((m, 0)), np.zeros((limit, limit))
    for products in range(1, 4001):
        # 2. the next power, of which all earlier blocks are taken
        Z = A.T @ (A @ Q)
        here = slice(basis.shape[1], basis.shape[1] + width)
        basis = np.hstack([basis, Q])
        size = basis.shape[1]
        part = basis.T @ Z
        Z = Z - basis @ part
        T[:size, here] = part
        T[here, :size] = part.T
        Q, R = np.linalg.qr(Z)
        # 3. Ritz pairs and their residuals
        values, vectors = np.linalg.eigh(T[:size, :size])
        values, vectors = values[::-1], vectors[:, ::-1]
        residual = np.linalg.norm(R @ vectors[-width:, :k], axis=0).max()
        converged = size >= k and residual <= tol * values[0]
        full = size + width > limit
        finished = full if n_iter is not None else products == 4000 or size + width > m
        if converged or (finished and size >= k):
            break
        # 4. a full basis is replaced by its best vectors; the next block
        if full:
            kept = min(k + k // 2 + width, size - 2 * width)
            basis = basis @ vectors[:, :kept]
            T[:] = 0
            T[:kept, :kept] = np.diag(values[:kept])
        Q, _ = np.linalg.qr(Q - basis @ (basis.T @ Q))
    return values[:k], basis @ vectors[:, :k], bool(converged)


def to_dense(X):
    """Return the dense matrix of ``(indptr, indices, data, n_columns)``."""
    indptr, indices, data, n_columns = X
    dense = np.zeros((len(indptr) - 1, n_columns))
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    np.add.at(dense, (rows, indices), data)
    return dense


def positive_peaks(rows):
    """Return the sign of each row's entry of largest magnitude, 1 for a row of zeros."""
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return np.where(peaks < 0, -1.0, 1.0)
