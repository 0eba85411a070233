"""Zeros of LightGBM, which are all numbers up to 1e-35, and trees that take them as missing.

With ``zero_as_missing`` a split sends zeros (and missing values) to its default side, wherever its
threshold lies.  Where zeros belong to that side by the threshold too, nothing is to be done; else
three splits take its place, which cut zeros out, with copies of what lies below.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.arriving import ForeignTree, preorder

LARGEST_ZERO = float(np.float32(1e-35))
BELOW_ZERO = math.nextafter(-LARGEST_ZERO, -math.inf)
MOST_COPIES = 32  #: of a node

_ZERO, _NOT_ZERO = 1, 2


def past_zeros(threshold: np.ndarray) -> np.ndarray:
    """Return thresholds that send all that LightGBM takes as zero to the side of zero."""
    rounded = np.where(threshold >= 0, LARGEST_ZERO, BELOW_ZERO)
    return np.where(np.abs(threshold) <= LARGEST_ZERO, rounded, threshold)


def cut_out_zeros(tree: ForeignTree, zero_is_missing: np.ndarray) -> ForeignTree:
    """Return the tree without splits of which ``zero_is_missing``."""
    preorder(tree.left, tree.right)  # no cycles
    threshold, default_left = tree.threshold, tree.missing_left
    zeros_left = threshold >= BELOW_ZERO
    rising = zero_is_missing & default_left & zeros_left
    falling = zero_is_missing & ~default_left & (threshold <= LARGEST_ZERO)
    threshold = np.where(rising, np.maximum(threshold, LARGEST_ZERO), threshold)
    tree.threshold = np.where(falling, np.minimum(threshold, BELOW_ZERO), threshold)
    if not (zero_is_missing & ~rising & ~falling).any():
        return tree
    return _Expansion(tree, zero_is_missing, zero_is_missing & ~rising & ~falling).run()


class _Expansion:
    """The tree written anew; what is known of the columns comes down with each branch."""

    def __init__(self, tree: ForeignTree, of_zero: np.ndarray, to_cut: np.ndarray) -> None:
        self.tree, self.of_zero, self.to_cut = tree, of_zero.tolist(), to_cut.tolist()
        self.most_nodes = MOST_COPIES * len(of_zero) + 100
        self.source: list[int] = []  # node of the old tree
        self.rows: list[list[Any]] = []  # threshold, missing_left, left, right, share of the cover
        self.stack: list[tuple[int, dict[int, int], float, int, int]] = []

    def run(self) -> ForeignTree:
        tree = self.tree
        lefts, rights = tree.left.tolist(), tree.right.tolist()
        features, thresholds = tree.feature.tolist(), tree.threshold.tolist()
        defaults = tree.missing_left.tolist()
        self.stack = [(0, {}, 1.0, -1, 0)]
        while self.stack:
            node, known, share, parent, side = self.stack.pop()
            left, right, column = lefts[node], rights[node], features[node]
            while left >= 0 and self.of_zero[node] and known.get(column) == _ZERO:
                node = left if defaults[node] else right
                left, right, column = lefts[node], rights[node], features[node]
            if left < 0 or not self.to_cut[node] or known.get(column) == _NOT_ZERO:
                at = self._add(node, thresholds[node], defaults[node], share, parent, side)
                if left >= 0:
                    self._below(at, (left, known, share), (right, known, share))
                continue
            self._cut(node, (left, right), known, share, (parent, side))
        return self._written()

    def _cut(
        self, node: int, children: tuple[int, int], known: dict[int, int], share: float,
        of: tuple[int, int],
    ) -> None:  # fmt: skip
        """Replace one split by three: what lies beside zeros goes by the threshold."""
        column, threshold = int(self.tree.feature[node]), float(self.tree.threshold[node])
        left, right = children
        other, zero = {**known, column: _NOT_ZERO}, {**known, column: _ZERO}
        half = share / 2
        if self.tree.missing_left[node]:  # x <= threshold < 0, and zeros, go left
            cuts = (threshold, BELOW_ZERO, LARGEST_ZERO)
            ends = ((left, other, half), (right, other, half), (left, zero, half))
        else:  # x < 0 and 0 < x <= threshold go left
            cuts = (BELOW_ZERO, LARGEST_ZERO, threshold)
            ends = ((left, other, half), (right, zero, half), (left, other, half))
        last = (right, other, half)
        missing = [end[1] is zero for end in ends]
        first = self._add(node, cuts[0], missing[0], share, *of)
        second = self._add(node, cuts[1], missing[1], share, first, 1)
        third = self._add(node, cuts[2], missing[2], share, second, 1)
        self.stack.append((*ends[0], first, 0))
        self.stack.append((*ends[1], second, 0))
        self._below(third, ends[2], last)

    def _below(self, at: int, left: Any, right: Any) -> None:
        self.stack.append((*right, at, 1))
        self.stack.append((*left, at, 0))

    def _add(
        self, node: int, threshold: float, missing_left: bool, share: float, parent: int, side: int
    ) -> int:
        at = len(self.rows)
        if at >= self.most_nodes:
            raise ModelFileError(
                f"it takes zeros as missing in so many splits that smelt would need over "
                f"{self.most_nodes} nodes for them",
                hint="train LightGBM with zero_as_missing=false",
            )
        self.source.append(node)
        self.rows.append([threshold, missing_left, -1, -1, share])
        if parent >= 0:
            self.rows[parent][2 + side] = at
        return at

    def _written(self) -> ForeignTree:
        tree, source = self.tree, np.array(self.source)
        threshold, missing_left, left, right, share = (
            np.array(values) for values in zip(*self.rows, strict=True)
        )
        return ForeignTree(
            feature=tree.feature[source],
            threshold=threshold.astype(np.float64),
            left=left.astype(np.int64),
            right=right.astype(np.int64),
            missing_left=missing_left.astype(bool),
            value=tree.value[source],
            cover=tree.cover[source] * share,
            gain=tree.gain[source],
            category_set=tree.category_set[source],
            sets=tree.sets,
            codes=tree.codes,
            linear={
                at: tree.linear[node] for at, node in enumerate(self.source) if node in tree.linear
            },
        )
