"""Exact SHAP values of tree models."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from smelt._kernel import kernel
from smelt.inspection._trees import tree_model
from smelt.inspection.explanation import Explanation

LARGEST_BACKGROUND = 1000


class TreeExplainer:
    r"""Exact SHAP values of tree models: what each column adds to the prediction of each row.

    .. math:: \phi_i = \sum_{S \subseteq F \setminus i}
        \frac{|S|!\,(|F| - |S| - 1)!}{|F|!}\,\bigl(f(S \cup i) - f(S)\bigr)

    where f(S) is the raw prediction when only the columns in S are known.  Path-dependent values
    (without ``data``) let a tree that does not know a column go both ways, weighted by the training
    rows of either side; interventional values (with ``data``) take the columns not known from the
    rows of ``data``, together.  Both are exact: for every row the base value and the values of all
    columns add up to the raw prediction.

    Parameters
    ----------
    model : estimator
        Fitted HistGradientBoosting*, DecisionTree*, ExtraTree*, RandomForest* or ExtraTrees* of
        smelt; the trees and forests of scikit-learn too.
    data : array-like of shape (n_background, n_features), default=None
        Background rows for the interventional values; of more than 1000 rows a fixed sample of
        1000 is taken.
    model_output : {"raw"}, default="raw"
        What is explained: the raw prediction.  That is the log-odds of boosted classifiers (the
        logarithm of the mean for Poisson and gamma losses), the probabilities of trees and forests.
    feature_perturbation : {"auto", "interventional", "tree_path_dependent"}, default="auto"
        The game; "auto" is "interventional" with ``data`` and "tree_path_dependent" without.
    feature_names : list of str, default=None
        Names of the columns, else those the model was fitted with.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores.

    Attributes
    ----------
    expected_value : float or ndarray
        The base value: the raw prediction when no column is known; one for each output.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    ValueError
        If the model is no tree model known here, or the data have another width.

    Notes
    -----
    Path-dependent: O(rows · leaves · columns on a path), with vectors over the points of a
    quadrature rule.  Interventional: the same, and leaves · different patterns of the background
    rows once a block of rows; paths of at most 64 different columns.  Interaction values are
    path-dependent, as in shap.  Trees and forests see float32 rows, as in ``predict``.

    References
    ----------
    Lundberg et al., "From local explanations to global understanding with explainable AI for
    trees", *Nature Machine Intelligence* 2, 2020.
    Yu, Bian, Wang, Yang, "Linear TreeShap", *NeurIPS* 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.inspection import TreeExplainer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> explainer = TreeExplainer(model)
    >>> values = explainer.shap_values(X)
    >>> bool(abs(explainer.expected_value + values.sum(axis=1) - model.predict(X)).max() < 1e-10)
    True
    """

    expected_value: Any

    def __init__(
        self,
        model: Any,
        data: Any = None,
        *,
        model_output: str = "raw",
        feature_perturbation: str = "auto",
        feature_names: Any = None,
        n_jobs: int | None = None,
    ):
        if model_output != "raw":
            raise ValueError(f"model_output must be 'raw', got {model_output!r}")
        known = ("auto", "interventional", "tree_path_dependent")
        if feature_perturbation not in known:
            raise ValueError(
                f"feature_perturbation must be one of {known}, got {feature_perturbation!r}"
            )
        if feature_perturbation == "auto":
            feature_perturbation = "tree_path_dependent" if data is None else "interventional"
        if feature_perturbation == "interventional" and data is None:
            raise ValueError(
                "interventional values need background rows: TreeExplainer(model, data=X_train)"
            )
        self.model, self.n_jobs = model, n_jobs
        self.feature_perturbation = feature_perturbation
        self._explained = tree_model(model)
        self._interventional = feature_perturbation == "interventional"
        self._feature_names = feature_names
        n_features = model.n_features_in_
        if feature_names is not None and len(feature_names) != n_features:
            raise ValueError(
                f"feature_names has {len(feature_names)} names, the model has {n_features} columns"
            )
        if self._interventional:
            rows = self._explained.arrange(data)
            if len(rows) > LARGEST_BACKGROUND:
                picked = check_random_state(0).choice(len(rows), LARGEST_BACKGROUND, replace=False)
                rows = rows[np.sort(picked)]
            self._background = rows
            base = self._explained.raw_predict(rows).mean(axis=0)
        else:
            if not self._explained.has_cover:
                raise ValueError(
                    "the model does not say how many training rows its nodes had, so only "
                    "interventional values are defined: TreeExplainer(model, data=X_train)"
                )
            grid = np.zeros((1, 0))
            base = self._kernel("tree_partial_dependence")(grid, [], self._explained.trees)[0]
            base = base + self._explained.baseline
        shape = self._explained.shape
        self.expected_value = base.reshape(shape) if shape else float(base[0])

    def _kernel(self, name: str) -> Any:
        return kernel(f"inspection.{name}", n_jobs=self.n_jobs)

    def __call__(self, X: Any, *, interactions: bool = False) -> Explanation:
        """Explain rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to explain.
        interactions : bool, default=False
            Whether to return the interaction values.

        Returns
        -------
        Explanation
            Values, base values, rows and names; ``.to_shap()`` makes one for shap's plots.
        """
        values = self.shap_interaction_values(X) if interactions else self.shap_values(X)
        base = np.broadcast_to(np.asarray(self.expected_value), (len(values), *self._shape))
        return Explanation(values, base.copy(), self._table(X), self._names(X))

    def shap_values(self, X: Any) -> np.ndarray:
        """Return the SHAP values of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to explain.

        Returns
        -------
        ndarray of shape (n_samples, n_features) or (n_samples, n_features, n_outputs)
            Trees and forests that classify have an output a class; multi-output classifiers have
            one more axis, (..., n_outputs, n_classes).
        """
        rows, trees = self._explained.arrange(X), self._explained.trees
        if self._interventional:
            dtype = np.result_type(rows, self._background)
            background = self._background.astype(dtype, copy=False)
            found = self._kernel("tree_shap_interventional_values")(
                rows.astype(dtype, copy=False), background, trees
            )
        else:
            found = self._kernel("tree_shap_values")(rows, trees)
        return self._in_order(found.reshape(len(rows), -1, *self._shape), (1,))

    def shap_interaction_values(self, X: Any) -> np.ndarray:
        """Return the path-dependent SHAP interaction values of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to explain.

        Returns
        -------
        ndarray of shape (n_samples, n_features, n_features, ...)
            Symmetric; each row sums to the SHAP value of its column.  Memory is
            8 · n_features² bytes a row and output.
        """
        if self._interventional:
            raise ValueError(
                "interaction values are path-dependent; make the explainer without data"
            )
        rows = self._explained.arrange(X)
        n_features = self._explained.trees["n_features"]
        found = self._kernel("tree_shap_interaction_values")(rows, self._explained.trees)
        shape = (len(rows), n_features, n_features, *self._shape)
        return self._in_order(found.reshape(shape), (1, 2))

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._explained.shape

    def _in_order(self, values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        """Put columns that boosting encoded in front back into the user's order."""
        for axis in axes:
            values = self._explained.by_user(values, axis)
        return values

    def _table(self, X: Any) -> np.ndarray:
        return X.toarray() if hasattr(X, "toarray") else np.asarray(X)

    def _names(self, X: Any) -> list[str]:
        names = self._feature_names
        if names is None:
            names = getattr(self.model, "feature_names_in_", None)
        if names is None:
            names = getattr(X, "columns", None)
        if names is None:
            names = [f"x{column}" for column in range(self.model.n_features_in_)]
        return [str(name) for name in names]
