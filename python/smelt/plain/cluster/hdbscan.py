"""HDBSCAN: clusters that last while the density asked for rises."""

import numpy as np

from smelt.plain.neighbors.nearest_neighbors import ROOT, joined


def hdbscan_fit(X, *, min_samples, alpha, metric, p, algorithm, leaf_size):
    n = len(X)

    def distances(row):
        return ROOT[metric](joined(X.T - X[row][:, None], {"metric": metric, "p": p}), p)

    # 1. Core distances: to the min_samples-th nearest row, the row itself included.
    if not 0 < min_samples <= n:
        raise ValueError(f"parameter `min_samples` must be between 1 and {n}, the rows")
    core = np.array([np.sort(distances(row))[min_samples - 1] for row in range(n)])
    # 2. The spanning tree of mutual reachability grows from the first row by the nearest one.
    edges, row = [], 0
    near, source = np.full(n, np.inf), np.zeros(n, dtype=int)
    is_inside = np.zeros(n, dtype=bool)
    for _ in range(n - 1):
        is_inside[row] = True
        reach = np.maximum(np.maximum(core, core[row]), distances(row) / alpha)
        is_nearer = ~is_inside & (reach < near)
        near[is_nearer], source[is_nearer] = reach[is_nearer], row
        row = int(np.argmin(np.where(is_inside, np.inf, near)))
        edges.append((near[row], source[row], row))
    # 3. Merges in order of length; each makes a node.
    children, node = [], list(range(n))
    for index, (_, one, other) in enumerate(sorted(edges)):
        children.append((node[one], node[other]))
        node = [n + index if place in children[-1] else place for place in node]
    return {"children": np.array(children), "distances": np.sort([edge[0] for edge in edges])}


def hdbscan_condense(children, distances, min_cluster_size):
    children = children.reshape(-1, 2)
    n = len(children) + 1
    sizes = [1] * n
    for left, right in children:
        sizes.append(sizes[left] + sizes[right])

    def rows_below(node):
        if node < n:
            return [node]
        return [row for side in children[node - n] for row in rows_below(side)]

    # From the root down, level by level: each node with the cluster it is of.
    entries, waiting, last = [], [(2 * n - 2, n)], n
    while waiting:
        node, cluster = waiting.pop(0)
        if node < n:
            continue
        height = distances[node - n]
        rate = 1 / height if height > 0 else np.inf
        large = [side for side in children[node - n] if sizes[side] >= min_cluster_size]
        for side in children[node - n]:
            if len(large) == 2:
                last += 1
                entries.append((cluster, last, rate, sizes[side]))
                waiting.append((side, last))
            elif side in large:
                waiting.append((side, cluster))
            else:  # a small branch: its rows leave the cluster here
                entries += [(cluster, row, rate, 1) for row in rows_below(side)]
    parent, child, rates, size = zip(*entries, strict=True)
    return {
        "parent": np.array(parent),
        "child": np.array(child),
        "lambda": np.array(rates, dtype=float),
        "size": np.array(size),
    }


def hdbscan_select(
    parent, child, rates, size, *, method, allow_single_cluster, epsilon, max_cluster_size
):
    n = parent.min()
    clusters = range(n, max(parent.max(), child.max()) + 1)
    below = {c: child[(parent == c) & (child > n)].tolist() for c in clusters}
    above = {c: parent[child == c][0] for c in clusters[1:]}
    birth = {c: rates[child == c][0] for c in clusters[1:]} | {n: 0.0}
    rows_in = {c: size[child == c][0] for c in clusters[1:]}
    rows_in[n] = size[(parent == n) & (child > n)].sum()
    # 1. Stability: how long rows belong to a cluster, on the scale of 1 / distance.
    stability = {c: ((rates - birth[c]) * size)[parent == c].sum() for c in clusters}

    def all_below(cluster):
        return [node for c in below[cluster] for node in [c, *all_below(c)]]

    # 2. The most stable clusters, from below, or those that split no more.
    if method == "eom":
        candidates = clusters if allow_single_cluster else clusters[1:]
        most = np.inf if max_cluster_size is None else max_cluster_size
        chosen, best = set(candidates), dict(stability)
        for c in reversed(candidates):
            of_parts = sum(best[part] for part in below[c])
            if of_parts > best[c] or rows_in[c] > most:
                chosen.discard(c)
                best[c] = of_parts
            else:
                chosen -= set(all_below(c))
    else:
        chosen = {c for c in clusters[1:] if not below[c]}
    # 3. Clusters born at a distance below epsilon give way to those above that were not.
    if epsilon and chosen - {n}:
        joined_ones, settled = set(), set()
        for c in sorted(chosen):
            if 1 / birth[c] < epsilon and c not in settled:
                while (up := above[c]) != n:
                    c = up
                    if 1 / birth[c] > epsilon:
                        break
                c = n if up == n and allow_single_cluster else c
                settled |= set(all_below(c))
                joined_ones.add(c)
            elif 1 / birth[c] >= epsilon:
                joined_ones.add(c)
        chosen = joined_ones
    names = sorted(chosen)
    # 4. Labels, and how much of its cluster's life a row shares.
    label = {n: names.index(n) if n in chosen else -1}
    for c in clusters[1:]:
        label[c] = names.index(c) if c in chosen else label[above[c]]
    enough = 1 / epsilon if epsilon else rates[parent == n].max()
    ends = np.flatnonzero(np.append(np.diff(parent) != 0, True))
    starts = np.concatenate([[0], ends[:-1] + 1])
    death = {parent[a]: rates[a : b + 1].max() for a, b in zip(starts, ends, strict=True)}
    labels, probabilities = np.full(n, -1), np.zeros(n)
    for c, row, rate in zip(parent, child, rates, strict=True):
        if row >= n or label[c] < 0:
            continue
        if names[label[c]] == n and not (len(names) == 1 and rate >= enough):
            continue
        labels[row] = label[c]
        most = death[names[label[c]]]
        probabilities[row] = 1 if most == 0 or np.isinf(rate) else min(rate, most) / most
    return {
        "labels": labels,
        "probabilities": probabilities,
        "clusters": np.array(names, dtype=np.int64),
        "stabilities": np.array([stability[c] for c in names], dtype=float),
    }
