"""Frequent item sets level by level: a set can only be frequent if all its subsets are."""

import numpy as np

from smelt.plain.association.transactions import as_arrays, one_hot


def apriori_fit(indptr, indices, n_items, *, min_count, max_len, kind, max_bytes):
    table = one_hot(indptr, indices, n_items)
    # 1. sets of one item
    counts = table.sum(axis=0)
    level = {(item,): counts[item] for item in np.flatnonzero(counts >= min_count).tolist()}
    found = {}
    while level:
        found |= level
        if kind == "all" and len(next(iter(level))) == max_len:
            break
        # 2. candidates: two sets that differ in their last item alone
        candidates = [
            (*a, b[-1]) for a in level for b in level if a[:-1] == b[:-1] and a[-1] < b[-1]
        ]
        # 3. of which all subsets are frequent
        candidates = [
            c for c in candidates if all((*c[:k], *c[k + 1 :]) in level for k in range(len(c)))
        ]
        # 4. count those that are left
        counts = {c: table[:, c].all(axis=1).sum() for c in candidates}
        level = {c: count for c, count in counts.items() if count >= min_count}
    return as_arrays(found, max_len, kind)
