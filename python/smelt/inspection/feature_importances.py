"""How much the columns matter to a model, by one of four measures."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from smelt.ensemble._base_boosting import BaseHistGradientBoosting
from smelt.inspection._trees import TreeModel, tree_model
from smelt.inspection.tree_explainer import TreeExplainer

KINDS = ("gain", "split", "permutation", "shap")


def feature_importances(
    model: Any,
    kind: str = "gain",
    *,
    X: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    normalize: bool = True,
    scoring: Any = None,
    n_repeats: int = 5,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """How much each column matters to a fitted model.

    Parameters
    ----------
    model : estimator
        Fitted tree model (see :class:`smelt.inspection.TreeExplainer`); any estimator for
        "permutation".
    kind : {"gain", "split", "permutation", "shap"}, default="gain"
        - "gain": what the splits on the column took off the training loss (boosting), or off the
          impurity (trees and forests; this is ``feature_importances_``).
        - "split": the number of splits on the column.
        - "permutation": the drop of the score on ``X, y`` when the column is shuffled, the mean of
          ``n_repeats`` shuffles.
        - "shap": the mean absolute path-dependent SHAP value over the rows of ``X`` (and over the
          outputs).
    X : array-like of shape (n_samples, n_features), default=None
        Rows, for "permutation" and "shap".
    y : array-like of shape (n_samples,), default=None
        Targets, for "permutation".
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, for "permutation" and "shap".
    normalize : bool, default=True
        Whether the importances are shares that sum to 1.  Those of "permutation" are drops of a
        score, some perhaps negative, and stay as they are.
    scoring : str, callable or None, default=None
        Score, for "permutation"; None takes the model's own.
    n_repeats : int, default=5
        Shuffles of each column, for "permutation" (1 or more).
    random_state : int, RandomState instance or None, default=None
        Shuffles the columns, for "permutation".
    n_jobs : int, default=None
        Threads of the SHAP values; processes of the permutations, as in scikit-learn.

    Returns
    -------
    ndarray of shape (n_features,)
        The importances, in the order of the columns.

    Raises
    ------
    ValueError
        If data that the kind needs are missing, or the model is not known.

    Notes
    -----
    Gain and split favour columns with many values and count what was learned by heart; permutation
    and SHAP on rows kept aside do not.  Permutation hides columns that stand in for each other.

    References
    ----------
    Breiman, "Random forests", *Machine Learning* 45(1), 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.inspection import feature_importances
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> int(feature_importances(model, "shap", X=X).argmax())
    8
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if kind in ("permutation", "shap") and X is None:
        raise ValueError(f"kind={kind!r} needs rows: pass X")
    if kind == "permutation":
        if y is None:
            raise ValueError("kind='permutation' needs targets: pass y")
        check_is_fitted(model)
        found = permutation_importance(
            model,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            random_state=random_state,
            n_jobs=n_jobs,
            sample_weight=sample_weight,
        )
        return np.asarray(found.importances_mean)
    known = tree_model(model)
    if kind == "shap":
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        values = np.abs(TreeExplainer(model, n_jobs=n_jobs).shap_values(X))
        values = values.reshape(len(values), values.shape[1], -1).mean(axis=2)
        importances = np.average(values, axis=0, weights=sample_weight)
    else:
        importances = known.by_user(_of_splits(known, kind, model))
    total = importances.sum()
    return importances / total if normalize and total > 0 else importances


def _of_splits(known: TreeModel, kind: str, model: Any) -> np.ndarray:
    trees = known.trees
    inner = trees["left"] >= 0
    if kind == "split":
        weights = np.ones(inner.sum())
    elif isinstance(model, BaseHistGradientBoosting):
        if "gain" not in model.trees_:
            raise ValueError("the model does not say what its splits gained; take another kind")
        weights = np.asarray(model.trees_["gain"], dtype=np.float64)[inner]
    else:
        return np.asarray(model.feature_importances_, dtype=np.float64)
    return np.bincount(trees["feature"][inner], weights, trees["n_features"])
