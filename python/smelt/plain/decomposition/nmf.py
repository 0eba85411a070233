"""Non-negative factors X = W H, by coordinate descent or multiplicative updates."""

import numpy as np

from smelt.plain.decomposition.krylov import to_dense

LEAST = np.finfo(np.float32).eps


def nmf_fit(X, W, Ht, *, solver, beta, tol, max_iter, l1_w, l1_h, l2_w, l2_h, update_h, orders):
    W, Ht = W.copy(), Ht.copy()
    if solver == "cd":
        settings = (l1_w, l1_h, l2_w, l2_h, update_h, orders)
        n_iter, history = descend(X, W, Ht, tol, max_iter, *settings)
    else:
        settings = (l1_w, l1_h, l2_w, l2_h, update_h)
        n_iter, history = multiplicative(X, W, Ht, beta, tol, max_iter, *settings)
    return {
        "W": W,
        "Ht": Ht,
        "n_iter": n_iter,
        "error": divergence(X, W, Ht, beta),
        "history": np.array(history),
    }


def nmf_fit_sparse(X, W, Ht, **parameters):
    return nmf_fit(to_dense(X).astype(W.dtype), W, Ht, **parameters)


def descend(X, W, Ht, tol, max_iter, l1_w, l1_h, l2_w, l2_h, update_h, orders):
    orders, natural = iter(orders), np.arange(W.shape[1])
    first, history = 0.0, []
    for n_iter in range(1, max_iter + 1):
        # 1. the exact minimum in each column of W, then of H
        moved = sweep(X, W, Ht, l1_w, l2_w, next(orders, natural))
        if update_h:
            moved += sweep(X.T, Ht, W, l1_h, l2_h, next(orders, natural))
        first = moved if n_iter == 1 else first
        if first == 0:
            break
        history.append(moved / first)
        if moved / first <= tol:
            break
    return n_iter, history


def sweep(X, W, Ht, l1, l2, order):
    """Move W to its minima, a column at a time; return the size of the projected gradient."""
    products = Ht.T @ Ht + l2 * np.eye(W.shape[1])
    target = X @ Ht
    moved = 0.0
    for t in order:
        gradient = W @ products[t] - target[:, t] + l1
        moved += np.abs(np.where(W[:, t] == 0, np.minimum(gradient, 0), gradient)).sum()
        if products[t, t] != 0:
            W[:, t] = np.maximum(W[:, t] - gradient / products[t, t], 0)
    return moved


def multiplicative(X, W, Ht, beta, tol, max_iter, l1_w, l1_h, l2_w, l2_h, update_h):
    first = before = divergence(X, W, Ht, beta)
    history = []
    for n_iter in range(1, max_iter + 1):
        # 1. both factors times a ratio that is 1 at the minimum
        W *= ratio(X, W, Ht, beta, l1_w, l2_w)
        if beta < 1:
            W[np.finfo(float).eps > W] = 0
        if update_h:
            Ht *= ratio(X.T, Ht, W, beta, l1_h, l2_h)
            if beta <= 1:
                Ht[np.finfo(float).eps > Ht] = 0
        # 2. every tenth round: has the error come to rest?
        if tol > 0 and n_iter % 10 == 0:
            error = divergence(X, W, Ht, beta)
            history.append(error)
            if (before - error) / first < tol:
                break
            before = error
    return n_iter, history


def ratio(X, A, B, beta, l1, l2):
    if beta == 2:
        over, under = X @ B, A @ (B.T @ B)
    else:
        P = A @ B.T
        safe = np.maximum(P, LEAST) if beta < 2 else P
        below = np.maximum(P, LEAST) if beta < 1 else P
        over, under = (X * safe ** (beta - 2)) @ B, below ** (beta - 1) @ B
        if beta == 1:
            sums = B.sum(axis=0)
            under = np.tile(np.where(sums == 0, 1, sums), (len(A), 1))
    under = under + l1 + l2 * A
    under[under == 0] = LEAST
    gamma = 1 / (2 - beta) if beta < 1 else 1 / (beta - 1) if beta > 2 else 1
    return (over / under) ** gamma


def divergence(X, W, Ht, beta):
    """sqrt(2 d(X, W H)) for the beta-divergence d."""
    P = W @ Ht.T
    if beta == 2:
        return float(np.linalg.norm(X - P))
    total = P.sum() if beta == 1 else -float(X.size) if beta == 0 else 0.0
    if beta not in (0, 1):
        total = (P**beta).sum() / beta
    x, p = X[X > LEAST], np.maximum(P[X > LEAST], LEAST)
    if beta == 1:
        total += (x * np.log(x / p) - x).sum()
    elif beta == 0:
        total += (x / p - np.log(x / p)).sum()
    else:
        total += (x**beta - beta * x * p ** (beta - 1)).sum() / (beta * (beta - 1))
    return float(np.sqrt(max(2 * total, 0)))
