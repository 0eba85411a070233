"""Growth of boosted trees beyond scikit-learn: regularisation, sampling, random cuts, policies."""

import numpy as np
import pytest

import smelt
from smelt.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor


def rows(n, seed=0):
    """Numbers with missing values, and two columns of codes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    X[:, 1], X[:, 4] = rng.integers(0, 12, n), rng.integers(0, 40, n)
    X[rng.random(X.shape) < 0.05] = np.nan
    return X


def target(X):
    known = np.nan_to_num(X)
    noise = np.random.default_rng(1).normal(size=len(X))
    return known[:, 0] ** 2 + np.sin(known[:, 1]) + known[:, 2] * (known[:, 4] % 3) + 0.3 * noise


X, X_NEW = rows(2000), rows(1000, seed=9)
Y = target(X)
WEIGHTS = np.random.default_rng(3).random(len(X))

EXTRAS = [
    {"l1_regularization": 2.0},
    {"l1_regularization": 1.0, "l2_regularization": 3.0, "max_delta_step": 0.3},
    {"max_delta_step": 0.2, "monotonic_cst": [1, 0, -1, 0, 0, 0]},
    {"min_gain_to_split": 20.0},
    {"min_child_weight": 30.0, "min_samples_leaf": 1},
    {"colsample_bytree": 0.5, "max_features": 0.7},
    {"subsample": 0.5, "subsample_freq": 3},
    {"quantized_gradients": True},
    {"quantized_gradients": True, "subsample": 0.8, "categorical_features": [1, 4]},
    {"splitter": "random"},
    {"splitter": "random", "categorical_features": [1, 4], "max_features": 0.7},
    {"grow_policy": "depth-wise", "max_leaf_nodes": 6},
    {"grow_policy": "depth-wise", "max_leaf_nodes": None, "max_depth": 3},
    {"grow_policy": "symmetric"},
    {"grow_policy": "symmetric", "max_depth": 2, "l1_regularization": 1.0, "subsample": 0.6},
    {"grow_policy": "symmetric", "categorical_features": [1, 4], "max_leaf_nodes": None},
    {"grow_policy": "symmetric", "splitter": "random", "colsample_bytree": 0.6},
    {"grow_policy": "symmetric", "interaction_cst": [[0, 2, 4], [1, 3]], "max_features": 0.8},
    {"grow_policy": "symmetric", "min_samples_leaf": 60, "min_gain_to_split": 5.0},
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
@pytest.mark.parametrize("parameters", EXTRAS, ids=str)
def test_kernel_equals_twin(kind, parameters, weighted):
    n = 500
    y = np.digitize(Y[:n], [0.7]) if kind is HistGradientBoostingClassifier else Y[:n]
    weight = WEIGHTS[:n] if weighted else None
    settings = {"random_state": 0, "max_iter": 6, "min_samples_leaf": 5, **parameters}
    fast = kind(**settings).fit(X[:n], y, weight)
    with smelt.config(engine="plain"):
        plain = kind(**settings).fit(X[:n], y, weight)
        expected = plain._raw_predict(X_NEW)
    assert (fast.trees_["left"] > 0).any()
    np.testing.assert_allclose(fast._raw_predict(X_NEW), expected, rtol=0, atol=1e-10)
    for name, array in plain.trees_.items():
        assert fast.trees_[name].dtype == array.dtype, name
        np.testing.assert_allclose(fast.trees_[name], array, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"grow_policy": "symmetric", "max_depth": 6, "max_leaf_nodes": None, "subsample": 0.7},
        {"grow_policy": "depth-wise", "splitter": "random", "colsample_bytree": 0.5},
        {"quantized_gradients": True, "max_leaf_nodes": 63, "subsample": 0.9},
    ],
    ids=str,
)
def test_same_bits_on_any_number_of_threads(parameters):
    X, X_new = rows(40_000), rows(3000, seed=4)
    y = np.digitize(target(X), [0.0, 1.0])
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = HistGradientBoostingClassifier(
                max_iter=4, categorical_features=[1, 4], random_state=0, early_stopping=False,
                **parameters,
            )  # fmt: skip
            found.append(model.fit(X, y)._raw_predict(X_new))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_quantised_gradients_lose_no_accuracy():
    errors = {False: 0.0, True: 0.0}
    for seed in range(3):
        X, X_new = rows(10_000, seed), rows(10_000, seed + 10)
        for quantized in errors:
            model = HistGradientBoostingRegressor(quantized_gradients=quantized, max_iter=50)
            answers = model.fit(X, target(X)).predict(X_new)
            errors[quantized] += np.mean((answers - target(X_new)) ** 2)
    assert errors[True] < 1.03 * errors[False]


def test_weights_count_rows():
    codes = np.round(X[:, :3], 1)  # few distinct values: the bins are the same
    for policy in ("depth-wise", "symmetric"):
        settings = {"max_iter": 5, "max_bins": 200, "min_samples_leaf": 1, "grow_policy": policy}
        settings |= {"l1_regularization": 0.5, "early_stopping": False}
        weighted = HistGradientBoostingRegressor(**settings).fit(codes, Y, np.full(len(X), 2.0))
        repeated = HistGradientBoostingRegressor(**settings)
        repeated.fit(np.repeat(codes, 2, axis=0), np.repeat(Y, 2))
        np.testing.assert_allclose(
            weighted.predict(codes), repeated.predict(codes), rtol=1e-5, atol=1e-6
        )


def levels_of(trees, tree):
    """(feature, threshold) of the cuts of each level of a tree."""
    start, stop = trees["tree_offsets"][tree : tree + 2]
    found = {}
    for node in range(start, stop):
        if trees["left"][node]:
            cut = (trees["feature"][node], trees["threshold"][node], trees["missing_left"][node])
            found.setdefault(int(trees["depth"][node]), set()).add(cut)
    return found


def test_symmetric_trees_have_one_cut_a_level():
    model = HistGradientBoostingRegressor(grow_policy="symmetric", max_depth=4, max_iter=5)
    trees = model.fit(X, Y).trees_
    for tree in range(5):
        levels = levels_of(trees, tree)
        assert sorted(levels) == [0, 1, 2, 3]
        assert all(len(cuts) == 1 for cuts in levels.values())
    # The gain of a level is what its nodes save together: no other one-level cut does better.
    stump = HistGradientBoostingRegressor(grow_policy="symmetric", max_depth=1, max_iter=1)
    best = HistGradientBoostingRegressor(max_leaf_nodes=2, max_iter=1).fit(X, Y)
    np.testing.assert_allclose(stump.fit(X, Y).predict(X), best.predict(X), rtol=1e-12)


def test_depth_wise_fills_levels_before_it_goes_deeper():
    model = HistGradientBoostingRegressor(grow_policy="depth-wise", max_leaf_nodes=16, max_iter=1)
    trees = model.fit(X, Y).trees_
    is_leaf = trees["left"] == 0
    could_be_cut = is_leaf & (trees["count"] >= 40)
    assert is_leaf.sum() == 16
    assert trees["depth"][could_be_cut].min() >= trees["depth"][~is_leaf].max()
    # Without a limit on the leaves the policy makes no difference.
    limits = {"max_leaf_nodes": None, "max_depth": 4, "max_iter": 3}
    a = HistGradientBoostingRegressor(grow_policy="depth-wise", **limits).fit(X, Y)
    b = HistGradientBoostingRegressor(**limits).fit(X, Y)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))


def test_regularisation_does_what_it_says():
    settings = {"max_iter": 1, "learning_rate": 1.0, "early_stopping": False}
    bounded = HistGradientBoostingRegressor(max_delta_step=0.25, **settings).fit(X, Y)
    leaves = bounded.trees_["value"][bounded.trees_["left"] == 0]
    assert np.abs(leaves).max() == 0.25
    alpha = 30.0
    model = HistGradientBoostingRegressor(l1_regularization=alpha, **settings).fit(X, Y)
    answers = model.predict(X)
    residuals = Y - Y.mean()
    for answer in np.unique(answers[answers != Y.mean()]):
        inside = answers == answer
        total = residuals[inside].sum()
        expected = np.sign(total) * max(abs(total) - alpha, 0) / inside.sum()
        assert answer - Y.mean() == pytest.approx(expected, abs=1e-5)
    least = 50.0
    trees = HistGradientBoostingRegressor(min_gain_to_split=least, **settings).fit(X, Y).trees_
    gains = trees["gain"][trees["left"] > 0]
    assert len(gains) and (gains > least).all()
    per_tree = HistGradientBoostingRegressor(colsample_bytree=0.3, random_state=0).fit(X, Y).trees_
    for start, stop in zip(per_tree["tree_offsets"], per_tree["tree_offsets"][1:], strict=False):
        inner = per_tree["left"][start:stop] > 0
        assert len(set(per_tree["feature"][start:stop][inner])) <= 2


def test_the_same_trees_as_lightgbm():
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    rng = np.random.default_rng(0)
    X = rng.integers(0, 30, size=(3000, 5)).astype(float)  # few values: the bins are the same
    y = np.sin(X[:, 0]) * X[:, 1] + X[:, 2] + rng.normal(size=3000)
    common = {"learning_rate": 0.3, "min_child_samples": 10, "num_leaves": 15, "verbose": -1}
    # LightGBM does not look again at a feature without gain in the parent, so with a penalty that
    # makes such features only the first trees are the same.
    for n_iter, extras in (
        (2, {"reg_alpha": 20.0}),
        (10, {"min_split_gain": 30.0}),
        (10, {"min_child_weight": 40.0}),
    ):
        theirs = lightgbm.LGBMRegressor(n_estimators=n_iter, min_data_in_bin=1, **common, **extras)
        names = {
            "reg_alpha": "l1_regularization",
            "reg_lambda": "l2_regularization",
            "min_split_gain": "min_gain_to_split",
        }
        ours = HistGradientBoostingRegressor(
            max_iter=n_iter, learning_rate=0.3, min_samples_leaf=10, max_leaf_nodes=15,
            early_stopping=False, **{names.get(name, name): v for name, v in extras.items()},
        )  # fmt: skip
        np.testing.assert_allclose(
            ours.fit(X, y).predict(X), theirs.fit(X, y).predict(X), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"grow_policy": "level-wise"}, "'grow_policy' parameter"),
        ({"splitter": "worst"}, "'splitter' parameter"),
        ({"colsample_bytree": 0.0}, "'colsample_bytree' parameter"),
        ({"subsample_freq": 0}, "'subsample_freq' parameter"),
        ({"l1_regularization": -1.0}, "'l1_regularization' parameter"),
        ({"max_delta_step": 0.0}, "'max_delta_step' parameter"),
        ({"min_gain_to_split": -0.1}, "'min_gain_to_split' parameter"),
        (
            {"grow_policy": "symmetric", "monotonic_cst": [1, 0, 0, 0, 0, 0]},
            "cannot respect monotonic_cst",
        ),
    ],
    ids=str,
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**parameters).fit(X, Y)
