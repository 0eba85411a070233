"""Boosted trees as a JSON file that XGBoost loads."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from smelt.errors import UsageError
from smelt.export.boosters.departing import Model, Tree, departing, write_text
from smelt.export.boosters.xgboost_borders import borders_above
from smelt.export.boosters.xgboost_categories import written_categories

VERSION = [3, 1, 0]
NO_PARENT = 2147483647

_PLAIN = {"reg_loss_param": {"scale_pos_weight": "1"}}
_OBJECTIVES: dict[str, tuple[str, dict[str, Any]]] = {
    "squared_error": ("reg:squarederror", _PLAIN),
    "absolute_error": ("reg:absoluteerror", {}),
    "poisson": ("count:poisson", {"poisson_regression_param": {"max_delta_step": "0.7"}}),
    "gamma": ("reg:gamma", _PLAIN),
    "cross_entropy": ("reg:logistic", _PLAIN),
    "lambdarank": ("rank:ndcg", {"lambdarank_param": {}}),
}
# What XGBoost links to a sum of 0.
_NEUTRAL = {"binary:logistic": "5E-1", "reg:logistic": "5E-1", "count:poisson": "1E0",
            "reg:gamma": "1E0", "reg:tweedie": "1E0"}  # fmt: skip


def to_xgboost(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a boosted model as a JSON file that XGBoost loads.

    ``xgboost.Booster(model_file=path)`` then predicts what the model predicts, within the rounding
    of sums of 32-bit numbers (1e-6 of the largest sum): numeric and categorical splits, the side of
    missing values, DART, symmetric trees, several quantiles.  The start values are added to the
    leaves of the first iteration.  The file appears as a whole or not at all.

    Parameters
    ----------
    model : HistGradientBoostingClassifier, HistGradientBoostingRegressor or \
HistGradientBoostingRanker
        A fitted model of smelt.
    path : path-like
        Where to write, by custom with the ending ``.json``; an existing file is replaced.

    Raises
    ------
    UsageError
        If XGBoost has no place for the model (linear leaves, target statistics of
        high-cardinality categories, a single class, categories in an array that are no whole
        numbers from 0 on), or the file cannot be written.
    TypeError
        If the model is of another class.
    NotFittedError
        If it has not been fitted.

    Notes
    -----
    XGBoost keeps 32 bits of every number, and compares with ``<``.  Borders are chosen so that
    every row of 32-bit data takes the same branches as in smelt.  Of 64-bit data XGBoost rounds
    each value first: one that lies within that rounding (6e-8 of its size) of a cut may take the
    other branch.  Fit smelt on 32-bit data to rule that out.

    The format holds no class labels: XGBoost counts classes from 0, in the order of ``classes_``.
    Huber's loss is written as XGBoost's pseudo-Huber, a custom loss as the one whose predictions
    are linked the same way.  A model that was fitted on a data frame with categories keeps them for
    XGBoost 3.1 and newer; older ones take the categories' codes.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.export import from_xgboost, to_xgboost
    >>> X, y = [[float(i)] for i in range(100)], list(range(100))
    >>> model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.json"
    >>> to_xgboost(model, path)
    >>> bool(abs(from_xgboost(path).predict(X) - model.predict(X)).max() < 1e-4)
    True
    """
    found = departing(model, "XGBoost")
    if "linear_offsets" in model.trees_:
        raise UsageError(
            "XGBoost has no place for linear leaves",
            hint="fit with linear_leaves=False, or write the model for LightGBM",
        )
    name, parameters = _objective(found)
    trees = [_tree(tree, number, found) for number, tree in enumerate(found.trees())]
    n_outputs, n_trees = found.n_outputs, len(trees)
    is_multiclass = name == "multi:softprob"
    learner = {
        "attributes": {},
        "feature_names": found.names or [],
        "feature_types": ["c" if x else "float" for x in found.is_categorical],
        "gradient_booster": {
            "model": {
                "cats": written_categories(found),
                "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(n_trees)},
                "iteration_indptr": list(range(0, n_trees + 1, n_outputs)),
                "tree_info": [t % n_outputs for t in range(n_trees)],
                "trees": [],
            },
            "name": "gbtree",
        },
        "learner_model_param": {
            "base_score": _NEUTRAL.get(name, "0E0"),
            "boost_from_average": "1",
            "num_class": str(n_outputs if is_multiclass else 0),
            "num_feature": str(found.n_features),
            "num_target": str(1 if is_multiclass else n_outputs),
        },
        "objective": {"name": name, **parameters},
    }
    text = json.dumps({"learner": learner, "version": VERSION}, separators=(",", ":"))
    write_text(path, text.replace('"trees":[]', f'"trees":[{",".join(trees)}]', 1))


