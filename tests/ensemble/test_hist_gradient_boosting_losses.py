"""Losses, custom objectives, metrics, evaluation sets, going on: beyond scikit-learn."""

import pickle

import numpy as np
import pytest

import smelt
from smelt.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1500, 5))
X[RNG.random(X.shape) < 0.05] = np.nan
SIGNAL = np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) ** 2
Y = SIGNAL + 0.3 * RNG.normal(size=1500)
X_VAL = RNG.normal(size=(600, 5))
Y_VAL = X_VAL[:, 0] + X_VAL[:, 1] ** 2 + 0.3 * RNG.normal(size=600)
WEIGHTS = RNG.random(1500)


def squared(y, raw):
    return raw - y, np.ones_like(y)


def logistic(y, raw):
    p = 1 / (1 + np.exp(-raw))
    return p - y, p * (1 - p)


LOSSES = [
    ({"loss": "huber", "delta": 0.5}, Y),
    ({"loss": "tweedie", "power": 1.3}, np.maximum(Y, 0)),
    ({"loss": "cross_entropy"}, 1 / (1 + np.exp(-Y))),
    ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, Y),
    ({"loss": squared}, Y),
    ({"leaf_iterations": 4, "loss": "poisson"}, np.maximum(Y, 0)),
    ({"leaf_iterations": 4, "loss": "poisson", "l1_regularization": 0.2}, np.maximum(Y, 0)),
    ({"data_sample_strategy": "goss", "learning_rate": 0.5}, Y),
    ({"data_sample_strategy": "goss", "learning_rate": 0.5, "loss": "absolute_error"}, Y),
    ({"drop_rate": 0.5, "skip_drop": 0.2, "max_drop": 3}, Y),
    ({"drop_rate": 0.5, "loss": "quantile", "quantile": [0.2, 0.8]}, Y),
    ({"linear_leaves": True, "linear_regularization": 0.1}, Y),
    ({"linear_leaves": True, "categorical_features": [4], "drop_rate": 0.4}, Y),
    ({"linear_leaves": True, "loss": "poisson", "subsample": 0.6}, np.maximum(Y, 0)),
    ({"linear_leaves": True, "grow_policy": "symmetric", "early_stopping": True}, Y),
]

NAMES = [
    "-".join(f"{k}={getattr(v, '__name__', v)}" for k, v in parameters.items())
    for parameters, _ in LOSSES
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("parameters", "y"), LOSSES, ids=NAMES)
def test_kernel_equals_twin(parameters, y, weighted):
    n = 400
    coded = X[:n].copy()
    coded[:, 4] = np.round(np.abs(coded[:, 4]) * 3)
    weight = WEIGHTS[:n] if weighted else None
    settings = {"random_state": 0, "max_iter": 7, "min_samples_leaf": 8, **parameters}
    fast = HistGradientBoostingRegressor(**settings).fit(coded, y[:n], weight)
    with smelt.config(engine="plain"):
        plain = HistGradientBoostingRegressor(**settings).fit(coded, y[:n], weight)
        expected = plain.predict(coded)
    assert (fast.trees_["left"] > 0).any()
    np.testing.assert_allclose(fast.predict(coded), expected, rtol=1e-7, atol=1e-8)
    for name, array in plain.trees_.items():
        assert fast.trees_[name].dtype == array.dtype, name
        np.testing.assert_allclose(fast.trees_[name], array, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("parameters", "y"), LOSSES, ids=NAMES)
def test_same_bits_on_any_number_of_threads(parameters, y):
    big = np.tile(X, (14, 1))
    big[:, 0] += np.arange(len(big)) * 1e-6
    big[:, 4] = np.round(np.abs(big[:, 4]) * 3)
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = HistGradientBoostingRegressor(
                **{"max_iter": 3, "random_state": 0, "early_stopping": False, **parameters}
            )
            found.append(model.fit(big, np.tile(y, 14)).predict(big))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("ours", "theirs", "y"),
    [
        ({"loss": "tweedie", "power": 1.4}, {"objective": "tweedie", "tweedie_variance_power": 1.4},
         np.maximum(Y, 0)),
        ({"loss": "cross_entropy"}, {"objective": "cross_entropy"}, 1 / (1 + np.exp(-Y))),
        ({"loss": squared}, {"objective": "regression", "boost_from_average": False}, Y),
    ],
    ids=["tweedie", "cross_entropy", "custom"],
)  # fmt: skip
def test_the_same_model_as_lightgbm(ours, theirs, y):
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    codes = np.round(np.nan_to_num(X) * 4)  # few values: the bins are the same
    model = HistGradientBoostingRegressor(
        max_iter=5, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False, **ours
    ).fit(codes, y)
    data = lightgbm.Dataset(codes, y, params={"min_data_in_bin": 1, "verbose": -1})
    settings = {"num_leaves": 8, "min_data_in_leaf": 20, "learning_rate": 0.1, "verbose": -1}
    booster = lightgbm.train({**settings, **theirs}, data, 5)
    np.testing.assert_allclose(model.predict(codes), booster.predict(codes), rtol=2e-4, atol=2e-4)


