"""Accumulated local effects."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import Bunch, _safe_indexing
from sklearn.utils._indexing import _get_column_indices, _safe_assign
from sklearn.utils._response import _get_response_values
from sklearn.utils.validation import check_is_fitted


def accumulated_local_effects(
    estimator: Any,
    X: Any,
    feature: Any,
    *,
    grid_resolution: int = 40,
    response_method: str = "auto",
) -> Bunch:
    r"""Accumulated local effects of a column: how the prediction changes as its value grows.

    .. math:: \mathrm{ALE}(z_k) = \sum_{b=1}^{k} \frac{1}{n_b} \sum_{i:\,x_{ij} \in (z_{b-1}, z_b]}
        \bigl(f(z_b, x_{i, \setminus j}) - f(z_{b-1}, x_{i, \setminus j})\bigr) - c

    where the constant c makes the mean over the rows zero.  Unlike partial dependence it never asks
    the model about rows far from the data, so columns that go together do not lead it astray.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor, of any kind.
    X : array-like or data frame of shape (n_samples, n_features)
        Rows.
    feature : int or str
        The column, of numbers; rows where it is missing take no part.
    grid_resolution : int, default=40
        Most intervals (1 or more); their borders are quantiles of the column.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What is predicted, for classifiers.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        ``average`` of shape (n_outputs, n_borders): the effects at the borders; ``grid_values``:
        a list of one array, the borders; ``counts`` of shape (n_borders - 1,): rows of each
        interval.

    Raises
    ------
    ValueError
        If the column is no number or has a single value.

    Notes
    -----
    Two predictions of all rows.

    References
    ----------
    Apley, Zhu, "Visualizing the effects of predictor variables in black box supervised learning
    models", *Journal of the Royal Statistical Society B* 82(4), 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.linear_model import LinearRegression
    >>> from smelt.inspection import accumulated_local_effects
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LinearRegression().fit(X, y)
    >>> found = accumulated_local_effects(model, X, 2)
    >>> rise = (found.average[0, -1] - found.average[0, 0]) / (X[:, 2].max() - X[:, 2].min())
    >>> bool(abs(rise - model.coef_[2]) < 1e-6)
    True
    """
    check_is_fitted(estimator)
    if not (is_classifier(estimator) or is_regressor(estimator)):
        raise ValueError("'estimator' must be a fitted regressor or classifier.")
    if grid_resolution < 1:
        raise ValueError(f"grid_resolution must be 1 or more, got {grid_resolution}")
    X = X if hasattr(X, "shape") else np.asarray(X)
    (column,) = np.ravel(_get_column_indices(X, [feature]))
    try:
        x = np.asarray(_safe_indexing(X, column, axis=1), dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise ValueError(f"the column {feature!r} does not hold numbers") from None
    x_is_whole = np.asarray(_safe_indexing(X, column, axis=1)).dtype.kind in "iub"
    present = np.flatnonzero(~np.isnan(x))
    if np.isinf(x).any():
        raise ValueError(f"the column {feature!r} holds infinity")
    x, X = x[present], _safe_indexing(X, present, axis=0)
    # 1. Borders: quantiles of the column, each once; whole numbers stay whole.
    shares = np.linspace(0, 1, grid_resolution + 1)
    method: Any = "inverted_cdf" if x_is_whole else "linear"
    borders = np.unique(np.quantile(x, shares, method=method)) if len(x) else x
    if len(borders) < 2:
        raise ValueError(f"the column {feature!r} needs at least two different values")
    interval = np.clip(np.searchsorted(borders, x, side="left") - 1, 0, len(borders) - 2)
    # 2. What each row gains from the lower to the upper border of its interval.
    if response_method == "auto":
        regressor = is_regressor(estimator)
        response: Any = "predict" if regressor else ["predict_proba", "decision_function"]
    else:
        response = response_method
    answers = []
    for ends in (borders[1:][interval], borders[:-1][interval]):
        rows = _safe_indexing(X, np.arange(len(x)), axis=0)
        _safe_assign(rows, ends.astype(int) if x_is_whole else ends, column_indexer=column)
        found, _ = _get_response_values(estimator, rows, response_method=response)
        answers.append(np.asarray(found, dtype=np.float64).reshape(len(x), -1))
    gains = answers[0] - answers[1]
    if is_classifier(estimator) and gains.shape[1] == 2:
        gains = gains[:, 1:]
    # 3. Mean gains of the intervals, accumulated; the mean over the rows becomes zero.
    counts = np.bincount(interval, minlength=len(borders) - 1)
    sums = np.stack([np.bincount(interval, gain, len(counts)) for gain in gains.T])
    effects = np.cumsum(sums / np.maximum(counts, 1), axis=1)
    effects = np.concatenate([np.zeros((len(effects), 1)), effects], axis=1)
    middle = (effects[:, 1:] + effects[:, :-1]) / 2
    effects -= (middle @ counts / counts.sum())[:, None]
    return Bunch(average=effects, grid_values=[borders], counts=counts)
