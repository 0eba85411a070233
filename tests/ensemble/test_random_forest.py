"""Random forests: scikit-learn's trees, out-of-bag answers, warm start, the twin, bad input."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import ensemble as theirs
from sklearn.datasets import load_diabetes

import smelt
from smelt.ensemble import RandomForestClassifier, RandomForestRegressor


def problem(n=400, missing=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 8)).astype(np.float32)
    X[:, 5] = np.round(X[:, 5])
    y = ((X[:, 0] + X[:, 3] * X[:, 5] + rng.normal(size=n)) > 0).astype(int) + (X[:, 1] > 1)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, np.array(["a", "b", "c"])[y], rng.integers(0, 4, n).astype(float)


def pair(settings, X, y, weight=None, kind="Classifier"):
    ours = {"Classifier": RandomForestClassifier, "Regressor": RandomForestRegressor}[kind]
    settings = {"n_estimators": 8, "random_state": 2, **settings}
    return (
        ours(**settings, max_bins=None).fit(X, y, weight),
        getattr(theirs, f"RandomForest{kind}")(**settings).fit(X, y, weight),
    )


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB")
@pytest.mark.parametrize(
    "settings",
    [
        {"oob_score": True},
        {"bootstrap": False, "max_depth": 5},
        {"max_samples": 0.5, "oob_score": True},
        {"max_leaf_nodes": 20, "criterion": "entropy"},
        {"class_weight": "balanced", "max_depth": 4},
        {"ccp_alpha": 0.01},
        {"class_weight": "balanced_subsample", "max_depth": 2, "max_features": None},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_trees_are_scikit_learns(settings, weighted, missing):
    X, y, weight = problem(missing=missing)
    ours, other = pair(settings, X, y, weight if weighted else None)
    for a, b in zip(ours.estimators_, other.estimators_, strict=True):
        np.testing.assert_array_equal(a.tree_.feature, b.tree_.feature)
        np.testing.assert_array_equal(a.tree_.threshold, b.tree_.threshold)
    np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    np.testing.assert_array_equal(ours.apply(X), other.apply(X))
    np.testing.assert_allclose(ours.feature_importances_, other.feature_importances_, atol=1e-12)
    assert (ours.decision_path(X)[0] != other.decision_path(X)[0]).nnz == 0
    for a, b in zip(ours.estimators_samples_, other.estimators_samples_, strict=True):
        np.testing.assert_array_equal(a, b)
    if "oob_score" in settings:
        np.testing.assert_allclose(ours.oob_decision_function_, other.oob_decision_function_)
        assert ours.oob_score_ == other.oob_score_


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB")
def test_regressor_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    ours, other = pair({"oob_score": True, "min_samples_leaf": 20}, X, y, kind="Regressor")
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
    np.testing.assert_allclose(ours.oob_prediction_, other.oob_prediction_, rtol=1e-9)
    both = np.column_stack([y, -y])
    ours, other = pair({"min_samples_leaf": 20}, X, both, kind="Regressor")
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    "settings", [{}, {"max_bins": 32}, {"class_weight": "balanced_subsample", "max_depth": 2}]
)
def test_the_twin_grows_the_same_forest(settings):
    X, y, weight = problem(150)
    settings = {"n_estimators": 4, "random_state": 1, **settings}
    model = RandomForestClassifier(**settings).fit(X, y, weight)
    with smelt.config(engine="plain"):
        twin = RandomForestClassifier(**settings).fit(X, y, weight)
        np.testing.assert_allclose(twin.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(twin.nodes_["threshold"], model.nodes_["threshold"])


def test_warm_start_adds_trees():
    X, y, _ = problem()
    whole = RandomForestClassifier(10, random_state=0).fit(X, y)
    grown = RandomForestClassifier(4, random_state=0, warm_start=True).fit(X, y)
    grown.set_params(n_estimators=10).fit(X, y)
    np.testing.assert_array_equal(grown.nodes_["threshold"], whole.nodes_["threshold"])
    assert len(grown) == 10 and len(grown[3].tree_.feature) == len(
        grown.estimators_[3].tree_.feature
    )
    with pytest.warns(UserWarning, match="without increasing"):
        grown.fit(X, y)
    # Out-of-bag answers are made up for where they were not asked for before.
    with pytest.warns(UserWarning, match="without increasing"):
        grown.set_params(oob_score=True).fit(X, y)
    assert 0 < grown.oob_score_ <= 1
    with pytest.raises(ValueError, match="larger or equal"):
        grown.set_params(n_estimators=3).fit(X, y)


def test_bins_keep_the_accuracy():
    X, y, _ = problem(4000)
    scores = [
        RandomForestClassifier(20, random_state=0, oob_score=True, max_bins=bins)
        .fit(X, y)
        .oob_score_
        for bins in (None, 255)
    ]
    assert abs(scores[0] - scores[1]) < 0.02


def test_sparse_rows_and_files(tmp_path):
    X, y, _ = problem()
    X[X < 0] = 0
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    sparse = RandomForestClassifier(5, random_state=0).fit(sp.csr_matrix(X), y)
    np.testing.assert_array_equal(sparse.predict_proba(sp.csc_matrix(X)), model.predict_proba(X))
    smelt.save(model, tmp_path / "forest.smelt")
    loaded = smelt.load(tmp_path / "forest.smelt")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_bad_input_is_named():
    X, y, _ = problem()
    with pytest.raises(ValueError, match="bootstrap"):
        RandomForestClassifier(bootstrap=False, oob_score=True).fit(X, y)
    with pytest.raises(ValueError, match="max_sample"):
        RandomForestClassifier(bootstrap=False, max_samples=3).fit(X, y)
    with pytest.raises(ValueError, match="max_bins"):
        RandomForestClassifier(max_bins=1).fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        RandomForestClassifier().fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="negative"):
        RandomForestRegressor(criterion="poisson").fit(X, -X[:, 0])


def test_verbose_says_what_was_grown(capsys):
    X, y, _ = problem(100)
    RandomForestClassifier(3, verbose=1).fit(X, y)
    assert capsys.readouterr().out.startswith("3 trees grown in ")
