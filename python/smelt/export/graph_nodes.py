"""The nodes of a graph that give the raw scores of a fitted native estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.errors import NotFittedError

Nodes = list[dict[str, Any]]

_TREE_DTYPES = {
    "baseline": np.float64,
    "tree_offsets": np.uint32,
    "feature": np.uint32,
    "threshold": np.float64,
    "left": np.uint32,
    "right": np.uint32,
    "value": np.float64,
    "missing_left": np.uint8,
    "category_set": np.int32,
    "left_categories": np.uint32,
    "known_categories": np.uint32,
}


def estimator_nodes(
    estimator: Any, input: str, output: str, prefix: str, n_iterations: int | None = None
) -> tuple[Nodes, dict[str, np.ndarray]]:
    """Return nodes and tensors that compute the raw scores of a fitted estimator.

    Raw scores are what ``decision_function`` of a classifier and ``predict`` of a linear regressor
    return, before any link: one column an output.

    Parameters
    ----------
    estimator : estimator
        A fitted linear model (``coef_``, ``intercept_``) or boosted trees (``trees_``) of smelt.
    input, output : str
        Names of the block that is read and of the node that is made.
    prefix : str
        What the names of the tensors begin with.
    n_iterations : int, optional
        For boosted trees: take the first iterations only.

    Examples
    --------
    >>> from smelt.linear_model import Ridge
    >>> model = Ridge().fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0])
    >>> nodes, tensors = estimator_nodes(model, "features", "raw", "ridge")
    >>> nodes[0]["op"], sorted(tensors)
    ('linear', ['ridge.coef', 'ridge.intercept'])
    """
    if hasattr(estimator, "trees_"):
        op, arrays = "tree_ensemble", _trees(estimator, n_iterations)
    elif hasattr(estimator, "coef_"):
        op, arrays = "linear", _linear(estimator)
    else:
        raise NotFittedError(f"this {type(estimator).__name__} has neither trees_ nor coef_")
    names = {role: f"{prefix}.{role}" for role in arrays}
    node = {"op": op, "inputs": [input], "output": output, "tensors": names}
    return [node], {names[role]: array for role, array in arrays.items()}


def _linear(estimator: Any) -> dict[str, np.ndarray]:
    coef = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    intercept = np.asarray(estimator.intercept_, dtype=np.float64)
    spread = np.broadcast_to(intercept.ravel(), (len(coef),))
    return {"coef": np.ascontiguousarray(coef), "intercept": np.ascontiguousarray(spread)}


def _trees(estimator: Any, n_iterations: int | None) -> dict[str, np.ndarray]:
    from smelt.ensemble._trees import cut_trees

    if getattr(estimator, "_encoder", None) is not None:
        raise TypeError(
            "boosted trees that were fitted on a frame with categorical columns encode them "
            "themselves, which a graph does not; fit them on codes instead"
        )
    if "linear_offsets" in estimator.trees_:
        raise TypeError("a graph knows no linear leaves; fit with linear_leaves=False")
    n_trees = len(estimator.trees_["tree_offsets"]) - 1
    wanted = n_trees
    if n_iterations is not None:
        wanted = min(n_trees, n_iterations * len(estimator.trees_["baseline"]))
    trees = cut_trees(estimator.trees_, 0, wanted)
    return {
        role: np.ascontiguousarray(trees[role], dtype=dtype) for role, dtype in _TREE_DTYPES.items()
    }
