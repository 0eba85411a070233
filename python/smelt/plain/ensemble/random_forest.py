"""A forest: many trees, each on rows drawn with replacement (Breiman 2001).

1. Draw the rows of a tree: a row drawn twice weighs twice.
2. Grow the tree, looking at a few columns drawn for each cut.
3. The forest answers with the mean of its trees.
"""

from __future__ import annotations

import numpy as np

from smelt.plain.tree import decision_tree_fit
from smelt.plain.tree.predict import tree_apply
from smelt.plain.tree.table import by_column, by_row


def random_forest_fit(
    X,
    y,
    sample_weight=None,
    *,
    random_states,
    tree,
    n_samples_bootstrap=None,
    cumulative_weight=None,
    balanced_subsample=False,
    max_bins=None,
    fit=decision_tree_fit,
):
    """Grow one tree for each of ``random_states``; return their nodes behind each other."""
    X = by_column(X)
    bins = {} if max_bins is None else {"max_bins": max_bins}
    trees = []
    for state in random_states:
        weight = sample_weight
        if n_samples_bootstrap is not None:
            weight = drawn(len(X), n_samples_bootstrap, cumulative_weight, state).astype(float)
            if balanced_subsample:
                weight = weight * balance(y, weight)
        seed = np.random.RandomState(state).randint(0, 2**31 - 1)
        trees.append(fit(X, y, weight, random_state=seed, **bins, **tree))
    if any("category_set" in one for one in trees):
        n_sets = 0
        for one in trees:  # sets behind each other
            own = one.setdefault("category_set", np.full(len(one["feature"]), -1, dtype=np.int32))
            own[own >= 0] += n_sets
            n_sets += len(one.setdefault("left_categories", np.zeros(0, dtype=np.uint32))) // 8
    joined = {
        name: np.concatenate([one[name] for one in trees])
        for name in trees[0]
        if name != "max_depth"
    }
    joined["max_depth"] = max(one["max_depth"] for one in trees)
    joined["offsets"] = np.cumsum([0] + [len(one["feature"]) for one in trees]).astype(np.int64)
    return joined


def drawn(n_rows, n_drawn, cumulative_weight, state):
    """Return how often each row was drawn."""
    random = np.random.RandomState(state)
    if cumulative_weight is None:
        rows = random.randint(0, n_rows, n_drawn)
    else:
        rows = np.searchsorted(cumulative_weight, random.random_sample(n_drawn), side="right")
    return np.bincount(rows, minlength=n_rows)


def balance(y, counts):
    """Return weights n / (n_classes · rows of the class), the product over the outputs."""
    classes, n_classes = y
    weight = np.ones(len(counts))
    for column, n in zip(classes.reshape(len(counts), -1).T, n_classes, strict=True):
        size = np.bincount(column, counts, n)
        share = counts.sum() / (np.sum(size > 0) * np.where(size > 0, size, np.inf))
        weight *= np.where(size[column] > 0, share[column], 1.0)
    return weight


def random_forest_out_of_bag(X, trees, random_states, n_samples_bootstrap, cumulative_weight=None):
    """Return the mean values of the trees that a row was not drawn for, and their number."""
    X, value = by_row(X), trees[6].reshape(len(trees[1]), -1)
    leaves = tree_apply(X, trees) + trees[0][:-1]
    sums, counts = np.zeros((len(X), value.shape[1])), np.zeros(len(X), dtype=np.uint32)
    for tree, state in enumerate(random_states):
        out = drawn(len(X), n_samples_bootstrap, cumulative_weight, state) == 0
        sums[out] += value[leaves[out, tree]]
        counts[out] += 1
    with np.errstate(invalid="ignore"):
        return sums / counts[:, None], counts