def test_known_losses_as_custom_ones_are_the_same_but_for_the_start():
    custom = HistGradientBoostingRegressor(loss=squared, max_iter=10).fit(X, Y - Y.mean())
    known = HistGradientBoostingRegressor(max_iter=10).fit(X, Y - Y.mean())
    np.testing.assert_allclose(custom.predict(X), known.predict(X), atol=1e-6)
    y = (Y > 0.5).astype(int)
    model = HistGradientBoostingClassifier(loss=logistic, max_iter=30).fit(X, y)
    assert model.score(X, y) > 0.9


def test_several_quantiles_are_those_fitted_alone():
    levels = [0.1, 0.5, 0.9]
    several = HistGradientBoostingRegressor(loss="quantile", quantile=levels, max_iter=20)
    answers = several.fit(X, Y).predict(X)
    assert answers.shape == (len(X), 3)
    for level, answer in zip(levels, answers.T, strict=True):
        alone = HistGradientBoostingRegressor(loss="quantile", quantile=level, max_iter=20)
        np.testing.assert_array_equal(answer, alone.fit(X, Y).predict(X))


def test_huber_shrugs_at_outliers():
    broken = Y.copy()
    broken[::50] += 1000
    errors = {}
    for loss in ("huber", "squared_error"):
        model = HistGradientBoostingRegressor(loss=loss, max_iter=100).fit(X, broken)
        errors[loss] = np.abs(model.predict(X) - SIGNAL).mean()
    assert errors["huber"] < 0.5 * errors["squared_error"]


def test_weights_count_rows():
    codes = np.round(np.nan_to_num(X[:, :3]), 1)
    for parameters, y in LOSSES[:3]:
        settings = {"max_iter": 4, "max_bins": 200, "min_samples_leaf": 1, **parameters}
        weighted = HistGradientBoostingRegressor(**settings).fit(codes, y, np.full(len(y), 2.0))
        repeated = HistGradientBoostingRegressor(**settings)
        repeated.fit(np.repeat(codes, 2, axis=0), np.repeat(y, 2))
        np.testing.assert_allclose(
            weighted.predict(codes), repeated.predict(codes), rtol=1e-4, atol=0.02
        )


def test_more_leaf_iterations_lower_the_loss():
    y = (Y > 0.5).astype(int)
    losses = []
    for n_steps in (1, 3):
        model = HistGradientBoostingClassifier(
            leaf_iterations=n_steps, max_iter=3, learning_rate=1.0, l2_regularization=1.0,
            early_stopping=True, validation_fraction=None,
        )  # fmt: skip
        losses.append(-model.fit(X, y).train_score_[1])
    assert losses[1] < losses[0]


def test_goss_samples_rows_after_the_first_iterations():
    model = HistGradientBoostingRegressor(
        data_sample_strategy="goss", learning_rate=0.5, max_iter=6, random_state=0
    ).fit(X, Y)
    roots = model.trees_["tree_offsets"][:-1]
    assert model.trees_["count"][roots].tolist() == [1500, 1500, 450, 450, 450, 450]


def test_dart_scales_and_scores_what_it_predicts():
    model = HistGradientBoostingRegressor(
        drop_rate=0.2, learning_rate=0.4, max_iter=30, random_state=0, early_stopping=True,
        validation_fraction=None, n_iter_no_change=100,
    ).fit(X, Y)  # fmt: skip
    assert -model.train_score_[-1] == pytest.approx(((model.predict(X) - Y) ** 2).mean() / 2)
    assert model.score(X, Y) > 0.8


