"""Gradient boosting: equals its twin and scikit-learn to the last bit."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import ensemble as theirs
from sklearn.base import clone
from sklearn.inspection import partial_dependence
from threadpoolctl import threadpool_limits

import smelt
from smelt.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

EFFECTS = np.random.default_rng(5).normal(size=256)


def rows(n, seed=0):
    """Six columns: 1, 4 and 5 hold category codes; five per cent are missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    X[:, 1], X[:, 4] = rng.integers(0, 12, n), rng.integers(0, 180, n)
    X[:, 5] = rng.integers(3, 7, n)
    X[rng.random(X.shape) < 0.05] = np.nan
    return X


def target(X, seed=1):
    known = np.nan_to_num(X)
    codes = known.astype(int) % 256
    y = EFFECTS[codes[:, 1]] + 2 * EFFECTS[codes[:, 4]] + known[:, 0] * EFFECTS[codes[:, 5]]
    return y + 0.1 * np.random.default_rng(seed).normal(size=len(X))


def weights(n):
    return np.random.default_rng(3).random(n)


X, X_NEW = rows(4000), rows(2000, seed=9)
X_NEW[:40, 1], X_NEW[40:80, 4], X_NEW[80:90, 1] = 77, -3, 2.5  # categories never seen
Y = target(X)


def both(name, **parameters):
    return getattr(smelt.ensemble, name)(**parameters), getattr(theirs, name)(**parameters)


def fit_both(name, X, y, sample_weight=None, fit=None, **parameters):
    parameters = {"random_state": 0, "max_iter": 30, **parameters}
    ours, other = both(f"HistGradientBoosting{name}", **parameters)
    ours.fit(X, y, sample_weight, **(fit or {}))
    with threadpool_limits(1, user_api="openmp"):
        other.fit(X, y, sample_weight, **(fit or {}))
    return ours, other


def assert_same(ours, other, X):
    method = "predict_proba" if hasattr(ours, "classes_") else "predict"
    np.testing.assert_array_equal(getattr(ours, method)(X), getattr(other, method)(X))
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    assert ours.n_iter_ == other.n_iter_
    assert ours.n_trees_per_iteration_ == other.n_trees_per_iteration_
    assert ours.do_early_stopping_ == other.do_early_stopping_
    np.testing.assert_allclose(ours.train_score_, other.train_score_, rtol=1e-13)
    np.testing.assert_allclose(ours.validation_score_, other.validation_score_, rtol=1e-13)
    if other.is_categorical_ is None:
        assert ours.is_categorical_ is None
    else:
        np.testing.assert_array_equal(ours.is_categorical_, other.is_categorical_)


REGRESSORS = [
    {},
    {"loss": "absolute_error"},
    {"loss": "quantile", "quantile": 0.2},
    {"loss": "poisson"},
    {"loss": "gamma"},
    {"max_leaf_nodes": None, "max_depth": 4, "l2_regularization": 1.5},
    {"max_features": 0.5, "random_state": 3},
    {"max_bins": 17, "min_samples_leaf": 3, "learning_rate": 0.4},
    {"monotonic_cst": [1, 0, -1, 1, 0, 0]},
    {"interaction_cst": [[0, 1], [1, 4, 5]]},
    {"interaction_cst": "no_interactions"},
    {"interaction_cst": "pairwise"},
    {"early_stopping": True, "n_iter_no_change": 2, "tol": 0.02, "learning_rate": 0.3},
    {"early_stopping": True, "validation_fraction": None, "n_iter_no_change": 2, "tol": 0.05},
    {"early_stopping": True, "scoring": "r2", "n_iter_no_change": 2, "tol": 0.02},
    {"early_stopping": True, "scoring": None, "n_iter_no_change": 2, "tol": 0.02},
    {"categorical_features": [1, 4, 5]},
    {"categorical_features": [False, True, False, False, True, False], "max_features": 0.7},
    {"categorical_features": [5], "monotonic_cst": [1, 0, 0, 0, -1, 0]},
    {"categorical_features": [1, 4, 5], "early_stopping": True, "loss": "absolute_error"},
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parameters", REGRESSORS, ids=str)
def test_regressor_equals_scikit_learn(parameters, weighted):
    y = np.exp(Y / 4) if parameters.get("loss") in ("poisson", "gamma") else Y
    weight = weights(len(X)) if weighted else None
    assert_same(*fit_both("Regressor", X, y, weight, **parameters), X_NEW)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"categorical_features": [1, 4], "early_stopping": True},
        {"class_weight": "balanced"},
        {"early_stopping": True, "scoring": "neg_log_loss", "n_iter_no_change": 2},
    ],
    ids=str,
)
def test_classifier_equals_scikit_learn(parameters, n_classes, weighted):
    y = np.digitize(Y, np.quantile(Y, [0.3, 0.6, 0.9][: n_classes - 1]))
    weight = weights(len(X)) if weighted else None
    assert_same(*fit_both("Classifier", X, y, weight, max_iter=15, **parameters), X_NEW)


