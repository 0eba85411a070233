"""Partial dependence and individual conditional expectation."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.inspection import partial_dependence as _scikit_learns
from sklearn.inspection._partial_dependence import _grid_from_X
from sklearn.inspection._pd_utils import _check_feature_names, _get_feature_index
from sklearn.utils import Bunch, _safe_indexing, check_array
from sklearn.utils._indexing import _get_column_indices, _safe_assign
from sklearn.utils._response import _get_response_values
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from smelt._kernel import kernel
from smelt.ensemble._base_boosting import BaseHistGradientBoosting
from smelt.inspection._trees import is_tree_model, tree_model

BATCH = 1 << 16  # rows predicted at once


def partial_dependence(
    estimator: Any,
    X: Any,
    features: Any,
    *,
    sample_weight: Any = None,
    categorical_features: Any = None,
    feature_names: Any = None,
    response_method: str = "auto",
    percentiles: tuple[float, float] = (0.05, 0.95),
    grid_resolution: int = 100,
    custom_values: Any = None,
    method: str = "auto",
    kind: str = "average",
) -> Bunch:
    r"""Partial dependence of columns: the mean prediction when they are set to given values.

    .. math:: \mathrm{PD}_S(x_S) = \frac{1}{n} \sum_{i=1}^{n} f(x_S, x_{i, \setminus S})

    The summands, one a row, are the individual conditional expectations (ICE).

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor, of any kind.
    X : array-like or data frame of shape (n_samples, n_features)
        Rows that the grid comes from, and that "brute" averages over.
    features : int, str, or sequence of them
        The columns of interest, by number or name.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the mean; only "brute".
    categorical_features : array-like of bool, int or str, default=None
        Columns whose grid is all of their values.
    feature_names : array-like of str, default=None
        Names of the columns.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What is averaged, for classifiers; "recursion" explains the raw prediction.
    percentiles : tuple of float, default=(0.05, 0.95)
        Ends of the grid, as shares of the rows (0 to 1).
    grid_resolution : int, default=100
        Points of the grid for each column (2 or more).
    custom_values : dict, default=None
        Grids of your own, by column.
    method : {"auto", "recursion", "brute"}, default="auto"
        "recursion" walks through the trees, weighted by the training rows, whatever the number of
        rows; "brute" predicts, many points in one call; "auto" takes the first for boosting and
        regression trees and forests where ``kind`` is "average" and there are no weights.
    kind : {"average", "individual", "both"}, default="average"
        Partial dependence, ICE, or both.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        ``average`` of shape (n_outputs, len(grid_values[0]), ...), ``individual`` of shape
        (n_outputs, n_samples, len(grid_values[0]), ...), and ``grid_values``, a list of arrays.

    Raises
    ------
    ValueError
        As scikit-learn's function.

    Notes
    -----
    As :func:`sklearn.inspection.partial_dependence`; "recursion" leaves the start value of boosting
    out, as there.  Boosting fitted with data frames that hold categories takes "brute".

    References
    ----------
    Friedman, "Greedy function approximation", *Annals of Statistics* 29(5), 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.inspection import partial_dependence
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> found = partial_dependence(model, X, [2], grid_resolution=5)
    >>> found.average.shape
    (1, 5)
    """
    keywords = {
        "sample_weight": sample_weight,
        "categorical_features": categorical_features,
        "feature_names": feature_names,
        "response_method": response_method,
        "percentiles": percentiles,
        "grid_resolution": grid_resolution,
        "custom_values": custom_values,
        "method": method,
        "kind": kind,
    }
    check_is_fitted(estimator)
    if method == "auto" and kind == "average" and sample_weight is None:
        method = "recursion" if _walks(estimator) else _their_method(estimator)
    ours = method != "recursion" or _walks(estimator)
    if not ours or not (is_classifier(estimator) or is_regressor(estimator)):
        return _scikit_learns(estimator, X, features, **keywords)
    method = "brute" if method == "auto" else method
    _check(estimator, sample_weight, response_method, method, kind)
    if not (hasattr(X, "__array__") or sparse.issparse(X)):
        X = check_array(X, ensure_all_finite="allow-nan", dtype=object)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, X)
    if X.shape[0] == 0:
        raise ValueError("X has no row to take the mean over")
    columns, grid, values = _grid(
        X, features, categorical_features, feature_names, percentiles, grid_resolution,
        custom_values or {},
    )  # fmt: skip
    shape = [len(axis) for axis in values]
    found = Bunch(grid_values=values)
    if method == "recursion":
        known = tree_model(estimator)
        points = np.ascontiguousarray(grid, dtype=np.float32).astype(np.float64)
        means = kernel("inspection.tree_partial_dependence")(points, columns.tolist(), known.trees)
        found["average"] = np.ascontiguousarray(means.T).reshape(-1, *shape)
        return found
    answers = _predictions(estimator, X, columns, grid, response_method)
    if kind in ("average", "both"):
        means = np.average(answers, axis=1, weights=sample_weight)
        found["average"] = means.reshape(-1, *shape)
    if kind in ("individual", "both"):
        found["individual"] = answers.reshape(-1, X.shape[0], *shape)
    return found


def _walks(estimator: Any) -> bool:
    """Whether the kernel walks through the trees of the model."""
    if isinstance(estimator, BaseHistGradientBoosting):
        return getattr(estimator, "_encoder", None) is None and "count" in estimator.trees_
    return is_tree_model(estimator) and is_regressor(estimator) and hasattr(estimator, "nodes_")


def _their_method(estimator: Any) -> str:
    """Return "recursion" for models that scikit-learn walks through."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import (
        BaseHistGradientBoosting as Theirs,
    )
    from sklearn.tree import DecisionTreeRegressor

    if isinstance(estimator, BaseGradientBoosting):
        return "recursion" if estimator.init is None else "brute"
    walked = (Theirs, DecisionTreeRegressor, RandomForestRegressor)
    return "recursion" if isinstance(estimator, walked) else "brute"


