"""UMAP in NumPy.  Kernels: ``smelt-learn/src/manifold/{fuzzy_graph,spectral,umap}.rs``."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def umap_memberships(distances, local_connectivity):
    out, mean = np.empty_like(distances), distances.mean()
    for i, distance in enumerate(distances):
        # 1. the distance to the first neighbour that lies apart
        apart = distance[distance > 0]
        whole, part = int(local_connectivity), local_connectivity % 1
        rho = 0.0
        if 0 < len(apart) < local_connectivity:
            rho = apart.max()
        elif len(apart):
            padded = np.concatenate([[0.0], apart, apart[-1:]])
            rho = padded[whole] + (part if part > 1e-5 else 0) * (padded[whole + 1] - padded[whole])
        # 2. the width by halving
        beyond = np.maximum(distance - rho, 0)
        low, high, sigma = 0.0, np.inf, 1.0
        for _ in range(64):
            total = np.exp(-beyond[1:] / sigma).sum()
            if abs(total - np.log2(len(distance))) < 1e-5:
                break
            if total > np.log2(len(distance)):
                high = sigma
            else:
                low = sigma
            sigma = (low + high) / 2 if high < np.inf else 2 * sigma
        sigma = max(sigma, 1e-3 * (distance.mean() if rho > 0 else mean))
        # 3. memberships
        out[i] = np.exp(-beyond / sigma) if sigma > 0 else 1.0
    return out


def umap_graph(neighbors, memberships, set_op_mix_ratio):
    n, k = neighbors.shape
    W = np.zeros((n, n))
    W[np.repeat(np.arange(n), k), neighbors.ravel()] = np.ravel(memberships)
    both = W * W.T
    W = set_op_mix_ratio * (W + W.T - both) + (1 - set_op_mix_ratio) * both
    rows, columns = np.nonzero(W)
    indptr = np.searchsorted(rows, np.arange(n + 1))
    return {"indptr": indptr, "indices": columns.astype(np.int32), "data": W[rows, columns]}


def umap_spectral(W, k):
    indptr, columns, data, n = W
    S = np.zeros((n, n))
    S[np.repeat(np.arange(n), np.diff(indptr)), columns] = data
    root = np.sqrt(S.sum(axis=1))
    scale = np.divide(1, root, where=root > 0, out=np.zeros(n))
    vectors = np.linalg.eigh(scale[:, None] * S * scale)[1][:, ::-1][:, 1 : k + 1]
    return vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(k)])


def mixed(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def umap_fit(
    graph, start, fixed, keys,
    *, a, b, repulsion_strength, negative_sample_rate, learning_rate, n_epochs, seed,
):  # fmt: skip
    indptr, columns, data, n_others = graph
    share, Y = data / data.max(initial=0), start.copy()
    for epoch in range(n_epochs):
        others, rate = (fixed if len(fixed) else Y.copy()), learning_rate * (1 - epoch / n_epochs)
        due = np.floor(share * (epoch + 1)) > np.floor(share * epoch)
        stream = mixed(np.array([seed + epoch], dtype=np.uint64))
        draws = mixed(keys * GOLDEN ^ stream)
        n_draws = np.zeros(len(Y), dtype=np.uint64)

        def go(rows, other, coefficient, rate=rate):
            difference = Y[rows] - other
            square = (difference**2).sum(axis=1)
            apart = square > 0
            factor = coefficient(np.where(apart, square, 1)) * apart
            Y[rows] += rate * np.clip(factor[:, None] * difference, -4, 4)

        for slot in range(np.diff(indptr).max(initial=0)):
            # 1. the next edge of each row that has one, where it is due
            rows = np.flatnonzero(indptr[:-1] + slot < indptr[1:])
            rows = rows[due[indptr[rows] + slot]]
            ends = columns[indptr[rows] + slot]
            # 2. its pull
            for _ in range(1 if len(fixed) else 2):
                go(rows, others[ends], lambda s: -2 * a * b * s ** (b - 1) / (1 + a * s**b))
            # 3. pushes of rows drawn by chance
            for _ in range(negative_sample_rate):
                n_draws[rows] += np.uint64(1)
                draw = mixed(draws[rows] + n_draws[rows] * GOLDEN) >> np.uint64(32)
                drawn = others[(draw * np.uint64(n_others) >> np.uint64(32)).astype(int)]
                push = 2 * repulsion_strength * b
                go(rows, drawn, lambda s, push=push: push / ((0.001 + s) * (1 + a * s**b)))
    return Y
