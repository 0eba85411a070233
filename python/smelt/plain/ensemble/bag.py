"""Bags: the rows and columns that a member of an ensemble learns from, drawn as by scikit-learn."""

from __future__ import annotations

import numpy as np


def draw_bag(
    seed,
    n_rows,
    n_features,
    *,
    max_samples,
    max_features,
    bootstrap,
    bootstrap_features=False,
    probabilities=None,
):
    """Return columns, rows and random state of the member that has this seed."""
    # 1. Columns first, then rows, from the member's own generator.
    random = np.random.RandomState(seed)
    columns = integers(random, n_features, max_features, bootstrap_features)
    # 2., 3. With replacement or without.
    if probabilities is None:
        rows = integers(random, n_rows, max_samples, bootstrap)
    else:
        rows = random.choice(n_rows, max_samples, replace=bootstrap, p=probabilities)
    return columns, rows, np.random.RandomState(seed).randint(2**31 - 1)


def integers(random, n_population, n, again):
    """Return n of the integers 0, …, n_population - 1."""
    if again:
        return random.randint(0, n_population, n)
    share = n / n_population
    if 0.01 < share < 0.99:
        return random.permutation(n_population)[:n]
    if share < 0.2:  # few: draw again what was drawn already
        drawn = {}
        while len(drawn) < n:
            drawn[random.randint(n_population)] = None
        return np.array(list(drawn))
    out = np.arange(n)  # nearly all: every later one takes the place of another, by chance
    for last in range(n, n_population):
        place = random.randint(0, last + 1)
        if place < n:
            out[place] = last
    return out
