"""Prediction of trees with linear leaves.  Kernel: ``boosting/linear_predict.rs``."""

import numpy as np

from smelt.plain.ensemble.tree_ensemble import tree_ensemble_leaves


def linear_leaves_predict(X, trees, linear):
    """Start values plus the leaves of all trees, (n_rows, n_outputs)."""
    out = np.repeat(trees["baseline"][None, :], len(X), axis=0)
    x, offsets = X.astype(np.float64), linear["linear_offsets"]
    for tree, leaf in enumerate(tree_ensemble_leaves(X, **trees)):
        found = linear["linear_intercept"][leaf].copy()
        for term in range(int((offsets[leaf + 1] - offsets[leaf]).max(initial=0))):
            at = offsets[leaf].astype(np.int64) + term
            rows = np.flatnonzero(at < offsets[leaf + 1])
            of = at[rows]
            found[rows] += linear["linear_coefficient"][of] * x[rows, linear["linear_feature"][of]]
        is_constant = (offsets[leaf + 1] == offsets[leaf]) | np.isnan(found)
        answer = np.where(is_constant, trees["value"][leaf], found)
        out[:, tree % out.shape[1]] += answer
    return out
