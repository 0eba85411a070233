"""Bagging: scikit-learn's trees and answers, the twin, other members, files."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import ensemble as theirs
from sklearn import tree as their_trees
from sklearn.datasets import load_diabetes, load_iris

import smelt
from smelt.ensemble import BaggingClassifier, BaggingRegressor
from smelt.linear_model import LogisticRegression, Ridge
from smelt.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

SETTINGS = [
    {},
    {"max_features": 0.5},
    {"bootstrap": False, "max_samples": 0.5},
    {"bootstrap_features": True, "max_features": 3},
    {"oob_score": True, "n_estimators": 30},
    {"oob_score": True, "max_features": 0.6, "n_estimators": 30},
]


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB", "ignore:When fitting")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
def test_classifier_is_scikit_learns(settings, weighted):
    X, y = load_iris(return_X_y=True)
    y = np.array(["a", "b", "c"])[y]
    # A share of the rows is one of their weight, which stays below their number here.
    weight = np.random.default_rng(0).uniform(0.1, 1.0, len(y)) if weighted else None
    settings = {"random_state": 3, **settings}
    ours = BaggingClassifier(**settings).fit(X, y, weight)
    other = theirs.BaggingClassifier(**settings).fit(X, y, weight)
    np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-12)
    with np.errstate(divide="ignore"):
        expected = other.predict_log_proba(X)
    np.testing.assert_allclose(ours.predict_log_proba(X), expected, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    for one, two in zip(ours.estimators_, other.estimators_, strict=True):
        assert one.random_state == two.random_state
        np.testing.assert_array_equal(one.tree_.threshold, two.tree_.threshold)
    np.testing.assert_array_equal(ours.estimators_features_, other.estimators_features_)
    np.testing.assert_array_equal(ours.estimators_samples_, other.estimators_samples_)
    if "oob_score" in settings:
        assert ours.oob_score_ == other.oob_score_
        np.testing.assert_allclose(ours.oob_decision_function_, other.oob_decision_function_)


@pytest.mark.parametrize("settings", SETTINGS)
def test_regressor_is_scikit_learns(settings):
    X, y = load_diabetes(return_X_y=True)
    X = X + 1e-6 * np.random.default_rng(0).standard_normal(X.shape)  # no two cuts the same
    settings = {"random_state": 3, **settings}
    ours = BaggingRegressor(DecisionTreeRegressor(min_samples_leaf=20), **settings).fit(X, y)
    member = their_trees.DecisionTreeRegressor(min_samples_leaf=20)
    other = theirs.BaggingRegressor(member, **settings).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
    if "oob_score" in settings:
        assert ours.oob_score_ == pytest.approx(other.oob_score_)


@pytest.mark.parametrize("settings", SETTINGS[:4])
@pytest.mark.parametrize(
    "member", [None, ExtraTreeClassifier(), DecisionTreeClassifier(max_bins=9)]
)
def test_twin_grows_the_same_trees(settings, member):
    X, y = load_iris(return_X_y=True)
    settings = {"random_state": 1, "n_estimators": 4, **settings}
    ours = BaggingClassifier(member, **settings).fit(X, y)
    with smelt.config(engine="plain"):
        twin = BaggingClassifier(member, **settings).fit(X, y)
    for name in ("feature", "threshold", "value", "tree_columns", "offsets"):
        np.testing.assert_allclose(ours.nodes_[name], twin.nodes_[name], atol=1e-12, err_msg=name)


def test_warm_start_goes_on_as_scikit_learn_does():
    X, y = load_iris(return_X_y=True)
    answers = []
    for module in (theirs.BaggingClassifier, BaggingClassifier):
        model = module(n_estimators=3, warm_start=True, random_state=0).fit(X, y)
        answers.append(model.set_params(n_estimators=8).fit(X, y).predict_proba(X))
        assert len(model) == 8
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-12)
    with pytest.warns(UserWarning, match="Warm-start"):
        model.fit(X, y)
    with pytest.raises(ValueError, match="larger or equal"):
        model.set_params(n_estimators=2).fit(X, y)


def test_other_members_are_fitted_as_by_scikit_learn(tmp_path):
    X, y = load_iris(return_X_y=True)
    for member in (LogisticRegression(max_iter=500), their_trees.DecisionTreeClassifier()):
        ours = BaggingClassifier(member, n_estimators=3, random_state=0).fit(X, y)
        other = theirs.BaggingClassifier(member, n_estimators=3, random_state=0).fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(X), other.predict_proba(X))
        assert type(ours.estimators_[0]) is type(member)
    # From one kind of member to the other and back.
    ours.set_params(estimator=DecisionTreeClassifier(max_depth=2)).fit(X, y)
    assert type(ours.estimators_[0]) is DecisionTreeClassifier
    assert type(ours.set_params(estimator=member).fit(X, y)[0]) is type(member)
    ridge = BaggingRegressor(Ridge(), n_estimators=3, random_state=0).fit(X, y)
    smelt.save(ridge, tmp_path / "ridge.smelt")
    loaded = smelt.load(tmp_path / "ridge.smelt")
    np.testing.assert_array_equal(loaded.predict(X), ridge.predict(X))
    with pytest.raises(TypeError, match="no place"):
        smelt.save(BaggingRegressor(their_trees.DecisionTreeRegressor()), tmp_path / "no.smelt")


def test_trees_with_settings_of_their_own_go_through_files(tmp_path):
    X, y = load_iris(return_X_y=True)
    model = BaggingClassifier(DecisionTreeClassifier(max_depth=2), random_state=0).fit(X, y)
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.estimator.max_depth == 2 and len(loaded.estimators_) == 10


def test_several_targets_sparse_rows_and_missing_values():
    X, y = load_diabetes(return_X_y=True)
    both = np.stack([y, -y], axis=1)
    model = BaggingRegressor(random_state=0).fit(X, both)
    np.testing.assert_allclose(model.predict(X)[:, 1], -model.predict(X)[:, 0])
    few = np.where(np.abs(X) < 0.03, 0.0, X)
    dense = BaggingRegressor(random_state=0).fit(few, y)
    sparse = BaggingRegressor(random_state=0).fit(sp.csr_array(few), y)
    np.testing.assert_array_equal(dense.predict(few), sparse.predict(sp.csc_array(few)))
    X[::3, 0] = np.nan
    assert np.isfinite(BaggingRegressor(random_state=0).fit(X, y).predict(X)).all()


def test_bad_input_is_named():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="without replacement"):
        BaggingClassifier(bootstrap=False, max_samples=1000).fit(X, y)
    with pytest.raises(ValueError, match="max_features must be"):
        BaggingClassifier(max_features=5).fit(X, y)
    with pytest.raises(ValueError, match="bootstrap=True"):
        BaggingClassifier(bootstrap=False, oob_score=True).fit(X, y)
    with pytest.raises(ValueError, match="max_depth"):
        BaggingClassifier(DecisionTreeClassifier(max_depth=-1)).fit(X, y)
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        BaggingClassifier().fit(X, y)
