"""LambdaRank.  Kernel: ``crates/smelt-tree/src/boosting/loss/ranking.rs`` (its text says how)."""

from itertools import pairwise

import numpy as np


def lambda_gradients(y, raw, groups, truncation):
    """Return gradient and curvature of every row; query q has the rows groups[q]:groups[q + 1]."""
    found = [query(y[a:b], raw[a:b], truncation) for a, b in pairwise(groups)]
    return np.concatenate([g for g, _ in found]), np.concatenate([h for _, h in found])


def query(y, raw, truncation):
    """Gradient and curvature of the rows of one query."""
    g, h, total = np.zeros(len(y)), np.zeros(len(y)), 0.0
    order = np.argsort(-raw, kind="stable")
    best = dcg(np.sort(y)[::-1], truncation)
    discount = 1 / np.log2(2 + np.arange(len(y)))
    for i in range(min(truncation, len(y) - 1)) if best > 0 else ():
        for j in range(i + 1, len(y)):
            a, b = order[i], order[j]
            if y[a] == y[b]:
                continue
            better, worse = (a, b) if y[a] > y[b] else (b, a)
            step = raw[better] - raw[worse]
            change = (2 ** y[better] - 2 ** y[worse]) * (discount[i] - discount[j]) / best
            if raw[order[0]] != raw[order[-1]]:
                change /= 0.01 + abs(step)
            p = 1 / (1 + np.exp(step))
            g[better] -= p * change
            g[worse] += p * change
            h[[better, worse]] += p * (1 - p) * change
            total += 2 * p * change
    factor = np.log2(1 + total) / total if total > 0 else 1.0
    return factor * g, factor * h


def dcg(y, truncation):
    """DCG of the first rows in this order."""
    y = y[:truncation]
    return ((2**y - 1) / np.log2(2 + np.arange(len(y)))).sum()


def ranking_loss(y, raw, weight, groups, truncation):
    """Return 1 − NDCG, the mean over the queries."""
    losses, weights = [], []
    for a, b in pairwise(groups):
        best = dcg(np.sort(y[a:b])[::-1], truncation)
        ranked = y[a:b][np.argsort(-raw[a:b], kind="stable")]
        losses.append(1 - dcg(ranked, truncation) / best if best > 0 else 0.0)
        weights.append(1.0 if weight is None else weight[a:b].mean())
    return np.average(losses, weights=weights)
