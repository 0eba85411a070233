"""The arrays of grown trees, and scikit-learn's ``Tree`` object made from them."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from sklearn.tree._tree import NODE_DTYPE, Tree, _build_pruned_tree_ccp

Nodes = dict[str, Any]

_FIELDS = {
    "left_child": "children_left",
    "right_child": "children_right",
    "feature": "feature",
    "threshold": "threshold",
    "impurity": "impurity",
    "n_node_samples": "n_node_samples",
    "weighted_n_node_samples": "weighted_n_node_samples",
    "missing_go_to_left": "missing_go_to_left",
}
_NO_SET, _NO_WORDS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.uint32)
_made: weakref.WeakKeyDictionary[Any, tuple[Nodes, Tree]] = weakref.WeakKeyDictionary()


def as_tree(estimator: Any) -> Tree:
    """Return scikit-learn's ``Tree`` for the arrays ``estimator.nodes_``; made once."""
    nodes = estimator.nodes_
    if "category_set" in nodes:
        raise AttributeError(
            "this tree may cut its columns by sets of categories, which scikit-learn's Tree cannot "
            "hold: there is no tree_; nodes_ holds all arrays, smelt.tree.export_text shows the "
            "tree, and smelt.inspection explains it"
        )
    known = _made.get(estimator)
    if known is None or known[0] is not nodes:
        known = _made[estimator] = (nodes, structure(nodes, estimator))
    return known[1]


def pruned(nodes: Nodes, estimator: Any, ccp_alpha: float) -> Nodes:
    """Return the nodes left when branches that gain less than ``ccp_alpha`` a leaf are cut back."""
    out = _empty_tree(estimator)
    if "category_set" not in nodes:
        _build_pruned_tree_ccp(out, structure(nodes, estimator), ccp_alpha)
        return from_tree(out)
    # The number of a node takes the place of its threshold, to find its set again.
    numbers = np.arange(len(nodes["feature"]), dtype=np.float64)
    numbered = structure({**nodes, "threshold": numbers}, estimator)
    _build_pruned_tree_ccp(out, numbered, ccp_alpha)
    left = from_tree(out)
    inner = np.flatnonzero(left["children_left"] >= 0)
    old = left["threshold"][inner].astype(np.int64)
    left["threshold"][inner] = nodes["threshold"][old]
    sets = np.full(len(left["feature"]), -1, dtype=np.int32)
    sets[inner] = nodes["category_set"][old]
    known = nodes["left_categories"], nodes["known_categories"]
    return with_sets({**left, **_own_sets(sets, known[0])}, known[1])


def with_sets(nodes: Nodes, known_categories: np.ndarray) -> Nodes:
    """Return the nodes of trees on categorical columns, whether a cut uses these or not."""
    none = np.full(len(nodes["feature"]), -1, dtype=np.int32)
    left = nodes.get("left_categories", np.zeros(0, dtype=np.uint32))
    return {
        **nodes,
        "category_set": nodes.get("category_set", none),
        "left_categories": left.reshape(-1, 8),
        "known_categories": known_categories,
    }


def _own_sets(category_set: np.ndarray, left_categories: np.ndarray) -> Nodes:
    """Return the sets that the nodes use, numbered in their order."""
    used = category_set >= 0
    numbers = np.full(len(category_set), -1, dtype=np.int32)
    numbers[used] = np.arange(np.count_nonzero(used))
    return {"category_set": numbers, "left_categories": left_categories[category_set[used]]}


def _behind_each_other(parts: list[Nodes]) -> Nodes:
    """Return the sets of several trees or forests, if they have some."""
    if "category_set" not in parts[0]:
        return {}
    sizes = np.cumsum([0] + [len(part["left_categories"]) for part in parts])
    sets = [
        np.where(part["category_set"] >= 0, part["category_set"] + np.int32(size), np.int32(-1))
        for part, size in zip(parts, sizes, strict=False)
    ]
    return {
        "category_set": np.concatenate(sets).astype(np.int32),
        "left_categories": np.concatenate([part["left_categories"] for part in parts]),
        "known_categories": parts[0]["known_categories"],
    }


