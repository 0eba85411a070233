"""Partial dependence of trees.  Kernel: ``crates/smelt-tree/src/explain/partial_dependence.rs``."""

import numpy as np

from smelt.plain.inspection.tree_shap import goes_left, shares


def tree_partial_dependence(grid, features, trees):
    """Mean predictions at the points of ``grid``, whose columns are ``features``."""
    width = len(trees["value"]) // len(trees["left"])
    values = trees["value"].reshape(-1, width)
    out = np.zeros((len(grid), trees["n_outputs"]))
    for tree, root in enumerate(trees["offsets"][:-1]):
        first = trees["first_output"][tree]
        waiting = [(root, np.ones(len(grid)))]
        while waiting:
            node, weight = waiting.pop()
            if trees["left"][node] < 0:
                out[:, first : first + width] += weight[:, None] * values[node]
                continue
            children = [root + trees[side][node] for side in ("left", "right")]
            column = trees["feature"][node]
            # A column of interest sends a point its way, every other one both ways.
            if column in features:
                left = goes_left(grid[:, list(features).index(column)], node, trees)
                both = left, ~left
            else:
                both = shares(trees["cover"][children])
            for child, share in zip(children, both, strict=True):
                waiting.append((child, weight * share))
    return out
