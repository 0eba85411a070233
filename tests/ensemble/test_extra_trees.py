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


def table(n_samples, n_columns, missing=False, seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((n_samples, n_columns)).astype(np.float32)
    X[:, 0] = random.integers(0, 5, n_samples)  # few values: nothing to bin
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * random.standard_normal(n_samples) > 1).astype(int)
    if missing:
        X[random.random(X.shape) < 0.1] = np.nan
    return X, y + (X[:, 3] > 1)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_the_twin_grows_the_same_trees_on_bins(criterion, missing):
    X, y = table(300, 6, missing)
    settings = {"n_estimators": 3, "random_state": 1, "max_bins": 16, "criterion": criterion}
    ours = ExtraTreesClassifier(**settings).fit(X, y)
    with smelt.config(engine="plain"):
        twin = ExtraTreesClassifier(**settings).fit(X, y)
    for name in ("feature", "threshold", "children_left", "n_node_samples"):
        np.testing.assert_array_equal(twin.nodes_[name], ours.nodes_[name])
    np.testing.assert_array_equal(twin.predict_proba(X), ours.predict_proba(X))


@pytest.mark.parametrize("missing", [False, True])
def test_rows_are_predicted_where_they_were_grown(missing):
    X, y = table(5000, 30, missing)
    model = ExtraTreesClassifier(5, random_state=0, max_bins=32).fit(X, y)
    of_second = model.nodes_["threshold"][model.nodes_["feature"] == 1]
    assert len(np.unique(of_second)) <= 32
    # Every leaf holds as many rows as it was grown on.
    for tree, leaves in zip(model.estimators_, model.apply(X).T, strict=True):
        nodes, counts = np.unique(leaves, return_counts=True)
        np.testing.assert_array_equal(tree.tree_.n_node_samples[nodes], counts)


def test_bins_keep_the_accuracy_and_few_values_scikit_learns_trees():
    X, y = table(3000, 10)
    models = [
        ExtraTreesClassifier(30, random_state=0, max_bins=bins).fit(X[:2000], y[:2000])
        for bins in (None, 255)
    ]
    exact, binned = (model.score(X[2000:], y[2000:]) for model in models)
    assert abs(exact - binned) < 0.02
    X, y = load_iris(return_X_y=True)
    few = ExtraTreesClassifier(5, random_state=0, max_bins=255).fit(X, y)
    other = theirs.ExtraTreesClassifier(5, random_state=0).fit(X, y)
    np.testing.assert_allclose(few.predict_proba(X), other.predict_proba(X), atol=1e-12)


def test_regression_sparse_rows_and_threads_on_bins():
    import scipy.sparse as sp

    X, y = load_diabetes(return_X_y=True)
    X[np.abs(X) < 0.03] = 0.0
    settings = {"n_estimators": 6, "random_state": 0, "max_bins": 20}
    dense = ExtraTreesRegressor(**settings, n_jobs=1).fit(X, y)
    sparse = ExtraTreesRegressor(**settings, n_jobs=3).fit(sp.csr_matrix(X), y)
    np.testing.assert_array_equal(dense.nodes_["threshold"], sparse.nodes_["threshold"])
    np.testing.assert_array_equal(dense.predict(X), sparse.predict(sp.csr_matrix(X)))
    with pytest.raises(ValueError, match="max_bins"):
        ExtraTreesRegressor(max_bins=256).fit(X, y)
