"""Grows a decision tree, whatever way it looks for cuts.

1. Take up a node; it is a leaf if it is pure or a limit says so.
2. Look at columns in random order; take the best of their cuts.
3. Send its rows to the left and the right child, and go on with these.
"""

from __future__ import annotations

import numpy as np

from smelt.plain.tree.criterion import Criterion
from smelt.plain.tree.draw import Drawing, Xorshift

EPSILON = np.finfo(np.float64).eps
CLOSE = np.float32(1e-7)  # values closer than this are the same
# What the kernel takes for limits that are not given.
LIMITS = {
    "max_depth": None,
    "max_leaf_nodes": None,
    "monotonic_cst": None,
    "categorical": None,
}


class Grower:
    """Criterion, limits and random numbers of one tree.

    ``search(grower, feature, rows, bounds)`` returns whether the column is constant there, the
    proxy of its cut, and the cut (column, threshold, which rows go left, missing ones left) or
    None.
    """

    def __init__(self, n_rows, n_features, y, sample_weight, search, random_state, params):
        self.__dict__.update(LIMITS | params)
        self.weight = np.ones(n_rows) if sample_weight is None else sample_weight
        self.of = Criterion(self.criterion, y, self.weight)
        self.search = search
        self.drawing = Drawing(n_features, min(self.max_features, n_features))
        self.random = Xorshift(random_state)
        self.signs = None
        if self.monotonic_cst is not None:
            self.signs = np.array(self.monotonic_cst) * (-1 if self.of.classes else 1)
        self.nodes = []

    def allowed(self, feature, left, right, n_left, n_right, orders, bounds):
        """Return which cuts respect the limits."""
        ok = (n_left >= self.min_samples_leaf) & (n_right >= self.min_samples_leaf)
        ok &= self.of.side_weight(left) >= self.min_weight_leaf
        ok &= self.of.side_weight(right) >= self.min_weight_leaf
        if self.signs is not None and self.signs[feature]:
            low, high = (self.of.side_value(s, orders, k) for k, s in enumerate((left, right)))
            inside = [(v >= bounds[0]) & (v <= bounds[1]) for v in (low, high)]
            ok &= inside[0] & inside[1] & ((low - high) * self.signs[feature] <= 0)
        return ok

    def visit(self, rows, depth, parent, impurity, n_constant, bounds):
        """1. and 2.: add a node; return its cut, if it has one, with what its children need."""
        if parent is None:
            impurity = self.of.impurity(rows)
        value = self.of.value(rows)
        if self.signs is not None:
            value[0, 0] = np.clip(value[0, 0], *bounds)
            if self.of.classes:
                value[0, 1] = 1.0 - value[0, 0]
        w = self.weight[rows].sum()
        node = {
            "children_left": -1, "children_right": -1, "feature": -2, "threshold": -2.0,
            "impurity": impurity, "n_node_samples": len(rows), "weighted_n_node_samples": w,
            "missing_go_to_left": 0, "value": value, "depth": depth,
        }  # fmt: skip
        if parent is not None:
            self.nodes[parent[0]][parent[1]] = len(self.nodes)
        self.nodes.append(node)
        if (
            (self.max_depth is not None and depth >= self.max_depth)
            or len(rows) < max(self.min_samples_split, 2 * self.min_samples_leaf)
            or w < 2 * self.min_weight_leaf
            or impurity <= EPSILON
        ):
            return None
        best = [-np.inf, None]

        def look(feature):
            constant, proxy, cut = self.search(self, feature, rows, bounds)
            if cut is not None and proxy > best[0]:
                best[:] = proxy, cut
            return constant

        n_constant = self.drawing.columns(n_constant, look, self.random)
        if best[1] is None:
            return None
        feature, threshold, goes_left, missing_left = best[1]
        sides = rows[goes_left], rows[~goes_left]
        impurities = [self.of.impurity(side) for side in sides]
        share = [self.weight[side].sum() / w for side in sides]
        gain = impurity - share[1] * impurities[1] - share[0] * impurities[0]
        gain *= w / self.weight.sum()
        if gain + EPSILON < self.min_impurity_decrease:
            return None
        node.update(feature=feature, threshold=threshold, missing_go_to_left=int(missing_left))
        if isinstance(threshold, set):
            node.update(threshold=0.0, left_categories=threshold)
        ranges = [bounds, bounds]
        if self.signs is not None and self.signs[feature]:
            middle = sum(self.of.value(side)[0, 0] / 2.0 for side in sides)
            ranges = [(bounds[0], middle), (middle, bounds[1])][:: int(self.signs[feature])]
        index = len(self.nodes) - 1
        children = [
            (sides[k], depth + 1, (index, name), impurities[k], n_constant, ranges[k])
            for k, name in enumerate(("children_left", "children_right"))
        ]
        return gain, children

    def grow(self):
        """3. Depth first, or the node of the highest gain first."""
        root = (np.flatnonzero(self.weight != 0), 0, None, np.inf, 0, (-np.inf, np.inf))
        if self.max_leaf_nodes is None:
            waiting = [root]
            while waiting:
                cut = self.visit(*waiting.pop())
                if cut:
                    waiting.extend(reversed(cut[1]))
        else:
            found = [cut for cut in [self.visit(*root)] if cut]
            for _ in range(self.max_leaf_nodes - 1):
                if not found:
                    break
                best = max(range(len(found)), key=lambda at: found[at][0])
                found[best], found[-1] = found[-1], found[best]
                _, children = found.pop()
                for rows, depth, parent, impurity, _, bounds in children:
                    cut = self.visit(rows, depth, parent, impurity, 0, bounds)
                    found.extend([cut] if cut else [])
            for _, children in found:  # those that still wait are leaves
                self.nodes[children[0][2][0]].update(
                    feature=-2, threshold=-2.0, missing_go_to_left=0, left_categories=None
                )
        return arrays(self.nodes)


def arrays(nodes):
    """Return the nodes as arrays."""
    kinds = {
        "children_left": np.int32, "children_right": np.int32, "feature": np.int32,
        "threshold": np.float64, "impurity": np.float64, "n_node_samples": np.int64,
        "weighted_n_node_samples": np.float64, "missing_go_to_left": np.uint8,
    }  # fmt: skip
    out = {name: np.array([node[name] for node in nodes], dtype=k) for name, k in kinds.items()}
    sets = [node.get("left_categories") for node in nodes]
    if any(left is not None for left in sets):
        used = [left is not None for left in sets]
        out["category_set"] = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
        words = np.zeros((sum(used), 8), dtype=np.uint32)
        for row, left in zip(words, filter(lambda left: left is not None, sets), strict=True):
            for category in left:
                row[category // 32] |= np.uint32(1 << category % 32)
        out["left_categories"] = words.ravel()
    out["value"] = np.array([node["value"] for node in nodes]).ravel()
    out["max_depth"] = max(node["depth"] for node in nodes)
    return out
