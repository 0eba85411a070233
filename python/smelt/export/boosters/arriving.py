"""Trees of another library on their way into a fitted estimator of smelt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smelt.errors import ModelFileError, UsageError

MOST_FEATURES = 1 << 22
MOST_CATEGORIES = 256
MOST_FEATURES_WITH_CATEGORIES = 1 << 18

Terms = tuple[float, np.ndarray, np.ndarray]


@dataclass
class ForeignTree:
    """One tree: arrays over its nodes in any order; the first is the root."""

    feature: np.ndarray
    threshold: np.ndarray  #: values up to it go left
    left: np.ndarray  #: node, or -1 in leaves
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    cover: np.ndarray  #: rows (or curvature) in a leaf; inner nodes get the sum of their leaves
    gain: np.ndarray
    category_set: np.ndarray  #: row of ``sets``, -1 for numeric splits
    sets: np.ndarray  #: (n_sets, 256) bool, categories that go left
    linear: dict[int, Terms] = field(default_factory=dict)
    #: by leaf: start value, columns, coefficients
    codes: list[np.ndarray] = field(default_factory=list)
    #: what ``category_set`` counts until the categories have got numbers: codes that go left

    def scale(self, factor: float) -> None:
        """Multiply what the leaves add."""
        self.value = self.value * factor
        self.linear = {
            leaf: (start * factor, columns, slopes * factor)
            for leaf, (start, columns, slopes) in self.linear.items()
        }


def negate_first_class(trees: Sequence[ForeignTree]) -> None:
    """Make trees that take turns for two classes sum up to the log-odds of the second."""
    for tree in trees[::2]:
        tree.scale(-1.0)


def read_file(path: Any, library: str) -> bytes:
    """Return what a model file holds."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}", hint="check the path") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelFileError(f"cannot read {path} as a model of {library}: {reason}") from None