def _empty_tree(estimator: Any) -> Tree:
    n_classes = np.atleast_1d(getattr(estimator, "n_classes_", [1] * estimator.n_outputs_))
    return Tree(estimator.n_features_in_, n_classes.astype(np.intp), estimator.n_outputs_)


def structure(nodes: Nodes, estimator: Any) -> Tree:
    tree = _empty_tree(estimator)
    structured = np.zeros(len(nodes["feature"]), dtype=NODE_DTYPE)
    for theirs, ours in _FIELDS.items():
        structured[theirs] = nodes[ours]
    tree.__setstate__(
        {
            "max_depth": nodes["max_depth"],
            "node_count": len(structured),
            "nodes": structured,
            "values": np.ascontiguousarray(nodes["value"], dtype=np.float64),
        }
    )
    return tree


def from_tree(tree: Tree) -> Nodes:
    """Return the arrays of scikit-learn's ``Tree``."""
    state = tree.__getstate__()
    nodes = {ours: np.ascontiguousarray(state["nodes"][theirs]) for theirs, ours in _FIELDS.items()}
    for name in ("children_left", "children_right", "feature"):
        nodes[name] = nodes[name].astype(np.int32)
    return {**nodes, "value": np.array(state["values"]), "max_depth": int(state["max_depth"])}


def shaped(nodes: Nodes, n_outputs: int) -> Nodes:
    """Return the kernel's arrays with values of shape (n_nodes, n_outputs, longest value)."""
    return {**nodes, "value": nodes["value"].reshape(len(nodes["feature"]), n_outputs, -1)}


def predicting(nodes: Nodes) -> tuple[Any, ...]:
    """Return what the kernels need to send rows down the trees."""
    offsets = nodes.get("offsets")
    if offsets is None:
        offsets = np.array([0, len(nodes["feature"])], dtype=np.int64)
    return (
        offsets,
        nodes["children_left"],
        nodes["children_right"],
        nodes["feature"],
        nodes["threshold"],
        nodes["missing_go_to_left"],
        nodes["value"].reshape(-1),
        nodes.get("category_set", _NO_SET),
        nodes.get("left_categories", _NO_WORDS).reshape(-1),
        nodes.get("known_categories", _NO_WORDS).reshape(-1),
    )


def cut(nodes: Nodes, index: int) -> Nodes:
    """Return the arrays of one tree of a forest."""
    start, stop = nodes["offsets"][index : index + 2]
    one = {name: nodes[name][start:stop] for name in (*_FIELDS.values(), "value")}
    if "category_set" in nodes:
        one |= _own_sets(nodes["category_set"][start:stop], nodes["left_categories"])
        one["known_categories"] = nodes["known_categories"]
    return {**one, "max_depth": _depth(one)}


def _depth(nodes: Nodes) -> int:
    left, right = nodes["children_left"], nodes["children_right"]
    level, n_levels = np.array([0]), 0
    while True:
        inner = level[left[level] >= 0]
        if not len(inner):
            return n_levels
        level = np.concatenate([left[inner], right[inner]])
        n_levels += 1


def stack(trees: list[Nodes]) -> Nodes:
    """Return the arrays of single trees as those of a forest."""
    names = (*_FIELDS.values(), "value")
    forest = {name: np.concatenate([tree[name] for tree in trees]) for name in names}
    sizes = [len(tree["feature"]) for tree in trees]
    forest["offsets"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    forest |= _behind_each_other(trees)
    return {**forest, "max_depth": max(tree["max_depth"] for tree in trees)}


def join(parts: list[Nodes]) -> Nodes:
    """Return the arrays of forests behind each other."""
    if len(parts) == 1:
        return parts[0]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in _FIELDS.values()}
    joined["value"] = np.concatenate([part["value"] for part in parts])
    sizes = np.concatenate([np.diff(part["offsets"]) for part in parts])
    joined["offsets"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    joined["max_depth"] = max(part["max_depth"] for part in parts)
    return joined | _behind_each_other(parts)