def test_linear_leaves_follow_lines_and_survive_missing_values():
    rng = np.random.default_rng(1)
    line = rng.uniform(-2, 2, size=(1000, 1))
    y = 3 * line[:, 0] + 1
    settings = {"max_iter": 30, "learning_rate": 0.5, "early_stopping": False}
    straight = HistGradientBoostingRegressor(linear_leaves=True, **settings).fit(line, y)
    steps = HistGradientBoostingRegressor(**settings).fit(line, y)
    new = rng.uniform(-2, 2, size=(500, 1))
    error = {m: np.abs(m.predict(new) - 3 * new[:, 0] - 1).max() for m in (straight, steps)}
    assert error[straight] < 1e-3 < error[steps]
    model = HistGradientBoostingRegressor(linear_leaves=True, max_iter=20).fit(X, Y)
    holed = X.copy()
    holed[::2] = np.nan
    assert np.isfinite(model.predict(holed)).all()
    staged = list(model.staged_predict(X))
    np.testing.assert_allclose(staged[-1], model.predict(X), rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    np.testing.assert_array_equal(
        model.predict(X[:50]), [model.predict(row[None])[0] for row in X[:50]]
    )


def test_linear_leaves_are_saved_whole_or_not_at_all(tmp_path):
    from smelt.export.graph_nodes import estimator_nodes

    model = HistGradientBoostingRegressor(linear_leaves=True, max_iter=5).fit(X, Y)
    smelt.save(model, tmp_path / "model.smelt")
    np.testing.assert_array_equal(smelt.load(tmp_path / "model.smelt").predict(X), model.predict(X))
    with pytest.raises((TypeError, ValueError), match="linear leaves"):
        estimator_nodes(model, "features", "raw", "trees")
    custom = HistGradientBoostingRegressor(loss=squared, max_iter=2).fit(X, Y)
    with pytest.raises(TypeError, match="cannot save"):
        smelt.save(custom, tmp_path / "custom.smelt")


def absolute(y, prediction):
    return "my_mae", np.abs(y - prediction).mean(), False


def test_evaluation_sets_stop_and_remember():
    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.3, n_iter_no_change=5)
    model.fit(
        X, Y, eval_set=[(X, Y), (X_VAL, Y_VAL, np.ones(600))], eval_names=["train", "new"],
        eval_metric=["rmse", absolute, "loss"],
    )  # fmt: skip
    history = model.evals_result_
    assert list(history) == ["train", "new"] and list(history["new"]) == ["rmse", "my_mae", "loss"]
    rmse = history["new"]["rmse"]
    assert len(rmse) == model.best_iteration_ + 5 < 300
    assert model.n_iter_ == model.best_iteration_ == int(np.argmin(rmse)) + 1
    answers = model.predict(X_VAL)
    assert rmse[model.best_iteration_ - 1] == pytest.approx(
        np.sqrt(((answers - Y_VAL) ** 2).mean())
    )
    assert history["new"]["my_mae"][model.n_iter_ - 1] == pytest.approx(
        np.abs(answers - Y_VAL).mean()
    )
    other = HistGradientBoostingRegressor(max_iter=60, learning_rate=0.3, n_iter_no_change=5)
    other.fit(
        X, Y, eval_set=[(X_VAL, Y_VAL), (X, Y)], eval_metric=["loss", "mae"],
        stop_on=("valid_0", "mae"),
    )  # fmt: skip
    mae = other.evals_result_["valid_0"]["mae"]
    assert other.best_iteration_ == int(np.argmin(mae)) + 1
    off = HistGradientBoostingRegressor(max_iter=7, early_stopping=False)
    assert off.fit(X, Y, eval_set=(X_VAL, Y_VAL)).n_iter_ == 7


def test_evaluation_sets_of_classes():
    y, y_val = np.where(Y > 0.5, "yes", "no"), np.where(Y_VAL > 0.5, "yes", "no")
    model = HistGradientBoostingClassifier(max_iter=30).fit(
        X, y, eval_set=[(X_VAL, y_val)], eval_metric=["auc", "accuracy", "loss"]
    )
    from sklearn.metrics import log_loss, roc_auc_score

    at = model.n_iter_ - 1
    found = {name: values[at] for name, values in model.evals_result_["valid_0"].items()}
    proba = model.predict_proba(X_VAL)
    assert found["auc"] == pytest.approx(roc_auc_score(y_val, proba[:, 1]))
    assert found["accuracy"] == pytest.approx(model.score(X_VAL, y_val))
    assert found["loss"] == pytest.approx(log_loss(y_val, proba))


def test_callbacks_see_each_iteration_and_may_stop():
    seen = []

    def callback(state):
        seen.append(state["iteration"])
        return state["iteration"] == 3

    model = HistGradientBoostingRegressor(max_iter=10).fit(X, Y, callbacks=[callback])
    assert seen == [1, 2, 3] and model.n_iter_ == 3


def test_going_on_from_a_model():
    settings = {"random_state": 0, "early_stopping": False}
    whole = HistGradientBoostingRegressor(max_iter=9, **settings).fit(X, Y)
    first = HistGradientBoostingRegressor(max_iter=4, **settings).fit(X, Y)
    rest = HistGradientBoostingRegressor(max_iter=5, **settings).fit(X, Y, init_model=first)
    assert rest.n_iter_ == 9 and first.n_iter_ == 4
    np.testing.assert_allclose(rest.predict(X), whole.predict(X), rtol=1e-9)
    with pytest.raises(ValueError, match="has 5 features"):
        HistGradientBoostingRegressor().fit(X[:, :3], Y, init_model=first)
    with pytest.raises(TypeError, match="must be a HistGradientBoostingRegressor"):
        HistGradientBoostingRegressor().fit(X, Y, init_model=object())
    linear = HistGradientBoostingRegressor(max_iter=3, linear_leaves=True)
    linear.fit(X, Y, init_model=first)
    assert linear.n_iter_ == 7 and np.isfinite(linear.predict(X)).all()


