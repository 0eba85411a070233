"""Bad input of trees, forests, boosting: an error that says what is wrong, no wrong model."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from smelt.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRanker,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from smelt.inspection import (
    TreeExplainer,
    accumulated_local_effects,
    feature_importances,
    partial_dependence,
)
from smelt.linear_model import LogisticRegression
from smelt.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeRegressor,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] + 0.1 * RNG.normal(size=60)
CLASSES = (Y > 0).astype(int)

REGRESSORS = [
    HistGradientBoostingRegressor(max_iter=3),
    DecisionTreeRegressor(),
    ExtraTreeRegressor(),
    RandomForestRegressor(3),
    ExtraTreesRegressor(3),
    AdaBoostRegressor(n_estimators=3),
    BaggingRegressor(n_estimators=3),
]
CLASSIFIERS = [
    HistGradientBoostingClassifier(max_iter=3),
    DecisionTreeClassifier(),
    RandomForestClassifier(3),
    ExtraTreesClassifier(3),
]


def name(model):
    return type(model).__name__


@pytest.mark.parametrize("model", REGRESSORS, ids=name)
def test_none_among_the_targets_is_a_missing_target(model):
    y = Y.astype(object)
    y[4] = None
    with pytest.raises(ValueError, match="Input y contains NaN"):
        clone(model).fit(X, y)


@pytest.mark.parametrize("model", [*REGRESSORS, *CLASSIFIERS, LogisticRegression()], ids=name)
def test_arrays_that_run_backwards_or_have_odd_strides(model):
    y = CLASSES if model in CLASSIFIERS or isinstance(model, LogisticRegression) else Y
    memory = np.zeros(60 * 25 + 8, dtype=np.uint8)
    odd = np.ndarray((60, 3), dtype=np.float64, buffer=memory, offset=4, strides=(25, 8))
    odd[:] = X
    if hasattr(model, "random_state"):
        model = clone(model).set_params(random_state=0)
    expected = model.fit(X.copy(), y).predict(X)
    np.testing.assert_array_equal(model.fit(odd, y).predict(odd), expected)
    backwards = np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
    np.testing.assert_array_equal(model.fit(backwards, y).predict(backwards), expected)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name)
def test_class_weights_that_leave_no_weight(model):
    nothing = clone(model).set_params(class_weight={0: 0, 1: 0})
    with pytest.raises(ValueError, match="at least one non-zero number"):
        nothing.fit(X, CLASSES)
    half = clone(model).set_params(class_weight={0: 0, 1: 1})
    with pytest.raises(ValueError, match="together with class_weight all are 0"):
        half.fit(X, CLASSES, sample_weight=(CLASSES == 0).astype(float))


@pytest.mark.parametrize("model", [RandomForestClassifier(3), RandomForestRegressor(3)], ids=name)
def test_rows_are_not_drawn_by_negative_weights(model):
    weight = np.ones(60)
    weight[3] = -1
    with pytest.raises(ValueError, match="not non-negative"):
        clone(model).fit(X, CLASSES, weight)
    clone(model).set_params(bootstrap=False).fit(X, CLASSES, weight)  # as in scikit-learn


@pytest.mark.parametrize("model", [REGRESSORS[0], CLASSIFIERS[0]], ids=name)
def test_after_a_fit_that_failed_nothing_is_fitted(model):
    model = clone(model)
    with pytest.raises(ValueError):
        model.fit(X, np.full(60, np.nan))
    for ask in (model.predict, lambda X: list(model.staged_predict(X)), lambda X: model.n_iter_):
        with pytest.raises(NotFittedError):
            ask(X)


def table(letters, seed):
    rng = np.random.default_rng(seed)
    words = pd.Categorical(rng.choice(list(letters), 60))
    return pd.DataFrame({"x": rng.normal(size=60), "c": words})


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(max_iter=5),
        HistGradientBoostingClassifier(max_iter=5, high_cardinality="ordered", max_bins=3),
        HistGradientBoostingRanker(max_iter=5),
        DecisionTreeRegressor(categorical_features="from_dtype"),
        RandomForestClassifier(3, categorical_features="from_dtype"),
        ExtraTreesRegressor(3),
        BaggingRegressor(n_estimators=3),
        AdaBoostRegressor(n_estimators=3),
        IsolationForest(n_estimators=3),
    ],
    ids=name,
)
def test_a_fit_that_fails_leaves_a_fitted_model_as_it_was(model):
    rows, others = table("abcd", 0), table("dbaz", 1)
    y = np.arange(60) % 3
    if not (hasattr(model, "categorical_features") and model.categorical_features is not None):
        rows, others = X, np.c_[X, X]
    expected = model.fit(rows, y).predict(rows)
    weight = np.ones(60)
    weight[7] = np.nan  # found out late
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        model.fit(others, y, weight)
    np.testing.assert_array_equal(model.predict(rows), expected)
    assert model.n_features_in_ == rows.shape[1]


def test_weights_that_add_up_to_nothing():
    weight = np.where(np.arange(60) % 2, -1.0, 1.0)
    with pytest.raises(ValueError, match="add up to 0"):
        HistGradientBoostingRegressor().fit(X, Y, weight)


def test_queries_without_an_id():
    qid = np.repeat(np.arange(6.0), 10)
    qid[:10] = np.nan
    with pytest.raises(ValueError, match="qid contains NaN"):
        HistGradientBoostingRanker().fit(X, np.arange(60) % 4, qid=qid)


@pytest.mark.parametrize(
    ("parameters", "options", "error", "message"),
    [
        ({"monotonic_cst": np.eye(3)}, {}, ValueError, "one number for each feature"),
        ({}, {"eval_set": 3}, ValueError, "eval_set must be a list"),
        ({}, {"callbacks": [3]}, TypeError, "callbacks must be functions, got 3"),
    ],
    ids=str,
)
def test_choices_of_boosting(parameters, options, error, message):
    with pytest.raises(error, match=message):
        HistGradientBoostingRegressor(**parameters).fit(X, Y, **options)


def test_explanations():
    model = HistGradientBoostingRegressor(max_iter=3).fit(X, Y)
    infinite = X.copy()
    infinite[0, 0] = np.inf
    with pytest.raises(ValueError, match="holds infinity"):
        accumulated_local_effects(model, infinite, 0)
    with pytest.raises(ValueError, match="no row"):
        partial_dependence(model, X[:0], [0])
    with pytest.raises(ValueError, match="names no column"):
        partial_dependence(model, X, [])
    with pytest.raises(ValueError, match="at least one non-zero number"):
        feature_importances(model, "shap", X=X, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="0 sample"):
        TreeExplainer(model, data=X[:0])


def test_infinity_at_prediction_names_the_table():
    model = BaggingClassifier(random_state=0).fit(X, CLASSES)
    infinite = X.copy()
    infinite[2, 1] = np.inf
    for table in (infinite, sp.csr_matrix(infinite)):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            model.predict(table)
