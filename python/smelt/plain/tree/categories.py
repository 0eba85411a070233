"""Cuts of a categorical column: its categories in two sets.

Kernel: ``crates/smelt-tree/src/tree/category_cut.rs``.

1. Add up the rows of every category of the node.
2. Order the categories by one number each: the mean of a target, or the share of a class.  Of one
   mean, or of two classes, the best of all cuts parts two neighbours in this order (Fisher 1958;
   Breiman et al. 1984).  Several classes or outputs give one order each.
3. Category after category moves to the left; missing values are tried on the right, then on the
   left.
"""

import numpy as np


def category_cut(grower, x, feature, rows, bounds):
    """Return (constant, proxy, cut) of the best two sets; the cut has a set for its threshold."""
    values = x[rows]
    is_missing = np.isnan(values)
    present, missing = np.unique(values[~is_missing]), rows[is_missing]
    if not len(present) or (len(present) == 1 and not len(missing)):
        return True, -np.inf, None
    # 1.
    members = [rows[values == category] for category in present]
    sums = np.array([grower.of.sums[own].sum(axis=0) for own in members])
    counts = np.array([len(own) for own in members])
    total, best = grower.of.sums[rows].sum(axis=0), (-np.inf, None)
    for k, numbers in enumerate(grower.of.orders(sums)):
        if k and numbers.min() == numbers.max():
            continue
        # 2.
        order = np.lexsort((present, numbers))
        for missing_left in (False, True)[: 1 + bool(len(missing))]:
            # 3. Without missing values on the right, the last category stays there.
            behind = np.arange(len(order) - (missing_left or not len(missing)))
            if not len(behind):
                continue
            left = np.cumsum(sums[order], axis=0)[behind]
            left = left + grower.of.sums[missing].sum(axis=0) * missing_left
            n_left = np.cumsum(counts[order])[behind] + len(missing) * missing_left
            sides = [np.isin(values, present[order[: i + 1]]) for i in behind]
            sides = [side | (is_missing & missing_left) for side in sides]
            orders = [(rows[side], rows[~side]) for side in sides]
            n_right = len(rows) - n_left
            ok = grower.allowed(feature, left, total - left, n_left, n_right, orders, bounds)
            proxy = np.where(ok, grower.of.proxy(left, total - left, orders), -np.inf)
            at = int(np.argmax(proxy))
            if proxy[at] > best[0]:
                best = (proxy[at], cut(x, feature, rows, sides[at], missing_left))
    return False, *best


def random_category_cut(grower, x, feature, rows, bounds):
    """Return the same for a random set of the node's categories."""
    values = x[rows]
    is_missing = np.isnan(values)
    present = np.unique(values[~is_missing])
    if not len(present) or (len(present) == 1 and not is_missing.any()):
        return True, -np.inf, None
    drawn = present
    while len(present) > 1:
        drawn = [category for category in present if grower.random.integer(0, 2)]
        if 0 < len(drawn) < len(present):
            break
    missing_left = bool(is_missing.any()) and grower.random.integer(0, 2) == 1
    goes_left = np.isin(values, drawn) | (is_missing & missing_left)
    if goes_left.all():
        return False, -np.inf, None
    orders = [(rows[goes_left], rows[~goes_left])]
    left, right = (grower.of.sums[side].sum(axis=0)[None] for side in orders[0])
    sizes = [np.array([len(side)]) for side in orders[0]]
    if not grower.allowed(feature, left, right, *sizes, orders, bounds)[0]:
        return False, -np.inf, None
    proxy = grower.of.proxy(left, right, orders)[0]
    return False, proxy, cut(x, feature, rows, goes_left, missing_left)


def cut(x, feature, rows, goes_left, missing_left):
    """Return a cut whose left set has the known categories that are not in the node, too, where the
    left child is the larger one.
    """
    left, present = set(x[rows[goes_left]]), set(x[rows])
    is_left_larger = bool(2 * goes_left.sum() > len(rows))
    if is_left_larger:
        left |= set(x) - present
    if not np.isnan(x[rows]).any():
        missing_left = is_left_larger
    return feature, {int(c) for c in left if not np.isnan(c)}, goes_left, bool(missing_left)
