"""Importances of all kinds: what they count, order of the columns, bad input."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance

import smelt
from smelt.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from smelt.inspection import TreeExplainer, feature_importances
from smelt.tree import DecisionTreeClassifier

X, Y = load_diabetes(return_X_y=True)


def boosted(**settings):
    return HistGradientBoostingRegressor(max_iter=10, random_state=0, **settings).fit(X, Y)


def test_kinds_count_what_they_say():
    model = boosted()
    trees = model.trees_
    inner = trees["left"] > 0
    for kind, weights in (("gain", trees["gain"]), ("split", np.ones(len(inner)))):
        sums = np.zeros(10)
        np.add.at(sums, trees["feature"][inner], weights[inner])
        found = feature_importances(model, kind, normalize=False)
        np.testing.assert_allclose(found, sums)
        np.testing.assert_allclose(feature_importances(model, kind), sums / sums.sum())
    values = np.abs(TreeExplainer(model).shap_values(X)).mean(axis=0)
    found = feature_importances(model, "shap", X=X, normalize=False)
    np.testing.assert_allclose(found, values)
    settings = {"n_repeats": 3, "random_state": 0}
    found = feature_importances(model, "permutation", X=X, y=Y, **settings)
    expected = permutation_importance(model, X, Y, **settings).importances_mean
    np.testing.assert_array_equal(found, expected)


def test_forests_and_several_outputs():
    forest = RandomForestRegressor(5, random_state=0).fit(X, Y)
    np.testing.assert_allclose(feature_importances(forest), forest.feature_importances_)
    splits = sum((tree.tree_.feature == 2).sum() for tree in forest)
    assert feature_importances(forest, "split", normalize=False)[2] == splits
    tree = DecisionTreeClassifier(max_depth=4).fit(X, Y > 140)
    weight = np.arange(len(X))
    values = np.abs(TreeExplainer(tree).shap_values(X)).mean(axis=2)
    found = feature_importances(tree, "shap", X=X, sample_weight=weight, normalize=False)
    np.testing.assert_allclose(found, np.average(values, axis=0, weights=weight))
    constant = DecisionTreeClassifier().fit(X, np.zeros(len(X)))
    np.testing.assert_array_equal(feature_importances(constant, "split"), np.zeros(10))


def test_columns_of_a_frame_with_categories_keep_their_order():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(X, columns=list("abcdefghij"))
    frame["i"] = pd.Categorical(pd.cut(frame["i"], 12, labels=list("lkjihgfedcba")))
    model = HistGradientBoostingRegressor(max_iter=10, random_state=0).fit(frame, Y)
    gain = feature_importances(model)
    assert set(np.argsort(gain)[-2:]) == {2, 8}


def test_bad_input_is_named():
    model = boosted()
    with pytest.raises(ValueError, match="kind must be one of"):
        feature_importances(model, "weight")
    with pytest.raises(ValueError, match="pass X"):
        feature_importances(model, "shap")
    with pytest.raises(ValueError, match="pass y"):
        feature_importances(model, "permutation", X=X)
    with pytest.raises(ValueError, match="no tree model"):
        feature_importances(smelt.linear_model.Ridge().fit(X, Y))
    with pytest.raises(NotFittedError):
        feature_importances(RandomForestRegressor())
    with pytest.raises(NotFittedError):
        feature_importances(RandomForestRegressor(), "permutation", X=X, y=Y)
