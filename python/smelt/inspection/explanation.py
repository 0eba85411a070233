"""SHAP values with what is needed to read and to plot them."""

from __future__ import annotations

from typing import Any

import numpy as np


class Explanation:
    """SHAP values of some rows, with the rows, the base values and the names of the columns.

    For every row and output, ``base_values + values.sum(axis=1)`` is the raw prediction.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features, ...)
        What every column adds to the raw prediction of every row; one more axis for several
        outputs, one more axis of columns for interaction values.  Without the first axis for a
        single row.
    base_values : ndarray of shape (n_samples, ...)
        The raw prediction expected when no column is known.
    data : ndarray of shape (n_samples, n_features)
        The rows.
    feature_names : list of str
        Names of the columns.

    Attributes
    ----------
    values, base_values, data, feature_names
        As above.
    shape : tuple of int
        Shape of ``values``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> from smelt.inspection import TreeExplainer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> explained = TreeExplainer(model)(X)
    >>> explained[0].values.shape, explained[:, 2].values.shape
    ((10,), (442,))
    """

    def __init__(self, values: Any, base_values: Any, data: Any, feature_names: Any):
        self.values = values
        self.base_values = base_values
        self.data = data
        self.feature_names = feature_names

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return tuple(np.shape(self.values))

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Explanation(shape={self.shape}, feature_names={list(self.feature_names)})"

    def __getitem__(self, key: Any) -> Explanation:
        """Return some rows; after a comma some columns (numbers or names), then some outputs."""
        rows, *rest = key if isinstance(key, tuple) else (key,)
        names = np.asarray(self.feature_names, dtype=object)
        if np.ndim(self.data) < 2:
            raise IndexError("this explanation is of a single row already; index its values")
        columns: Any = slice(None)
        if rest:
            columns = self._column(rest[0])
        values = np.asarray(self.values)[rows]
        base, data = np.asarray(self.base_values)[rows], np.asarray(self.data)[rows]
        axis = 0 if np.ndim(data) == 1 else 1
        lead = (slice(None),) * axis
        values, data = values[(*lead, columns)], data[(*lead, columns)]
        if len(rest) > 1:
            values = values[(..., *rest[1:])]
            base = base[(..., *rest[1:])]
        picked = names[columns]
        return Explanation(values, base, data, picked if isinstance(picked, str) else list(picked))

    def _column(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.feature_names:
                raise KeyError(f"no column is named {key!r}; there are {self.feature_names}")
            return list(self.feature_names).index(key)
        return key

    def to_shap(self) -> Any:
        """Return a ``shap.Explanation``, for the plots of the shap package.

        Raises
        ------
        ImportError
            If shap is not installed (``pip install shap``).
        """
        try:
            import shap
        except ImportError as error:
            raise ImportError("the plots of shap need the package: pip install shap") from error
        return shap.Explanation(
            values=self.values,
            base_values=self.base_values,
            data=self.data,
            feature_names=self.feature_names,
        )
