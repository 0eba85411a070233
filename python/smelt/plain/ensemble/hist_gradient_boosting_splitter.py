"""The best way to cut a node in two.  Kernel: ``crates/smelt-tree/src/boosting/splitter/``."""

from math import ceil

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_nodes import Split

CATEGORY_SUPPORT = 10.0  # smallest weight of a category that may go left, and its smoothing


def features_for(data, node, rng):
    """Features that constraints allow, of which a share is drawn."""
    allowed = np.arange(len(data.n_bins))
    if node.groups is not None:
        allowed = np.array(sorted(set().union(*(data.interactions[k] for k in node.groups))))
    if data.of_tree is not None:
        allowed = np.intersect1d(allowed, data.of_tree)
    return keep_share(allowed, data.params["max_features"], rng)


def draw_features(data, rng):
    """Features drawn for a tree."""
    return keep_share(np.arange(len(data.n_bins)), data.params["colsample_bytree"], rng)


def keep_share(features, share, rng):
    """Draw a share of the features, at least one."""
    if share >= 1:
        return features
    chosen = np.arange(len(features)) < max(1, ceil(share * len(features)))
    rng.shuffle(chosen)
    return features[chosen]


def best_split(data, node, feature, drawn=None):
    """The best cut of one feature (or the drawn one), or None."""
    drawn = None if drawn is None else drawn[feature]
    sums, n_bins = node.histograms[feature], data.n_bins[feature]
    bins = np.arange(n_bins + 1)
    has_missing = bool(data.has_missing[feature])
    if data.is_categorical[feature]:
        return category_split(data, node, feature, drawn)
    # Missing values on the right: cut behind bin 0, 1, …
    end = n_bins - 1 + has_missing
    best = None
    at, gain, gradient, hessian = scan(data, node, feature, sums[:, :end], -1.0, False, drawn)
    if at is not None:
        best = Split(gain, feature, bins <= at, False, gradient, hessian)
    # Missing values on the left: the right child takes the last bin, the last two, …
    if has_missing and n_bins >= 2:
        least = -1.0 if best is None else best.gain
        backwards = sums[:, n_bins - 1 : 0 : -1]
        at, gain, gradient, hessian = scan(data, node, feature, backwards, least, True, drawn)
        if at is not None:
            left = (bins <= n_bins - 2 - at) | (bins == n_bins)
            gradient, hessian = node.gradient - gradient, node.hessian - hessian
            best = Split(gain, feature, left, True, gradient, hessian)
    return best


def category_split(data, node, feature, drawn):
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
        at, gain, gradient, hessian = scan(data, node, feature, sums[:, side], least, False, drawn)
        if at is not None:
            left = np.isin(np.arange(n_bins + 1), side[: at + 1])
            missing_left = bool(data.has_missing[feature] and left[-1])
            best = Split(gain, feature, left, missing_left, gradient, hessian)
    return best


def scan(data, node, feature, sums, least, from_right, drawn):
    """Sum up bin after bin on one side; the first place of the highest gain above ``least``."""
    few, n = data.params["min_samples_leaf"], len(node.rows)
    light = data.params["min_child_weight"]
    gradient, hessian, count = np.cumsum(sums, axis=1)
    other = (node.gradient - gradient, node.hessian - hessian)
    too_far = (n - count < few) | ((hessian >= light) & (other[1] < light))
    too_far &= count >= few
    stop = too_far.argmax() if too_far.any() else len(count)
    sides = [(gradient, hessian), other]
    left, right = sides[::-1] if from_right else sides
    value_left, value_right = (value_of(data, *side, node) for side in (left, right))
    gain = -saving(data, node.gradient, node.hessian, node.value)
    gain = gain + saving(data, *left, value_left) + saving(data, *right, value_right)
    gain[data.monotonic[feature] * (value_right - value_left) < 0] = -1
    gain[(count < few) | (hessian < light) | (np.arange(len(gain)) >= stop)] = -1
    least = max(least, data.params["min_gain_to_split"])
    if drawn is not None and stop > (first := int((count < few).sum())):
        at = first + int(drawn * (stop - first))
    else:
        at = int(gain.argmax()) if len(gain) else 0
    if len(gain) == 0 or gain[at] <= least:
        return None, None, None, None
    return at, gain[at], gradient[at], hessian[at]


def value_of(data, gradient, hessian, node):
    """Return v = −T(G) / (H + λ), within the bounds."""
    value = -shrunk(data, gradient) / (hessian + data.params["l2_regularization"] + 1e-15)
    if data.params["max_delta_step"] is not None:
        value = np.clip(value, -data.params["max_delta_step"], data.params["max_delta_step"])
    return np.clip(value, node.lower, node.upper)


def shrunk(data, gradient):
    """Return T(G), the gradient moved towards 0 by α."""
    size = np.maximum(np.abs(gradient) - data.params["l1_regularization"], 0)
    return np.sign(gradient) * size


def saving(data, gradient, hessian, value):
    """How much a value lowers twice the loss of a node."""
    if data.is_plain:
        return -gradient * value
    curvature = hessian + data.params["l2_regularization"]
    return -(2 * shrunk(data, gradient) * value + curvature * value * value)