def _objective(found: Model) -> tuple[str, dict[str, Any]]:
    from sklearn.base import is_classifier

    model = found.estimator
    if is_classifier(model):
        if found.n_outputs == 1:
            return "binary:logistic", _PLAIN
        n_classes = str(found.n_outputs)
        return "multi:softprob", {"softmax_multiclass_param": {"num_class": n_classes}}
    if callable(model.loss):
        return _OBJECTIVES["lambdarank" if hasattr(model, "truncation") else "squared_error"]
    if model.loss == "huber":
        return "reg:pseudohubererror", {"pseudo_huber_param": {"huber_slope": str(model.delta)}}
    if model.loss == "tweedie":
        power = {"tweedie_variance_power": str(model.power)}
        return "reg:tweedie", {"tweedie_regression_param": power}
    if model.loss == "quantile":
        alphas = ",".join(str(float(q)) for q in np.atleast_1d(model.quantile))
        return "reg:quantileerror", {"quantile_loss_param": {"quantile_alpha": f"[{alphas}]"}}
    return _OBJECTIVES[model.loss]


def _numbers(values: np.ndarray) -> str:
    """Return 32-bit numbers as the shortest text that gives the same bits again."""
    text = ",".join(map(str, values.astype(np.float32)))
    return text.replace("inf", "Infinity") if "inf" in text else text


def _whole(values: np.ndarray) -> str:
    return ",".join(map(str, values.astype(np.int64).tolist()))


def _level_by_level(left: np.ndarray, right: np.ndarray) -> tuple[Any, ...]:
    """Return the nodes so that siblings follow each other, and the children by their new numbers.

    XGBoost looks for a right child behind the left one.
    """
    levels = [np.zeros(1, dtype=np.int64)]
    while len(levels[-1]):
        inner = levels[-1][left[levels[-1]] != 0]
        levels.append(np.column_stack([left[inner], right[inner]]).ravel())
    order = np.concatenate(levels)
    place = np.zeros(len(left), dtype=np.int64)
    place[order] = np.arange(len(order))
    return order, place[left[order]], place[right[order]]


def _tree(tree: Tree, number: int, found: Model) -> str:
    # XGBoost names the categories that go right and sends unseen ones left, with missing values.
    swapped = tree.is_categorical & ~tree.missing_left & (tree.left != 0)
    order, left, right = _level_by_level(
        np.where(swapped, tree.right, tree.left), np.where(swapped, tree.left, tree.right)
    )
    tree, swapped = tree.arranged(order, left, right), swapped[order]
    n_nodes = len(left)
    is_leaf = left == 0
    categorical = tree.is_categorical & ~is_leaf
    default_left = tree.missing_left
    default_left = default_left | swapped
    nodes = np.flatnonzero(categorical)
    sets = [
        found.codes(int(tree.feature[node]), tree.goes_left[node] if swapped[node]
                    else tree.known[node] & ~tree.goes_left[node])
        for node in nodes
    ]  # fmt: skip
    kept = np.array([len(of) > 0 for of in sets], dtype=bool)
    borders = borders_above(tree.threshold)
    borders[nodes[~kept]] = np.inf  # no category goes right: everything goes left
    nodes, sets = nodes[kept], [of for of in sets if len(of)]
    sizes = np.array([len(of) for of in sets], dtype=np.int64)
    split_type = np.zeros(n_nodes, dtype=np.int64)
    split_type[nodes] = 1
    parents = np.full(n_nodes, NO_PARENT)
    inner = np.flatnonzero(~is_leaf)
    parents[left[inner]] = parents[right[inner]] = inner
    values = tree.value.astype(np.float32)
    lists = {
        "base_weights": _numbers(values),
        "categories": _whole(np.concatenate(sets)) if sets else "",
        "categories_nodes": _whole(nodes),
        "categories_segments": _whole(np.cumsum(sizes) - sizes),
        "categories_sizes": _whole(sizes),
        "default_left": _whole(default_left & ~is_leaf),
        "left_children": _whole(np.where(is_leaf, -1, left)),
        "loss_changes": _numbers(np.maximum(tree.gain, 0.0)),
        "parents": _whole(parents),
        "right_children": _whole(np.where(is_leaf, -1, right)),
        "split_conditions": _numbers(np.where(is_leaf, values, borders)),
        "split_indices": _whole(np.where(is_leaf, 0, tree.feature)),
        "split_type": _whole(split_type),
        "sum_hessian": _numbers(tree.count),
    }
    sizes_text = (
        f'{{"num_deleted":"0","num_feature":"{found.n_features}","num_nodes":"{n_nodes}",'
        '"size_leaf_vector":"1"}'
    )
    parts = ",".join(f'"{key}":[{text}]' for key, text in lists.items())
    return f'{{"id":{number},{parts},"tree_param":{sizes_text}}}'
