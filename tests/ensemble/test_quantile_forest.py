"""Quantiles out of forests: their definition, the twin, weights, out-of-bag, files, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

import smelt
from smelt.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

QUANTILES = (0.0, 0.05, 0.3, 0.5, 0.77, 1.0)
KINDS = [RandomForestRegressor, ExtraTreesRegressor]


def problem(n=300, missing=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    y = np.round(X[:, 0] + np.exp(X[:, 1] / 2) * rng.normal(size=n), 2)
    if missing:
        X[rng.random(X.shape) < 0.15] = np.nan
    return X, y, rng.integers(0, 4, n).astype(float)


def model(kind=RandomForestRegressor, **settings):
    settings = {"n_estimators": 7, "min_samples_leaf": 6, "random_state": 0, **settings}
    return kind(keep_leaf_values=True, **settings)


def by_definition(forest, X_train, y, X, quantiles, weight=None):
    """NumPy's weighted quantile of all targets, with the weights of Meinshausen (2006)."""
    share = np.zeros((len(X), len(y)))
    reached, own = forest.apply(X), forest.apply(X_train)
    for tree, rows in enumerate(forest.estimators_samples_):
        drawn = np.bincount(rows, minlength=len(y)).astype(float)
        drawn = drawn if weight is None else drawn * weight
        together = (reached[:, [tree]] == own[:, tree]) * drawn
        share += together / together.sum(axis=1, keepdims=True)
    # 1e-9 short of a quantile is the quantile.
    quantiles = np.clip(np.asarray(quantiles) - 1e-10, 0, 1)
    return np.array(
        [np.quantile(y, quantiles, weights=row, method="inverted_cdf") for row in share]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"bootstrap": True},
        {"bootstrap": True, "max_samples": 0.4, "min_samples_leaf": 1},
        {"bootstrap": False, "max_features": 2},
        {"bootstrap": True, "ccp_alpha": 0.02, "criterion": "absolute_error"},
    ],
)
def test_quantiles_are_those_of_the_definition(kind, missing, settings):
    X, y, _ = problem(missing=missing)
    fresh = problem(150, missing=missing)[0] * np.float32(1.1)
    forest = model(kind, **settings).fit(X, y)
    found = forest.predict_quantiles(fresh, QUANTILES)
    np.testing.assert_array_equal(found, by_definition(forest, X, y, fresh, QUANTILES))
    assert found.shape == (150, 6) and (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_array_equal(forest.predict_quantiles(fresh, 0.3), found[:, 2])
    turned = forest.predict_quantiles(fresh, QUANTILES[::-1])
    np.testing.assert_array_equal(turned, found[:, ::-1])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_share_out_a_leaf(kind):
    X, y, weight = problem()
    forest = model(kind, bootstrap=False).fit(X, y, weight)
    expected = by_definition(forest, X, y, X, QUANTILES, weight)
    np.testing.assert_array_equal(forest.predict_quantiles(X, QUANTILES), expected)


def test_a_weight_of_two_is_a_row_twice():
    X, y, weight = problem()
    times = weight.astype(int)
    settings = {"bootstrap": False, "min_samples_leaf": 1, "max_depth": 3, "max_bins": None}
    one = model(**settings).fit(X, y, weight)
    other = model(**settings).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_array_equal(
        one.predict_quantiles(X, QUANTILES), other.predict_quantiles(X, QUANTILES)
    )


def test_a_weight_under_bootstrap_is_how_likely_a_row_is_drawn():
    X, y, weight = problem()
    forest = model().fit(X, y, weight)
    found = forest.predict_quantiles(X, QUANTILES)
    np.testing.assert_array_equal(found, by_definition(forest, X, y, X, QUANTILES))
    assert np.isin(found, y[weight > 0]).all()


@pytest.mark.filterwarnings("ignore:Some rows were drawn for every tree")
@pytest.mark.parametrize("settings", [{}, {"bootstrap": False}, {"kind": ExtraTreesRegressor}])
def test_the_twin_gives_the_same_quantiles(settings):
    X, y, weight = problem(120, missing=True)
    both = np.column_stack([y, X[:, 0].round(1)])
    both[np.isnan(both)] = 0
    forest = model(**settings, n_estimators=4).fit(X, both, weight)
    with smelt.config(engine="plain"):
        twin = model(**settings, n_estimators=4).fit(X, both, weight)
        expected = twin.predict_quantiles(X, QUANTILES)
        honest = None
        if forest.bootstrap:
            honest = twin.predict_quantiles(X[:40].repeat(3, axis=0), 0.5, out_of_bag=True)
    for name, values in forest.leaf_values_.items():
        np.testing.assert_array_equal(values, twin.leaf_values_[name])
    np.testing.assert_array_equal(forest.predict_quantiles(X, QUANTILES), expected)
    if honest is not None:
        ours = forest.predict_quantiles(X[:40].repeat(3, axis=0), 0.5, out_of_bag=True)
        np.testing.assert_array_equal(ours, honest)


def test_several_outputs_are_predicted_each_by_itself():
    X, y, _ = problem()
    forest = model().fit(X, np.column_stack([y, -(y**2)]))
    found = forest.predict_quantiles(X, QUANTILES)
    assert found.shape == (300, 2, 6) and forest.predict_quantiles(X, 0.5).shape == (300, 2)
    np.testing.assert_array_equal(found[:, 0], by_definition(forest, X, y, X, QUANTILES))
    np.testing.assert_array_equal(found[:, 1], by_definition(forest, X, -(y**2), X, QUANTILES))


@pytest.mark.filterwarnings("ignore:Some rows were drawn for every tree")
def test_out_of_bag_asks_the_trees_that_did_not_see_a_row():
    X, y, _ = problem(200)
    forest = model(n_estimators=12).fit(X, y)
    found = forest.predict_quantiles(X, 0.5, out_of_bag=True)
    reached = forest.apply(X)
    for row in range(0, 200, 17):
        parts = [
            (own[reached[own, tree] == reached[row, tree]])
            for tree, own in enumerate(forest.estimators_samples_)
            if row not in own
        ]
        share = np.zeros(len(y))
        for part in parts:
            share += np.bincount(part, minlength=len(y)) / len(part)
        expected = np.quantile(y, 0.5 - 1e-10, weights=share, method="inverted_cdf")
        assert found[row] == expected
    with pytest.warns(UserWarning, match="drawn for every tree"):
        alone = model(n_estimators=1).fit(X, y).predict_quantiles(X, (0.1, 0.9), out_of_bag=True)
    assert 0.5 < np.isnan(alone[:, 0]).mean() < 0.75
    with pytest.raises(ValueError, match="200 rows of training, got 5"):
        forest.predict_quantiles(X[:5], out_of_bag=True)
    with pytest.raises(ValueError, match="bootstrap=True"):
        model(bootstrap=False).fit(X, y).predict_quantiles(X, out_of_bag=True)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_cover_what_they_promise(kind):
    X, y = load_diabetes(return_X_y=True)
    check_coverage(kind, X, y, 0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_cover_houses(kind, data_folder):
    table = np.genfromtxt(
        data_folder / "california_housing" / "california_housing.csv.gz",
        delimiter=",", skip_header=1, usecols=range(9),
    )  # fmt: skip
    table = np.random.default_rng(0).permutation(table)[:4000]
    check_coverage(kind, table[:, :-1], table[:, -1], 0.06)


def check_coverage(kind, X, y, tolerance):
    half = len(X) // 2
    forest = model(kind, n_estimators=60, bootstrap=True).fit(X[:half], y[:half])
    low, high = forest.predict_quantiles(X[half:], (0.05, 0.95)).T
    covered = ((y[half:] >= low) & (y[half:] <= high)).mean()
    assert abs(covered - 0.9) < tolerance
    low, high = forest.predict_quantiles(X[:half], (0.05, 0.95), out_of_bag=True).T
    assert abs(((y[:half] >= low) & (y[:half] <= high)).mean() - covered) < tolerance


def test_copies_and_threads_give_the_same_bits(tmp_path):
    X, y, _ = problem(3000)
    answers = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            forest = model(n_estimators=20).fit(X, y)
            answers.append(forest.predict_quantiles(X, QUANTILES))
    smelt.save(forest, tmp_path / "forest.smelt")
    for copy in (smelt.load(tmp_path / "forest.smelt"), pickle.loads(pickle.dumps(forest))):
        answers.append(copy.predict_quantiles(X, QUANTILES))
    answers.append(forest.predict_quantiles(sp.csr_matrix(X), QUANTILES))
    assert all(np.array_equal(answer, answers[0]) for answer in answers)
    np.testing.assert_array_equal(forest.predict_quantiles(X[:1], QUANTILES), answers[0][:1])


def test_many_rows_are_answered_in_parts():
    X, y, _ = problem(60)
    forest = model(n_estimators=300, max_depth=2).fit(X, y)
    many = np.tile(X, (300, 1))
    np.testing.assert_array_equal(
        forest.predict_quantiles(many), np.tile(forest.predict_quantiles(X), (300, 1))
    )
    both = forest.predict_quantiles(many[:60], 0.5, out_of_bag=True)
    assert (both != forest.predict_quantiles(X, 0.5)).any()


def test_a_file_with_damaged_leaves_is_refused(tmp_path):
    X, y, _ = problem()
    for name, harm in {"rows": 300, "starts": -1, "targets": np.nan}.items():
        forest = model().fit(X, y)
        values = forest.leaf_values_[name].copy()
        values.flat[3] = harm
        forest.leaf_values_ = {**forest.leaf_values_, name: values}
        smelt.save(forest, tmp_path / "forest.smelt")
        with pytest.raises(smelt.errors.ModelFileError, match="leaves are damaged"):
            smelt.load(tmp_path / "forest.smelt")


def test_warm_start_keeps_the_leaves_of_all_trees():
    X, y, _ = problem()
    whole = model(n_estimators=9).fit(X, y).predict_quantiles(X)
    forest = model(n_estimators=4, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(
        forest.set_params(n_estimators=9).fit(X, y).predict_quantiles(X), whole
    )


def test_bad_input_is_named():
    X, y, _ = problem()
    with pytest.raises(NotFittedError):
        model().predict_quantiles(X)
    forest = RandomForestRegressor(3, random_state=0).fit(X, y)
    assert "leaf_values_" not in vars(forest)
    with pytest.raises(ValueError, match="keep_leaf_values=True"):
        forest.predict_quantiles(X)
    forest = model().fit(X, y)
    for wrong in (1.5, [-0.1, 0.5], [], [np.nan], [[0.5]]):
        with pytest.raises(ValueError, match="from 0 to 1"):
            forest.predict_quantiles(X, wrong)
    with pytest.raises(ValueError, match="4 features"):
        forest.predict_quantiles(X[:, :4])
    with pytest.raises(ValueError, match="keep_leaf_values"):
        model().set_params(keep_leaf_values=3).fit(X, y)
    assert not hasattr(RandomForestClassifier(), "predict_quantiles")
    forest = forest.set_params(keep_leaf_values=False).fit(X, y)
    assert "leaf_values_" not in vars(forest)
