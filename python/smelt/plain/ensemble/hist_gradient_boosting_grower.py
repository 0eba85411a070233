"""One tree, the node of the highest gain first.

Kernels: ``crates/smelt-tree/src/histogram.rs``, ``boosting/{splitter,grower}/``.
"""

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import ceil, inf

import numpy as np

LEAST_HESSIAN = 1e-3  # smallest sum of curvatures in a child
CATEGORY_SUPPORT = 10.0  # smallest weight of a category that may go left, and its smoothing


@dataclass
class Data:
    """The training rows as the grower sees them, and what it must respect."""

    bins: np.ndarray  # (n_features, n) uint8; the bin behind the last holds missing values
    n_bins: list  # for each feature, without the bin for missing values
    is_categorical: np.ndarray
    monotonic: np.ndarray
    interactions: list | None
    params: dict
    constant_hessian: bool
    has_missing: np.ndarray = field(init=False)

    def __post_init__(self):
        self.has_missing = (self.bins == np.array(self.n_bins)[:, None]).any(axis=1)


@dataclass
class Split:
    """A cut: which bins go left, and the sums of the left child."""

    gain: float
    feature: int
    left_bins: np.ndarray  # one flag a bin, the one for missing values last
    missing_left: bool
    gradient: float
    hessian: float


@dataclass
class Node:
    """Rows, sums, value, the bounds that monotonic constraints set for its children."""

    rows: np.ndarray
    gradient: float
    hessian: float
    value: float = 0.0
    lower: float = -inf
    upper: float = inf
    depth: int = 0
    groups: list | None = None  # interaction groups that the branch has kept to
    histograms: list | None = None
    split: Split | None = None
    children: tuple | None = None

    def __lt__(self, other):  # for the heap: highest gain first
        return self.split.gain > other.split.gain


def grow(data, g, h, rows, rng):
    """Grow a tree on ``rows`` for gradients ``g`` and curvatures ``h``; return its root."""
    max_leaf_nodes = data.params["max_leaf_nodes"] or inf
    max_depth = data.params["max_depth"] or inf
    least = data.params["min_samples_leaf"]

    # 1. The root's histogram, and its best cut.
    root = Node(rows, 0.0, float(len(rows)))
    root.groups = None if data.interactions is None else list(range(len(data.interactions)))
    root.histograms = histograms(data, g, h, rows)
    sums = np.zeros((2, data.params["max_bins"] + 1))
    sums[:, : data.n_bins[0]] = root.histograms[0][:2, :-1]
    sums[:, -1] = root.histograms[0][:2, -1]
    root.gradient = sums[0].sum()
    if not data.constant_hessian:
        root.hessian = sums[1].sum()
    waiting, n_leaves = [], 1
    if len(rows) >= 2 * least and root.hessian >= LEAST_HESSIAN:
        find_split(data, root, waiting, rng)

    while waiting and n_leaves < max_leaf_nodes:
        # 2. Partition the rows of the waiting node of the highest gain.
        node = heappop(waiting)
        left, right = node.children = cut(data, node)
        n_leaves += 1
        if n_leaves == max_leaf_nodes or left.depth == max_depth:
            continue
        wanted = [child for child in (left, right) if len(child.rows) >= 2 * least]
        if not wanted:
            continue

        # 3. Histogram of the smaller child; the larger one's is the parent's minus it.
        small, large = (left, right) if len(left.rows) < len(right.rows) else (right, left)
        small.histograms = histograms(data, g, h, small.rows)
        large.histograms = [a - b for a, b in zip(node.histograms, small.histograms, strict=True)]
        node.histograms = None

        # 4. The best cuts of both.
        for child in wanted:
            find_split(data, child, waiting, rng)
    return root


def histograms(data, g, h, rows):
    """Sums of gradients, curvatures and rows in each bin, (3, n_bins + 1) a feature."""
    found = []
    for bins, n_bins in zip(data.bins, data.n_bins, strict=True):
        bins = bins[rows]
        count = np.bincount(bins, minlength=n_bins + 1).astype(np.float64)
        gradient = np.bincount(bins, g[rows], n_bins + 1)
        hessian = count if data.constant_hessian else np.bincount(bins, h[rows], n_bins + 1)
        found.append(np.array([gradient, hessian, count]))
    return found


def find_split(data, node, waiting, rng):
    """Let the node wait, if some cut is worth it."""
    for feature in features_for(data, node, rng):
        split = best_split(data, node, feature)
        if split is not None and (node.split is None or split.gain > node.split.gain):
            node.split = split
    if node.split is not None:
        heappush(waiting, node)


def features_for(data, node, rng):
    """Features that constraints allow, of which a share is drawn."""
    allowed = np.arange(len(data.n_bins))
    if node.groups is not None:
        allowed = np.array(sorted(set().union(*(data.interactions[k] for k in node.groups))))
    share = data.params["max_features"]
    if share >= 1:
        return allowed
    chosen = np.arange(len(allowed)) < max(1, ceil(share * len(allowed)))
    rng.shuffle(chosen)
    return allowed[chosen]


