"""LogisticRegression: the twin, scikit-learn, the optimum, types, weights, threads, bad input."""

import signal
import threading
import time
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

import smelt
from smelt.linear_model import LogisticRegression

TIGHT = {"tol": 1e-13, "max_iter": 1000}


def problem(n_samples=300, n_features=6, n_classes=2, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features)) + 0.5
    scores = X @ rng.standard_normal((n_features, n_classes))
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    return X.astype(dtype), y, rng.uniform(0.2, 3, n_samples)


def gradient(model, X, y, weight=None, *, alpha):
    """Largest entry of the gradient of the mean objective at the fitted coefficients."""
    weight = np.ones(len(y)) if weight is None else weight
    P = model.predict_proba(X)
    R = (P - (y[:, None] == model.classes_)) * weight[:, None]
    R = R[:, 1:] if len(model.classes_) == 2 else R
    total = weight.sum()
    return max(
        np.abs((R.T @ X + alpha * model.coef_) / total).max(), np.abs(R.sum(axis=0) / total).max()
    )


def close(ours, theirs, atol):
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=atol)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 10.0, np.inf])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_equals_the_twin_and_scikit_learn(n_classes, C, fit_intercept, weighted, sparse):
    X, y, weight = problem(n_classes=n_classes)
    if sparse:
        X = sp.random_array(X.shape, density=0.6, rng=np.random.default_rng(1), format="csr")
    weight = weight if weighted else None
    model = LogisticRegression(C=C, fit_intercept=fit_intercept, **TIGHT).fit(X, y, weight)
    with smelt.config(engine="plain"):
        twin = clone(model).fit(X, y, weight)
    close(model, twin, 1e-10 if np.isfinite(C) else 1e-8)
    reference = Reference(
        C=C, fit_intercept=fit_intercept, solver="newton-cg", tol=1e-10, max_iter=2000
    ).fit(X, y, weight)
    shift = reference.coef_.mean(axis=0) if n_classes > 2 else 0.0
    np.testing.assert_allclose(model.coef_, reference.coef_ - shift, rtol=0, atol=2e-6)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("name", ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"])
def test_every_solver_reaches_the_same_optimum(name):
    X, y, _ = problem(n_classes=3)
    models = [LogisticRegression(solver=solver, **TIGHT).fit(X, y) for solver in (name, "lbfgs")]
    close(*models, 1e-9)


def test_liblinear_penalises_the_intercept():
    X, y, weight = problem()
    for scaling in (1.0, 10.0):
        options = {"solver": "liblinear", "intercept_scaling": scaling}
        model = LogisticRegression(**options, **TIGHT).fit(X, y, weight)
        close(model, Reference(**options, tol=1e-10, max_iter=10_000).fit(X, y, weight), 1e-6)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("n_samples", "n_features", "n_classes"),
    [(5000, 40, 2), (3000, 300, 2), (4000, 150, 3), (20_000, 8, 5), (300, 1300, 2)],
)
def test_gradient_is_zero_at_the_solution_for_every_shape(n_samples, n_features, n_classes, order):
    X, y, weight = problem(n_samples, n_features, n_classes)
    X = np.asarray(X, order=order)
    model = LogisticRegression(tol=1e-9, max_iter=1000).fit(X, y, weight)
    assert gradient(model, X, y, weight, alpha=1.0) < 2e-9
    model = LogisticRegression().fit(X, y, weight)
    assert gradient(model, X, y, weight, alpha=1.0) < 1e-4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_and_dense_agree(n_classes):
    X = sp.random_array((2000, 700), density=0.02, rng=np.random.default_rng(0), format="csr")
    y = problem(2000, 5, n_classes)[1]
    sparse = LogisticRegression(tol=1e-10, max_iter=1000).fit(X, y)
    dense = LogisticRegression(tol=1e-10, max_iter=1000).fit(X.toarray(), y)
    close(sparse, dense, 1e-6)
    assert gradient(sparse, X.toarray(), y, alpha=1.0) < 2e-10
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X.toarray()), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["mixed", "sorted", "periodic"])
def test_long_data_whose_sample_may_mislead(layout, dtype, n_classes):
    X, y, weight = problem(60_000, 8, n_classes, dtype=dtype)
    if layout == "sorted":
        order = np.lexsort((X[:, 0], y))
        X, y = X[order], y[order]
    if layout == "periodic":  # every 16th row, which makes the sample, is unlike the others
        X[::16] *= -3
    model = LogisticRegression(tol=1e-4 if dtype == np.float32 else 1e-10).fit(X, y, weight)
    assert gradient(model, X.astype(np.float64), y, weight, alpha=1.0) < (
        1e-4 if dtype == np.float32 else 2e-10
    )
    if dtype == np.float64:
        with smelt.config(engine="plain"):
            close(model, LogisticRegression(tol=1e-10).fit(X, y, weight), 1e-9)


def test_many_classes():
    X = problem(3000, 20)[0]
    y = np.arange(3000) % 120
    model = LogisticRegression(tol=1e-7, max_iter=500).fit(X, y)
    assert gradient(model, X, y, alpha=1.0) < 1e-7
    assert model.coef_.shape == (120, 20)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_features", [5, 200])
