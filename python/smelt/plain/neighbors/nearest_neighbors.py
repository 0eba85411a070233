"""A k-d tree or ball tree: blocks of near rows, and bounds that say which to look at."""

import numpy as np

TERM = {
    "euclidean": lambda x, p: x * x,
    "manhattan": lambda x, p: np.abs(x),
    "chebyshev": lambda x, p: np.abs(x),
    "minkowski": lambda x, p: np.abs(x) ** p,
}
ROOT = {
    "euclidean": lambda sums, p: np.sqrt(sums),
    "manhattan": lambda sums, p: sums,
    "chebyshev": lambda sums, p: sums,
    "minkowski": lambda sums, p: sums ** (1 / p),
}


def nearest_neighbors_fit(X, **params):
    X = np.asarray(X, dtype=float)
    # 1. Halve by the median of the widest column until the leaves are small.
    leaves = [np.arange(len(X))]
    while max(map(len, leaves)) > params["leaf_size"]:
        leaves = [half for rows in leaves for half in halves(X, rows)]
    # 2. A block of columns for each leaf, padded to whole vectors of eight.
    capacity = -(-max(map(len, leaves)) // 8) * 8
    ids = np.full((len(leaves), capacity), 2**32 - 1, dtype=np.uint32)
    points = np.full((len(leaves), X.shape[1], capacity), np.nan)
    for leaf, rows in enumerate(leaves):
        ids[leaf, : len(rows)] = rows
        points[leaf, :, : len(rows)] = X[rows].T
    # 3. Bounds of the (up to) eight children of each node, from the root down.
    depth = int(np.log2(len(leaves)))
    bounds, least, below = [], [], depth
    while not bounds or below > 0:
        fan = depth % 3 or min(3, depth) if not bounds else 3  # the root takes what is left over
        below -= fan
        children = [np.concatenate(part) for part in batches(leaves, 2**below)]
        for node in batches(children, 2**fan):
            block = np.zeros((len(bound(X, node[0], params)), 8))
            firsts = np.full(8, 2**32 - 1, dtype=np.uint32)
            for child, rows in enumerate(node):
                block[:, child] = bound(X, rows, params)
                firsts[child] = rows.min(initial=2**32 - 1)
            bounds.append(block.ravel())
            least.append(firsts)
    arrays = {"bounds": np.concatenate(bounds), "least": np.concatenate(least)}
    return {
        "params": params,
        "shape": X.shape,
        "ids": ids.ravel(),
        "points": points.ravel(),
    } | arrays


def batches(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def halves(X, rows):
    if len(rows) == 0:
        return rows, rows
    widest = np.argmax(X[rows].max(axis=0) - X[rows].min(axis=0))
    order = rows[np.argsort(X[rows, widest], kind="stable")]
    return np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2 :])


def bound(X, rows, params):
    low = X[rows].min(axis=0, initial=np.inf)
    high = X[rows].max(axis=0, initial=-np.inf)
    box = np.stack([low, high], axis=1).ravel()
    if params["algorithm"] == "kd_tree":
        return box
    if len(rows) == 0:
        return np.concatenate([box, np.full(X.shape[1], np.nan), [0.0]])
    centre = X[rows].mean(axis=0)
    reduced = joined(X[rows].T - centre[:, None], params)
    return np.concatenate([box, centre, [ROOT[params["metric"]](reduced.max(), params["p"])]])


def joined(differences, params):
    """Reduced distances (e.g. squares) from differences of shape (columns, points)."""
    term = TERM[params["metric"]]
    total = term(differences[0], params["p"])
    for column in differences[1:]:
        more = term(column, params["p"])
        total = np.maximum(total, more) if params["metric"] == "chebyshev" else total + more
    return total


def leaves_by_bound(tree, query):
    """Yield (bound, reduced distances, rows) of every leaf, nearest box first."""
    n_columns, params = tree["shape"][1], tree["params"]
    n_leaves = len(tree["ids"]) // capacity_of(tree)
    points = tree["points"].reshape(n_leaves, n_columns, -1)
    ids = tree["ids"].reshape(n_leaves, -1)
    empty = np.isnan(points)
    low = np.where(empty, np.inf, points).min(axis=2).T
    high = np.where(empty, -np.inf, points).max(axis=2).T
    gaps = np.maximum(np.maximum(low - query[:, None], query[:, None] - high), 0)
    bounds = joined(gaps, params) * (1 - 1e-14 * (params["metric"] == "minkowski"))
    for leaf in np.argsort(bounds, kind="stable"):
        full = ~empty[leaf, 0]
        reduced = joined(points[leaf][:, full] - query[:, None], params)
        yield bounds[leaf], reduced, ids[leaf, full].astype(np.int64)


def capacity_of(tree):
    n_leaves = 1
    while -(-tree["shape"][0] // n_leaves) > tree["params"]["leaf_size"]:
        n_leaves *= 2
    return len(tree["ids"]) // n_leaves


def nearest_neighbors_query(tree, X, k, own=False):
    params = tree["params"]
    distances, ids = np.empty((len(X), k)), np.empty((len(X), k), dtype=np.int64)
    for i, query in enumerate(np.asarray(X, dtype=float)):
        closest = []  # pairs of (reduced distance, row)
        for least, reduced, rows in leaves_by_bound(tree, query):
            # Every leaf from here on is farther away than the k rows at hand.
            if len(closest) == k and least > closest[-1][0]:
                break
            seen = zip(reduced.tolist(), rows.tolist(), strict=True)
            closest += [pair for pair in seen if not (own and pair[1] == i)]
            closest = sorted(closest)[:k]
        distances[i] = ROOT[params["metric"]](np.array([pair[0] for pair in closest]), params["p"])
        ids[i] = [pair[1] for pair in closest]
    return distances, ids


def nearest_neighbors_within(tree, X, radius, own=False, by_distance=False, room=None):
    params, starts, all_ids, all_distances = tree["params"], [0], [], []
    for i, query in enumerate(np.asarray(X, dtype=float)):
        limit = TERM[params["metric"]](np.broadcast_to(radius, len(X))[i], params["p"])
        found = []
        for least, reduced, rows in leaves_by_bound(tree, query):
            if least > limit:
                break
            near = (reduced <= limit) & ~(own & (rows == i))
            found += zip(reduced[near].tolist(), rows[near].tolist(), strict=True)
        distances = ROOT[params["metric"]](np.array([pair[0] for pair in found]), params["p"])
        rows = np.array([pair[1] for pair in found], dtype=np.int64)
        order = np.lexsort((rows, distances)) if by_distance else np.argsort(rows)
        starts.append(starts[-1] + len(rows))
        all_ids.append(rows[order])
        all_distances.append(distances[order])
    return np.array(starts), np.concatenate(all_ids), np.concatenate(all_distances)


def nearest_neighbors_count(tree, X, radius, own=False):
    return np.diff(nearest_neighbors_within(tree, X, radius, own)[0])


def nearest_neighbors_brute(rows, X, k, own=False, metric="euclidean", p=2):
    # Look at all rows; of rows at the same distance the first comes first.
    distances, ids = np.empty((len(X), k)), np.empty((len(X), k), dtype=np.int64)
    for i, query in enumerate(np.asarray(X, dtype=float)):
        differences = np.asarray(rows, dtype=float).T - query[:, None]
        reduced = joined(differences, {"metric": metric, "p": p})
        order = np.argsort(reduced, kind="stable")
        ids[i] = order[order != i][:k] if own else order[:k]
        distances[i] = ROOT[metric](reduced[ids[i]], p)
    return distances, ids
