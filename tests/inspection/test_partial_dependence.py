"""Partial dependence and ICE: scikit-learn's values, the twin, bad input."""

import sys

import numpy as np
import pytest
from sklearn import ensemble as theirs
from sklearn.datasets import load_diabetes
from sklearn.inspection import partial_dependence as their_function

import smelt
from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from smelt.inspection import partial_dependence
from smelt.tree import DecisionTreeRegressor

X, Y = load_diabetes(return_X_y=True)
K = (Y > 100).astype(int) + (Y > 200)


@pytest.mark.parametrize("features", [2, [8], (2, 8), [(0, 3)][0]])
@pytest.mark.parametrize(
    "name", ["HistGradientBoostingRegressor", "RandomForestRegressor", "DecisionTreeRegressor"]
)
def test_recursion_is_scikit_learns(name, features):
    settings = {"max_leaf_nodes": 10, "random_state": 0}
    home = smelt.tree if name.startswith("Decision") else smelt.ensemble
    ours = getattr(home, name)(**settings).fit(X, Y)
    boosted = name.startswith("Hist")
    reference = getattr(theirs, name)(**settings).fit(X, Y) if boosted else ours
    found = partial_dependence(ours, X, features, grid_resolution=12, method="recursion")
    expected = their_function(reference, X, features, grid_resolution=12, method="recursion")
    np.testing.assert_allclose(found.average, expected.average, atol=1e-9)
    for a, b in zip(found.grid_values, expected.grid_values, strict=True):
        np.testing.assert_array_equal(a, b)
    with smelt.config(engine="plain"):
        twin = partial_dependence(ours, X, features, grid_resolution=12)
    np.testing.assert_allclose(twin.average, found.average, atol=1e-10)


@pytest.mark.parametrize("kind", ["average", "individual", "both"])
@pytest.mark.parametrize("weighted", [False, True])
def test_brute_is_scikit_learns(kind, weighted, monkeypatch):
    monkeypatch.setattr(sys.modules["smelt.inspection.partial_dependence"], "BATCH", 1500)
    weight = np.random.default_rng(0).random(len(X)) if weighted else None
    models = [
        (HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, Y), Y),
        (HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, K), K),
        (RandomForestClassifier(5, random_state=0).fit(X, K > 0), K),
        (RandomForestRegressor(5, random_state=0).fit(X, np.c_[Y, -Y]), Y),
    ]
    for model, _ in models:
        for features in ([2], [2, 8]):
            settings = {
                "grid_resolution": 5, "kind": kind, "method": "brute", "sample_weight": weight,
            }  # fmt: skip
            found = partial_dependence(model, X, features, **settings)
            expected = their_function(model, X, features, **settings)
            assert set(found) == set(expected)
            for name in set(found) - {"grid_values"}:
                np.testing.assert_allclose(found[name], expected[name], atol=1e-10)


def test_frames_categories_and_own_grids():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(X, columns=list("abcdefghij"))
    frame["b"] = pd.Categorical(np.where(X[:, 1] > 0, "men", "women"))
    model = HistGradientBoostingRegressor(max_iter=10, random_state=0).fit(frame, Y)
    for features, settings in (
        (["b"], {"categorical_features": ["b"]}),
        (["c"], {"custom_values": {"c": [0.0, 0.05]}}),
        (["c", "b"], {"categorical_features": ["b"], "grid_resolution": 4}),
    ):
        found = partial_dependence(model, frame, features, kind="both", **settings)
        expected = their_function(model, frame, features, kind="both", **settings)
        np.testing.assert_allclose(found.average, expected.average, atol=1e-10)
        np.testing.assert_allclose(found.individual, expected.individual, atol=1e-10)


def test_other_models_and_scikit_learns_recursion():
    ridge = smelt.linear_model.Ridge().fit(X, Y)
    found = partial_dependence(ridge, X, [2], grid_resolution=5)
    expected = their_function(ridge, X, [2], grid_resolution=5)
    np.testing.assert_allclose(found.average, expected.average)
    boosted = theirs.GradientBoostingRegressor(n_estimators=5).fit(X, Y)
    found = partial_dependence(boosted, X, [2], grid_resolution=5)
    expected = their_function(boosted, X, [2], grid_resolution=5, method="recursion")
    np.testing.assert_array_equal(found.average, expected.average)


def test_same_bits_for_any_number_of_threads():
    model = RandomForestRegressor(20, random_state=0).fit(X, Y)
    found = []
    for n_jobs in (1, 2, 7):
        with smelt.config(n_threads=n_jobs):
            found.append(partial_dependence(model, X, [2, 8]).average)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "individual", "method": "recursion"}, "average"),
        ({"sample_weight": np.ones(len(X)), "method": "recursion"}, "sample_weight"),
        ({"response_method": "predict_proba"}, "response_method"),
        ({"percentiles": (0.9, 0.1)}, "percentiles"),
        ({"grid_resolution": 1}, "grid_resolution"),
        ({"features": [-1]}, "all features must be in"),
        ({"features": [99]}, "must be in"),
        ({"kind": "most"}, "kind"),
        ({"method": "quick"}, "method"),
        ({"categorical_features": []}, "empty"),
        ({"categorical_features": [True]}, "mask"),
    ],
)
def test_bad_input_is_named(settings, words):
    model = DecisionTreeRegressor(max_depth=2).fit(X, Y)
    features = settings.pop("features", [2])
    with pytest.raises(ValueError, match=words):
        partial_dependence(model, X, features, **settings)
