"""One extremely randomised tree (Geurts, Ernst, Wehenkel 2006).

Kernel: ``crates/smelt-tree/src/tree/extra_tree.rs``.  Each column looked at draws one threshold
between its smallest and its largest value in the node; the best of these cuts is taken.  With bins,
a value counts as the smallest of its bin, and the threshold then moves between two bins.
"""

import numpy as np

from smelt.plain.tree.categories import random_category_cut
from smelt.plain.tree.decision_tree import binned
from smelt.plain.tree.grower import CLOSE, Grower
from smelt.plain.tree.table import by_column


def extra_tree_fit(X, y, sample_weight=None, *, random_state, max_bins=None, **params):
    """Grow a tree; return the arrays of its nodes."""
    X = by_column(X)
    has_bins = max_bins is not None and params.get("categorical") is None
    lower, upper = binned(X, max_bins) if has_bins else (X, X)

    def random_cut(grower, feature, rows, bounds):
        """Return the same for one threshold drawn between the smallest and the largest value."""
        if grower.categorical and grower.categorical[feature]:
            return random_category_cut(grower, X[:, feature], feature, rows, bounds)
        x = lower[rows, feature]
        is_missing = np.isnan(x)
        if is_missing.all() or (not is_missing.any() and np.nanmax(x) <= np.nanmin(x) + CLOSE):
            return True, -np.inf, None
        low, high = float(np.nanmin(x)), float(np.nanmax(x))
        threshold = grower.random.uniform(low, high)
        missing_left = bool(is_missing.any()) and grower.random.integer(0, 2) == 1
        threshold = low if threshold == high else threshold
        goes_left = (x.astype(np.float64) <= threshold) | (is_missing & missing_left)
        left = grower.of.sums[rows[goes_left]].sum(axis=0)[None]
        right = grower.of.sums[rows].sum(axis=0) - left
        n_left, n_right = np.array([goes_left.sum()]), np.array([(~goes_left).sum()])
        if not n_left[0] or not n_right[0]:
            return False, -np.inf, None
        orders = [(rows[goes_left], rows[~goes_left])]
        if not grower.allowed(feature, left, right, n_left, n_right, orders, bounds)[0]:
            return False, -np.inf, None
        to_left = missing_left if is_missing.any() else 2 * n_left[0] > len(rows)
        at = between(lower[:, feature], upper[:, feature], threshold)
        cut = (feature, at, goes_left, bool(to_left))
        return False, grower.of.proxy(left, right, orders)[0], cut

    return Grower(*X.shape, y, sample_weight, random_cut, random_state, params).grow()


def between(lower, upper, threshold):
    """Return the middle between the bins that a threshold parts; itself, if these are values."""
    if (lower == upper)[~np.isnan(lower)].all():
        return threshold
    is_left = lower.astype(np.float64) <= threshold
    last, behind = upper[is_left].max(), lower[~is_left & ~np.isnan(lower)]
    first = behind.min() if len(behind) else last
    return float(last) / 2.0 + float(first) / 2.0
