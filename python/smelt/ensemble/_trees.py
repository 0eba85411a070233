"""Arrays of the trees of an ensemble: joined, cut, handed to the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

PREDICTING = (
    "baseline",
    "tree_offsets",
    "feature",
    "threshold",
    "left",
    "right",
    "value",
    "missing_left",
    "category_set",
    "left_categories",
    "known_categories",
)

Trees = dict[str, Any]


def join_trees(parts: list[Trees]) -> Trees:
    """Put the trees of several fits behind each other."""
    if len(parts) == 1:
        return dict(parts[0])
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if name not in ("baseline", "known_categories", "tree_offsets", "category_set")
    }
    n_nodes = n_sets = 0
    offsets, sets = [np.zeros(1, dtype=np.uint32)], []
    for part in parts:
        offsets.append(part["tree_offsets"][1:] + np.uint32(n_nodes))
        own = part["category_set"]
        sets.append(np.where(own >= 0, own + np.int32(n_sets), own))
        n_nodes += len(part["feature"])
        n_sets += len(part["left_categories"])
    joined["tree_offsets"] = np.concatenate(offsets)
    joined["category_set"] = np.concatenate(sets)
    return joined


def cut_trees(trees: Trees, start: int, stop: int) -> Trees:
    """Return the trees ``start`` to ``stop - 1`` alone, as far as prediction needs them."""
    first, last = trees["tree_offsets"][start], trees["tree_offsets"][stop]
    whole = ("baseline", "left_categories", "known_categories")
    cut = {name: trees[name] if name in whole else trees[name][first:last] for name in PREDICTING}
    cut["tree_offsets"] = trees["tree_offsets"][start : stop + 1] - first
    return cut


def predicting(trees: Trees) -> Trees:
    """Return the arrays that the prediction kernel takes."""
    return {name: trees[name] for name in PREDICTING}
