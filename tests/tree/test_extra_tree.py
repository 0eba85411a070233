"""Trees that draw their thresholds: the twin and scikit-learn node for node."""

from collections import Counter

import numpy as np
import pytest
from sklearn import tree as theirs
from sklearn.datasets import load_diabetes

import smelt
from smelt.tree import DecisionTreeClassifier, ExtraTreeClassifier, ExtraTreeRegressor

from .test_decision_tree import SETTINGS, problem, same_tree


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("missing", [False, True])
def test_classifier_is_scikit_learns_and_the_twins(settings, missing):
    X, y, weight = problem(missing=missing)
    settings = {"random_state": 3, **settings}
    ours = ExtraTreeClassifier(**settings).fit(X, y, weight)
    same_tree(ours, theirs.ExtraTreeClassifier(**settings).fit(X, y, weight))
    with smelt.config(engine="plain"):
        same_tree(ours, ExtraTreeClassifier(**settings).fit(X, y, weight))


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
def test_regressor_is_scikit_learns(criterion):
    X, _, weight = problem()
    y = np.exp(X[:, 0] + 0.3 * X[:, 1])
    settings = {"criterion": criterion, "max_depth": 4, "min_samples_leaf": 10, "random_state": 0}
    ours = ExtraTreeRegressor(**settings).fit(X, y, weight)
    same_tree(ours, theirs.ExtraTreeRegressor(**settings).fit(X, y, weight), exact=False)


def test_splitters_can_be_exchanged():
    X, y, _ = problem()
    best = ExtraTreeClassifier(splitter="best", max_features=None, random_state=0).fit(X, y)
    same_tree(best, DecisionTreeClassifier(random_state=0).fit(X, y))
    drawn = DecisionTreeClassifier(splitter="random", max_features="sqrt", random_state=0)
    same_tree(drawn.fit(X, y), ExtraTreeClassifier(random_state=0).fit(X, y))


def test_bins_are_those_of_the_twin():
    X, y = load_diabetes(return_X_y=True)
    tree = ExtraTreeRegressor(random_state=0, max_bins=8, min_samples_leaf=5).fit(X, y)
    with smelt.config(engine="plain"):
        twin = ExtraTreeRegressor(random_state=0, max_bins=8, min_samples_leaf=5).fit(X, y)
    np.testing.assert_array_equal(tree.nodes_["threshold"], twin.nodes_["threshold"])
    cuts = tree.nodes_["feature"] >= 0
    of_each = zip(tree.nodes_["feature"][cuts], tree.nodes_["threshold"][cuts], strict=True)
    assert max(Counter(feature for feature, _ in set(of_each)).values()) <= 7
