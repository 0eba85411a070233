"""Bagging: trees that each learn from rows, and perhaps columns, drawn at random (Breiman 1996)."""

from __future__ import annotations

import numpy as np

from smelt.plain.ensemble.bag import draw_bag
from smelt.plain.tree import decision_tree_fit, extra_tree_fit
from smelt.plain.tree.table import by_column


def bagging_fit(
    X, y, probabilities=None, *, random_states, bag, tree, draws_thresholds, max_bins=None
):
    """Grow one tree for each of ``random_states``; return their nodes behind each other."""
    X = by_column(X)
    trees, drawn = [], []
    for state in random_states:
        # 1. Draw the bag of the tree; a row drawn twice weighs twice.
        columns, rows, seed = draw_bag(state, *X.shape, probabilities=probabilities, **bag)
        weight = np.bincount(rows, minlength=len(X)).astype(float)
        # 2. Grow it on its columns, which become those of the whole table.
        seed = np.random.RandomState(seed).randint(2**31 - 1)
        nodes = grow_member(X[:, columns], y, weight, seed, tree, draws_thresholds, max_bins)
        inner = nodes["feature"] >= 0
        nodes["feature"][inner] = columns[nodes["feature"][inner]]
        trees.append(nodes)
        drawn.append(columns)
    # 3. Put the trees behind each other.
    return {**join_members(trees), "tree_columns": np.array(drawn, dtype=np.int64)}


def grow_member(X, y, weight, seed, tree, draws_thresholds, max_bins):
    """Return the nodes of one tree."""
    fit = extra_tree_fit if draws_thresholds else decision_tree_fit
    return fit(X, y, weight, random_state=seed, max_bins=max_bins, **tree)


def join_members(trees):
    """Return the nodes of all trees behind each other."""
    joined = {
        name: np.concatenate([one[name] for one in trees])
        for name in trees[0]
        if name != "max_depth"
    }
    joined["max_depth"] = max(one["max_depth"] for one in trees)
    joined["offsets"] = np.cumsum([0] + [len(one["feature"]) for one in trees]).astype(np.int64)
    return joined