def test_float32_stays_float32(n_classes, n_features):
    X, y, _ = problem(2000, n_features, n_classes)
    single = LogisticRegression(tol=1e-5).fit(X.astype(np.float32), y)
    double = LogisticRegression(tol=1e-8).fit(X, y)
    for array in (single.coef_, single.intercept_, single.predict_proba(X.astype(np.float32))):
        assert array.dtype == np.float32
    close(single, double, 2e-2 if n_features == 200 else 1e-3)


@pytest.mark.parametrize("shape", [(30_000, 20, 2), (20_000, 200, 2), (20_000, 60, 4)])
def test_same_bits_on_any_number_of_threads(shape):
    X, y, weight = problem(*shape)
    for data in (X, X.astype(np.float32), sp.csr_matrix(np.where(X > 1.5, X, 0))):
        found = []
        for n_threads in (1, 2, 7):
            with smelt.config(n_threads=n_threads):
                found.append(LogisticRegression().fit(data, y, weight))
        for other in found[1:]:
            assert np.array_equal(found[0].coef_, other.coef_)
            assert np.array_equal(found[0].intercept_, other.intercept_)


def test_weights_count_rows():
    X, y, _ = problem(n_classes=3)
    times = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = LogisticRegression(**TIGHT).fit(X, y, times)
    repeated = LogisticRegression(**TIGHT).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    close(weighted, repeated, 1e-9)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5}])
def test_class_weights(class_weight):
    X, y, weight = problem()
    model = LogisticRegression(class_weight=class_weight, **TIGHT).fit(X, y, weight)
    reference = Reference(class_weight=class_weight, solver="newton-cholesky", tol=1e-10)
    close(model, reference.fit(X, y, weight), 1e-7)


def test_real_data_is_no_worse_than_scikit_learn():
    for X, y in (load_breast_cancer(return_X_y=True), load_digits(return_X_y=True)):
        X = X / np.abs(X).max(axis=0).clip(1)
        model, reference = LogisticRegression(), Reference(tol=1e-8, max_iter=20_000)
        losses = []
        for estimator in (model, reference):
            p = estimator.fit(X, y).predict_proba(X)[np.arange(len(y)), y]
            losses.append(-np.log(p).sum() + 0.5 * (estimator.coef_**2).sum())
        assert losses[0] <= losses[1] * (1 + 1e-3)


def test_strings_and_odd_numbers_as_classes():
    X, y, _ = problem(n_classes=3)
    expected = LogisticRegression().fit(X, y).predict(X)
    for names in (["b", "d", "f"], [-3, 7, 10**12], [-128, 0, 127], [0.5, 1.0, 2.0]):
        names = np.array(names, dtype=np.int8 if names[0] == -128 else None)
        if names.dtype.kind == "f":
            names = np.array([1.0, 2.0, 5.0])
        model = LogisticRegression().fit(X, names[y])
        assert np.array_equal(model.classes_, names)
        assert np.array_equal(model.predict(X), names[expected])


def test_separable_data_without_penalty_ends():
    X, _, _ = problem()
    y = (X[:, 0] > 0.5).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for data in (X, sp.csr_matrix(X), X.astype(np.float32)):
            model = LogisticRegression(C=np.inf).fit(data, y)
            assert np.isfinite(model.coef_).all()
            assert model.score(data, y) == 1.0


def test_collinear_columns_without_penalty():
    X, y, _ = problem()
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(X))])
    model = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    reference = LogisticRegression(C=np.inf, tol=1e-9).fit(X[:, :-2], y)
    np.testing.assert_allclose(
        model.predict_proba(X), reference.predict_proba(X[:, :-2]), atol=1e-6
    )


def test_warm_start_takes_fewer_steps():
    X, y, _ = problem(2000, 30)
    model = LogisticRegression(warm_start=True).fit(X, y)
    before = model.n_iter_[0]
    assert model.fit(X, y).n_iter_[0] < before
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :3], y)


def test_one_step_too_few_warns():
    X, y, _ = problem(2000, 200)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = LogisticRegression(max_iter=1).fit(X, y)
    assert model.n_iter_ == 1
    with pytest.warns(ConvergenceWarning):
        assert not LogisticRegression(max_iter=0).fit(X, y).coef_.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression().fit(X, y)


@pytest.mark.parametrize("options", [{"l1_ratio": 1.0}, {"l1_ratio": 0.4}])
def test_l1_penalties_are_scikit_learns(options):
    X, y, _ = problem(n_classes=3)
    options = {**options, "solver": "saga", "C": 0.05, "max_iter": 5000, "random_state": 0}
    ours, theirs = LogisticRegression(**options).fit(X, y), Reference(**options).fit(X, y)
    close(ours, theirs, 0)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert (ours.coef_ == 0).any() or options["l1_ratio"] < 1


