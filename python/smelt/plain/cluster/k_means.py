"""k-means: min sum w |x - c(x)|^2 over k centres, by Lloyd's steps from greedy k-means++."""

import numpy as np

from smelt.plain.linear_model.least_squares import to_dense


def k_means_fit(
    X, sample_weight, starts, draws=None, *, n_clusters, n_init, n_trials, max_iter, tol, verbose
):
    n_samples = len(X)
    weight = np.ones(n_samples) if sample_weight is None else sample_weight
    mean = X.mean(axis=0)  # squared lengths keep their digits about the mean
    moved = X - mean
    tolerance = tol * (moved**2).mean()
    best, history = None, []
    for run in range(n_init):
        if draws is None:
            centers = starts[run * n_clusters : (run + 1) * n_clusters] - mean
        else:
            part = draws.reshape(n_init, -1)[run]
            centers = moved[
                k_means_init(moved, weight, part, n_clusters=n_clusters, n_trials=n_trials)
            ]
        labels, inertia, centers, n_iter, course = lloyd(
            moved, weight, centers, max_iter, tolerance
        )
        history.append((course[0] if verbose else [], course[1]))
        if best is None or (inertia < best[1] and not same_clusters(labels, best[0])):
            best = labels, inertia, centers, n_iter
    labels, inertia, centers, n_iter = best
    return {
        "centers": (centers + mean).astype(X.dtype),
        "labels": labels.astype(np.int32),
        "inertia": float(inertia),
        "n_iter": n_iter,
        "history": history,
        "n_distinct": len(np.unique(labels)),
        "tolerance": float(tolerance),
    }


def lloyd(X, weight, centers, max_iter, tolerance):
    before, inertias, n_iter = None, [], 0
    while n_iter < max_iter:
        n_iter += 1
        # 1. every row gets the label of its nearest centre, the first of equals
        labels = nearest(X, centers)
        # 2. every centre goes to the weighted mean of its rows
        next_centers = means(X, weight, labels, centers)
        shift = ((next_centers - centers) ** 2).sum()
        centers = next_centers
        inertias.append(float(weight @ ((X - centers[labels]) ** 2).sum(axis=1)))
        # 3. stop where no label changed, or where the centres hardly moved
        if before is not None and (labels == before).all():
            shift = 0.0
            break
        before = labels
        if shift <= tolerance:
            break
    if shift > 0:
        labels = nearest(X, centers)
    inertia = weight @ ((X - centers[labels]) ** 2).sum(axis=1)
    return labels, inertia, centers, n_iter, (inertias, float(shift))


def nearest(X, centers):
    return ((centers**2).sum(axis=1) - 2 * X @ centers.T).argmin(axis=1)


def means(X, weight, labels, centers):
    members = np.eye(len(centers))[labels] * weight[:, None]  # n x k
    sums, weights = members.T @ X, members.sum(axis=0)
    distance = ((X - centers[labels]) ** 2).sum(axis=1)
    if distance.max() > 0:
        # an empty cluster takes one of the rows farthest from their centres
        farthest = np.argsort(-distance, kind="stable")
        for new, row in zip(np.flatnonzero(weights == 0), farthest, strict=False):
            old = labels[row]
            sums[old] -= weight[row] * X[row]
            weights[old] -= weight[row]
            sums[new], weights[new] = weight[row] * X[row], weight[row]
    filled = np.where(weights > 0, np.arange(len(weights)), weights.argmax())
    return sums[filled] / weights[filled, None]


def same_clusters(a, b):
    return len(np.unique(a)) == len(np.unique(np.stack([a, b]), axis=1).T)


def k_means_init(X, sample_weight, draws, *, n_clusters, n_trials):
    X = X - X.mean(axis=0)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    # 1. the first centre is a row drawn by weight
    ends = np.cumsum(weight / weight.sum())
    chosen = [int(np.searchsorted(ends / ends[-1], draws[0], side="right"))]
    closest = squared_distances(X, X[chosen])[0]
    # 2. each next: of a few rows, drawn by weight and squared distance, the one that helps most
    for step in draws[1:].reshape(n_clusters - 1, n_trials):
        sums = np.cumsum(weight * closest)
        rows = np.searchsorted(sums, step * (weight @ closest)).clip(None, len(X) - 1)
        candidates = np.minimum(squared_distances(X, X[rows]), closest)
        best = (candidates @ weight).argmin()
        closest = candidates[best]
        chosen.append(int(rows[best]))
    return chosen


def squared_distances(X, rows):
    norms = (X**2).sum(axis=1)
    squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ X.T + norms
    return np.where(squares > 8 * np.finfo(X.dtype).eps * norms, squares, 0)


def k_means_predict(X, centers, sample_weight=None):
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    shift = centers.mean(axis=0)
    labels = nearest(X - shift, centers - shift)
    inertia = weight @ ((X - centers[labels]) ** 2).sum(axis=1)
    return {"labels": labels.astype(np.int32), "inertia": float(inertia)}


def k_means_fit_sparse(X, *arguments, **parameters):
    return k_means_fit(to_dense(X), *arguments, **parameters)


def k_means_init_sparse(X, *arguments, **parameters):
    return k_means_init(to_dense(X), *arguments, **parameters)


def k_means_predict_sparse(X, *arguments):
    return k_means_predict(to_dense(X), *arguments)