def test_staged_answers_equal_scikit_learn():
    y = np.digitize(Y, [-1, 1])
    ours, other = fit_both("Classifier", X, y, max_iter=6)
    for name in ("staged_predict", "staged_predict_proba", "staged_decision_function"):
        pairs = zip(getattr(ours, name)(X_NEW), getattr(other, name)(X_NEW), strict=True)
        assert [np.array_equal(a, b) for a, b in pairs] == [True] * 6
    np.testing.assert_array_equal(ours.decision_function(X_NEW), other.decision_function(X_NEW))


def frame(X):
    table = pd.DataFrame(X, columns=list("abcdef"))
    names = table["b"].map(lambda code: None if np.isnan(code) else f"kind {code}")
    return table.assign(b=names.astype("category"), f=table["f"].astype("category"))


@pytest.mark.parametrize(
    "make", [frame, lambda X: pl.from_pandas(frame(X))], ids=["pandas", "polars"]
)
@pytest.mark.parametrize("features", ["from_dtype", ["b", "e"]], ids=str)
def test_frames_with_categories_equal_scikit_learn(make, features):
    ours, other = fit_both("Regressor", make(X), Y, categorical_features=features)
    assert_same(ours, other, make(X_NEW))
    assert list(ours.feature_names_in_) == list("abcdef")


def test_many_rows_are_binned_on_the_same_sample():
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(210_000, 2)), 4)
    y = X[:, 0] * X[:, 1]
    for weight in (None, rng.random(len(X))):
        parameters = {"max_iter": 3, "random_state": 1, "early_stopping": False}
        assert_same(*fit_both("Regressor", X, y, weight, **parameters), X[:1000])


def test_ties_are_broken_as_in_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(2000, 6)).astype(float)
    y = 1.0 * (X[:, 0] == 1) + (X[:, 1] == 2)
    doubled = np.hstack([X, X])
    assert_same(*fit_both("Regressor", doubled, y, max_leaf_nodes=5), np.hstack([X, -X]))
    assert_same(*fit_both("Regressor", X, y, categorical_features=[0, 1, 2]), X)


def test_warm_start_goes_on_as_in_scikit_learn():
    ours, other = both(
        "HistGradientBoostingRegressor",
        random_state=0, warm_start=True, max_features=0.6, early_stopping=False,
        categorical_features=[1, 4],
    )  # fmt: skip
    for n_iter in (4, 9):
        for model in (ours, other):
            with threadpool_limits(1, user_api="openmp"):
                model.set_params(max_iter=n_iter).fit(X, Y)
        assert_same(ours, other, X_NEW)
    with pytest.raises(ValueError, match="must be larger than or equal to"):
        ours.set_params(max_iter=3).fit(X, Y)


def test_given_validation_rows():
    fit = {"X_val": X_NEW, "y_val": target(X_NEW), "sample_weight_val": weights(len(X_NEW))}
    parameters = {"early_stopping": True, "n_iter_no_change": 2, "tol": 0.02}
    ours, other = fit_both("Regressor", X, Y, fit=fit, **parameters)
    assert_same(ours, other, X_NEW)
    assert len(ours.validation_score_) == ours.n_iter_ + 1
    for broken in ({"X_val": X_NEW}, {"y_val": Y}):
        with pytest.raises(ValueError, match="was not provided"):
            clone(ours).fit(X, Y, **broken)