@pytest.mark.filterwarnings("ignore:'penalty' was deprecated")
def test_deprecated_penalties():
    X, y, _ = problem()
    close(LogisticRegression(penalty="l2").fit(X, y), LogisticRegression().fit(X, y), 0)
    close(LogisticRegression(penalty=None).fit(X, y), LogisticRegression(C=np.inf).fit(X, y), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1_ratio": 1.0}, "supports only 'l2' or None"),
        ({"dual": True}, "dual=False"),
        ({"solver": "liblinear", "l1_ratio": 0.5}, "elasticnet"),
        ({"solver": "liblinear", "C": np.inf}, "not supported for the liblinear"),
        ({"C": 0.0}, "C"),
        ({"tol": -1.0}, "tol"),
        ({"solver": "simplex"}, "solver"),
    ],
)
def test_parameters_that_do_not_go_together(options, message):
    X, y, _ = problem()
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**options).fit(X, y)


def test_data_that_cannot_be_used():
    X, y, _ = problem()
    with pytest.raises(ValueError, match="only one class"):
        LogisticRegression().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="continuous"):
        LogisticRegression().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="liblinear"):
        LogisticRegression(solver="liblinear").fit(X, np.arange(len(y)) % 3)
    for value in (np.nan, np.inf):
        broken = X.copy()
        broken[7, 2] = value
        for data in (broken, broken.astype(np.float32), sp.csr_matrix(broken)):
            with pytest.raises(ValueError, match=r"NaN|infinity"):
                LogisticRegression().fit(data, y)
        with (
            smelt.config(engine="plain"),
            np.errstate(invalid="ignore"),
            pytest.raises(ValueError, match=r"NaN|infinity"),
        ):
            LogisticRegression().fit(broken, y)
    with pytest.raises(ValueError):
        LogisticRegression().fit(X, y[:-1])
    with pytest.raises(ValueError):
        LogisticRegression().fit(X, y).predict(X[:, :2])


def test_probabilities_far_out_are_accurate():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression().fit(X[:100], y[:100])
    logs = model.predict_log_proba(X[:100] * 500)
    assert np.isfinite(logs).all() and logs.min() < -800
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-9
    )
    model = LogisticRegression().fit(X, y)
    assert np.isfinite(model.predict_log_proba(X * 500)).all()
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_sparsify_and_back():
    X, y, _ = problem()
    model = LogisticRegression().fit(X, y)
    expected = model.decision_function(X)
    np.testing.assert_allclose(model.sparsify().decision_function(X), expected)
    np.testing.assert_allclose(model.densify().decision_function(X), expected)


@pytest.mark.parametrize("shape", [(60_000, 300, 20), (300_000, 60, 2)])
def test_control_c_stops_the_fit(shape):
    X, y, _ = problem(*shape)
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(20):
            LogisticRegression(tol=0, max_iter=10_000).fit(X, y)
    assert time.perf_counter() - sent[0] < 5  # far below the time of the fits


class Recorder:
    """A callback that keeps what it is told."""

    def __init__(self):
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append(("setup", None))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", None))

    def on_fit_task_begin(self, estimator, context, *, X, y):
        self.calls.append(("begin", X.shape))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator, metadata):
        self.calls.append(("end", fitted_estimator.coef_.shape))
        assert metadata is None


def test_callbacks_see_the_fit():
    callback = pytest.importorskip("sklearn.callback")
    X, y, _ = problem()
    recorder = Recorder()
    model = LogisticRegression().set_callbacks(recorder)
    expected = [("setup", None), ("begin", X.shape), ("end", (1, 6)), ("teardown", None)]
    assert model.fit(X, y) is model
    assert recorder.calls == expected
    recorder.calls.clear()
    with pytest.raises(ValueError):
        model.fit(X, np.zeros(len(y)))
    assert recorder.calls[-1] == ("teardown", None)
    recorder.calls.clear()
    model.set_params(solver="saga", l1_ratio=1.0, max_iter=500).fit(X, y)
    assert recorder.calls == expected  # from scikit-learn's class, which does this fit
    monitor = callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(LogisticRegression().set_callbacks(monitor), {"C": [0.1, 1.0]}, cv=2)
    search.fit(X, y)
    assert search.best_score_ > 0.5
    scores = callback.ScoringMonitor(scoring="accuracy")
    model = LogisticRegression().set_callbacks(scores).fit(X, y)
    assert scores.get_logs().data[-1]["accuracy"] == model.score(X, y)
    assert np.array_equal(model.coef_, LogisticRegression().fit(X, y).coef_)


@pytest.mark.parametrize("kind", ["U", "object", "float"])
def test_a_long_y_is_encoded_in_parts(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 100_000)
    y[:40_000] = rng.integers(0, 2, 40_000)  # the third class comes after the first part
    names = {"U": ["a", "b", "c"], "object": ["a", "b", "c"], "float": [0.0, 1.0, 7.0]}[kind]
    labels = np.array(names, dtype=None if kind != "object" else object)[y]
    X = rng.standard_normal((len(y), 2)) + y[:, None]
    model = LogisticRegression().fit(X, labels)
    assert list(model.classes_) == names
    assert np.array_equal(model.coef_, LogisticRegression().fit(X, y).coef_)


@parametrize_with_checks([LogisticRegression(), LogisticRegression(solver="newton-cholesky")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
