"""Losses of gradient boosting.  The kernel, ``smelt-tree/src/boosting/loss/``, has a table.

``raw`` is the raw prediction, (n_outputs, n); ``loss`` is the dict of the loss's parameters.
"""

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_ranking import lambda_gradients, ranking_loss


def several_levels(loss):
    """Whether the quantile loss has several levels."""
    return loss["loss"] == "quantile" and np.ndim(loss["quantile"]) > 0


def loss_of_rows(loss, y, raw):
    """Return the loss of every row."""
    name, x = loss["loss"], raw[0]
    if several_levels(loss):
        levels = zip(loss["quantile"], raw, strict=True)
        return sum(loss_of_rows(loss | {"quantile": q}, y, x[None]) for q, x in levels)
    if name == "squared_error":
        return 0.5 * (x - y) * (x - y)
    if name == "absolute_error":
        return np.abs(x - y)
    if name == "huber":
        size, delta = np.abs(x - y), loss["delta"]
        return np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    if name == "quantile":
        level = loss["quantile"]
        return np.where(y >= x, level * (y - x), (1 - level) * (x - y))
    if name == "poisson":
        return np.exp(x) - y * x
    if name == "gamma":
        return x + y * np.exp(-x)
    if name == "tweedie":
        a, b = 1 - loss["power"], 2 - loss["power"]
        return np.exp(b * x) / b - y * np.exp(a * x) / a
    if len(raw) == 1:  # log-loss, two classes; cross-entropy
        return np.logaddexp(0, x) - y * x
    highest = raw.max(axis=0)
    chosen = raw[y.astype(int), np.arange(len(y))]
    return np.log(np.exp(raw - highest).sum(axis=0)) + highest - chosen


def row_gradients(loss, y, x):
    """Return gradient and curvature of every row for one raw prediction a row."""
    name, one = loss["loss"], np.ones_like(y)
    if name == "squared_error":
        return x - y, one
    if name == "absolute_error":
        return np.where(x > y, 1.0, -1.0), one
    if name == "huber":
        return np.clip(x - y, -loss["delta"], loss["delta"]), one
    if name == "quantile":
        return np.where(y >= x, -loss["quantile"], 1 - loss["quantile"]), one
    if name == "poisson":
        return np.exp(x) - y, np.exp(x)
    if name == "gamma":
        return 1 - y * np.exp(-x), np.exp(-x) * y
    if name == "tweedie":
        a, b = 1 - loss["power"], 2 - loss["power"]
        of_y, of_mean = y * np.exp(a * x), np.exp(b * x)
        return of_mean - of_y, b * of_mean - a * of_y
    e = np.exp(-np.maximum(x, -37))
    g = np.where(x > -37, ((1 - y) - y * e) / (1 + e), np.exp(x) - y)
    return g, np.where(x > -37, e / ((1 + e) * (1 + e)), np.exp(x))


def gradients(loss, y, raw, weight=None, groups=None):
    """Return gradient and curvature of every output and row, rounded to float32."""
    if several_levels(loss):
        levels = zip(loss["quantile"], raw, strict=True)
        pairs = [row_gradients(loss | {"quantile": q}, y, x) for q, x in levels]
        g, h = (np.array(part) for part in zip(*pairs, strict=True))
    elif loss["loss"] == "lambdarank":
        g, h = lambda_gradients(y, raw[0], groups, loss["truncation"])
    elif len(raw) == 1:
        g, h = row_gradients(loss, y, raw[0])
    else:
        p = np.exp(raw - raw.max(axis=0))
        p /= np.cumsum(p, axis=0)[-1]
        g, h = p - (y == np.arange(len(raw))[:, None]), p * (1 - p)
    scale = 1.0 if weight is None else weight
    return np.float32(np.atleast_2d(g) * scale), np.float32(np.atleast_2d(h) * scale)


def mean_loss(loss, y, raw, weight=None, groups=None):
    """Return the weighted mean of the loss."""
    if loss["loss"] == "lambdarank":
        return ranking_loss(y, raw[0], weight, groups, loss["truncation"])
    return np.average(loss_of_rows(loss, y, raw), weights=weight)


def has_constant_hessian(loss):
    """Whether every row has curvature 1 (given no weights)."""
    return loss["loss"] in ("squared_error", "absolute_error", "quantile", "huber")


def leaf_level(loss, output):
    """Level of the quantile that leaves take instead of a Newton step, 0.5 for the median."""
    if loss["loss"] == "absolute_error":
        return 0.5
    if loss["loss"] == "quantile":
        return np.atleast_1d(loss["quantile"])[output]
    return None


def best_constant(level, y, weight=None):
    """Return the constant that minimises the quantile loss."""
    if weight is None:
        return np.median(y) if level == 0.5 else np.percentile(y, 100 * level)
    order = np.argsort(y, kind="stable")
    cumulated = np.cumsum(weight[order])
    wanted = (100 * level / 100) * cumulated[-1] or np.nextafter(0, 1)
    return y[order][min(np.searchsorted(cumulated, wanted), len(y) - 1)]


def baseline(loss, y, weight=None):
    """Return the best constant raw predictions, one an output."""
    name, n_classes = loss["loss"], loss["n_classes"]
    if name in ("custom", "lambdarank"):
        return np.zeros(n_classes if n_classes > 2 else 1)
    if name in ("absolute_error", "quantile"):
        n_outputs = len(loss["quantile"]) if several_levels(loss) else 1
        return np.array([best_constant(leaf_level(loss, k), y, weight) for k in range(n_outputs)])
    epsilon = np.finfo(float).eps
    if n_classes > 2:
        shares = [np.average(y == k, weights=weight) for k in range(n_classes)]
        shares = np.clip(shares, epsilon, 1 - epsilon)
        return np.log(shares / np.exp(np.mean(np.log(shares))))
    mean = np.average(y, weights=weight)
    if name in ("log_loss", "cross_entropy"):
        share = np.clip(mean, 10 * epsilon, 1 - 10 * epsilon)
        if 0.3 <= share <= 0.65:  # accurate around a half
            return np.array([np.log1p(2 * share - 1) - np.log1p(1 - 2 * share)])
        return np.array([np.log(share / (1 - share))])
    if name == "huber":
        low, high = y.min(), y.max()
        for _ in range(100):  # the slope rises with the constant: halve the interval of its zero
            middle = low + (high - low) / 2
            slope = np.average(row_gradients(loss, y, np.full_like(y, middle))[0], weights=weight)
            low, high = (middle, high) if slope < 0 else (low, middle)
        return np.array([high])
    return np.array([mean if name == "squared_error" else np.log(max(mean, 10 * epsilon))])