TWINS = [
    (HistGradientBoostingRegressor, parameters)
    for parameters in [
        *REGRESSORS,
        {"max_features": 0.5, "subsample": 0.6},
        {"subsample": 0.5, "early_stopping": True, "categorical_features": [1]},
    ]
] + [
    (HistGradientBoostingClassifier, {}),
    (HistGradientBoostingClassifier, {"early_stopping": True, "categorical_features": [1, 4]}),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("kind", "parameters"), TWINS, ids=str)
def test_kernel_equals_twin(kind, parameters, weighted):
    n = 500
    y = np.digitize(Y[:n], [-1, 1]) if kind is HistGradientBoostingClassifier else Y[:n]
    y = np.exp(y / 4) if parameters.get("loss") in ("poisson", "gamma") else y
    weight = weights(n) if weighted else None
    settings = {"random_state": 0, "max_iter": 8, "min_samples_leaf": 5, **parameters}
    fast = kind(**settings).fit(X[:n], y, weight)
    with smelt.config(engine="plain"):
        plain = kind(**settings).fit(X[:n], y, weight)
        expected = plain._raw_predict(X_NEW)
    assert fast.n_iter_ == plain.n_iter_
    np.testing.assert_allclose(fast._raw_predict(X_NEW), expected, rtol=0, atol=1e-10)
    for name, array in plain.trees_.items():
        assert fast.trees_[name].dtype == array.dtype, name
        np.testing.assert_allclose(fast.trees_[name], array, rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
def test_same_bits_on_any_number_of_threads(kind):
    X, X_new = rows(30_000), rows(5000, seed=4)
    y = target(X) if kind == "Regressor" else np.digitize(target(X), [-1, 1])
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = getattr(smelt.ensemble, f"HistGradientBoosting{kind}")(
                max_iter=5, max_leaf_nodes=63, categorical_features=[1, 4], subsample=0.8,
                random_state=0,
            )  # fmt: skip
            found.append(model.fit(X, y, weights(len(X)))._raw_predict(X_new))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_one_row_a_few_and_many_agree():
    model = HistGradientBoostingRegressor(categorical_features=[1, 4], max_iter=20).fit(X, Y)
    many = model.predict(X_NEW)
    np.testing.assert_array_equal(many, [model.predict(row[None])[0] for row in X_NEW])
    np.testing.assert_array_equal(many[:20], model.predict(X_NEW[:20]))
    np.testing.assert_array_equal(many, model.predict(np.asfortranarray(X_NEW)))


def test_single_precision_is_read_as_it_is():
    narrow = X.astype(np.float32)
    a = HistGradientBoostingRegressor(max_iter=10).fit(narrow, Y)
    b = HistGradientBoostingRegressor(max_iter=10).fit(narrow.astype(np.float64), Y)
    np.testing.assert_array_equal(
        a.predict(X_NEW.astype(np.float32)), b.predict(X_NEW.astype(np.float32))
    )


def test_monotonic_constraint_holds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    model = HistGradientBoostingRegressor(monotonic_cst=[1, 0]).fit(X, y)
    line = np.linspace(-2, 2, 200)
    for other in (-1.0, 0.0, 1.0):
        values = model.predict(np.column_stack([line, np.full(200, other)]))
        assert (np.diff(values) >= 0).all()


def test_interactions_keep_features_apart():
    model = HistGradientBoostingRegressor(interaction_cst="no_interactions", max_iter=10)
    trees = model.fit(X, Y).trees_
    for start, stop in zip(trees["tree_offsets"][:-1], trees["tree_offsets"][1:], strict=True):
        inner = trees["left"][start:stop] > 0
        assert len(set(trees["feature"][start:stop][inner])) <= 1


def test_interaction_indices_name_the_columns_of_x_beside_categories():
    # scikit-learn counts the columns after it has moved the categorical ones to the front.
    model = HistGradientBoostingRegressor(
        interaction_cst=[[4, 5]], categorical_features=[4, 5], max_iter=10
    ).fit(X, Y)
    trees = model.trees_
    for start, stop in zip(trees["tree_offsets"][:-1], trees["tree_offsets"][1:], strict=True):
        used = set(trees["feature"][start:stop][trees["left"][start:stop] > 0])
        assert used <= {4, 5} or used <= {0, 1, 2, 3}


def test_leaves_minimise_the_loss():
    # With one leaf-wise step and no shrinkage each leaf of squared error is its rows' mean.
    model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1.0, max_leaf_nodes=8)
    answers = model.fit(X, Y).predict(X)
    assert len(np.unique(answers)) == 8
    for answer in np.unique(answers):
        assert Y[answers == answer].mean() == pytest.approx(answer, abs=1e-6)


