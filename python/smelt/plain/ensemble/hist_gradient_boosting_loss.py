"""Losses of gradient boosting.  The kernel, ``smelt-tree/src/boosting/loss/``, has a table.

``raw`` is the raw prediction, (n_outputs, n); it has one row but for log-loss of over two classes.
"""

import numpy as np


def loss_of_rows(loss, y, raw, level=None):
    """Return the loss of every row."""
    x = raw[0]
    if loss == "squared_error":
        return 0.5 * (x - y) * (x - y)
    if loss == "absolute_error":
        return np.abs(x - y)
    if loss == "quantile":
        return np.where(y >= x, level * (y - x), (1 - level) * (x - y))
    if loss == "poisson":
        return np.exp(x) - y * x
    if loss == "gamma":
        return x + y * np.exp(-x)
    if len(raw) == 1:  # log-loss, two classes
        return np.logaddexp(0, x) - y * x
    highest = raw.max(axis=0)
    chosen = raw[y.astype(int), np.arange(len(y))]
    return np.log(np.exp(raw - highest).sum(axis=0)) + highest - chosen


def gradients(loss, y, raw, weight=None, level=None):
    """Return gradient and curvature of every output and row, rounded to float32."""
    x, one = raw[0], np.ones_like(y)
    if loss == "squared_error":
        g, h = x - y, one
    elif loss == "absolute_error":
        g, h = np.where(x > y, 1.0, -1.0), one
    elif loss == "quantile":
        g, h = np.where(y >= x, -level, 1 - level), one
    elif loss == "poisson":
        g, h = np.exp(x) - y, np.exp(x)
    elif loss == "gamma":
        g, h = 1 - y * np.exp(-x), np.exp(-x) * y
    elif len(raw) == 1:
        e = np.exp(-np.maximum(x, -37))
        g = np.where(x > -37, ((1 - y) - y * e) / (1 + e), np.exp(x) - y)
        h = np.where(x > -37, e / ((1 + e) * (1 + e)), np.exp(x))
    else:
        p = np.exp(raw - raw.max(axis=0))
        p /= np.cumsum(p, axis=0)[-1]
        g, h = p - (y == np.arange(len(raw))[:, None]), p * (1 - p)
    scale = one if weight is None else weight
    return np.float32(np.atleast_2d(g) * scale), np.float32(np.atleast_2d(h) * scale)


def mean_loss(loss, y, raw, weight=None, level=None):
    """Return the weighted mean of the loss."""
    return np.average(loss_of_rows(loss, y, raw, level), weights=weight)


def best_constant(loss, y, weight=None, level=None):
    """Return the constant that minimises the absolute error or the quantile loss."""
    if weight is None:
        return np.median(y) if loss == "absolute_error" else np.percentile(y, 100 * level)
    order = np.argsort(y, kind="stable")
    cumulated = np.cumsum(weight[order])
    share = 0.5 if loss == "absolute_error" else 100 * level / 100
    wanted = share * cumulated[-1] or np.nextafter(0, 1)
    return y[order][min(np.searchsorted(cumulated, wanted), len(y) - 1)]


def baseline(loss, y, weight=None, level=None, n_classes=0):
    """Return the best constant raw predictions, one an output."""
    if loss in ("absolute_error", "quantile"):
        return np.array([best_constant(loss, y, weight, level)])
    epsilon = np.finfo(float).eps
    if n_classes > 2:
        shares = [np.average(y == k, weights=weight) for k in range(n_classes)]
        shares = np.clip(shares, epsilon, 1 - epsilon)
        return np.log(shares / np.exp(np.mean(np.log(shares))))
    mean = np.average(y, weights=weight)
    if loss == "log_loss":
        share = np.clip(mean, 10 * epsilon, 1 - 10 * epsilon)
        if 0.3 <= share <= 0.65:  # accurate around a half
            return np.array([np.log1p(2 * share - 1) - np.log1p(1 - 2 * share)])
        return np.array([np.log(share / (1 - share))])
    return np.array([mean if loss == "squared_error" else np.log(max(mean, 10 * epsilon))])
