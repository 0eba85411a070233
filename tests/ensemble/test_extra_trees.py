"""Extremely randomised trees: scikit-learn's trees, the twin."""

import numpy as np
import pytest
from sklearn import ensemble as theirs
from sklearn.datasets import load_diabetes, load_iris

import smelt
from smelt.ensemble import ExtraTreesClassifier, ExtraTreesRegressor


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB")
@pytest.mark.parametrize("settings", [{}, {"bootstrap": True, "oob_score": True}, {"max_depth": 3}])
def test_classifier_is_scikit_learns_and_the_twins(settings):
    X, y = load_iris(return_X_y=True)
    settings = {"n_estimators": 8, "random_state": 0, **settings}
    ours = ExtraTreesClassifier(**settings).fit(X, y)
    other = theirs.ExtraTreesClassifier(**settings).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-12)
    if "oob_score" in settings:
        np.testing.assert_allclose(ours.oob_decision_function_, other.oob_decision_function_)
    with smelt.config(engine="plain"):
        twin = ExtraTreesClassifier(**settings).fit(X, y)
    np.testing.assert_array_equal(twin.nodes_["threshold"], ours.nodes_["threshold"])


def test_regressor_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    settings = {"n_estimators": 8, "random_state": 0, "min_samples_leaf": 10}
    ours = ExtraTreesRegressor(**settings).fit(X, y)
    other = theirs.ExtraTreesRegressor(**settings).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