def preorder(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes below the root, parents before children, and their depths."""
    lefts, rights, n_nodes = left.tolist(), right.tolist(), len(left)
    seen = bytearray(n_nodes)
    order, depths, stack = [], [], [(0, 0)]
    while stack:
        node, depth = stack.pop()
        if not 0 <= node < n_nodes:
            raise ModelFileError(f"a child is node {node}, but there are {n_nodes} nodes")
        if seen[node]:
            raise ModelFileError(f"node {node} is the child of two nodes, or its own ancestor")
        seen[node] = 1
        order.append(node)
        depths.append(depth)
        if lefts[node] != -1:
            stack += [(rights[node], depth + 1), (lefts[node], depth + 1)]
        elif rights[node] != -1:
            raise ModelFileError(f"node {node} has a right child but no left one")
    return np.array(order), np.array(depths, dtype=np.uint32)


def stack_trees(
    trees: Sequence[ForeignTree], baseline: np.ndarray, n_features: int, known: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Return the arrays of an estimator; ``known`` are the categories of each column, as masks."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _DTYPES}
    sizes, sets, n_sets = [0], [], 0
    is_linear = any(tree.linear for tree in trees)
    for number, tree in enumerate(trees):
        try:
            part = _arranged(tree, n_features, is_linear)
        except ModelFileError as error:
            raise ModelFileError(f"tree {number}: {error}") from None
        chosen = part["category_set"]
        part["category_set"] = np.where(chosen >= 0, chosen + n_sets, -1)
        n_sets += len(tree.sets)
        sets.append(tree.sets)
        sizes.append(len(part["feature"]))
        for name, values in part.items():
            parts[name].append(values)
    joined = {
        name: np.concatenate(parts[name]).astype(dtype)
        for name, dtype in _DTYPES.items()
        if parts[name]
    }
    if (joined["count"] % 1 == 0).all() and joined["count"].max() < 1 << 32:
        joined["count"] = joined["count"].astype(np.uint32)
    joined["tree_offsets"] = np.cumsum(sizes, dtype=np.uint32)
    joined["left_categories"] = _to_words(np.concatenate(sets))
    joined["known_categories"] = _to_words(np.zeros((0, 256)) if known is None else known)
    joined["baseline"] = np.asarray(baseline, dtype=np.float64)
    if is_linear:
        joined["linear_offsets"] = np.cumsum([0, *joined.pop("n_terms")], dtype=np.uint32)
    return joined


_DTYPES: dict[str, Any] = {
    "feature": np.uint32, "threshold": np.float64, "left": np.uint32, "right": np.uint32,
    "value": np.float64, "missing_left": np.uint8, "category_set": np.int32, "count": np.float64,
    "gain": np.float64, "depth": np.uint32, "n_terms": np.int64, "linear_intercept": np.float64,
    "linear_feature": np.uint32, "linear_coefficient": np.float64,
}  # fmt: skip


def _arranged(tree: ForeignTree, n_features: int, is_linear: bool) -> dict[str, np.ndarray]:
    order, depth = preorder(tree.left, tree.right)
    place = np.zeros(len(tree.left), dtype=np.int64)
    place[order] = np.arange(len(order))
    left, right = tree.left[order], tree.right[order]
    inner = left >= 0
    feature, threshold = tree.feature[order], tree.threshold[order]
    value, cover = tree.value[order], tree.cover[order].astype(np.float64)
    if (inner & ((feature < 0) | (feature >= n_features))).any():
        raise ModelFileError(f"a split is on a column that is none of the {n_features}")
    if np.isnan(threshold[inner]).any():
        raise ModelFileError("a threshold is no number")
    if not np.isfinite(value[~inner]).all():
        raise ModelFileError("the value of a leaf is no finite number")
    left, right = np.where(inner, place[left], 0), np.where(inner, place[right], 0)
    linear = _linear(tree, order, inner, n_features) if is_linear else {}
    return {
        "feature": np.where(inner, feature, 0),
        "threshold": np.where(inner, threshold, 0.0),
        "left": left,
        "right": right,
        "value": np.where(inner, 0.0, value),
        "missing_left": inner & tree.missing_left[order],
        "category_set": np.where(inner, tree.category_set[order], -1),
        "count": _summed(cover, left, right),
        "gain": np.where(inner & np.isfinite(tree.gain[order]), tree.gain[order], -1.0),
        "depth": depth,
        **linear,
    }


def _summed(cover: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the covers, those of inner nodes as sums over their leaves."""
    leaves = cover[left == 0]
    if not np.isfinite(leaves).all() or (leaves < 0).any() or not leaves.any():
        cover = np.ones(len(cover))  # none were saved
    sums = cover.tolist()
    lefts, rights = left.tolist(), right.tolist()
    for node in range(len(sums) - 1, -1, -1):
        if lefts[node]:
            sums[node] = sums[lefts[node]] + sums[rights[node]]
    return np.array(sums)


def _linear(
    tree: ForeignTree, order: np.ndarray, inner: np.ndarray, n_features: int
) -> dict[str, np.ndarray]:
    counts = np.zeros(len(order), dtype=np.int64)
    intercept = np.zeros(len(order))
    columns, coefficients = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for place, node in enumerate(order.tolist()):
        if node not in tree.linear or inner[place]:
            continue
        intercept[place], features, slopes = tree.linear[node]
        counts[place] = len(features)
        columns.append(features)
        coefficients.append(slopes)
    found = {
        "n_terms": counts,
        "linear_intercept": intercept,
        "linear_feature": np.concatenate(columns),
        "linear_coefficient": np.concatenate(coefficients),
    }
    if ((found["linear_feature"] < 0) | (found["linear_feature"] >= n_features)).any():
        raise ModelFileError(f"a linear leaf uses a column that is none of the {n_features}")
    if not all(np.isfinite(found[f"linear_{name}"]).all() for name in ("intercept", "coefficient")):
        raise ModelFileError("a coefficient of a linear leaf is no finite number")
    return found


def _to_words(masks: np.ndarray) -> np.ndarray:
    packed = np.packbits(masks.reshape(-1, MOST_CATEGORIES).astype(bool), axis=1, bitorder="little")
    return packed.view("<u4").astype(np.uint32)


def no_categories(n_features: int) -> np.ndarray:
    """Return room for the known categories of each column, as masks."""
    if n_features > MOST_FEATURES_WITH_CATEGORIES:
        raise ModelFileError(
            f"it has {n_features} columns; with categories smelt reads at most "
            f"{MOST_FEATURES_WITH_CATEGORIES}"
        )
    return np.zeros((n_features, MOST_CATEGORIES), dtype=bool)


def labels(classes: Any, n_classes: int) -> np.ndarray:
    """Return the class labels that were given, or 0, 1, …"""
    if classes is None:
        return np.arange(n_classes)
    given = np.asarray(classes)
    if given.shape != (n_classes,) or len(set(given.tolist())) != n_classes:
        raise UsageError(
            f"classes must name the {n_classes} classes of the model, each once, "
            f"got {classes!r:.80}"
        )
    return given


def check_no_labels(classes: Any, what: str) -> None:
    """Refuse class labels for a model that has no classes."""
    if classes is not None:
        raise UsageError(f"classes were given, but the file holds a {what}", hint="leave them out")
