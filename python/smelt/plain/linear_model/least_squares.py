"""Steps that ridge regression and ordinary least squares share: centring, LSQR, w >= 0."""

import numpy as np


def centre(X, y, sample_weight, fit_intercept):
    """Return X and y about their weighted means, times the root of the weight, and the means."""
    X, y = X.astype(np.float64), y.astype(np.float64)
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("X or y contains NaN or infinity; remove or impute these entries first")
    x_mean, y_mean = np.zeros(X.shape[1]), np.zeros(y.shape[1])
    if fit_intercept:
        # About the first row, so that a column of one number has exactly this mean.
        x_mean = X[0] + np.average(X - X[0], axis=0, weights=sample_weight)
        y_mean = y[0] + np.average(y - y[0], axis=0, weights=sample_weight)
    X, y = X - x_mean, y - y_mean
    if sample_weight is not None:
        root = np.sqrt(sample_weight)[:, None]
        X, y = X * root, y * root
    return X, y, x_mean, y_mean


def to_dense(X):
    """Return the dense matrix of ``(indptr, indices, data, n_columns)``."""
    indptr, indices, data, n_columns = X
    dense = np.zeros((len(indptr) - 1, n_columns), dtype=data.dtype)
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    np.add.at(dense, (rows, indices), data)
    return dense


def lsqr(A, y, alpha, tol, max_iter):
    """Minimise ``|A w - y|^2 + alpha |w|^2`` by Golub-Kahan bidiagonalization (Paige, Saunders)."""
    n_features = A.shape[1]
    damping = np.sqrt(alpha)
    w = np.zeros(n_features)
    # 1. y = beta u, A'u = a v
    y_norm = beta = np.linalg.norm(y)
    if beta == 0:
        return w, 0
    u = y / beta
    v = A.T @ u
    a = np.linalg.norm(v)
    if a == 0:
        return w, 0
    v /= a
    direction = v.copy()
    rho_bar, phi_bar = a, beta
    a_norm_sq = d_norm_sq = damped_sq = 0.0
    tol = max(tol, np.finfo(float).eps)
    steps = 0
    while steps < (2 * n_features if max_iter is None else max_iter):
        steps += 1
        # 2. the next pair of the bidiagonalization
        u = A @ v - a * u
        beta = np.linalg.norm(u)
        a_norm_sq += a * a + beta * beta + alpha
        if beta > 0:
            u /= beta
            v = A.T @ u - beta * v
            a = np.linalg.norm(v)
            if a > 0:
                v /= a
        # 3. rotate the damping away, then the subdiagonal
        damped = np.hypot(rho_bar, damping)
        psi = damping / damped * phi_bar
        phi_bar *= rho_bar / damped
        rho = np.hypot(damped, beta)
        cosine, sine = damped / rho, beta / rho
        theta, rho_bar = sine * a, -cosine * a
        phi, phi_bar = cosine * phi_bar, sine * phi_bar
        # 4. move
        d_norm_sq += (direction @ direction) / rho**2
        w += phi / rho * direction
        direction = v - theta / rho * direction
        # 5. stop where residual or gradient is small, or the condition number 1e8
        damped_sq += psi * psi
        residual = np.hypot(phi_bar, np.sqrt(damped_sq))
        a_norm = np.sqrt(a_norm_sq)
        reach = a_norm * np.linalg.norm(w) / y_norm
        if (
            a * abs(sine * phi) <= tol * (a_norm * residual + np.finfo(float).eps)
            or residual / y_norm <= tol * (1 + reach)
            or a_norm * np.sqrt(d_norm_sq) >= 1e8
        ):
            break
    return w, steps


def non_negative(A, b):
    """Minimise ``w'A w / 2 - b'w`` over w >= 0 by the active set of Lawson and Hanson."""
    # 1. columns of one length, so that gradients can be compared
    scale = np.zeros(len(b))
    scale[np.diag(A) > 0] = 1 / np.sqrt(np.diag(A)[np.diag(A) > 0])
    A, b = A * np.outer(scale, scale), b * scale
    tolerance = 10 * np.finfo(float).eps * len(b) * np.abs(b).max()
    w = np.zeros(len(b))
    free = np.zeros(len(b), dtype=bool)
    steps = 0
    while steps < 3 * max(len(b), 10):
        # 2. free the coefficient along which the objective falls fastest
        slope = np.where(free, -np.inf, b - A @ w)
        if slope.max() <= tolerance:
            break
        free[np.argmax(slope)] = True
        steps += 1
        # 3. solve for the free ones; while some turn negative, go to the border and fix those
        while free.any():
            goal = np.zeros(len(b))
            goal[free] = np.linalg.lstsq(A[np.ix_(free, free)], b[free], rcond=None)[0]
            blocked = free & (goal <= 0)
            if not blocked.any():
                w = goal
                break
            ratio = np.where(blocked, w / np.where(blocked, w - goal, 1), np.inf)
            border = np.argmin(ratio)
            w += ratio[border] * (goal - w) * free
            w[border] = 0
            free &= w > 0
    return w * scale, steps