def test_weights_count_rows():
    repeats = np.random.default_rng(0).integers(1, 4, len(X))
    settings = {"max_iter": 5, "max_bins": 200, "min_samples_leaf": 1, "early_stopping": False}
    codes = np.round(X[:, :3], 1)  # few distinct values: the bins are the same
    weighted = HistGradientBoostingRegressor(**settings).fit(codes, Y, repeats)
    repeated = HistGradientBoostingRegressor(**settings)
    repeated.fit(np.repeat(codes, repeats, axis=0), np.repeat(Y, repeats))
    np.testing.assert_allclose(
        weighted.predict(codes), repeated.predict(codes), rtol=1e-5, atol=1e-6
    )


def test_subsample_draws_rows_and_moves_all():
    model = HistGradientBoostingRegressor(
        subsample=0.5, max_iter=20, random_state=0, early_stopping=True, validation_fraction=None
    ).fit(X, Y)
    roots = model.trees_["tree_offsets"][:-1]
    assert (model.trees_["count"][roots] == len(X) // 2).all()
    # The rows not drawn got the trees' leaves too: the scores are those of the final model.
    assert -model.train_score_[-1] == pytest.approx(((model.predict(X) - Y) ** 2).mean() / 2)


def test_an_all_missing_column_does_no_harm():
    holed = X.copy()
    holed[:, 2] = np.nan
    model = HistGradientBoostingRegressor(max_iter=5).fit(holed, Y)
    assert not (model.trees_["feature"][model.trees_["left"] > 0] == 2).any()


def test_partial_dependence_and_pickle():
    model = HistGradientBoostingRegressor(max_iter=10).fit(X, Y)
    averages = partial_dependence(model, X[:200], [0], grid_resolution=5)["average"]
    assert averages.shape == (1, 5)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X_NEW), model.predict(X_NEW))


def test_class_weight_names_the_labels():
    labels = np.where(Y > 0, "yes", "no")
    named = HistGradientBoostingClassifier(class_weight={"yes": 3.0, "no": 1.0}, max_iter=5)
    weighted = HistGradientBoostingClassifier(max_iter=5)
    weighted.fit(X, labels, np.where(Y > 0, 3.0, 1.0))
    np.testing.assert_array_equal(
        named.fit(X, labels).predict_proba(X_NEW), weighted.predict_proba(X_NEW)
    )


def test_verbose_says_what_happens(capsys):
    HistGradientBoostingClassifier(max_iter=2, verbose=2, early_stopping=True).fit(X, Y > 0)
    text = capsys.readouterr().out
    assert "[1/2] 1 tree, " in text and "val loss: " in text and "Fit 2 trees in" in text


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({"loss": "gamma"}, Y, "strictly positive"),
        ({"loss": "poisson"}, Y, "non-negative"),
        ({"loss": "quantile"}, Y, "between 0 and 1"),
        ({"loss": "log_loss"}, Y, "'loss' parameter"),
        ({"learning_rate": 0.0}, Y, "'learning_rate' parameter"),
        ({"subsample": 1.5}, Y, "'subsample' parameter"),
        ({"monotonic_cst": [1, 0, 0, 0, 0]}, Y, "monotonic_cst has shape"),
        ({"monotonic_cst": [0, 1, 0, 0, 0, 0], "categorical_features": [1]}, Y, "cannot have"),
        ({"interaction_cst": [[0, 6]]}, Y, "integer indices"),
        ({"interaction_cst": [1, 2]}, Y, "sequence of tuples or lists"),
        ({"categorical_features": [6]}, Y, "must be in"),
        ({"categorical_features": ["b"]}, Y, "without feature names"),
        ({"categorical_features": [True]}, Y, "boolean mask must have shape"),
        (
            {"categorical_features": [4], "max_bins": 20, "high_cardinality": "error"},
            Y,
            "cardinality <= 20",
        ),
    ],
    ids=str,
)
def test_bad_input_is_named(parameters, y, message):
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**parameters).fit(X, y)
