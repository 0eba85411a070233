"""Categories of boosting: codes of frames, and target statistics where there are too many."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import smelt
from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from smelt.ensemble._target_statistics import (
    MOST,
    apply_statistics,
    columns_behind,
    fit_statistics,
    folded_statistics,
    ordered_statistics,
    prior_rows,
)
from smelt.inspection import TreeExplainer, feature_importances
from smelt.tree import DecisionTreeRegressor, _categories


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


def small(seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, 60)
    codes[::9] = 5  # missing
    return codes, rng.normal(size=60), rng.random(60), rng.permutation(60)


def test_ordered_statistics_are_those_of_a_plain_loop():
    codes, y, weight, order = small()
    found = ordered_statistics(codes, y, weight, order, 5, 0.3, 2.0)
    sums, weights = np.zeros(5), np.zeros(5)
    for row in order:
        k = codes[row]
        if k == 5:
            assert np.isnan(found[row])
            continue
        assert found[row] == pytest.approx((sums[k] + 2 * 0.3) / (weights[k] + 2))
        sums[k] += weight[row] * y[row]
        weights[k] += weight[row]


def test_folded_statistics_are_those_of_a_plain_loop():
    codes, y, weight, order = small()
    fold = order % 10
    found = folded_statistics(codes, y, weight, fold, 5, 0.3, 2.0)
    for row in range(60):
        others = (codes == codes[row]) & (fold != fold[row])
        expected = (weight[others] @ y[others] + 2 * 0.3) / (weight[others].sum() + 2)
        assert np.isnan(found[row]) if codes[row] == 5 else found[row] == pytest.approx(expected)
    changed = y.copy()
    changed[7] += 100  # the row's own target changes nothing of its own
    again = folded_statistics(codes, changed, weight, fold, 5, 0.3, 2.0)
    assert again[7] == pytest.approx(found[7])


def test_categories_are_drawn_to_the_mean_as_far_as_noise_wants():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 400, 40_000)
    noise = rng.normal(size=40_000)
    for spread in (0.1, 0.3, 1.0):
        y = spread * rng.normal(size=400)[codes] + noise
        best = max(1 / spread**2, 1)
        assert prior_rows(codes, y, np.ones(40_000), y.mean()) == pytest.approx(best, rel=0.25)
    assert prior_rows(codes, noise, np.ones(40_000), noise.mean()) > 300
    alone = np.arange(50)
    assert prior_rows(alone, noise[:50], np.ones(50), 0.0) == MOST
    twice = prior_rows(np.repeat(codes, 2), np.repeat(y, 2), np.ones(80_000), y.mean())
    assert prior_rows(codes, y, np.full(40_000, 2.0), y.mean()) == pytest.approx(twice)


def frames():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in rng.permutation(400)]
    text = pd.Categorical.from_codes(rng.integers(-1, 400, 3000), words)
    few = pd.Categorical(rng.integers(5, 9, 3000))
    holed = pd.Categorical(np.where(rng.random(3000) < 0.1, np.nan, rng.integers(0, 4, 3000)))
    frame = pd.DataFrame({"a": text, "x": rng.normal(size=3000), "b": few, "d": holed})
    as_text = frame.assign(b=few.astype(str), d=holed.astype(str))
    cast = [pl.col(name).cast(pl.Categorical) for name in "abd"]
    return [frame, frame[::-1], pl.from_pandas(as_text.astype({"a": str})).with_columns(cast)]


@pytest.mark.parametrize("frame", frames(), ids=["pandas", "pandas turned", "polars"])
def test_codes_of_frames_are_those_of_the_encoder(frame, monkeypatch):
    mask = np.array([True, False, True, True])
    encoder, found, codes = _categories.fit_encoder(frame, mask, 255, may_be_many=True)
    np.testing.assert_array_equal(_categories.encode(encoder, frame), found)
    few = frame[:40]
    quick = _categories.encode(encoder, few)
    monkeypatch.setattr(_categories, "categorical_columns", lambda X, mask: None)
    slow, expected, same = _categories.fit_encoder(frame, mask, 255, may_be_many=True)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(quick, _categories.encode(encoder, few))
    for a, b in zip(codes.categories, same.categories, strict=True):
        np.testing.assert_array_equal(a, b)
    for kept in zip(
        *(e.named_transformers_["encoder"].categories_ for e in (encoder, slow)), strict=True
    ):
        assert kept[0].dtype == kept[1].dtype
        pd.testing.assert_index_equal(pd.Index(kept[0]), pd.Index(kept[1]))


@pytest.mark.parametrize(
    "values",
    [[True, False], [0, 1], [0.5, 2.0], ["a", "b"], list(pd.to_datetime([1, 2]))],
    ids=["bool", "int", "float", "str", "date"],
)
def test_categories_of_any_type_are_those_of_the_encoder(values, monkeypatch):
    column = pd.Categorical([values[0], values[1], None, values[1]])
    frame = pd.DataFrame({"x": np.arange(4.0), "c": column})
    mask = np.array([False, True])
    encoder, found, _ = _categories.fit_encoder(frame, mask, 255)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [False, False, True, False])
    quick = _categories.encode(encoder, frame[:3])
    monkeypatch.setattr(_categories, "categorical_columns", lambda X, mask: None)
    np.testing.assert_array_equal(found, _categories.fit_encoder(frame, mask, 255)[1])
    np.testing.assert_array_equal(quick, _categories.encode(encoder, frame[:3]))


def test_categories_of_booleans_are_learnt():
    c = np.random.default_rng(0).random(300) > 0.5
    frame = pd.DataFrame({"x": np.zeros(300), "c": pd.Categorical(c)})
    for model in (
        HistGradientBoostingRegressor(learning_rate=1.0, max_iter=5),
        DecisionTreeRegressor(categorical_features="from_dtype"),
    ):
        np.testing.assert_allclose(model.fit(frame, c * 2.0).predict(frame), c * 2.0, atol=1e-9)


def test_unknown_categories_are_missing_and_none_is_a_category():
    frame = pl.DataFrame({"a": ["x", "y", None, "z"] * 10, "b": np.arange(40.0)})
    frame = frame.with_columns(pl.col("a").cast(pl.Categorical))
    encoder, found, codes = _categories.fit_encoder(frame, np.array([True, False]), 255)
    np.testing.assert_array_equal(found[:4, 0], [0, 1, 3, 2])
    assert [len(values) for values in codes.categories] == [4]
    new = pl.DataFrame({"a": ["q", "z", None], "b": [1.0, 2.0, 3.0]})
    for kind in (pl.Categorical, pl.Enum(["q", "z"]), pl.String):
        typed = new.with_columns(pl.col("a").cast(kind))
        np.testing.assert_array_equal(_categories.encode(encoder, typed)[:, 0], [np.nan, 2, 3])


@pytest.mark.parametrize("way", ["target", "ordered"])
def test_many_categories_are_learned_and_an_error_where_wanted(way):
    settings = {"categorical_features": [1, 2], "random_state": 0}
    model = HistGradientBoostingRegressor(high_cardinality=way, **settings).fit(X, Y)
    number = HistGradientBoostingRegressor(random_state=0).fit(X, Y)
    assert model.score(X_NEW, Y_NEW) > 0.7 > number.score(X_NEW, Y_NEW) + 0.2
    with pytest.raises(ValueError, match="cardinality <= 255"):
        HistGradientBoostingRegressor(high_cardinality="error", **settings).fit(X, Y)
    unseen = X_NEW.copy()
    unseen[:, 1] = 99_999
    assert np.isfinite(model.predict(unseen)).all()
    np.testing.assert_array_equal(
        model.predict(X_NEW[:30]), [model.predict(row[None])[0] for row in X_NEW[:30]]
    )


@pytest.mark.parametrize("way", ["target", "ordered"])
def test_a_row_does_not_learn_its_own_target(way):
    rng = np.random.default_rng(0)
    noise = np.column_stack([np.arange(4000) // 2, rng.normal(size=4000)]).astype(float)
    y = rng.integers(0, 2, 4000)
    model = HistGradientBoostingClassifier(
        categorical_features=[0], high_cardinality=way, max_iter=50, random_state=0,
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
        ({"warm_start": True}, Y, "go with neither"),
        ({"monotonic_cst": [0, 1, 0, 0]}, Y, "Categorical features cannot"),
        ({"high_cardinality": "bins"}, Y, "'high_cardinality' parameter"),
    ],
    ids=str,
)
def test_bad_choices_are_named(parameters, y, message):
    settings = {"categorical_features": [1], "high_cardinality": "target", **parameters}
    with pytest.raises(ValueError, match=message):
        HistGradientBoostingRegressor(**settings).fit(X, y)


def coloured(X):
    """Three classes by the category, a number in front of it, a small column behind."""
    names = pd.Series(X[:, 1]).map(lambda c: None if np.isnan(c) else f"city {c:.0f}")
    return pd.DataFrame({"x": X[:, 0], "city": names.astype("category"), "z": X[:, 3]})


COLOURS = np.array(["blue", "green", "red"])[np.digitize(Y, [-1, 1])]
COLOURS_NEW = np.array(["blue", "green", "red"])[np.digitize(Y_NEW, [-1, 1])]


@pytest.mark.parametrize("way", ["target", "ordered"])
def test_more_classes_have_a_number_each(way, tmp_path):
    model = HistGradientBoostingClassifier(high_cardinality=way, max_iter=30, random_state=0)
    model.fit(coloured(X), COLOURS)
    as_number = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    as_number.fit(np.delete(X, 2, axis=1), COLOURS)
    score = model.score(coloured(X_NEW), COLOURS_NEW)
    assert score > as_number.score(np.delete(X_NEW, 2, axis=1), COLOURS_NEW) + 0.15
    assert model.n_features_in_ == 3
    values = model._target_statistics["values"]
    assert values.shape[1] == 3
    proba = model.predict_proba(coloured(X_NEW))
    one_by_one = [model.predict_proba(coloured(X_NEW)[i : i + 1])[0] for i in range(20)]
    np.testing.assert_array_equal(one_by_one, proba[:20])
    unseen = coloured(X_NEW).assign(city=pd.Categorical(["nowhere"] * len(X_NEW)))
    missing = coloured(X_NEW).assign(city=pd.Categorical([None] * len(X_NEW)))
    found = model.predict_proba(unseen)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, model.predict_proba(missing))
    smelt.save(model, tmp_path / "model.smelt")
    for again in (smelt.load(tmp_path / "model.smelt"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict_proba(coloured(X_NEW)), proba)


def test_numbers_of_more_classes_are_those_of_each_class_against_the_others():
    codes, _, weight, _ = small()
    y = np.random.default_rng(1).integers(0, 3, 60)
    table = np.column_stack([np.arange(60.0), np.where(codes == 5, np.nan, codes)])
    several = fit_statistics(table.copy(), np.array([1]), [5], y, 3, weight, 7, "ordered")
    statistics, rows, of_others = several
    assert of_others == [1] * 3 + [2] * 3 + [3] * 3
    new = apply_statistics(table, statistics)
    for k in range(3):
        is_k = (y == k).astype(float)
        alone = fit_statistics(table.copy(), np.array([1]), [5], is_k, 2, weight, 7, "ordered")
        np.testing.assert_array_equal(statistics["values"][:, k], alone[0]["values"])
        np.testing.assert_array_equal(rows[:, k + 1], alone[1][:, 1])
        np.testing.assert_array_equal(rows[:, 4 + 3 * k : 7 + 3 * k], alone[1][:, 2:])
        np.testing.assert_array_equal(new[:, k + 1], apply_statistics(table, alone[0])[:, 1])
    assert list(columns_behind(statistics)) == [1, 1]


def test_more_classes_are_explained_by_the_columns_of_the_table():
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(coloured(X), COLOURS)
    rows = coloured(X_NEW)[:50]
    explainer = TreeExplainer(model)
    values = explainer.shap_values(rows)
    assert values.shape == (50, 3, 3)
    total = values.sum(axis=1) + explainer.expected_value
    np.testing.assert_allclose(total, model.decision_function(rows), atol=1e-10)
    pairs = explainer.shap_interaction_values(rows)
    assert pairs.shape == (50, 3, 3, 3)
    np.testing.assert_allclose(pairs.sum(axis=2), values, atol=1e-10)
    for kind in ("gain", "split", "shap"):
        found = feature_importances(model, kind, X=rows)
        assert found.shape == (3,)
        assert found.argmax() == 1
    behind = TreeExplainer(model, data=rows)
    total = behind.shap_values(rows).sum(axis=1) + behind.expected_value
    np.testing.assert_allclose(total, model.decision_function(rows), atol=1e-10)


def test_more_classes_weights_engines_threads_and_folds():
    weight = np.random.default_rng(3).integers(1, 3, len(X))
    settings = {"random_state": 0, "max_iter": 3}
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = HistGradientBoostingClassifier(**settings).fit(coloured(X), COLOURS, weight)
            found.append(model.predict_proba(coloured(X_NEW)))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    with smelt.config(engine="plain"):
        plain = HistGradientBoostingClassifier(**settings).fit(coloured(X), COLOURS, weight)
        np.testing.assert_allclose(plain.predict_proba(coloured(X_NEW)), found[0], rtol=1e-7)
    folds = HistGradientBoostingClassifier(
        max_iter=20, n_folds=3, linear_leaves=True, high_cardinality="ordered", random_state=0,
        linear_regularization=1.0,
    ).fit(coloured(X), COLOURS)  # fmt: skip
    assert folds.score(coloured(X_NEW), COLOURS_NEW) > 0.7


@pytest.mark.parametrize("n_categories", [5, 400])
def test_constraints_name_the_columns_of_the_table(n_categories):
    rng = np.random.default_rng(0)
    codes, x, z = rng.integers(0, n_categories, 3000), *rng.normal(size=(2, 3000))
    frame = pd.DataFrame({"x": x, "z": z, "c": pd.Categorical([f"c{c}" for c in codes])})
    y = np.sin(3 * x) + codes / n_categories + z * x
    rising = HistGradientBoostingRegressor(monotonic_cst=[1, 0, 0], max_iter=20).fit(frame, y)
    line = frame.iloc[np.zeros(50, dtype=int)].assign(x=np.linspace(-2, 2, 50))
    assert (np.diff(rising.predict(line)) >= 0).all()
    apart = HistGradientBoostingRegressor(interaction_cst=[{0}, {1, 2}], max_iter=20).fit(frame, y)
    pairs = TreeExplainer(apart).shap_interaction_values(frame[:100])
    assert np.abs(pairs[:, 0, 1:]).max() < 1e-12
    assert np.abs(pairs[:, 1, 2]).max() > 1e-3
    with pytest.raises(ValueError, match="Categorical features cannot have monotonic"):
        HistGradientBoostingRegressor(monotonic_cst=[0, 0, 1]).fit(frame, y)
