"""t-SNE in NumPy.  Kernels: ``smelt-learn/src/manifold/{perplexity,tsne,tsne_exact}.rs``."""

import numpy as np

from smelt.plain.manifold.far_cells import repel


def tsne_affinities_exact(distances, perplexity):
    # Gaussians about each row, both directions, all pairs together one.
    P = np.zeros_like(distances)
    others = ~np.eye(len(P), dtype=bool)
    for i, distance in enumerate(distances):
        P[i, others[i]] = gaussian(distance[others[i]], perplexity)
    return np.maximum((P + P.T) / (2 * len(P)), np.finfo(float).eps) * others


def tsne_affinities(distances, neighbors, perplexity):
    n, k = neighbors.shape
    weights = np.array([gaussian(row, perplexity) for row in distances]).ravel()
    rows, columns = np.repeat(np.arange(n), k), neighbors.ravel()
    edges = np.concatenate([rows * n + columns, columns * n + rows])
    edges, places = np.unique(edges, return_inverse=True)
    data = np.bincount(places, np.concatenate([weights, weights]))
    indptr = np.searchsorted(edges, np.arange(n + 1) * n)
    return {"indptr": indptr, "indices": (edges % n).astype(np.int32), "data": data / data.sum()}


def gaussian(distance, perplexity):
    """Return weights exp(-b d) that sum to one, of entropy ln(perplexity), by halving ln b."""
    distance = distance - distance.min()
    scale = np.log(distance.mean()) if distance.any() else 0.0
    low, high = -600.0, 600.0
    for _ in range(100):
        middle = (low + high) / 2
        weights = np.exp(-np.exp(middle - scale) * distance)
        weights /= weights.sum()
        entropy = -(weights * np.log(np.where(weights > 0, weights, 1))).sum()
        low, high = (middle, high) if entropy > np.log(perplexity) else (low, middle)
    return weights


def kernels(difference):
    """Return w = 1 / (1 + |d|^2 / v) and t = w^((v + 1) / 2), v = max(columns - 1, 1)."""
    freedom = max(difference.shape[-1] - 1, 1)
    w = 1 / (1 + (difference**2).sum(axis=-1) / freedom)
    return w, w ** ((freedom + 1) / 2), 2 * (freedom + 1) / freedom


def tsne_gradient_exact(P, embedding, exaggeration=1.0):
    apart = embedding[:, None] - embedding
    w, t, factor = kernels(apart)
    np.fill_diagonal(t, 0)
    # 1. and 2. repulsion by Q = t / sum(t), attraction by P
    P = exaggeration * P
    gradient = factor * np.einsum("ij,ijd->id", (P - t / t.sum()) * w, apart)
    pairs = P > 0
    return (P[pairs] * np.log(P[pairs] * t.sum() / t[pairs])).sum(), gradient


def tsne_gradient(P, embedding, angle, exaggeration=1.0):
    indptr, columns, data, n = P
    data, rows = exaggeration * data, np.repeat(np.arange(n), np.diff(indptr))
    # 1. repulsion: far cells count as one point
    push, total = repel(embedding, angle)
    # 2. attraction between neighbours
    apart = embedding[rows] - embedding[columns]
    w, t, factor = kernels(apart)
    pull = np.zeros_like(embedding)
    np.add.at(pull, rows, (data * w)[:, None] * apart)
    return (data * np.log(data * total / t)).sum(), factor * (pull - push / total)


def tsne_fit_exact(P, start, **params):
    return descend(lambda Y, factor: tsne_gradient_exact(P, Y, factor), start, **params)


def tsne_fit(P, start, **params):
    angle = params["angle"]
    return descend(lambda Y, factor: tsne_gradient(P, Y, angle, factor), start, **params)


def descend(
    objective, Y, *, early_exaggeration, exploration_iter, max_iter, learning_rates,
    n_iter_without_progress, min_grad_norm, angle,
):  # fmt: skip
    Y, history, step, error = Y.copy(), [], 0, np.nan
    explored = min(exploration_iter, max_iter)
    for last, exaggeration, momentum, rate, patience in (
        (explored, early_exaggeration, 0.5, learning_rates[0], explored),
        (max_iter, 1.0, 0.8, learning_rates[1], n_iter_without_progress),
    ):
        best, best_step = np.inf, step
        update, gains = np.zeros_like(Y), np.ones_like(Y)
        while step < last:
            error, gradient = objective(Y, exaggeration)
            # 3. gains grow where a coordinate goes on, shrink where it turns
            gains = np.maximum(np.where(update * gradient < 0, gains + 0.2, gains * 0.8), 0.01)
            gradient *= gains
            update = momentum * update - rate * gradient
            Y += update
            step += 1
            if step % 50 == 0:
                history.append((step, error, np.linalg.norm(gradient)))
                if error < best:
                    best, best_step = error, step - 1
                elif step - 1 - best_step > patience:
                    break
                if history[-1][2] <= min_grad_norm:
                    break
    if max_iter <= explored:
        error = objective(Y, 1.0)[0]
    return {"embedding": Y, "kl_divergence": error, "n_iter": step - 1, "history": history}
