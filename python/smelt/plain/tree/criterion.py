"""Impurity of nodes, for many cuts at once.

A side of a cut is described by sums over its rows: for classes the weight of each class, for values
the weight and the weighted target of each output.
"""

from __future__ import annotations

import numpy as np


class Criterion:
    """Impurities for the targets ``y``: (classes, their numbers) or (values, number of outputs)."""

    def __init__(self, name: str, y: tuple, weight: np.ndarray):
        self.name, self.weight = name, weight
        self.classes = isinstance(y[1], list)
        self.n_outputs = len(y[1]) if self.classes else y[1]
        self.target = y[0].reshape(len(weight), self.n_outputs)
        if self.classes:
            self.n_classes = y[1]
            self.width = max(y[1])
            blocks = [
                (self.target[:, [k]] == np.arange(n)) * weight[:, None] for k, n in enumerate(y[1])
            ]
        else:
            self.width = 1
            blocks = [np.column_stack([weight, weight * t]) for t in self.target.T]
        self.sums = np.hstack(blocks)  # of every row
        ends = np.cumsum([block.shape[1] for block in blocks])
        self.parts = [
            slice(end - block.shape[1], end) for end, block in zip(ends, blocks, strict=True)
        ]

    def side_weight(self, sums: np.ndarray) -> np.ndarray:
        """Weight of a side."""
        return sums[:, self.parts[0]].sum(axis=1) if self.classes else sums[:, 0]

    def orders(self, sums: np.ndarray) -> list[np.ndarray]:
        """Return numbers that categories of these sums are put in order by: means or shares."""
        if not self.classes:
            return [sums[:, part][:, 1] / sums[:, part][:, 0] for part in self.parts]
        shares = [sums[:, part] / sums[:, part].sum(axis=1)[:, None] for part in self.parts]
        return [
            own[:, k]
            for own in shares
            for k in (range(own.shape[1]) if own.shape[1] != 2 else (1,))
        ]

    def proxy(self, left: np.ndarray, right: np.ndarray, orders: list) -> np.ndarray:
        """Return what orders cuts as the decrease of impurity does; ``orders`` are rows by side."""
        if self.name == "absolute_error":
            errors = [[self._absolute(side)[1] for side in order] for order in orders]
            return -np.array([left + right for left, right in errors])
        proxies = [self._proxy(left[:, part], right[:, part]) for part in self.parts]
        return np.mean(proxies, axis=0)

    def _proxy(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if self.classes:
            return -sum(side.sum(axis=1) * self._shares(side) for side in (right, left))
        (wl, sl), (wr, sr) = left.T, right.T
        if self.name == "squared_error":
            return sl * sl / wl + sr * sr / wr
        with np.errstate(divide="ignore", invalid="ignore"):
            proxy = sl * np.log(sl / wl) + sr * np.log(sr / wr)
        eps = np.finfo(float).eps
        return np.where((sl <= eps) | (sr <= eps), -np.inf, proxy)

    def _shares(self, sums: np.ndarray) -> np.ndarray:
        weight = sums.sum(axis=1)
        if self.name == "gini":
            return 1.0 - (sums * sums).sum(axis=1) / (weight * weight)
        shares = sums / weight[:, None]
        return -np.sum(shares * np.log2(np.where(shares > 0, shares, 1.0)), axis=1)

    def impurity(self, rows: np.ndarray) -> float:
        """Impurity of a node: the mean over the outputs."""
        sums = self.sums[rows].sum(axis=0)[None]
        if self.classes:
            return float(np.mean([self._shares(sums[:, part])[0] for part in self.parts]))
        if self.name == "absolute_error":
            return self._absolute(rows)[1] / self.weight[rows].sum()
        weight, target = self.weight[rows][:, None], self.target[rows]
        mean = (weight * target).sum(axis=0) / weight.sum()
        if self.name == "squared_error":
            return float(np.mean((weight * target**2).sum(axis=0) / weight.sum() - mean**2))
        if (mean * weight.sum() <= np.finfo(float).eps).any():
            return np.inf
        log = target * np.log(np.where(target > 0, target / mean, 1.0))
        return float(np.mean((weight * log).sum(axis=0) / weight.sum()))

    def value(self, rows: np.ndarray) -> np.ndarray:
        """Value of a node, (n_outputs, width)."""
        sums = self.sums[rows].sum(axis=0)
        out = np.zeros((self.n_outputs, self.width))
        if self.name == "absolute_error":
            out[:, 0] = self._absolute(rows)[0]
            return out
        for k, part in enumerate(self.parts):
            if self.classes:
                out[k, : self.n_classes[k]] = sums[part] / sums[part].sum()
            else:
                out[k, 0] = sums[part][1] / sums[part][0]
        return out

    def side_value(self, sums: np.ndarray, orders: list, side: int) -> np.ndarray:
        """Return the first value of one side of every cut, for monotonic constraints."""
        if self.name == "absolute_error":
            return np.array([self._absolute(order[side])[0][0] for order in orders])
        part = sums[:, self.parts[0]]
        return part[:, 0] / part.sum(axis=1) if self.classes else part[:, 1] / part[:, 0]

    def _absolute(self, rows: np.ndarray) -> tuple[np.ndarray, float]:
        """Weighted medians of the outputs, and the mean over them of the absolute error."""
        weight, medians, errors = self.weight[rows], [], []
        for target in self.target[rows].T:
            order = np.argsort(target, kind="stable")
            sums = np.cumsum(weight[order])
            at = np.searchsorted(sums, sums[-1] / 2, side="right")
            median = target[order[at]]
            if at and sums[at - 1] == sums[-1] / 2:
                median = (target[order[at - 1]] + median) / 2
            medians.append(median)
            errors.append(np.sum(weight * np.abs(target - median)))
        return np.array(medians), float(np.mean(errors))
