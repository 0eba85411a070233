"""Arrays of the trees of an ensemble: joined, cut, handed to the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt._kernel import kernel

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

LINEAR = ("linear_offsets", "linear_feature", "linear_coefficient", "linear_intercept")

Trees = dict[str, Any]


def join_trees(parts: list[Trees]) -> Trees:
    """Put the trees of several fits behind each other."""
    if len(parts) == 1:
        return dict(parts[0])
    if any("linear_offsets" in part for part in parts):
        parts = [part if "linear_offsets" in part else with_constant_leaves(part) for part in parts]
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if name
        not in ("baseline", "known_categories", "tree_offsets", "category_set", "linear_offsets")
    }
    n_nodes = n_sets = 0
    offsets, sets = [np.zeros(1, dtype=np.uint32)], []
    for part in parts:
        offsets.append(part["tree_offsets"][1:] + np.uint32(n_nodes))
        own = part["category_set"]
        sets.append(np.where(own >= 0, own + np.int32(n_sets), own))
        n_nodes += len(part["feature"])
        n_sets += len(part["left_categories"])
    if "linear_feature" in joined:
        counts = [np.diff(part["linear_offsets"]) for part in parts]
        joined["linear_offsets"] = np.cumsum(np.concatenate([[0], *counts]), dtype=np.uint32)
    joined["tree_offsets"] = np.concatenate(offsets)
    joined["category_set"] = np.concatenate(sets)
    return joined


def cut_trees(trees: Trees, start: int, stop: int) -> Trees:
    """Return the trees ``start`` to ``stop - 1`` alone, as far as prediction needs them."""
    first, last = trees["tree_offsets"][start], trees["tree_offsets"][stop]
    whole = ("baseline", "left_categories", "known_categories")
    cut = {name: trees[name] if name in whole else trees[name][first:last] for name in PREDICTING}
    cut["tree_offsets"] = trees["tree_offsets"][start : stop + 1] - first
    if "linear_offsets" in trees:
        terms = slice(trees["linear_offsets"][first], trees["linear_offsets"][last])
        cut["linear_offsets"] = trees["linear_offsets"][first : last + 1] - np.uint32(terms.start)
        cut["linear_intercept"] = trees["linear_intercept"][first:last]
        cut["linear_feature"] = trees["linear_feature"][terms]
        cut["linear_coefficient"] = trees["linear_coefficient"][terms]
    return cut


def first_trees(trees: Trees, stop: int) -> Trees:
    """Return the trees before tree ``stop``, with all their arrays."""
    last = int(trees["tree_offsets"][stop])
    nodes = ("count", "gain", "depth")
    return cut_trees(trees, 0, stop) | {name: trees[name][:last] for name in nodes}


def with_constant_leaves(trees: Trees) -> Trees:
    """Return trees as ones with linear leaves, none of which has a term."""
    n_nodes = len(trees["feature"])
    return {
        **trees,
        "linear_offsets": np.zeros(n_nodes + 1, dtype=np.uint32),
        "linear_feature": np.zeros(0, dtype=np.uint32),
        "linear_coefficient": np.zeros(0),
        "linear_intercept": np.zeros(n_nodes),
    }


def predicting(trees: Trees) -> Trees:
    """Return the arrays that the prediction kernel takes."""
    if "linear_offsets" in trees:
        raise ValueError("these trees have linear leaves, of which only their own model knows.")
    return {name: trees[name] for name in PREDICTING}


def sum_linear(X: Any, trees: Trees) -> np.ndarray:
    """Return start values plus leaves of trees with linear leaves."""
    constant = {name: trees[name] for name in PREDICTING}
    linear = {name: trees[name] for name in LINEAR}
    found: np.ndarray = kernel("ensemble.linear_leaves_predict")(X, constant, linear)
    return found
