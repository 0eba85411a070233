"""Cross-fitting of boosting (``n_folds``) and the settings of ``accurate()``."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import StratifiedKFold, train_test_split

import smelt
from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRanker,
    HistGradientBoostingRegressor,
    _cross_fitting,
)
from smelt.ensemble._cross_fitting import ACCURATE, automatic_rate
from smelt.inspection import TreeExplainer

X, Y = load_diabetes(return_X_y=True)
SETTINGS = {"max_iter": 40, "n_folds": 3, "random_state": 0}


def test_the_model_is_the_mean_of_a_model_a_fold():
    X, y = load_breast_cancer(return_X_y=True)
    model = HistGradientBoostingClassifier(**SETTINGS, n_iter_no_change=5).fit(X, y)
    parts = StratifiedKFold(3, shuffle=True, random_state=model._random_seed).split(X, y)
    raw, kept = [], []
    for train, held in parts:
        one = HistGradientBoostingClassifier(max_iter=40, random_state=0, n_iter_no_change=5)
        one.fit(X[train], y[train], eval_set=[(X[held], y[held])])
        raw.append(one.decision_function(X))
        kept.append(one.n_iter_)
    np.testing.assert_allclose(model.decision_function(X), np.mean(raw, axis=0), rtol=1e-9)
    assert model.fold_iterations_ == kept
    assert model.n_iter_ == sum(kept)
    assert list(model.evals_result_) == ["fold_0", "fold_1", "fold_2"]
    assert not hasattr(model, "best_iteration_")


def test_it_is_an_ensemble_like_any_other(tmp_path):
    model = HistGradientBoostingRegressor(**SETTINGS).fit(X, Y)
    smelt.save(model, tmp_path / "model.smelt")
    again = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    *_, last = model.staged_predict(X)
    np.testing.assert_allclose(last, model.predict(X), rtol=1e-9)
    found = TreeExplainer(model)(X[:20])
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base_values, model.predict(X[:20]))


def test_seeds_threads_and_weights():
    weight = np.random.default_rng(0).integers(0, 3, len(Y)).astype(float)
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = clone(HistGradientBoostingRegressor(**SETTINGS))
            found.append(model.fit(X, Y, sample_weight=weight).predict(X))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    alike = HistGradientBoostingRegressor(**SETTINGS).fit(X, Y, sample_weight=np.ones(len(Y)))
    np.testing.assert_allclose(
        alike.predict(X), HistGradientBoostingRegressor(**SETTINGS).fit(X, Y).predict(X)
    )


def test_one_fold_is_one_model_stopped_by_left_out_rows():
    model = HistGradientBoostingRegressor(n_folds=1, max_iter=300, random_state=0).fit(X, Y)
    (losses,) = model.evals_result_["fold_0"].values()
    assert model.fold_iterations_ == [int(np.argmin(losses)) + 1] == [model.n_iter_]
    every = HistGradientBoostingRegressor(**SETTINGS, early_stopping=False).fit(X, Y)
    assert every.fold_iterations_ == [40, 40, 40]


def test_accurate_is_more_so_than_the_defaults():
    model = HistGradientBoostingClassifier.accurate(max_depth=4)
    assert model.max_depth == 4
    assert {name: getattr(model, name) for name in ACCURATE} == ACCURATE
    parts = train_test_split(X, Y, random_state=0, test_size=0.4)
    scores = []
    for kind in (HistGradientBoostingRegressor.accurate, HistGradientBoostingRegressor):
        scores.append(kind(random_state=0).fit(parts[0], parts[2]).score(parts[1], parts[3]))
    assert scores[0] > scores[1] + 0.03


def test_the_automatic_rate_follows_the_rows(monkeypatch, tmp_path):
    rates = [automatic_rate(n) for n in (10, 100_000, 150_000, 300_000, 400_000, 10_000_000)]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.075, 0.15, 0.2, 0.2])
    monkeypatch.setattr(_cross_fitting, "MOST_ROWS", len(X) // 2)
    model = HistGradientBoostingRegressor.accurate(max_iter=30, random_state=0).fit(X, Y)
    assert model.learning_rate_ == 0.1
    assert model.learning_rate == "auto"
    assert len(model.fold_iterations_) == 1  # above the same number of rows
    given = clone(model).set_params(learning_rate=0.1).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), given.predict(X))
    smelt.save(model, tmp_path / "model.smelt")
    again = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for kind, rate in (
        (HistGradientBoostingRegressor, "fast"),
        (HistGradientBoostingRanker, "auto"),
    ):
        with pytest.raises(ValueError, match="'learning_rate' parameter"):
            kind(learning_rate=rate).fit(X, np.ones(len(X), dtype=int))


def test_classes_too_few_for_folds():
    X, y = load_iris(return_X_y=True)
    y = np.where(np.arange(150) == 3, 7, y)  # a class of one row
    model = HistGradientBoostingClassifier(**SETTINGS).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.score(X, y) > 0.9


def test_a_loss_of_ones_own_stops_by_a_metric():
    def squared(y, raw):
        return raw - y, np.ones_like(y)

    model = HistGradientBoostingRegressor(squared, learning_rate=0.2, **SETTINGS)
    model.fit(X, Y, eval_metric="rmse")
    assert model.score(X, Y) > 0.5


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        ({"warm_start": True}, {}, "does not go with warm_start"),
        ({"scoring": "r2"}, {}, "a scoring other than"),
        ({"drop_rate": 0.1}, {}, "DART"),
        ({"n_folds": 500}, {}, "at most the number of rows, 442"),
        ({"n_folds": 0}, {}, "'n_folds' parameter"),
        ({}, {"eval_set": [(X, Y)]}, "does not go with eval_set"),
        ({}, {"X_val": X, "y_val": Y}, "does not go with eval_set, X_val"),
        ({}, {"init_model": HistGradientBoostingRegressor(max_iter=2).fit(X, Y)}, "init_model"),
    ],
)
def test_what_folds_do_not_go_with(settings, options, message):
    model = HistGradientBoostingRegressor(**{**SETTINGS, **settings})
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, **options)


def test_batches_are_refused():
    with pytest.raises(ValueError, match="n_folds needs the rows in memory"):
        HistGradientBoostingRegressor(n_folds=2).fit_batches([(X, Y)])
