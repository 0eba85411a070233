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
_made: weakref.WeakKeyDictionary[Any, tuple[Nodes, Tree]] = weakref.WeakKeyDictionary()


def as_tree(estimator: Any) -> Tree:
    """Return scikit-learn's ``Tree`` for the arrays ``estimator.nodes_``; made once."""
    nodes = estimator.nodes_
    known = _made.get(estimator)
    if known is None or known[0] is not nodes:
        known = _made[estimator] = (nodes, _to_tree(nodes, estimator))
    return known[1]


def pruned(nodes: Nodes, estimator: Any, ccp_alpha: float) -> Nodes:
    """Return the nodes left when branches that gain less than ``ccp_alpha`` a leaf are cut back."""
    out = _empty_tree(estimator)
    _build_pruned_tree_ccp(out, _to_tree(nodes, estimator), ccp_alpha)
    return from_tree(out)


def _empty_tree(estimator: Any) -> Tree:
    n_classes = np.atleast_1d(getattr(estimator, "n_classes_", [1] * estimator.n_outputs_))
    return Tree(estimator.n_features_in_, n_classes.astype(np.intp), estimator.n_outputs_)


def _to_tree(nodes: Nodes, estimator: Any) -> Tree:
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
    )


def cut(nodes: Nodes, index: int) -> Nodes:
    """Return the arrays of one tree of a forest."""
    start, stop = nodes["offsets"][index : index + 2]
    one = {name: nodes[name][start:stop] for name in (*_FIELDS.values(), "value")}
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
    return joined
