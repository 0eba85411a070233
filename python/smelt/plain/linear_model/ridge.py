"""Ridge regression: min sum w (y - X coef - intercept)^2 + alpha |coef|^2."""

import numpy as np

from smelt.plain.linear_model.least_squares import centre, lsqr, non_negative, to_dense


def ridge_fit(X, y, sample_weight=None, *, alpha, fit_intercept, solver, max_iter, tol):
    # 1. centre, weight rows by the root of their weight
    X, y, x_mean, y_mean = centre(X, y, sample_weight, fit_intercept)
    n_targets = y.shape[1]
    if len(alpha) not in (1, n_targets):
        raise ValueError(
            f"Number of targets and number of penalties do not correspond: "
            f"{len(alpha)} != {n_targets}"
        )
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), n_targets)
    # 2. solve by the method asked for
    if solver == "cholesky":
        # The system counts as singular where scaling its diagonal to one leaves few digits.
        system = X @ X.T if len(X) < X.shape[1] else X.T @ X
        solved = all(condition(system, penalty) < 1e10 for penalty in np.unique(alpha))
        solver = "cholesky" if solved else "svd"
    n_iter = None
    if solver == "cholesky":
        coef = np.array([normal_equations(X, *each) for each in zip(y.T, alpha, strict=True)])
    elif solver == "svd":
        coef = by_svd(X, y, alpha)
    else:
        solve = {"sparse_cg": conjugate_gradient, "lsqr": lsqr, "active_set": active_set}[solver]
        pairs = [solve(X, *each, tol, max_iter) for each in zip(y.T, alpha, strict=True)]
        coef, n_iter = np.array([w for w, _ in pairs]), [steps for _, steps in pairs]
    # 3. intercept
    intercept = y_mean - coef @ x_mean
    return {"coef": coef, "intercept": intercept, "n_iter": n_iter, "solver": solver}


def ridge_fit_sparse(X, y, sample_weight=None, **parameters):
    return ridge_fit(to_dense(X), y, sample_weight, **parameters)


def condition(A, alpha):
    A = A + alpha * np.eye(len(A))
    if (np.diag(A) <= 0).any():
        return np.inf
    scale = 1 / np.sqrt(np.diag(A))
    return np.linalg.cond(A * np.outer(scale, scale))


def normal_equations(X, y, alpha):
    n_samples, n_features = X.shape
    if n_samples < n_features:
        return X.T @ np.linalg.solve(X @ X.T + alpha * np.eye(n_samples), y)
    return np.linalg.solve(X.T @ X + alpha * np.eye(n_features), X.T @ y)


def by_svd(X, y, alpha):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    counts = s > s[0] * np.finfo(float).eps
    U, s, Vt = U[:, counts], s[counts, None], Vt[counts]
    return (U.T @ y / (s + alpha / s)).T @ Vt


def conjugate_gradient(X, y, alpha, tol, max_iter):
    wide = X.shape[1] > len(X)
    A = X.T if wide else X
    # The residual starts as the right side of (A'A + alpha I) solution = right.
    residual = y if wide else X.T @ y
    solution = np.zeros(A.shape[1])
    direction = residual.copy()
    size = residual @ residual
    enough = tol**2 * size
    limit = 10 * len(solution) if wide or max_iter is None else max_iter
    steps = 0
    while size > enough and size > 0 and steps < limit:
        # The best step along the direction, then the next direction, conjugate to all before.
        image = A.T @ (A @ direction) + alpha * direction
        step = size / (direction @ image)
        solution = solution + step * direction
        residual = residual - step * image
        size, before = residual @ residual, size
        direction = residual + size / before * direction
        steps += 1
    return (X.T @ solution if wide else solution), steps


def active_set(X, y, alpha, tol, max_iter):
    return non_negative(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ y)