def best_split(data, node, feature):
    """The best cut of one feature, or None."""
    sums, n_bins = node.histograms[feature], data.n_bins[feature]
    bins = np.arange(n_bins + 1)
    has_missing = bool(data.has_missing[feature])
    if data.is_categorical[feature]:
        return category_split(data, node, feature)
    # Missing values on the right: cut behind bin 0, 1, …
    end = n_bins - 1 + has_missing
    best = None
    at, gain, gradient, hessian = scan(data, node, feature, sums[:, :end], -1.0, False)
    if at is not None:
        best = Split(gain, feature, bins <= at, False, gradient, hessian)
    # Missing values on the left: the right child takes the last bin, the last two, …
    if has_missing and n_bins >= 2:
        least = -1.0 if best is None else best.gain
        backwards = sums[:, n_bins - 1 : 0 : -1]
        at, gain, gradient, hessian = scan(data, node, feature, backwards, least, True)
        if at is not None:
            left = (bins <= n_bins - 2 - at) | (bins == n_bins)
            gradient, hessian = node.gradient - gradient, node.hessian - hessian
            best = Split(gain, feature, left, True, gradient, hessian)
    return best


def category_split(data, node, feature):
    """The best set of categories to send left; missing values are a category of their own."""
    sums, n_bins = node.histograms[feature], data.n_bins[feature]
    used = np.arange(n_bins + data.has_missing[feature])
    used = used[sums[1, used] * (len(node.rows) / node.hessian) >= CATEGORY_SUPPORT]
    if len(used) <= 1:
        return None
    order = used[np.lexsort([-used, sums[0, used] / (sums[1, used] + CATEGORY_SUPPORT)])]
    middle, best = (len(used) + 1) // 2, None
    for side in (order[:middle], order[::-1][: middle - 1]):
        least = -1.0 if best is None else best.gain
        at, gain, gradient, hessian = scan(data, node, feature, sums[:, side], least, False)
        if at is not None:
            left = np.isin(np.arange(n_bins + 1), side[: at + 1])
            missing_left = bool(data.has_missing[feature] and left[-1])
            best = Split(gain, feature, left, missing_left, gradient, hessian)
    return best


def scan(data, node, feature, sums, least, from_right):
    """Sum up bin after bin on one side; the first place of the highest gain above ``least``."""
    few, n = data.params["min_samples_leaf"], len(node.rows)
    gradient, hessian, count = np.cumsum(sums, axis=1)
    other = (node.gradient - gradient, node.hessian - hessian)
    too_far = (n - count < few) | ((hessian >= LEAST_HESSIAN) & (other[1] < LEAST_HESSIAN))
    too_far &= count >= few
    stop = too_far.argmax() if too_far.any() else len(count)
    sides = [(gradient, hessian), other]
    left, right = sides[::-1] if from_right else sides
    value_left, value_right = (value_of(data, *side, node) for side in (left, right))
    gain = node.gradient * node.value - left[0] * value_left - right[0] * value_right
    gain[data.monotonic[feature] * (value_right - value_left) < 0] = -1
    gain[(count < few) | (hessian < LEAST_HESSIAN) | (np.arange(len(gain)) >= stop)] = -1
    if len(gain) == 0 or gain.max() <= max(least, 0):
        return None, None, None, None
    at = int(gain.argmax())
    return at, gain[at], gradient[at], hessian[at]


def value_of(data, gradient, hessian, node):
    """Return v = −G / (H + λ), within the bounds."""
    value = -gradient / (hessian + data.params["l2_regularization"] + 1e-15)
    return np.clip(value, node.lower, node.upper)


def cut(data, node):
    """Return the two children of a node."""
    split = node.split
    goes_left = split.left_bins[data.bins[split.feature, node.rows]]
    pairs = [
        (node.rows[goes_left], split.gradient, split.hessian),
        (node.rows[~goes_left], node.gradient - split.gradient, node.hessian - split.hessian),
    ]
    groups = node.groups
    if groups is not None:
        groups = [k for k in groups if split.feature in data.interactions[k]]
    left, right = (
        Node(*pair, value_of(data, *pair[1:], node), node.lower, node.upper, node.depth + 1, groups)
        for pair in pairs
    )
    between = (left.value + right.value) / 2
    if data.monotonic[split.feature] > 0:
        left, right = replace(left, upper=between), replace(right, lower=between)
    elif data.monotonic[split.feature] < 0:
        left, right = replace(left, lower=between), replace(right, upper=between)
    if not data.has_missing[split.feature]:
        # Nothing was missing in training: later, missing values join the larger child.
        split.missing_left = len(left.rows) > len(right.rows)
    return left, right
