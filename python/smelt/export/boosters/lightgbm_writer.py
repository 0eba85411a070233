"""Boosted trees as a text file that LightGBM loads."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from smelt.errors import UsageError
from smelt.export.boosters.departing import Model, Tree, departing, write_text

CATEGORICAL, DEFAULT_LEFT, MISSING_IS_NAN = 1, 2, 8  # bits of decision_type

_OBJECTIVES = {
    "squared_error": "regression",
    "absolute_error": "regression_l1",
    "huber": "huber",
    "poisson": "poisson",
    "quantile": "quantile",
    "gamma": "gamma",
    "tweedie": "tweedie",
    "cross_entropy": "cross_entropy",
    "lambdarank": "lambdarank",
}


def to_lightgbm(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a boosted model as a text file that LightGBM loads.

    ``lightgbm.Booster(model_file=path)`` then predicts what the model predicts, to the last bit
    before the link (linear leaves: to rounding): numeric and categorical splits, the side of
    missing values, linear leaves, DART, symmetric trees.  The start values are added to the leaves
    of the first iteration, as LightGBM does it itself.  The file appears as a whole or not at all.

    Parameters
    ----------
    model : HistGradientBoostingClassifier, HistGradientBoostingRegressor or \
HistGradientBoostingRanker
        A fitted model of smelt.
    path : path-like
        Where to write; an existing file is replaced.

    Raises
    ------
    UsageError
        If LightGBM has no place for the model (several quantiles, target statistics of
        high-cardinality categories, a single class, categories in an array that are no whole
        numbers from 0 on, equal column names), or the file cannot be written.
    TypeError
        If the model is of another class.
    NotFittedError
        If it has not been fitted.

    Notes
    -----
    The format holds no class labels: LightGBM counts classes from 0, in the order of ``classes_``.
    A custom loss is written as the one whose predictions are linked the same way.  Blanks in
    column names become underscores, as LightGBM makes them.  A model that was fitted on a data
    frame with categories expects pandas categories in LightGBM; one fitted on codes, the codes.
    LightGBM cuts off the fraction of a category, smelt takes one with a fraction as missing; and
    LightGBM takes numbers up to 1e-35 as 0.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.export import from_lightgbm, to_lightgbm
    >>> X, y = [[float(i)] for i in range(100)], list(range(100))
    >>> model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.txt"
    >>> to_lightgbm(model, path)
    >>> bool((from_lightgbm(path).predict(X) == model.predict(X)).all())
    True
    """
    found = departing(model, "LightGBM")
    objective = _objective(found)
    names = _names(found)
    trees, n_splits = [], np.zeros(found.n_features, dtype=np.int64)
    used: list[list[np.ndarray]] = [[] for _ in names]
    for number, tree in enumerate(found.trees()):
        inner = tree.left != 0
        np.add.at(n_splits, tree.feature[inner], 1)
        for column in np.unique(tree.feature[inner]):
            used[column].append(tree.threshold[inner & (tree.feature == column)])
        trees.append(f"Tree={number}\n{_tree(tree, found)}\n\n")
    classes = found.n_outputs
    head = [
        "tree",
        "version=v4",
        f"num_class={classes}",
        f"num_tree_per_iteration={classes}",
        "label_index=0",
        f"max_feature_idx={found.n_features - 1}",
        f"objective={objective}",
        f"feature_names={' '.join(names)}",
        f"feature_infos={' '.join(_infos(found, used))}",
        f"tree_sizes={' '.join(str(len(tree.encode())) for tree in trees)}",
    ]
    importances = [f"{names[k]}={n_splits[k]}" for k in np.argsort(-n_splits, kind="stable")
                   if n_splits[k]]  # fmt: skip
    is_linear = "linear_offsets" in model.trees_
    tail = [
        "end of trees",
        "",
        "feature_importances:",
        *importances,
        "",
        "parameters:",
        "[boosting: gbdt]",
        f"[objective: {objective.split()[0]}]",
        f"[num_class: {classes}]",
        f"[linear_tree: {int(is_linear)}]",
        *_loss_parameters(model),
        "",
        "end of parameters",
        "",
        f"pandas_categorical:{_pandas_categories(found)}",
        "",
    ]
    text = "\n".join(head) + "\n\n" + "".join(trees) + "\n".join(tail)
    write_text(path, text)


def _objective(found: Model) -> str:
    from sklearn.base import is_classifier

    model = found.estimator
    if is_classifier(model):
        if found.n_outputs > 1:
            return f"multiclass num_class:{found.n_outputs}"
        return "binary sigmoid:1"
    if found.n_outputs > 1:
        raise UsageError(
            "LightGBM has no place for several quantiles in one model",
            hint="fit one model for each quantile, or write the model for XGBoost",
        )
    if callable(model.loss):
        return "lambdarank" if hasattr(model, "truncation") else "regression"
    return _OBJECTIVES[model.loss]


def _loss_parameters(model: Any) -> list[str]:
    if model.loss == "tweedie":
        return [f"[tweedie_variance_power: {float(model.power)!r}]"]
    if model.loss in ("quantile", "huber"):
        alpha = model.quantile if model.loss == "quantile" else model.delta
        return [f"[alpha: {float(alpha)!r}]"]
    return []