def _check(estimator: Any, weight: Any, response: str, method: str, kind: str) -> None:
    kinds, methods = ("average", "individual", "both"), ("auto", "recursion", "brute")
    responses = ("auto", "predict_proba", "decision_function")
    for name, value, known in (
        ("kind", kind, kinds),
        ("method", method, methods),
        ("response_method", response, responses),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}")
    if is_classifier(estimator) and isinstance(estimator.classes_[0], np.ndarray):
        raise ValueError("Multiclass-multioutput estimators are not supported")
    if is_regressor(estimator) and response != "auto":
        raise ValueError(
            "The response_method parameter is ignored for regressors and must be 'auto'."
        )
    if method == "recursion":
        if kind != "average":
            raise ValueError("The 'recursion' method only applies when 'kind' is set to 'average'")
        if weight is not None:
            raise ValueError(
                "The 'recursion' method can only be applied when sample_weight is None."
            )
        if response not in ("auto", "decision_function"):
            raise ValueError(
                "With the 'recursion' method, the response_method must be "
                f"'decision_function'. Got {response}."
            )


def _grid(
    X: Any,
    features: Any,
    categorical: Any,
    names: Any,
    percentiles: Any,
    resolution: int,
    custom: dict[Any, Any],
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return the columns of interest, all points of the grid, and its values by column."""
    features = [features] if isinstance(features, (str, Integral)) else features
    if len(features) == 0:
        raise ValueError("features names no column")
    if any(isinstance(feature, Integral) and feature < 0 for feature in features):
        raise ValueError(f"all features must be in [0, {X.shape[1] - 1}]")
    columns = np.asarray(_get_column_indices(X, features), dtype=np.intp).ravel()
    names = _check_feature_names(X, names)
    is_categorical = [False] * len(columns)
    if categorical is not None:
        categorical = np.asarray(categorical)
        if categorical.size == 0:
            raise ValueError("categorical_features is empty; use None where there are none")
        if categorical.dtype.kind == "b":
            if categorical.size != X.shape[1]:
                raise ValueError(
                    f"categorical_features is a mask of {categorical.size} values, but X has "
                    f"{X.shape[1]} columns"
                )
            chosen = set(np.flatnonzero(categorical).tolist())
        else:
            chosen = {_get_feature_index(item, feature_names=names) for item in categorical}
        is_categorical = [int(column) in chosen for column in columns]
    for column, feature, fixed in zip(columns, features, is_categorical, strict=True):
        if not fixed and _safe_indexing(X, column, axis=1).dtype.kind in "iu":
            raise ValueError(
                f"The column {feature!r} contains integer data. Partial dependence plots are not "
                "supported for integer data: this can lead to implicit rounding with NumPy arrays "
                "or even errors with newer pandas versions. Please convert numerical features to "
                "floating point dtypes ahead of time to avoid problems."
            )
    own = {place: custom[item] for place, item in enumerate(features) if item in custom}
    grid, values = _grid_from_X(
        _safe_indexing(X, columns, axis=1), percentiles, is_categorical, resolution, own
    )
    return columns, grid, values


def _predictions(
    estimator: Any, X: Any, columns: np.ndarray, grid: np.ndarray, response: Any
) -> np.ndarray:
    """Return the predictions of every row at every point: (n_outputs, n_samples, n_points)."""
    if response == "auto":
        regressor = is_regressor(estimator)
        response = "predict" if regressor else ["predict_proba", "decision_function"]
    n_samples, parts = X.shape[0], []
    step = max(1, BATCH // n_samples)
    for start in range(0, len(grid), step):
        points = grid[start : start + step]
        rows = _safe_indexing(X, np.tile(np.arange(n_samples), len(points)), axis=0)
        for place, column in enumerate(columns):
            # A grid of numbers and words holds objects; a column of it is one or the other.
            values = np.array(points[:, place].tolist())
            _safe_assign(rows, np.repeat(values, n_samples), column_indexer=column)
        answers, _ = _get_response_values(estimator, rows, response_method=response)
        parts.append(np.asarray(answers).reshape(len(points), n_samples, -1))
    found = np.concatenate(parts).transpose(2, 1, 0)
    if is_classifier(estimator) and len(found) == 2:
        found = found[1:]
    return np.ascontiguousarray(found)
