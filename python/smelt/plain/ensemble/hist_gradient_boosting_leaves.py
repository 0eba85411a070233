"""Values of the leaves.  Kernels: ``crates/smelt-tree/src/boosting/{leaves,linear}.rs``."""

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_loss import (
    best_constant,
    leaf_level,
    row_gradients,
)
from smelt.plain.ensemble.hist_gradient_boosting_splitter import value_of
from smelt.plain.ensemble.hist_gradient_boosting_trees import leaves


def set_leaves(data, root, output, y, raw, weight, rate):
    """Best constants, or further Newton steps, times the learning rate."""
    level = leaf_level(data.params, output)
    few = data.params["min_samples_leaf"]
    for leaf in leaves(root):
        rows = leaf.rows
        own = None if weight is None else weight[rows]
        if level is not None:
            leaf.value = best_constant(level, (y - raw)[rows], own)
        elif data.params["leaf_iterations"] > 1 and data.one_output and len(rows) >= few:
            leaf.value = newton(data, leaf, y[rows], raw[rows], own)
        leaf.value *= rate


def newton(data, leaf, y, raw, weight):
    """Further Newton steps from the first one: v ← −T(G − H·v) / (H + λ)."""
    value = leaf.value
    scale = 1.0 if weight is None else weight
    for _ in range(data.params["leaf_iterations"] - 1):
        g, h = row_gradients(data.params, y, raw + value)
        gradient, hessian = (scale * g).sum(), (scale * h).sum()
        before, value = value, value_of(data, gradient - hessian * value, hessian, leaf)
        if abs(value - before) <= 1e-3 * abs(value):
            break
    return value


def fit_linear_leaves(data, root, g, h, numbers, rate):
    """Fit a ridge on the numeric features of each leaf's path, where no value is missing."""
    waiting = [(root, [])]
    while waiting:
        node, path = waiting.pop()
        if node.children is not None:
            feature = node.split.feature
            if not data.is_categorical[feature]:
                path = sorted({*path, feature})
            waiting += [(child, path) for child in node.children]
            continue
        x = numbers[path][:, node.rows]
        known = np.isfinite(x).all(axis=0)
        rows, x, k = node.rows[known], x[:, known], len(path)
        if k == 0 or len(rows) < k + 2:
            continue
        means = x.mean(axis=1)
        x = np.vstack([x - means[:, None], np.ones(len(rows))])
        sums = (h[rows].astype(float) * x) @ x.T
        penalty = np.full(k + 1, data.params["linear_regularization"])
        penalty[k] = data.params["l2_regularization"]
        sums += np.diag(penalty)
        if is_singular(sums):
            continue
        *beta, start = np.linalg.solve(sums, -(x @ g[rows].astype(float)))
        beta = np.array(beta)
        node.linear = (rate * (start - beta @ means), path, rate * beta)


def is_singular(a):
    """Whether a pivot of Cholesky's factors nearly vanishes."""
    a = a.copy()
    for j in range(len(a)):
        before = a[j, j]
        a[j, j] -= a[j, :j] @ a[j, :j]
        if not a[j, j] > max(1e-10 * before, 0):
            return True
        a[j, j] = np.sqrt(a[j, j])
        a[j + 1 :, j] = (a[j + 1 :, j] - a[j + 1 :, :j] @ a[j, :j]) / a[j, j]
    return False
