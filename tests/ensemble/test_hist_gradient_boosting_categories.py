"""Ordered target statistics of boosting: categories too many for bins."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import smelt
from smelt.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from smelt.ensemble._target_statistics import ordered_statistics


def rows(n, n_categories=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 1] = rng.integers(0, n_categories, n)
    X[:, 2] = rng.integers(0, 6, n)
    X[rng.random(X.shape) < 0.03] = np.nan
    return X


EFFECT = np.random.default_rng(5).normal(size=1500)
X, X_NEW = rows(8000), rows(4000, seed=1)


def target(X, seed):
    codes = np.nan_to_num(X[:, 1]).astype(int)
    noise = 0.5 * np.random.default_rng(seed).normal(size=len(X))
    return 2 * EFFECT[codes % 1500] + np.nan_to_num(X[:, 0]) + noise


Y, Y_NEW = target(X, 2), target(X_NEW, 3)


def test_statistics_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, 60).astype(float)
    codes[::9] = np.nan
    y, weight, order = rng.normal(size=60), rng.random(60), rng.permutation(60)
    found = ordered_statistics(codes, y, weight, order, 0.3)
    sums, weights = np.zeros(5), np.zeros(5)
    for row in order:
        if np.isnan(codes[row]):
            assert np.isnan(found[row])
            continue
        k = int(codes[row])
        assert found[row] == pytest.approx((sums[k] + 0.3) / (weights[k] + 1))
        sums[k] += weight[row] * y[row]
        weights[k] += weight[row]


def test_many_categories_are_learned_and_an_error_without():
    settings = {"categorical_features": [1, 2], "random_state": 0}
    model = HistGradientBoostingRegressor(high_cardinality="target", **settings).fit(X, Y)
    number = HistGradientBoostingRegressor(random_state=0).fit(X, Y)
    assert model.score(X_NEW, Y_NEW) > 0.7 > number.score(X_NEW, Y_NEW) + 0.2
    with pytest.raises(ValueError, match="cardinality <= 255"):
        HistGradientBoostingRegressor(**settings).fit(X, Y)
    unseen = X_NEW.copy()
    unseen[:, 1] = 99_999
    assert np.isfinite(model.predict(unseen)).all()
    np.testing.assert_array_equal(
        model.predict(X_NEW[:30]), [model.predict(row[None])[0] for row in X_NEW[:30]]
    )


def test_a_row_does_not_learn_its_own_target():
    rng = np.random.default_rng(0)
    noise = np.column_stack([np.arange(4000) // 2, rng.normal(size=4000)]).astype(float)
    y = rng.integers(0, 2, 4000)
    model = HistGradientBoostingClassifier(
        categorical_features=[0], high_cardinality="target", max_iter=50, random_state=0,
        learning_rate=0.05, max_leaf_nodes=4,
    ).fit(noise[:3000], y[:3000])  # fmt: skip
    # With the category's mean over all rows, own target included, every row would be known.
    means = np.array([y[:3000][noise[:3000, 0] == c].mean() for c in noise[:3000, 0]])
    assert roc_auc_score(y[:3000], means) > 0.8
    trained = model.predict_proba(noise[3000:])[:, 1]
    assert 0.4 < roc_auc_score(y[3000:], trained) < 0.6
    assert trained.std() < 0.1


def test_names_classes_files_and_early_stopping(tmp_path):
    def frame(X):
        names = pd.Series(X[:, 1]).map(lambda c: None if np.isnan(c) else f"city {c:.0f}")
        return pd.DataFrame({"a": X[:, 0], "city": names.astype("category"), "c": X[:, 2]})

    y, y_new = np.where(Y > 0, "late", "early"), np.where(Y_NEW > 0, "late", "early")
    model = HistGradientBoostingClassifier(
        high_cardinality="target", early_stopping=True, random_state=0, max_iter=60
    ).fit(frame(X), y)
    assert model.score(frame(X_NEW), y_new) > 0.8
    smelt.save(model, tmp_path / "model.smelt")
    again = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(
        again.predict_proba(frame(X_NEW)), model.predict_proba(frame(X_NEW))
    )
    watched = HistGradientBoostingClassifier(high_cardinality="target", max_iter=40)
    watched.fit(frame(X), y, eval_set=[(frame(X_NEW), y_new)], eval_metric="auc")
    expected = roc_auc_score(y_new, watched.predict_proba(frame(X_NEW))[:, 1])
    assert watched.evals_result_["valid_0"]["auc"][watched.n_iter_ - 1] == pytest.approx(expected)


def test_engines_and_threads_agree():
    settings = {"categorical_features": [1, 2], "high_cardinality": "target", "max_iter": 4}
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = HistGradientBoostingRegressor(random_state=0, **settings).fit(X, Y)
            found.append(model.predict(X_NEW))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    with smelt.config(engine="plain"):
        plain = HistGradientBoostingRegressor(random_state=0, **settings).fit(X, Y)
        np.testing.assert_allclose(plain.predict(X_NEW), found[0], rtol=1e-7)


def test_linear_leaves_and_target_statistics_go_together():
    model = HistGradientBoostingRegressor(
        categorical_features=[1], high_cardinality="target", linear_leaves=True, max_iter=30,
        linear_regularization=1.0, early_stopping=True, random_state=0,
    )  # fmt: skip
    assert model.fit(X, Y).score(X_NEW, Y_NEW) > 0.6


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({"warm_start": True}, Y, "goes with neither"),
        ({"interaction_cst": "pairwise"}, Y, "goes with neither"),
        ({"high_cardinality": "bins"}, Y, "'high_cardinality' parameter"),
    ],
    ids=str,
)
def test_bad_choices_are_named(parameters, y, message):
    settings = {"categorical_features": [1], "high_cardinality": "target", **parameters}
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**settings).fit(X, y)


def test_more_classes_are_refused():
    model = HistGradientBoostingClassifier(categorical_features=[1], high_cardinality="target")
    with pytest.raises(ValueError, match="two classes"):
        model.fit(X, np.digitize(Y, [-1, 1]))
