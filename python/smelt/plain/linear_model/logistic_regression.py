"""Twin of crates/smelt-learn/src/linear_model/logistic_regression.rs."""

import numpy as np

NEWTON_AT_MOST = 2000


def logistic_regression_fit(
    X,
    y,
    sample_weight=None,
    start=None,
    *,
    n_classes,
    alpha,
    intercept_alpha,
    fit_intercept,
    tol,
    max_iter,
    method,
):
    """Minimise the logistic loss with an L2 penalty; y holds the codes 0 … n_classes - 1.

    ``method`` only matters to the kernel; both reach the same minimum.
    """
    k = 1 if n_classes == 2 else n_classes
    A = np.column_stack([X, np.full(len(X), float(fit_intercept))]).astype(np.float64)
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    Y = (y[:, None] == np.arange(n_classes)).astype(float)
    Y = Y[:, 1:] if k == 1 else Y
    ridge = np.full(A.shape[1], alpha) / s.sum()
    ridge[-1] = intercept_alpha / s.sum()
    W = np.zeros((k, A.shape[1])) if start is None else start.reshape(k, -1).copy()
    W = W if k == 1 else W - W.mean(axis=0)

    def evaluate(W):
        # Scores, probabilities, objective and gradient.
        Z = A @ W.T
        if k == 1:
            P = 0.5 * (1 + np.tanh(Z / 2))
            loss = np.logaddexp(0, Z[:, 0]) - Z[:, 0] * Y[:, 0]
        else:
            Z -= Z.max(axis=1, keepdims=True)
            P = np.exp(Z)
            total = P.sum(axis=1)
            P /= total[:, None]
            loss = np.log(total) - (Z * Y).sum(axis=1)
        value = (s @ loss) / s.sum() + 0.5 * (ridge * W * W).sum()
        gradient = ((P - Y) * s[:, None]).T @ A / s.sum() + ridge * W
        if not np.isfinite(gradient).all():
            raise ValueError("the loss is not finite: X holds NaN, infinite or very large values")
        return value, gradient, P

    def hessian(P):
        # One block of coefficients for each pair of outputs.
        p = A.shape[1]
        H = np.zeros((k, p, k, p))
        for a in range(k):
            for b in range(k):
                h = s * P[:, a] * ((a == b) - P[:, b]) / s.sum()
                H[a, :, b, :] = (A.T * h) @ A
            H[a, :, a, :] += np.diag(ridge)
        if k > 1:  # the softmax does not change when all scores shift: fill that direction
            for j in np.flatnonzero(ridge == 0):
                H[:, j, :, j] += np.trace(H[:, j, :, j]) / k**2
        if not fit_intercept:
            H[:, -1, :, -1] += np.eye(k)
        return H.reshape(k * p, k * p)

    # 1. Newton's method (the kernel takes L-BFGS where there are many coefficients).
    if W.size > NEWTON_AT_MOST:
        return _lbfgs(evaluate, W, k, fit_intercept, tol, max_iter)
    value, gradient, P = evaluate(W)
    converged = False
    n_iter = 0
    while n_iter < max_iter:
        # 2. The step, and half of what it promises to gain.
        step = -_solve(hessian(P), gradient.ravel()).reshape(W.shape)
        gain = -0.5 * (gradient * step).sum()
        n_iter += 1
        # 3. Stop; the last step is still taken.
        if np.abs(gradient).max() <= tol and gain <= min(1e-9, tol):
            W, converged = W + step, True
            break
        # 4. Halve while the objective does not decrease.
        length = 1.0
        while length > 1e-9:
            new = evaluate(W + length * step)
            flat = abs(new[0] - value) <= 1e-15 * abs(value)
            if new[0] <= value - 2e-4 * length * gain:
                break
            if flat and np.abs(new[1]).sum() < np.abs(gradient).sum():
                break
            length /= 2
        else:
            converged = gain <= 1e-14
            break
        W, (value, gradient, P) = W + length * step, new
    converged = converged or np.abs(gradient).max() <= tol
    return _fitted(W, n_iter, converged, gradient, fit_intercept)


def logistic_regression_fit_sparse(X, y, sample_weight=None, start=None, **params):
    """Fit to compressed rows ``(indptr, indices, data, n_cols)``, by filling in the zeros."""
    indptr, indices, data, n_cols = X
    dense = np.zeros((len(indptr) - 1, n_cols), dtype=data.dtype)
    np.add.at(dense, (np.repeat(np.arange(len(dense)), np.diff(indptr)), indices), data)
    return logistic_regression_fit(dense, y, sample_weight, start, **params)


def _solve(H, gradient):
    # A singular Hessian gets a ridge that grows until it can be factored.
    ridge = 0.0
    while True:
        try:
            L = np.linalg.cholesky(H + ridge * np.eye(len(H)))
        except np.linalg.LinAlgError:
            L = None
        if L is not None and (np.diag(L) ** 2 > 1e-14 * (np.diag(H) + ridge)).all():
            return np.linalg.solve(L.T, np.linalg.solve(L, gradient))
        ridge = 100 * ridge if ridge else 1e-12 * np.diag(H).max()


def _lbfgs(evaluate, W, k, fit_intercept, tol, max_iter, memory=10):
    """L-BFGS without the kernel's preconditioner: same minimum, more steps."""
    value, gradient, _ = evaluate(W)
    pairs = []
    n_iter = 0
    while np.abs(gradient).max() > 0.1 * tol and n_iter < 20 * max_iter:
        q, weights = gradient.ravel().copy(), []
        for step, turn in reversed(pairs):
            weights.append(step @ q / (step @ turn))
            q -= weights[-1] * turn
        q *= pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1]) if pairs else 1.0
        for (step, turn), weight in zip(pairs, reversed(weights), strict=True):
            q += (weight - turn @ q / (step @ turn)) * step
        length = 1.0
        while True:
            new = evaluate(W - length * q.reshape(W.shape))
            if new[0] <= value - 1e-4 * length * (q @ gradient.ravel()) or length < 1e-12:
                break
            length /= 2
        pairs = [*pairs, (-length * q, (new[1] - gradient).ravel())][-memory:]
        pairs = [pair for pair in pairs if pair[0] @ pair[1] > 0]
        W, (value, gradient, _) = W - length * q.reshape(W.shape), new
        n_iter += 1
    return _fitted(W, n_iter, np.abs(gradient).max() <= tol, gradient, fit_intercept)


def _fitted(W, n_iter, converged, gradient, fit_intercept):
    return {
        "coef": W[:, :-1].copy(),
        "intercept": W[:, -1] * float(fit_intercept),
        "n_iter": n_iter,
        "converged": bool(converged),
        "gradient_max": float(np.abs(gradient).max()),
    }
