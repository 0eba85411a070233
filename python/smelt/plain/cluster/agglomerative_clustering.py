"""Agglomerative clustering: the two nearest clusters become one, until one is left."""

import heapq

import numpy as np

from smelt.plain.neighbors.nearest_neighbors import ROOT, joined


def updated(linkage, D, i, j, sizes):
    """Return the distances of the union of clusters i and j to all others (Lance and Williams)."""
    a, b, apart, s, t = D[i], D[j], D[i, j], sizes[i], sizes[j]
    if linkage == "single":
        return np.minimum(a, b)
    if linkage == "complete":
        return np.maximum(a, b)
    if linkage == "average":
        return (s * a + t * b) / (s + t)
    if linkage == "weighted":
        return (a + b) / 2
    if linkage == "centroid":
        squares = (s * a**2 + t * b**2) / (s + t) - s * t * apart**2 / (s + t) ** 2
    elif linkage == "median":
        squares = (a**2 + b**2) / 2 - apart**2 / 4
    else:
        squares = ((s + sizes) * a**2 + (t + sizes) * b**2 - sizes * apart**2) / (s + t + sizes)
    return np.sqrt(np.maximum(squares, 0))


def agglomerative_clustering_fit(X, *, linkage, metric, p, ascending):
    n = len(X)
    # 1. Distances of all rows: each row is a cluster.
    if metric is None:
        D = np.triu(X, 1) + np.triu(X, 1).T
    else:
        differences = [X.T - row[:, None] for row in X]
        reduced = [joined(difference, {"metric": metric, "p": p}) for difference in differences]
        D = ROOT[metric](np.array(reduced), p)
    np.fill_diagonal(D, np.inf)
    start = D.copy()
    sizes, node = np.ones(n), np.arange(n)
    children, heights = [], []
    for step in range(n - 1):
        # 2. The two nearest become one, at the place of the first.
        i, j = sorted(np.unravel_index(np.argmin(D), D.shape))
        heights.append(D[i, j])
        children.append(sorted((node[i], node[j])))
        with np.errstate(invalid="ignore"):  # infinity less infinity
            row = updated(linkage, D, i, j, sizes)
        # 3. Its distances; what is gone is infinitely far away.
        row[np.isinf(D[i]) | np.isinf(D[j])] = np.inf
        D[i] = D[:, i] = row
        D[j] = D[:, j] = np.inf
        sizes[i] += sizes[j]
        node[i] = n + step
    if linkage == "single" and not ascending:
        order_sides(children, start)
    return {"children": np.array(children), "distances": np.array(heights)}


def order_sides(children, D):
    """Put first the node that is reached first when a tree grows from row 0 by the nearest row."""
    n = len(D)
    near, row, place = np.full(n, np.inf), 0, np.zeros(n, dtype=int)
    is_inside = np.zeros(n, dtype=bool)
    for step in range(n):
        place[row], is_inside[row] = step, True
        near = np.minimum(near, D[row])
        row = int(np.argmin(np.where(is_inside, np.inf, near)))
    first = place.tolist()
    for pair in children:
        pair.sort(key=lambda node: first[node])
        first.append(first[pair[0]])


def agglomerative_clustering_fit_graph(X, graph, *, linkage, n_merges):
    indptr, indices, data, _ = graph
    n = len(X)
    sizes, sums = [1.0] * n, list(X)

    def growth(i, j):
        gap = sums[i] / sizes[i] - sums[j] / sizes[j]
        return sizes[i] * sizes[j] / (sizes[i] + sizes[j]) * (gap @ gap)

    # 1. A heap of the edges; the neighbours of each cluster, with distances.
    around, heap = [], []
    for i in range(n):
        span = slice(indptr[i], indptr[i + 1])
        around.append(dict(zip(indices[span].tolist(), data[span].tolist(), strict=True)))
        if linkage == "ward":
            around[i] = {j: growth(i, j) for j in around[i]}
        heap += [(distance, i, j) for j, distance in around[i].items() if j < i]
    heapq.heapify(heap)
    children, heights = [], []
    while len(heights) < n_merges:
        # 2. The shortest edge whose clusters are both there.
        distance, i, j = heapq.heappop(heap)
        if around[i] is None or around[j] is None:
            continue
        union = n + len(heights)
        children.append((j, i))
        heights.append(np.sqrt(2 * distance) if linkage == "ward" else distance)
        sizes.append(sizes[i] + sizes[j])
        sums.append(sums[i] + sums[j])
        a, b = around[i], around[j]
        around[i] = around[j] = None
        # 3. Edges of the union: a neighbour of one part only keeps its distance.
        found = {}
        for other in sorted({*a, *b} - {i, j}):
            left, right = a.get(other, b.get(other)), b.get(other, a.get(other))
            if linkage == "ward":
                found[other] = growth(union, other)
            elif linkage == "complete":
                found[other] = max(left, right)
            elif linkage == "average":
                found[other] = (sizes[i] * left + sizes[j] * right) / sizes[union]
            else:
                found[other] = (left + right) / 2
            around[other].pop(i, None)
            around[other].pop(j, None)
            around[other][union] = found[other]
            heapq.heappush(heap, (found[other], union, other))
        around.append(found)
    return {"children": np.array(children).reshape(-1, 2), "distances": np.array(heights)}


def agglomerative_clustering_cut(children, n_clusters):
    children = children.reshape(-1, 2)
    n = len(children) + 1
    if not 0 < n_clusters <= n:
        raise ValueError(
            f"Cannot extract more clusters than samples: {n_clusters} clusters were given for a "
            f"tree with {n} leaves."
        )
    # 1. The newest node of all makes room for its two, again and again.
    heads = [-2 * (n - 1)]
    for _ in range(n_clusters - 1):
        left, right = children[-heads[0] - n]
        heapq.heappush(heads, -left)
        heapq.heappushpop(heads, -right)
    # 2. Labels go down from these to the rows.
    labels = np.full(2 * n - 1, -1)
    labels[-np.array(heads)] = np.arange(n_clusters)
    for node in range(2 * n - 2, n - 1, -1):
        if labels[node] >= 0:
            labels[children[node - n]] = labels[node]
    return labels[:n]
