"""Rows with missing values, zeros and categories, for models that go between libraries."""

import numpy as np

CATEGORICAL = [3, 4]
N = 900


def train_rows():
    """Five columns (the last two hold codes), and a number that depends on all of them."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, 5))
    X[:, 3], X[:, 4] = rng.integers(0, 40, N), rng.integers(0, 3, N)
    X[rng.random(N) < 0.3, 1] = 0
    X[rng.random(X.shape) < 0.1] = np.nan
    known = np.nan_to_num(X)
    target = known[:, 0] + 0.5 * known[:, 1] ** 2 + (known[:, 3] % 3 == 1) + np.isnan(X[:, 2])
    return X, target + 0.1 * rng.normal(size=N)


def test_rows():
    """Rows of training and rows on every border: zeros, infinities, categories never seen."""
    X, _ = train_rows()
    T = np.vstack([X[:200], np.zeros((1, 5)), np.full((1, 5), np.nan)])
    T[:20, 3] = np.arange(35, 55)
    T[20:24, 4] = [-1, 3, 255, 1000]
    T[24:40, :3] = np.random.default_rng(6).normal(size=(16, 3)) * 1e-35
    T[40:42, 0] = np.inf, -np.inf
    return T


def labels(target):
    """Two classes."""
    return (target > 0.7).astype(int)


def grades(target):
    """Four grades, as classes or as relevances."""
    return np.digitize(target, [0.0, 0.7, 1.5])


def positive(target):
    """Numbers above 0."""
    return np.exp(target / 2)


test_rows.__test__ = False
