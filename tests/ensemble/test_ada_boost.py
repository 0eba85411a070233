"""AdaBoost: scikit-learn's trees and answers, the twin, other members, files."""

import numpy as np
import pytest
from sklearn import ensemble as theirs
from sklearn.datasets import load_diabetes, load_iris

import smelt
from smelt.ensemble import AdaBoostClassifier, AdaBoostRegressor
from smelt.linear_model import LogisticRegression, Ridge
from smelt.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier


def problem(n_samples=600):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, 7))
    signal = X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.standard_normal(n_samples)
    return X, signal, rng.integers(0, 3, n_samples).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.3}, {"n_estimators": 5}])
@pytest.mark.parametrize("borders", [[0], [-1, 1]])
def test_classifier_is_scikit_learns(settings, weighted, borders):
    X, signal, weight = problem()
    weight = weight if weighted else None
    y = np.array(["a", "b", "c"])[np.digitize(signal, borders)]
    ours = AdaBoostClassifier(random_state=3, **settings).fit(X, y, weight)
    other = theirs.AdaBoostClassifier(random_state=3, **settings).fit(X, y, weight)
    np.testing.assert_allclose(ours.estimator_weights_, other.estimator_weights_, rtol=1e-9)
    np.testing.assert_allclose(ours.estimator_errors_, other.estimator_errors_, rtol=1e-9)
    np.testing.assert_allclose(ours.decision_function(X), other.decision_function(X), atol=1e-11)
    np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-11)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    np.testing.assert_allclose(ours.feature_importances_, other.feature_importances_, atol=1e-11)
    last = list(ours.staged_predict(X))[-1]
    np.testing.assert_array_equal(last, other.predict(X))
    for one, two in zip(ours.estimators_, other.estimators_, strict=True):
        assert one.random_state == two.random_state
        np.testing.assert_array_equal(one.tree_.threshold, two.tree_.threshold)


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
def test_regressor_is_scikit_learns(loss):
    # Stumps: deeper trees have small nodes, where rounding decides between cuts.
    X, y, weight = problem()
    settings = {"random_state": 3, "loss": loss, "n_estimators": 20, "learning_rate": 0.7}
    ours = AdaBoostRegressor(DecisionTreeRegressor(max_depth=1), **settings).fit(X, y, weight)
    from sklearn.tree import DecisionTreeRegressor as Theirs

    other = theirs.AdaBoostRegressor(Theirs(max_depth=1), **settings).fit(X, y, weight)
    assert len(ours) == len(other)
    np.testing.assert_allclose(ours.estimator_errors_, other.estimator_errors_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
    stages = zip(ours.staged_predict(X), other.staged_predict(X), strict=True)
    for one, two in stages:
        np.testing.assert_allclose(one, two, rtol=1e-9)


def test_deeper_regressors_are_as_good():
    X, y, _ = problem(3000)
    ours = AdaBoostRegressor(random_state=0).fit(X[:2000], y[:2000])
    other = theirs.AdaBoostRegressor(random_state=0).fit(X[:2000], y[:2000])
    score = other.score(X[2000:], y[2000:])
    assert ours.score(X[2000:], y[2000:]) == pytest.approx(score, abs=0.03)


MEMBERS = [None, ExtraTreeClassifier(max_depth=2), DecisionTreeClassifier(max_depth=2, max_bins=9)]


@pytest.mark.parametrize("member", MEMBERS)
def test_twin_grows_the_same_trees(member):
    X, signal, _ = problem(300)
    y = np.digitize(signal, [-1, 1])
    ours = AdaBoostClassifier(member, n_estimators=6, random_state=1).fit(X, y)
    with smelt.config(engine="plain"):
        twin = AdaBoostClassifier(member, n_estimators=6, random_state=1).fit(X, y)
    for name in ("feature", "threshold", "value", "offsets"):
        np.testing.assert_allclose(ours.nodes_[name], twin.nodes_[name], atol=1e-12, err_msg=name)
    np.testing.assert_allclose(ours.estimator_weights_, twin.estimator_weights_, rtol=1e-9)


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
def test_twin_of_the_regressor(loss):
    X, y, _ = problem(200)
    member = DecisionTreeRegressor(max_depth=1)
    ours = AdaBoostRegressor(member, n_estimators=6, loss=loss, random_state=1).fit(X, y)
    with smelt.config(engine="plain"):
        twin = AdaBoostRegressor(member, n_estimators=6, loss=loss, random_state=1).fit(X, y)
    np.testing.assert_allclose(ours.estimator_errors_, twin.estimator_errors_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(X), twin.predict(X), rtol=1e-9)


def test_a_perfect_member_is_the_last():
    X = np.arange(20.0)[:, None]
    model = AdaBoostClassifier().fit(X, X[:, 0] > 9)
    assert len(model) == 1 and model.estimator_weights_[0] == 1.0
    assert model.estimator_errors_[0] == 0.0
    np.testing.assert_array_equal(model.predict(X), X[:, 0] > 9)
    exact = AdaBoostRegressor(DecisionTreeRegressor()).fit(np.zeros((5, 1)), np.ones(5))
    assert len(exact) == 1 and exact.predict([[0.0]]) == 1.0


def test_worse_than_chance_is_refused():
    X, y = np.zeros((30, 2)), np.arange(30) % 3
    with pytest.raises(ValueError, match="worse than random"):
        AdaBoostClassifier().fit(X, y)


def test_other_members_are_fitted_as_by_scikit_learn(tmp_path):
    X, y = load_iris(return_X_y=True)
    weighted = DecisionTreeClassifier(max_depth=1, class_weight="balanced")
    for member in (LogisticRegression(max_iter=500), weighted):
        ours = AdaBoostClassifier(member, n_estimators=3, random_state=0).fit(X, y)
        other = theirs.AdaBoostClassifier(member, n_estimators=3, random_state=0).fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(X), other.predict_proba(X))
    smelt.save(ours, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(loaded.predict_proba(X), ours.predict_proba(X))
    X, y = load_diabetes(return_X_y=True)
    ridge = AdaBoostRegressor(Ridge(), n_estimators=3, random_state=0).fit(X, y)
    other = theirs.AdaBoostRegressor(Ridge(), n_estimators=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(ridge.predict(X), other.predict(X))


def test_bad_input_is_named():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="Negative values"):
        AdaBoostClassifier().fit(X, y, -np.ones(len(y)))
    with pytest.raises(ValueError, match="learning_rate"):
        AdaBoostClassifier(learning_rate=0.0).fit(X, y)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        AdaBoostClassifier().fit(X, y)
