"""Isolation forests: scikit-learn's trees and scores, the twin, hyperplanes, files, bad input."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import ensemble as theirs
from sklearn.metrics import roc_auc_score

import smelt
from smelt.ensemble import IsolationForest


def problem(n_samples=2000, n_features=7, missing=True):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features))
    X[::5] = X[0]  # rows alike
    X[:, 2] = 1.0  # a constant column
    if missing:
        X[::7, 3] = np.nan
        X[:, 4] = np.nan
    return X, rng.integers(1, 5, n_samples).astype(float)


SETTINGS = [
    {},
    {"bootstrap": True},
    {"max_features": 0.5},
    {"max_features": 3, "max_samples": 0.3},
    {"max_samples": 1.0},
    {"max_samples": 10},
    {"contamination": 0.1},
]


@pytest.mark.filterwarnings("ignore:.*max_samples")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
def test_trees_and_scores_are_scikit_learns(settings, weighted):
    X, weight = problem()
    weight = weight if weighted else None
    settings = {"n_estimators": 12, "random_state": 3, **settings}
    ours = IsolationForest(**settings).fit(X, sample_weight=weight)
    other = theirs.IsolationForest(**settings).fit(X, sample_weight=weight)
    np.testing.assert_allclose(ours.score_samples(X), other.score_samples(X), rtol=1e-14)
    np.testing.assert_allclose(ours.score_samples(X[:5]), other.score_samples(X[:5]), rtol=1e-14)
    assert ours.offset_ == pytest.approx(other.offset_, rel=1e-14)
    assert ours.max_samples_ == other.max_samples_
    np.testing.assert_array_equal(ours.estimators_samples_, other.estimators_samples_)
    for mine, tree, columns, drawn in zip(
        ours.estimators_,
        other.estimators_,
        ours.estimators_features_,
        other.estimators_features_,
        strict=True,
    ):
        np.testing.assert_array_equal(columns, drawn)
        np.testing.assert_array_equal(mine.tree_.feature, tree.tree_.feature)
        np.testing.assert_array_equal(mine.tree_.threshold, tree.tree_.threshold)
        np.testing.assert_array_equal(mine.tree_.n_node_samples, tree.tree_.n_node_samples)
        inner = tree.tree_.children_left >= 0
        np.testing.assert_array_equal(
            mine.tree_.missing_go_to_left[inner], tree.tree_.missing_go_to_left[inner]
        )


@pytest.mark.parametrize("settings", [*SETTINGS, {"extension_level": 1}])
def test_twin_grows_the_same_trees(settings):
    X, weight = problem(300, missing="extension_level" not in settings)
    settings = {"n_estimators": 4, "random_state": 1, **settings}
    ours = IsolationForest(**settings).fit(X, sample_weight=weight)
    with smelt.config(engine="plain"):
        twin = IsolationForest(**settings).fit(X, sample_weight=weight)
        scores = twin.score_samples(X)
    assert ours.nodes_.keys() == twin.nodes_.keys()
    for name, values in ours.nodes_.items():
        np.testing.assert_allclose(values, twin.nodes_[name], rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(ours.score_samples(X), scores, rtol=1e-12)


@pytest.mark.parametrize("n_features", [1, 7, 20, 40, 100, 300])
def test_wide_and_narrow_rows_score_alike_in_any_layout(n_features):
    X = problem(600, max(n_features, 5))[0][:, :n_features].astype(np.float32)
    for max_samples in (64, 600):  # full binary trees, and deeper ones
        model = IsolationForest(n_estimators=7, max_samples=max_samples, random_state=0).fit(X)
        expected = np.concatenate([model.score_samples(row[None]) for row in X])
        np.testing.assert_array_equal(model.score_samples(X), expected)
        np.testing.assert_array_equal(model.score_samples(np.asfortranarray(X)), expected)
        np.testing.assert_array_equal(model.score_samples(X[::-1])[::-1], expected)


def test_warm_start_goes_on_as_scikit_learn_does():
    X, _ = problem()
    models = []
    for module in (theirs.IsolationForest, IsolationForest):
        model = module(n_estimators=3, warm_start=True, random_state=0).fit(X)
        models.append(model.set_params(n_estimators=8).fit(X))
    np.testing.assert_allclose(models[0].score_samples(X), models[1].score_samples(X), rtol=1e-14)
    assert len(models[1]) == len(models[1].estimators_) == 8
    with pytest.warns(UserWarning, match="Warm-start"):
        models[1].fit(X)
    with pytest.raises(ValueError, match="larger or equal"):
        models[1].set_params(n_estimators=2).fit(X)


def test_sparse_rows_score_as_dense_ones():
    X = np.where(problem(missing=False)[0] > 0.5, 1.5, 0.0)
    dense = IsolationForest(n_estimators=5, contamination=0.2, random_state=0).fit(X)
    sparse = IsolationForest(n_estimators=5, contamination=0.2, random_state=0)
    sparse.fit(sp.csr_array(X))
    assert sparse.offset_ == dense.offset_
    np.testing.assert_array_equal(sparse.score_samples(sp.csc_array(X)), dense.score_samples(X))


def test_hyperplanes_find_what_lies_between_two_groups():
    # Two groups on a diagonal; the outliers share each coordinate with one of the groups.
    rng = np.random.default_rng(0)
    groups = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(10, 1, (500, 2))])
    outliers = rng.normal((0, 10), 1, (20, 2))
    X = np.concatenate([groups, outliers])
    is_outlier = np.arange(len(X)) >= len(groups)
    scores = {
        level: IsolationForest(extension_level=level, random_state=0).fit(groups).score_samples(X)
        for level in (0, 1)
    }
    assert roc_auc_score(is_outlier, -scores[1]) > max(0.95, roc_auc_score(is_outlier, -scores[0]))


@pytest.mark.parametrize("level", [1, "full"])
def test_extended_forests_keep_the_promises(level, tmp_path):
    X, _ = problem(missing=False)
    scores = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = IsolationForest(n_estimators=9, extension_level=level, random_state=0).fit(X)
            scores.append(model.score_samples(X))
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(loaded.score_samples(X), scores[0])
    assert not hasattr(model, "estimators_")


def test_bad_input_is_named():
    X, _ = problem()
    X[3, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        IsolationForest().fit(X)
    X[3, 0] = 0.0
    with pytest.raises(ValueError, match="NaN"):
        IsolationForest(extension_level=1).fit(X)
    with pytest.raises(ValueError, match="extension_level"):
        IsolationForest(extension_level=7).fit(np.nan_to_num(X))
    with pytest.raises(ValueError, match="max_features"):
        IsolationForest(max_features=8).fit(X)
    with pytest.raises(ValueError, match="draws none"):
        IsolationForest(max_samples=1e-5).fit(X)
    with pytest.raises(ValueError, match="have a weight above 0"):
        IsolationForest().fit(X, sample_weight=np.arange(len(X)) < 9)
    with pytest.raises(ValueError, match="feature"):
        IsolationForest(n_estimators=2).fit(X).predict(X[:, 1:])
    with pytest.warns(UserWarning, match="greater than"):
        IsolationForest(n_estimators=2, max_samples=5000).fit(X)


def test_one_row_and_constant_rows():
    assert IsolationForest(n_estimators=3).fit([[1.0, 2.0]]).score_samples([[3.0, 4.0]]) == -0.5
    X = np.ones((50, 3))
    ours = IsolationForest(random_state=0).fit(X).score_samples(X)
    np.testing.assert_allclose(
        ours, theirs.IsolationForest(random_state=0).fit(X).score_samples(X), rtol=1e-14
    )
