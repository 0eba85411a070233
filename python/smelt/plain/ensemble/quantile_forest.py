"""Quantile forests: the targets that share leaves with a row (Meinshausen 2006).

Kernel: ``crates/smelt-tree/src/tree/quantile_forest.rs``.

1. Fitting keeps which training rows lie in every leaf, a row drawn twice twice, in the order of
   their targets.
2. A row shares one leaf of each tree with some of them; a tree has 1 / n_trees to give, in parts as
   large as the rows' weights.
3. The q-quantile is the smallest target up to which the parts add up to q.
"""

import numpy as np

from smelt.plain.ensemble.random_forest import drawn
from smelt.plain.tree.predict import tree_apply
from smelt.plain.tree.table import by_row


def quantile_forest_leaves(
    X,
    trees,
    places,
    sample_weight=None,
    *,
    random_states,
    n_samples_bootstrap=None,
    cumulative_weight=None,
):
    """Return where the rows of every node start, and the rows, as places among the targets."""
    X = by_row(X)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    times = (weight > 0).astype(int)
    rows, counts = [], np.zeros(len(trees[1]), dtype=np.int64)
    for state, leaf in zip(random_states, tree_leaves(X, trees).T, strict=True):
        if n_samples_bootstrap is not None:
            times = drawn(len(X), n_samples_bootstrap, cumulative_weight, state)
        order = np.lexsort((places, leaf))
        rows.append(np.repeat(places[order], times[order]))
        counts += np.bincount(leaf, times, len(counts)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(counts)]), np.concatenate(rows).astype(np.uint32)


def tree_leaves(X, trees):
    """Return the leaf that every row reaches in every tree, counted through all trees."""
    return tree_apply(X, trees) + trees[0][:-1]


def quantile_forest_predict(X, trees, leaves, quantiles, out_of_bag=None):
    """Return quantiles for every row and output; ``out_of_bag`` holds the places of the rows."""
    X = by_row(X)
    starts, rows, targets, places, weights, n_outputs = leaves
    targets = targets.reshape(n_outputs, -1)
    n_rows = targets.shape[1]
    places = np.vstack([np.arange(n_rows), places.reshape(-1, n_rows)])
    weights = np.ones(n_rows) if weights is None else weights
    out = np.full((len(X), n_outputs, len(quantiles)), np.nan)
    for row, reached in enumerate(tree_leaves(X, trees)):
        lists = [rows[starts[leaf] : starts[leaf + 1]] for leaf in reached]
        if out_of_bag is not None:
            lists = [part for part in lists if out_of_bag[row] not in part]
        lists = [part for part in lists if len(part)]
        if not lists:
            continue
        shares = np.concatenate([weights[part] / weights[part].sum() for part in lists])
        for output in range(n_outputs):
            where = places[output, np.concatenate(lists)]
            order = np.argsort(where)
            reached_by = np.cumsum(shares[order]) / len(lists)
            found = np.searchsorted(reached_by, np.asarray(quantiles) - 1e-9)
            out[row, output] = targets[output, where[order][np.minimum(found, len(where) - 1)]]
    return out
