"""Counts of pairs of labels, and the mutual information that chance alone gives."""

import math

import numpy as np


def contingency_counts(first, second, n_first, n_second):
    # Compressed rows: pairs that occur, and how often.
    pairs, counts = np.unique(first.astype(np.int64) * n_second + second, return_counts=True)
    rows, columns = np.divmod(pairs, n_second)
    indptr = np.searchsorted(rows, np.arange(n_first + 1))
    return {"indptr": indptr, "indices": columns, "counts": counts}


def expected_mutual_information(first, second):
    if len(first) < 2 or len(second) < 2:
        return 0.0
    n = int(first.sum())
    total = 0.0
    for a in first.tolist():
        for b in second.tolist():
            # Counts c that the pair may have are hypergeometric: C(a, c)·C(n - a, b - c) / C(n, b).
            for c in range(max(1, a + b - n), min(a, b) + 1):
                ways = _ln_choose(a, c) + _ln_choose(n - a, b - c) - _ln_choose(n, b)
                total += math.exp(ways) * c / n * math.log(n * c / (a * b))
    return total


def _ln_choose(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