@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_what_a_callable_raises_comes_out(engine):
    def failing(y, raw):
        raise RuntimeError("no gradient today")

    with smelt.config(engine=engine), pytest.raises(RuntimeError, match="no gradient today"):
        HistGradientBoostingRegressor(loss=failing).fit(X, Y)


def test_ctrl_c_keeps_the_iterations_done_when_asked():
    def press(state):
        if state["iteration"] == 4:
            raise KeyboardInterrupt

    keeping = HistGradientBoostingRegressor(max_iter=50, on_interrupt="keep")
    with pytest.warns(UserWarning, match="3 iterations done are kept"):
        keeping.fit(X, Y, callbacks=[press])
    assert keeping.n_iter_ == 3 and keeping.interrupted_
    expected = HistGradientBoostingRegressor(max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(keeping.predict(X), expected.predict(X))
    with pytest.raises(KeyboardInterrupt):
        HistGradientBoostingRegressor(max_iter=50).fit(X, Y, callbacks=[press])


@pytest.mark.parametrize("max_iter", [1, 2])
@pytest.mark.parametrize(("parameters", "y"), LOSSES, ids=NAMES)
def test_one_and_two_iterations(parameters, y, max_iter):
    codes = np.round(np.abs(np.nan_to_num(X)) * 3)
    settings = {**parameters, "max_iter": max_iter}
    assert np.isfinite(HistGradientBoostingRegressor(**settings).fit(codes, y).predict(X)).all()
    constant = HistGradientBoostingRegressor(**settings).fit(np.zeros((60, 5)), y[:60])
    assert np.isfinite(constant.predict(X)).all()


def wrong_shape(y, raw):
    return raw[:-1], raw[:-1]


def not_finite(y, raw):
    return raw * np.nan, raw


@pytest.mark.parametrize(
    ("parameters", "fit", "y", "message"),
    [
        ({"loss": "tweedie"}, {}, Y, "non-negative"),
        ({"loss": "tweedie", "power": 2.0}, {}, Y, "'power' parameter"),
        ({"loss": "huber", "delta": 0.0}, {}, Y, "'delta' parameter"),
        ({"loss": "cross_entropy"}, {}, Y, "between 0 and 1"),
        ({"loss": "quantile", "quantile": [0.2, 1.2]}, {}, Y, "between 0 and 1"),
        ({"loss": "quantile", "quantile": []}, {}, Y, "at least one level"),
        ({"loss": wrong_shape}, {}, Y, "has shape"),
        ({"loss": not_finite}, {}, Y, "not finite"),
        ({"loss": lambda y, raw: raw}, {}, Y, "must return two arrays"),
        ({"loss": squared, "early_stopping": True}, {}, Y, "needs an eval_set"),
        ({}, {"eval_set": [(X_VAL[:, :3], Y_VAL)]}, Y, "features"),
        ({}, {"eval_set": [(X_VAL, Y_VAL[:-1])]}, Y, "inconsistent numbers of samples"),
        ({}, {"eval_set": [X_VAL]}, Y, "must be a list of"),
        ({}, {"eval_set": [(X_VAL, Y_VAL)], "eval_names": ["a", "b"]}, Y, "eval_names"),
        ({}, {"eval_set": [(X_VAL, Y_VAL)], "eval_metric": "auc"}, Y, "is not known"),
        ({}, {"eval_set": [(X_VAL, Y_VAL)], "eval_metric": lambda y, p: 1.0}, Y, "must return"),
        ({}, {"eval_set": [(X_VAL, Y_VAL)], "stop_on": "other"}, Y, "stop_on names the set"),
        ({}, {"eval_set": [(X_VAL, Y_VAL)], "X_val": X_VAL, "y_val": Y_VAL}, Y, "not both"),
        ({"linear_leaves": True, "loss": "absolute_error"}, {}, Y, "without curvature"),
        ({"linear_leaves": True, "monotonic_cst": [1, 0, 0, 0, 0]}, {}, Y, "monotonic_cst"),
        (
            {"data_sample_strategy": "goss", "top_rate": 0.7, "other_rate": 0.6}, {}, Y,
            "must not exceed 1",
        ),
    ],
    ids=lambda x: str(x)[:40] if isinstance(x, str) else "",
)  # fmt: skip
def test_bad_input_is_named(parameters, fit, y, message):
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**{"max_iter": 3, **parameters}).fit(X, y, **fit)
