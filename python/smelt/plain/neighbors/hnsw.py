"""HNSW: a graph in which near rows are linked, walked from few far links down to many near ones."""

import numpy as np

from smelt.plain.neighbors.nearest_neighbors import joined

NONE = 2**32 - 1


def hnsw_fit(X, order, levels, **params):
    # 1. Rows as float32, equal ones as one node; nodes come in the given order.
    M, (centre, scale) = params["M"], centre_and_scale(X, order, params["metric"])
    packed = pack(np.asarray(X, dtype=float)[order], centre, scale, params["metric"])
    nodes, node_of_row = {}, np.empty(len(X), dtype=np.int64)
    for row, point in zip(order, packed, strict=True):
        key = point if params["metric"] == "cosine" else (X[row] + 0.0)
        node_of_row[row] = nodes.setdefault(key.tobytes(), len(nodes))
    _, positions = np.unique(node_of_row[order], return_index=True)
    points, levels = packed[positions], levels[: len(nodes)].astype(np.int64)
    lists = [{level: [] for level in range(top + 1)} for top in levels]  # of (distance, node)
    entry, done = 0, 1
    while done < len(points):
        batch = range(done, min(done + min(max(done // 16, 1), 512), len(points)))
        # 2. Every node of the batch finds its neighbours in the graph as it is.
        chosen = {}
        for node in batch:
            start = entry
            for level in range(levels[entry], -1, -1):
                ef = 1 if level > levels[node] else params["ef_construction"]
                found = walk(points, lists, level, points[node], start, ef)
                start = found[0][1]
                if level <= levels[node]:
                    chosen[node, level] = choose(points, found, M)
        # 3. It is linked to them, and they to it; lists that overflow are chosen anew.
        back = {}
        for (node, level), links in chosen.items():
            lists[node][level] = links
            for distance, other in links:
                back.setdefault((other, level), []).append((distance, node))
        for (node, level), links in back.items():
            room = M if level else 2 * M
            lists[node][level] = lists[node][level] + sorted(links)
            if len(lists[node][level]) > room:
                lists[node][level] = choose(points, sorted(lists[node][level]), room)
        # 4. The highest node is where searches begin.
        entry = max([entry, *batch], key=lambda node: levels[node])
        done = batch.stop
    width = -(-X.shape[1] // 8) * 8
    links = np.full((len(points), 2 * M), NONE, dtype=np.uint32)
    upper = np.full((levels.sum(), M), NONE, dtype=np.uint32)
    upper_starts = np.concatenate([[0], np.cumsum(levels)]).astype(np.uint32)
    for node, of_levels in enumerate(lists):
        for level, found in of_levels.items():
            out = links[node] if level == 0 else upper[upper_starts[node] + level - 1]
            out[: len(found)] = [other for _, other in found]
    return {
        "params": params,
        "shape": X.shape,
        "entry": (int(entry), int(levels[entry])),
        "scale": scale,
        "centre": centre,
        "points": np.pad(points, [(0, 0), (0, width - X.shape[1])]).ravel(),
        "starts": np.concatenate([[0], np.cumsum(np.bincount(node_of_row))]).astype(np.uint32),
        "ids": np.argsort(node_of_row, kind="stable").astype(np.uint32),
        "links": links.ravel(),
        "upper_starts": upper_starts,
        "upper": upper.ravel(),
    }


def centre_and_scale(X, order, metric):
    if metric == "cosine":
        return np.zeros(X.shape[1]), 1.0
    sample = np.sort(np.asarray(X, dtype=float)[order[:101]], axis=0)
    centre = sample[len(sample) // 2]
    largest = np.abs(X - centre).max()
    return centre, 2.0 ** (51 - max(np.frexp(largest)[1], -899)) if largest > 0 else 1.0


def pack(X, centre, scale, metric):
    if metric == "cosine":
        lengths = np.sqrt((X**2).sum(axis=1, keepdims=True))
        return (X / np.where(lengths > 0, lengths, 1)).astype(np.float32) + np.float32(0)
    return ((X - centre) * scale).astype(np.float32) + np.float32(0)


def walk(points, lists, level, query, start, ef):
    """Return the ef nearest nodes that can be reached, as sorted (distance, node)."""
    distance = lambda nodes: ((points[nodes] - query) ** 2).sum(axis=1).tolist()  # noqa: E731
    near, seen, followed = [(distance([start])[0], start)], {start}, set()
    # Follow the links of the nearest node, until those of all the ef nearest are followed.
    while ahead := [node for _, node in near if node not in followed]:
        followed.add(ahead[0])
        links = lists[ahead[0]].get(level, [])
        new = [other for _, other in links if other not in seen]
        seen.update(new)
        near = sorted(near + list(zip(distance(new), new, strict=True)))[:ef]
    return near


def choose(points, near, most):
    """Keep those that are nearer to the owner than to any kept before."""
    kept = []
    for distance, node in near:
        others = points[[other for _, other in kept]]
        if len(kept) < most and not (((others - points[node]) ** 2).sum(axis=1) < distance).any():
            kept.append((distance, node))
    return kept


def hnsw_query(graph, rows, X, k, ef):
    M, metric, own = graph["params"]["M"], graph["params"]["metric"], X is None
    queries = np.asarray(rows if own else X, dtype=float)
    points = graph["points"].reshape(len(graph["starts"]) - 1, -1)[:, : graph["shape"][1]]
    starts, upper = graph["upper_starts"], graph["upper"].reshape(-1, M)
    lists = [
        {
            level: [(None, other) for other in links.tolist() if other != NONE]
            for level, links in enumerate([lowest, *upper[starts[node] : starts[node + 1]]])
        }
        for node, lowest in enumerate(graph["links"].reshape(-1, 2 * M))
    ]
    distances, ids = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
    packed = pack(queries, graph["centre"], graph["scale"], metric)
    for i, query in enumerate(queries):
        # 1. Down to the lowest level.
        found = [(None, graph["entry"][0])]
        for level in range(graph["entry"][1], -1, -1):
            width = 1 if level else max(ef, k + own)
            found = walk(points, lists, level, packed[i], found[0][1], width)
        # 2. Exact distances of the rows that were found, or of all where they are too few.
        parts = [graph["ids"][graph["starts"][n] : graph["starts"][n + 1]] for _, n in found]
        near = np.concatenate([part[: k + 1] for part in parts]).astype(np.int64)
        near = near[near != i] if own else near
        if len(near) < k:
            near = np.setdiff1d(np.arange(len(rows)), [i] if own else [])
        exact = distances_to(np.asarray(rows[near], dtype=float), query, metric)
        best = np.lexsort((near, exact))[:k]
        distances[i], ids[i] = exact[best], near[best]
    return (np.sqrt(distances) if metric == "euclidean" else distances), ids


def distances_to(rows, query, metric):
    if metric != "cosine":
        return joined(rows.T - query[:, None], {"metric": "euclidean", "p": 2})
    lengths = np.sqrt((query**2).sum()) * np.sqrt((rows**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, (1 - rows @ query / lengths).clip(0, 2), 1.0)