def _names(found: Model) -> list[str]:
    if found.names is None:
        return [f"Column_{k}" for k in range(found.n_features)]
    names = ["_".join(name.split()) or f"Column_{k}" for k, name in enumerate(found.names)]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(
            f"two columns would both be called {twice!r} in LightGBM, which allows no blanks",
            hint="rename the columns and fit again",
        )
    return names


def _infos(found: Model, used: list[list[np.ndarray]]) -> list[str]:
    """Return the values of each column, of which the model knows no more than its cuts."""
    infos = []
    for column, cuts in enumerate(used):
        if not cuts:
            infos.append("none")
        elif found.is_categorical[column]:
            infos.append(":".join(str(k) for k in found.codes(column, _known(found, column))))
        else:
            values = np.concatenate(cuts)
            infos.append(f"[{_text([values.min()])}:{_text([values.max()])}]")
    return infos


def _known(found: Model, column: int) -> np.ndarray:
    from smelt.export.boosters.departing import words_to_mask

    place = column
    if found.values is not None:
        place = int(np.flatnonzero(found.is_categorical).searchsorted(column))
    words = found.estimator.trees_["known_categories"].reshape(-1, 8)[place]
    return words_to_mask(words)[0]


def _pandas_categories(found: Model) -> str:
    if found.categories is None:
        return "null"
    try:
        return json.dumps([values.tolist() for values in found.categories])
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"LightGBM has no place for the categories of a column ({error})",
            hint="fit on categories that are text, numbers or truth values",
        ) from None


def _text(values: Any) -> str:
    """Return numbers as the shortest text that gives the same bits again."""
    return " ".join(map(repr, np.asarray(values, dtype=np.float64).tolist()))


def _whole(values: Any) -> str:
    return " ".join(map(str, np.asarray(values).astype(np.int64).tolist()))


def _tree(tree: Tree, found: Model) -> str:
    inner = np.flatnonzero(tree.left)
    leaves = np.flatnonzero(tree.left == 0)
    lines = [f"num_leaves={len(leaves)}"]
    categorical = tree.is_categorical[inner]
    lines.append(f"num_cat={int(categorical.sum())}")
    if len(inner):
        lines += _splits(tree, inner, leaves, categorical)
    lines.append(f"leaf_value={_text(tree.value[leaves])}")
    if len(inner):
        lines += [
            f"leaf_weight={_text(tree.count[leaves])}",
            f"leaf_count={_whole(tree.count[leaves])}",
            f"internal_value={_text(tree.value[inner])}",
            f"internal_weight={_text(tree.count[inner])}",
            f"internal_count={_whole(tree.count[inner])}",
        ]
    if categorical.any():
        lines += _category_sets(tree, inner[categorical], found)
    lines.append(f"is_linear={int(tree.linear is not None)}")
    if tree.linear is not None:
        lines += _linear(tree, leaves)
    lines.append("shrinkage=1")
    return "\n".join(lines) + "\n"


def _splits(
    tree: Tree, inner: np.ndarray, leaves: np.ndarray, categorical: np.ndarray
) -> list[str]:
    number = np.zeros(len(tree.left), dtype=np.int64)
    number[inner] = np.arange(len(inner))
    number[leaves] = ~np.arange(len(leaves))
    left, right = number[tree.left[inner]], number[tree.right[inner]]
    missing_left = tree.missing_left[inner]
    # LightGBM sends missing and unseen categories right: where they go left, the sides change.
    swapped = categorical & missing_left
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    kind = MISSING_IS_NAN + np.where(categorical, CATEGORICAL, DEFAULT_LEFT * missing_left)
    threshold = tree.threshold[inner].astype(np.float64)
    threshold[categorical] = np.arange(categorical.sum())
    return [
        f"split_feature={_whole(tree.feature[inner])}",
        f"split_gain={_text(np.maximum(tree.gain[inner], 0.0))}",
        f"threshold={_text(threshold)}",
        f"decision_type={_whole(kind)}",
        f"left_child={_whole(left)}",
        f"right_child={_whole(right)}",
    ]


def _category_sets(tree: Tree, nodes: np.ndarray, found: Model) -> list[str]:
    words, boundaries = [], [0]
    for node in nodes:
        chosen = tree.goes_left[node]
        chosen = tree.known[node] & ~chosen if tree.missing_left[node] else chosen
        codes = found.codes(int(tree.feature[node]), chosen)
        bits = np.zeros(32 * (int(codes.max(initial=0)) // 32 + 1), dtype=bool)
        bits[codes] = True
        words.append(np.packbits(bits, bitorder="little").view("<u4"))
        boundaries.append(boundaries[-1] + len(words[-1]))
    text = _whole(np.concatenate(words))
    return [f"cat_boundaries={_whole(boundaries)}", f"cat_threshold={text}"]


def _linear(tree: Tree, leaves: np.ndarray) -> list[str]:
    terms = [(tree.linear or {}).get(int(leaf)) for leaf in leaves]
    const = [tree.value[leaf] if of is None else of[0]
             for leaf, of in zip(leaves, terms, strict=True)]  # fmt: skip
    counts = [0 if of is None else len(of[1]) for of in terms]
    features = [_whole(of[1]) for of in terms if of is not None]
    coefficients = [_text(of[2]) for of in terms if of is not None]
    return [
        f"leaf_const={_text(const)}",
        f"num_features={_whole(counts)}",
        f"leaf_features={' '.join(features)}",
        f"leaf_coeff={' '.join(coefficients)}",
    ]
