"""One decision tree, as in Breiman, Friedman, Olshen, Stone, *CART* (1984).

Kernel: ``crates/smelt-tree/src/tree/decision_tree.rs``.  A node's rows are sorted by a column; the
cut goes between the two values where the children are purest.  Missing values are tried on the
right, then on the left.
"""

import numpy as np

from smelt.plain.tree.categories import category_cut
from smelt.plain.tree.grower import CLOSE, Grower
from smelt.plain.tree.table import by_column


def decision_tree_fit(X, y, sample_weight=None, *, random_state, max_bins=None, **params):
    """Grow a tree; return the arrays of its nodes."""
    X = by_column(X)
    lower, upper = binned(X, max_bins) if max_bins else (X, X)

    def best_cut(grower, feature, rows, bounds):
        """Return (constant, proxy, threshold, goes left, missing left) of the best cut."""
        if grower.categorical and grower.categorical[feature]:
            return category_cut(grower, X[:, feature], feature, rows, bounds)
        low, high = lower[rows, feature], upper[rows, feature]
        known = ~np.isnan(low)
        order = rows[known][np.argsort(low[known], kind="stable")]
        missing = rows[~known]
        if not len(order) or (
            not len(missing)
            and (
                high.max() <= low.min() + CLOSE
                or lower[order[0], feature] == lower[order[-1], feature]
            )
        ):
            return True, -np.inf, None
        # A cut behind place i: between values that differ, or before the missing ones.
        ends = np.flatnonzero(lower[order[1:], feature] > upper[order[:-1], feature] + CLOSE)
        best = (-np.inf, None)
        for missing_left in (False, True)[: 1 + bool(len(missing))]:
            behind = ends if missing_left or not len(missing) else np.r_[ends, len(order) - 1]
            if not len(behind):
                continue
            base = grower.of.sums[missing].sum(axis=0) * missing_left
            total = grower.of.sums[rows].sum(axis=0)
            left = np.cumsum(grower.of.sums[order], axis=0)[behind] + base
            right = total - left
            orders = [
                (
                    np.r_[order[: i + 1], missing] if missing_left else order[: i + 1],
                    order[i + 1 :] if missing_left else np.r_[order[i + 1 :], missing],
                )
                for i in (behind if grower.criterion == "absolute_error" else ())
            ]
            n_left = behind + 1 + len(missing) * missing_left
            n_right = len(rows) - n_left
            ok = grower.allowed(feature, left, right, n_left, n_right, orders, bounds)
            proxy = np.where(ok, grower.of.proxy(left, right, orders), -np.inf)
            at = int(np.argmax(proxy))
            if proxy[at] > best[0]:
                i = behind[at]
                threshold = np.inf
                if i + 1 < len(order):
                    ends_ = upper[order[i], feature], lower[order[i + 1], feature]
                    threshold = float(ends_[0]) / 2.0 + float(ends_[1]) / 2.0
                goes_left = np.isin(rows, order[: i + 1])
                goes_left |= ~known & missing_left
                to_left = missing_left if len(missing) else 2 * n_left[at] > len(rows)
                best = (proxy[at], (feature, threshold, goes_left, bool(to_left)))
        return False, *best

    return Grower(*X.shape, y, sample_weight, best_cut, random_state, params).grow()


def binned(X, max_bins):
    """Return the smallest and the largest value of every value's bin; bins are cut at quantiles."""
    lower, upper = X.copy(), X.copy()
    for j, x in enumerate(X.T):
        known = np.sort(x[~np.isnan(x)])
        firsts = np.flatnonzero(np.r_[True, known[1:] != known[:-1]])
        if len(firsts) <= max_bins:
            continue
        kept = [0]
        for bin_ in range(1, max_bins):
            # The distinct value that starts nearest to this quantile.
            wanted = bin_ * len(known) // max_bins
            behind = int(np.searchsorted(firsts, wanted))
            near = firsts[max(behind - 1, 0)]
            if behind < len(firsts) and firsts[behind] - wanted <= wanted - near:
                near = firsts[behind]
            if near != kept[-1]:
                kept.append(int(near))
        place = np.searchsorted(known[kept], x, side="right") - 1
        lower[:, j] = np.where(np.isnan(x), x, known[kept][place])
        upper[:, j] = np.where(np.isnan(x), x, known[np.r_[kept[1:], len(known)] - 1][place])
    return lower, upper
