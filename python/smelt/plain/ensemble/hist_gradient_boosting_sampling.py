"""Rows drawn, and iterations dropped.  Kernels: ``boosting/{sampling,dropout}.rs``."""

from copy import deepcopy

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_trees import add, scale


def draw_rows(n, share, rng):
    """A share of the rows, those of the smallest of n uniform numbers."""
    if share >= 1:
        return np.arange(n)
    wanted = max(1, int(np.ceil(share * n)))
    return np.sort(np.argpartition(rng.random(n), wanted - 1)[:wanted])


def draw_by_gradient(g, h, top, other, rng):
    """All rows of the largest abs(g·h) and a share of the others, with the factors on them."""
    n = g.shape[1]
    size = np.abs(g.astype(float) * h).sum(axis=0)
    numbers = rng.random(n)
    n_top = max(1, int(top * n))
    n_other = min(max(1, int(other * n)), n - n_top)
    chosen = np.argsort(-size, kind="stable")[:n_top]
    rest = np.setdiff1d(np.arange(n), chosen)
    drawn = rest[np.argsort(numbers[rest], kind="stable")[:n_other]]
    factor = np.ones(n)
    factor[drawn] = (n - n_top) / max(n_other, 1)
    return np.sort(np.concatenate([chosen, drawn])), factor


class Dropout:
    """DART: trees learn beside a random part of the earlier ones."""

    def __init__(self, params):
        self.params, self.past, self.dropped = params, [], []

    def drop_some(self, data, rows, raw, rng):
        """1. Draw what is dropped and take it off; return the weight of the trees to come."""
        self.dropped = []
        if rng.random() >= self.params["skip_drop"]:
            most = self.params["max_drop"]
            rate = min(self.params["drop_rate"], most / max(len(self.past), 1))
            self.dropped = [p for p in self.past if rng.random() < rate][:most]
        self.add(data, rows, raw, -1.0)
        return 1 / (len(self.dropped) + 1)

    def take_in(self, data, trees, training, others):
        """3. Take the new trees in; give the dropped ones back in part."""
        kept = len(self.dropped) / (len(self.dropped) + 1)
        self.add(data, *training, kept)
        for rows, raw in others:
            self.add(data, rows, raw, kept - 1)
        for iteration in self.dropped:
            iteration[1] *= kept
        self.past.append([trees, 1.0])

    def add(self, data, rows, raw, factor):
        """Add the dropped trees, times a factor."""
        for trees, weight in self.dropped:
            for tree, column in zip(trees, raw, strict=True):
                add(tree, data, rows, column, factor * weight)

    def weighed(self, trees):
        """Return the trees with their weights."""
        if not self.past:
            return trees
        found = []
        for of_iteration, weight in deepcopy(self.past):
            for tree in of_iteration:
                scale(tree, weight)
                found.append(tree)
        return found
