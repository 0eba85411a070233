"""Bins: every feature becomes one byte.  Kernel: ``crates/smelt-tree/src/bins.rs``."""

import numpy as np

ALMOST_INFINITY = 1e300


def hist_gradient_boosting_borders(X, sample_weight=None, rows=None, max_bins=255):
    """Borders between the bins of every column, behind each other."""
    if rows is not None:
        X = X[rows]
    columns = [borders_of(x, sample_weight, max_bins) for x in X.T.astype(np.float64)]
    return {
        "thresholds": np.concatenate(columns),
        "offsets": np.cumsum([0, *map(len, columns)], dtype=np.int64),
    }


def borders_of(x, weight, max_bins):
    """1. Midpoints between few distinct values, else inner quantiles."""
    known = ~np.isnan(x) if weight is None else ~np.isnan(x) & (weight != 0)
    x = x[known]
    distinct = np.unique(x)
    if len(distinct) <= max_bins:
        borders = (distinct[:-1] + distinct[1:]) / 2
    elif weight is None:
        percents = np.linspace(0, 100, max_bins + 1)[1:-1]
        borders = np.percentile(x, percents, method="averaged_inverted_cdf")
    else:
        order = np.argsort(x, kind="stable")
        x, cumulated = x[order], np.cumsum(weight[known][order])
        wanted = np.linspace(0, 100, max_bins + 1)[1:-1] / 100 * cumulated[-1]
        at = np.minimum(np.searchsorted(cumulated, wanted), len(x) - 1)
        after = np.minimum(at + 1, len(x) - 1)
        beyond = cumulated[at] - wanted > np.finfo(float).eps
        borders = np.where(beyond, x[at], (x[at] + x[after]) / 2)
    return np.minimum(np.unique(borders[~np.isnan(borders)]), ALMOST_INFINITY)


def hist_gradient_boosting_bins(X, columns, thresholds, offsets, is_categorical, side_by_side=0):
    """2. The number of borders below a value; the place of a category; missing values come last."""
    bins = np.empty((len(columns), len(X)), dtype=np.uint8)
    for j, column in enumerate(columns):
        x, borders = X[:, column].astype(np.float64), thresholds[offsets[j] : offsets[j + 1]]
        place = np.searchsorted(borders, x)
        missing = np.isnan(x)
        if is_categorical[j]:
            missing |= ~np.isin(x, borders)
        bins[j] = np.where(missing, len(borders) + (not is_categorical[j]), place)
    return grouped_bins(bins, side_by_side) if side_by_side else bins


def grouped_bins(bins, side_by_side):
    """Bins of up to four features in four bytes a row, groups side by side on shelves."""
    n_features, n = bins.shape
    n_shelves, span = shelves(n_features, side_by_side)
    out = np.zeros((n_shelves, n, 4 * span), dtype=np.uint8)
    for j, (shelf, place) in enumerate(places(n_features, side_by_side)):
        out[shelf, :, place] = bins[j]
    return out


def n_groups(n_features):
    """Groups of up to four features, at least eight."""
    return max(-(-n_features // 4), min(8, n_features))


def shelves(n_features, side_by_side):
    """Number of shelves, and of the groups on each but the last, which has room for so many."""
    n_shelves = -(-n_groups(n_features) // side_by_side)
    return n_shelves, -(-n_groups(n_features) // max(n_shelves, 1))


def places(n_features, side_by_side):
    """Shelf of each feature, and its byte there."""
    n, (_, span) = n_groups(n_features), shelves(n_features, side_by_side)
    starts = [group * n_features // n for group in range(n + 1)]
    lanes = [(g, j - starts[g]) for g in range(n) for j in range(starts[g], starts[g + 1])]
    return [(group // span, group % span * 4 + lane) for group, lane in lanes]


def columns_of(grouped, n_features):
    """Grouped bins as (n_features, n)."""
    at = places(n_features, grouped.shape[2] // 4)
    return np.array([grouped[shelf, :, place] for shelf, place in at])
