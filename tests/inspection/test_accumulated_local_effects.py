"""Accumulated local effects: linear models, the formula, categories aside, bad input."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes

from smelt.ensemble import HistGradientBoostingClassifier
from smelt.inspection import accumulated_local_effects
from smelt.linear_model import LinearRegression

X, Y = load_diabetes(return_X_y=True)


class Product(RegressorMixin, BaseEstimator):
    """Predicts the product of two columns."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return X[:, 0] * X[:, 1]


def test_a_linear_model_gives_lines_of_its_coefficients():
    model = LinearRegression().fit(X, Y)
    for column in (0, 2, 9):
        found = accumulated_local_effects(model, X, column, grid_resolution=10)
        borders = found.grid_values[0]
        slope = np.diff(found.average[0]) / np.diff(borders)
        np.testing.assert_allclose(slope, model.coef_[column], rtol=1e-8)
        assert found.counts.sum() == len(X) and borders[0] == X[:, column].min()
        middle = (found.average[0, 1:] + found.average[0, :-1]) / 2
        assert abs(middle @ found.counts) < 1e-8


def test_columns_that_go_together_do_not_lead_astray():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, 4000)
    rows = np.c_[x, x]
    found = accumulated_local_effects(Product().fit(rows, x), rows, 0, grid_resolution=50)
    # The effect of x0 alone where x1 = x0: the integral of x1 over x0.
    borders = found.grid_values[0]
    expected = (borders**2 - borders[0] ** 2) / 2
    np.testing.assert_allclose(found.average[0] - found.average[0, 0], expected, atol=2e-3)


def test_classes_missing_values_whole_numbers_and_frames():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    K = (Y > 100).astype(int) + (Y > 200)
    rows = X.copy()
    rows[::7, 2] = np.nan
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, K)
    found = accumulated_local_effects(model, rows, 2)
    assert found.average.shape == (3, len(found.grid_values[0]))
    assert found.counts.sum() == np.isfinite(rows[:, 2]).sum()
    np.testing.assert_allclose(found.average.sum(axis=0), 0, atol=1e-12)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, K > 0)
    assert len(accumulated_local_effects(model, rows, 2).average) == 1
    frame = pd.DataFrame({"a": X[:, 2], "n": np.arange(len(X)) % 7})
    model = LinearRegression().fit(frame, Y)
    found = accumulated_local_effects(model, frame, "n")
    np.testing.assert_array_equal(found.grid_values[0], np.arange(7))
    np.testing.assert_allclose(np.diff(found.average[0]), model.coef_[1])


def test_bad_input_is_named():
    model = LinearRegression().fit(X, Y)
    with pytest.raises(ValueError, match="two different values"):
        accumulated_local_effects(model, np.zeros((5, 10)), 0)
    with pytest.raises(ValueError, match="grid_resolution"):
        accumulated_local_effects(model, X, 0, grid_resolution=0)
    with pytest.raises(ValueError, match="must be in"):
        accumulated_local_effects(model, X, 10)
    words = np.full((5, 10), "a", dtype=object)
    with pytest.raises(ValueError, match="does not hold numbers"):
        accumulated_local_effects(model, words, 0)
