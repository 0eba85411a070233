"""Estimators out of a file, looked over before anyone relies on them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from smelt import _smelt
from smelt.errors import ModelFileError

MOST_FEATURES = 1 << 22


def check_restored(estimator: Any) -> None:
    """Raise :class:`ModelFileError` unless the fitted estimator can predict whatever rows come.

    Widths agree, weights are finite, trees are sound as a whole; then one row goes through every
    method that predicts.
    """
    try:
        n_features = _width(estimator)
        _check_weights(estimator, n_features)
        if "trees_" in vars(estimator):
            trees, n_columns = estimator.trees_, n_features
            if getattr(estimator, "_target_statistics", None) is not None:
                _check_statistics(estimator)
                n_columns = len(estimator._columns_of_user())
            _smelt.ensemble.tree_ensemble_validate(n_columns, trees)
            if "linear_offsets" in trees:
                _smelt.ensemble.linear_leaves_validate(n_columns, trees, trees)
            if len(trees["baseline"]) != estimator.n_trees_per_iteration_:
                raise ValueError("its trees are not one for each output")
        if "nodes_" in vars(estimator):
            _check_nodes(estimator, n_features)
        if "leaf_values_" in vars(estimator):
            _check_leaf_values(estimator)
        if "_fit_X" in vars(estimator):
            _check_neighbors(estimator)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            _try_one_row(estimator, _row(estimator, n_features))
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelFileError(f"the estimator in the file cannot predict ({detail})") from None


def _width(estimator: Any) -> int:
    n_features, names = estimator.n_features_in_, getattr(estimator, "feature_names_in_", None)
    if type(n_features) is not int or not 0 < n_features <= MOST_FEATURES:
        raise ValueError(f"n_features_in_ cannot be {n_features!r:.40}")
    if names is not None:
        texts = isinstance(names, np.ndarray) and all(type(name) is str for name in names.flat)
        if not texts or names.shape != (n_features,):
            raise ValueError("feature_names_in_ does not name every column")
    return n_features


def _check_weights(estimator: Any, n_features: int) -> None:
    if not hasattr(estimator, "coef_"):
        return
    coef, intercept = np.asarray(estimator.coef_), np.asarray(estimator.intercept_)
    for values in (coef, intercept):
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError("its weights are something else than finite numbers")
    widths = coef.ndim in (1, 2) and coef.shape[-1] == n_features
    if not widths or intercept.shape not in ((), coef.shape[:-1]):
        raise ValueError("the shapes of its weights do not fit its columns")


def _check_statistics(estimator: Any) -> None:
    from smelt.tree._category_codes import n_known

    found = estimator._target_statistics
    columns, offsets, values = found["columns"], found["offsets"], found["values"]
    categories = estimator._encoder.named_transformers_["encoder"].categories_
    if not np.isfinite(values).all() or values.dtype != np.float64:
        raise ValueError("its target statistics are something else than finite numbers")
    n_classes = len(getattr(estimator, "classes_", ()))
    if values.shape[1:] != ((n_classes,) if n_classes > 2 else ()):
        raise ValueError("its target statistics are not one for each class")
    if len(columns) + 1 != len(offsets) or offsets[0] != 0 or offsets[-1] != len(values):
        raise ValueError("its target statistics do not match their columns")
    for column, size in zip(columns.tolist(), np.diff(offsets).tolist(), strict=True):
        if not 0 <= column < len(categories):
            raise ValueError("its target statistics are of a column without categories")
        if size != n_known(categories[column]):
            raise ValueError("its target statistics do not match its categories")


def _check_nodes(estimator: Any, n_features: int) -> None:
    from smelt.tree._nodes import predicting

    nodes = estimator.nodes_
    if "path_length" in nodes:  # an isolation forest
        nodes = {**nodes, "value": nodes["path_length"].reshape(-1, 1, 1)}
    _smelt.tree.tree_validate(predicting(nodes), n_features)
    widths = np.atleast_1d(getattr(estimator, "n_classes_", 1))
    shape = (len(nodes["feature"]), getattr(estimator, "n_outputs_", 1), int(np.max(widths)))
    if nodes["value"].shape != shape or not np.isfinite(nodes["value"]).all():
        raise ValueError("the values of its nodes do not fit its targets")
    for name in ("seeds_", "_seeds"):
        if name in vars(estimator) and len(vars(estimator)[name]) + 1 != len(nodes["offsets"]):
            raise ValueError("its trees are not one for each seed")


def _check_leaf_values(estimator: Any) -> None:
    from smelt.ensemble._quantile_forest import kernel_leaves

    values = estimator.leaf_values_
    n_outputs, n_rows = values["targets"].shape
    _smelt.ensemble.quantile_forest_validate(
        kernel_leaves(values), len(estimator.nodes_["feature"])
    )
    if n_outputs != estimator.n_outputs_ or values["training"].shape != (n_rows,):
        raise ValueError("the values of its leaves do not fit its targets")


def _check_neighbors(estimator: Any) -> None:
    rows, tree = estimator._fit_X, estimator._index
    n_samples = rows.shape[0]
    if rows.ndim != 2 or n_samples == 0 or estimator.n_samples_fit_ != n_samples:
        raise ValueError("its rows do not fit their number")
    if len(getattr(estimator, "_y", rows)) != n_samples:
        raise ValueError("its targets are not one for each row")
    if tree is not None:
        ids = np.sort(tree["ids"])[:n_samples]
        if tuple(tree["shape"]) != rows.shape or not np.array_equal(ids, np.arange(n_samples)):
            raise ValueError("its tree is one over other rows")


def _row(estimator: Any, n_features: int) -> np.ndarray:
    """Return zeros, in columns with an encoder their first category, or a row that was fitted."""
    if "_fit_X" in vars(estimator):
        return np.asarray(estimator._fit_X[:1])
    encoder = getattr(estimator, "_encoder", None)
    if encoder is None:
        return np.zeros((1, n_features))
    row = np.zeros((1, n_features), dtype=object)
    columns = np.flatnonzero(encoder.transformers_[0][2])
    categories = encoder.named_transformers_["encoder"].categories_
    for column, values in zip(columns, categories, strict=True):
        row[0, column] = values[0] if len(values) else np.nan
    return row


def _try_one_row(estimator: Any, row: np.ndarray) -> None:
    if hasattr(estimator, "kneighbors") and not hasattr(estimator, "predict"):
        estimator.kneighbors(row, 1)
        return
    if not hasattr(estimator, "predict"):
        _try_without_prediction(estimator, row)
        return
    if estimator.predict(row).shape[:1] != (1,):
        raise ValueError("one row does not give one prediction")
    if not hasattr(estimator, "predict_proba"):
        return
    from sklearn.base import is_classifier

    if not is_classifier(estimator):  # a mixture: shares of its components
        if estimator.predict_proba(row).shape != (1, len(estimator.weights_)):
            raise ValueError("there is not one share a component")
        return
    several = isinstance(estimator.classes_, list)  # one set of classes for each output
    outputs = estimator.classes_ if several else [estimator.classes_]
    answers = estimator.predict_proba(row)
    for classes, answer in zip(outputs, answers if several else [answers], strict=True):
        if classes.ndim != 1 or len(classes) != len(set(classes.tolist())):
            raise ValueError("classes_ is no list of different classes")
        if answer.shape != (1, len(classes)):
            raise ValueError("there is not one probability a class")
    scores = getattr(estimator, "decision_function", None)
    if scores is not None and scores(row).shape[:1] != (1,):
        raise ValueError("one row does not give one score")


def _try_without_prediction(estimator: Any, row: np.ndarray) -> None:
    if "embedding_" in vars(estimator):
        _check_embedding(estimator, row)
        return
    only_labels = not {"components_", "nodes_"} & set(vars(estimator))
    if only_labels and not hasattr(estimator, "transform"):
        labels = estimator.labels_
        if labels.ndim != 1 or labels.dtype.kind != "i":
            raise ValueError("its labels are something else than whole numbers")
        return
    if "nodes_" in vars(estimator):  # leaves as codes
        width = int(np.count_nonzero(estimator.nodes_["children_left"] < 0))
    else:
        components = estimator.components_
        if components.ndim != 2 or components.shape[1] != row.shape[1]:
            raise ValueError("its components do not fit its columns")
        values = components.data if sp.issparse(components) else components
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError("its components are something else than finite numbers")
        row, width = row.astype(components.dtype), components.shape[0]
    if not hasattr(estimator, "transform"):  # rows in clusters, of which some are kept
        core = estimator.core_sample_indices_
        n_samples = len(estimator.labels_)
        if len(core) != width or not ((core >= 0) & (core < n_samples)).all():
            raise ValueError("its core rows do not fit their numbers")
    elif estimator.transform(row).shape != (1, width):
        raise ValueError("one row does not give one code")


def _check_embedding(estimator: Any, row: np.ndarray) -> None:
    picture = estimator.embedding_
    if picture.ndim != 2 or picture.dtype.kind != "f" or not np.isfinite(picture).all():
        raise ValueError("its embedding is no matrix of finite numbers")
    if picture.shape[1] != estimator.n_components:
        raise ValueError("its embedding has another number of columns than its parameters say")
    if hasattr(estimator, "transform") and estimator.transform(row).shape != (1, picture.shape[1]):
        raise ValueError("one row does not give one place")
