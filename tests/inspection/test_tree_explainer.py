"""SHAP values: the definition, the twin, shap and LightGBM, additivity, threads, bad input."""

import pickle
from functools import partial
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn import ensemble as their_ensembles
from sklearn import tree as their_trees
from sklearn.exceptions import NotFittedError

import smelt
from smelt.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from smelt.inspection import TreeExplainer
from smelt.inspection._trees import tree_model
from smelt.plain.inspection.tree_shap import goes_left, shares
from smelt.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)


def table(n=400, missing=True, n_columns=5):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + 0.3 * rng.normal(size=n)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, y.astype(np.float64)


def categories(n=500):
    X, y = table(n)
    rng = np.random.default_rng(1)
    X[:, 1] = rng.integers(0, 9, n)
    X[rng.random(n) < 0.1, 1] = np.nan
    y = y + np.array([0, 3, 1, 2, -1, 4, 0, 1, 2])[np.nan_to_num(X[:, 1], nan=0).astype(int)]
    return X, y


def models():
    X, y = table()
    K = (y > 0.5).astype(int) + (y > 1.5)
    weight = np.random.default_rng(2).integers(0, 4, len(X)) / 3
    small = {"max_leaf_nodes": 12, "random_state": 0}
    C, yc = categories()
    boost = {"max_iter": 6, "max_leaf_nodes": 12, "min_samples_leaf": 5, "random_state": 0}
    with_sets = HistGradientBoostingRegressor(categorical_features=[1], **boost).fit(C, yc)
    assert (with_sets.trees_["category_set"] >= 0).any()
    return {
        "boosting": (HistGradientBoostingRegressor(**boost).fit(X, y), X),
        "boosting, classes": (HistGradientBoostingClassifier(**boost).fit(X, K), X),
        "boosting, categories": (with_sets, np.vstack([C, np.full((2, 5), [0, 77, 0, 0, -1])])),
        "boosting, weights": (HistGradientBoostingRegressor(**boost).fit(X, y, weight), X),
        "tree": (DecisionTreeRegressor(**small).fit(X, y), X),
        "tree, weights": (DecisionTreeRegressor(**small).fit(X, y, weight), X),
        "tree, classes": (DecisionTreeClassifier(**small).fit(X, K), X),
        "tree, outputs": (DecisionTreeRegressor(**small).fit(X, np.c_[y, -y, y**2]), X),
        "tree, outputs of classes": (DecisionTreeClassifier(**small).fit(X, np.c_[K, K > 0]), X),
        "random cuts": (ExtraTreeRegressor(**small).fit(X, y), X),
        "random cuts, classes": (ExtraTreeClassifier(**small).fit(X, K), X),
        "one node": (DecisionTreeRegressor().fit(X, np.ones(len(X))), X),
        "one split": (DecisionTreeRegressor(max_depth=1).fit(X, y), X),
        "forest": (RandomForestRegressor(5, **small).fit(X, y), X),
        "forest, classes": (RandomForestClassifier(5, **small).fit(X, K, weight), X),
        "forest, random cuts": (ExtraTreesRegressor(5, **small).fit(X, y), X),
        "forest, outputs": (RandomForestRegressor(3, **small).fit(X, np.c_[y, -y]), X),
    }


MODELS = models()


def raw(model, X):
    known = tree_model(model)
    return known.raw_predict(known.arrange(X)).reshape(len(X), *known.shape)


def game(trees, x, subset):
    """Expected raw prediction of one row when the columns of ``subset`` are known."""
    out = np.zeros(trees["n_outputs"])
    value = trees["value"].reshape(len(trees["left"]), -1)

    def walk(root, node, weight, first):
        if trees["left"][node] < 0:
            out[first : first + value.shape[1]] += weight * value[node]
            return
        children = [root + trees["left"][node], root + trees["right"][node]]
        column = trees["feature"][node]
        if column in subset:
            left = goes_left(x[column : column + 1].astype(float), node, trees)[0]
            walk(root, children[0 if left else 1], weight, first)
        else:
            for child, share in zip(children, shares(trees["cover"][children]), strict=True):
                walk(root, child, weight * share, first)

    for tree, root in enumerate(trees["offsets"][:-1]):
        walk(root, root, 1.0, trees["first_output"][tree])
    return out


def by_definition(value, n):
    """Shapley values and interaction values of a game, summed over all subsets."""
    known = {
        frozenset(s): value(frozenset(s)) for k in range(n + 1) for s in combinations(range(n), k)
    }
    single = np.zeros((n, *np.shape(known[frozenset()])))
    pairs = np.zeros((n, *single.shape))
    for i in range(n):
        for subset, v in known.items():
            if i not in subset:
                k = len(subset)
                share = factorial(k) * factorial(n - k - 1) / factorial(n)
                single[i] += share * (known[subset | {i}] - v)
        for j in range(n):
            for subset, v in known.items():
                if i != j and not subset & {i, j}:
                    k = len(subset)
                    share = factorial(k) * factorial(n - k - 2) / factorial(n - 1) / 2
                    both = known[subset | {i, j}] - known[subset | {i}] - known[subset | {j}] + v
                    pairs[i, j] += share * both
    pairs[range(n), range(n)] = single - pairs.sum(axis=1)
    return single, pairs


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_the_definition(name):
    model, X = MODELS[name]
    explainer = TreeExplainer(model)
    trees = tree_model(model).trees
    rows = np.r_[0:4, len(X) - 2 : len(X)]
    values = explainer.shap_values(X[rows]).reshape(len(rows), 5, -1)
    pairs = explainer.shap_interaction_values(X[rows]).reshape(len(rows), 5, 5, -1)
    for row, value, pair in zip(rows, values, pairs, strict=True):
        single, both = by_definition(lambda s, x=X[row]: game(trees, x, s), 5)
        np.testing.assert_allclose(value, single, atol=1e-12)
        np.testing.assert_allclose(pair, both, atol=1e-12)


@pytest.mark.parametrize("name", ["boosting, categories", "tree, classes", "forest, outputs"])
def test_interventional_values_are_those_of_the_definition(name):
    model, X = MODELS[name]
    background, rows = X[100:112], np.r_[0:3, len(X) - 1]
    explainer = TreeExplainer(model, background)
    values = explainer.shap_values(X[rows]).reshape(len(rows), 5, -1)

    def expected(x, subset):
        hybrid = background.copy()
        hybrid[:, list(subset)] = x[list(subset)]
        return raw(model, hybrid).mean(axis=0).ravel()

    for row, value in zip(rows, values, strict=True):
        single, _ = by_definition(lambda s, x=X[row]: expected(x, s), 5)
        np.testing.assert_allclose(value, single, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("interventional", [False, True])
def test_values_add_up_and_equal_the_twin_on_any_number_of_threads(name, interventional):
    model, X = MODELS[name]
    found = []
    for n_jobs in (1, 2, 7):
        explainer = TreeExplainer(model, X[:50] if interventional else None, n_jobs=n_jobs)
        found.append(explainer.shap_values(X))
        np.testing.assert_array_equal(found[-1], found[0])
    total = explainer.expected_value + found[0].sum(axis=1)
    np.testing.assert_allclose(total, raw(model, X), atol=1e-10)
    with smelt.config(engine="plain"):
        twin = TreeExplainer(model, X[:6] if interventional else None)
        few = twin.shap_values(X[:20])
    if interventional:
        found[0] = TreeExplainer(model, X[:6]).shap_values(X)
    np.testing.assert_allclose(few, found[0][:20], atol=1e-12)


@pytest.mark.parametrize("name", ["boosting, categories", "forest, classes"])
def test_interactions_equal_the_twin_on_any_number_of_threads(name):
    model, X = MODELS[name]
    found = [TreeExplainer(model, n_jobs=n).shap_interaction_values(X[:40]) for n in (1, 2, 7)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[0], found[0].swapaxes(1, 2))
    values = TreeExplainer(model).shap_values(X[:40])
    np.testing.assert_allclose(found[0].sum(axis=2), values, atol=1e-12)
    with smelt.config(engine="plain"):
        twin = TreeExplainer(model).shap_interaction_values(X[:10])
    np.testing.assert_allclose(found[0][:10], twin, atol=1e-12)


def test_deep_trees_and_long_paths_add_up():
    X, y = table(3000, missing=False, n_columns=60)
    y = X @ np.random.default_rng(3).normal(size=60)
    deep = DecisionTreeRegressor(random_state=0, max_features=3).fit(X, y)
    assert deep.get_depth() > 15
    for model in (deep, ExtraTreesRegressor(3, random_state=0).fit(X, y)):
        explainer = TreeExplainer(model)
        total = explainer.expected_value + explainer.shap_values(X[:300]).sum(axis=1)
        np.testing.assert_allclose(total, model.predict(X[:300]), atol=1e-10)
    # A chain: every split on a column of its own, 40 of them on the longest path.
    X = np.eye(40, dtype=np.float32)[np.r_[0:40, 0:40]]
    chain = DecisionTreeRegressor(random_state=0).fit(X, 2.0 ** -np.r_[0:40, 0:40])
    explainer = TreeExplainer(chain)
    total = explainer.expected_value + explainer.shap_values(X).sum(axis=1)
    np.testing.assert_allclose(total, chain.predict(X), atol=1e-10)


def test_a_weight_of_two_is_the_row_twice_in_the_cover():
    X, y = table(missing=False)
    weight = np.random.default_rng(0).integers(1, 3, len(X))
    settings = {"max_leaf_nodes": 10, "random_state": 0}
    one = DecisionTreeRegressor(**settings).fit(X, y, weight)
    two = DecisionTreeRegressor(**settings).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    np.testing.assert_allclose(
        TreeExplainer(one).shap_values(X), TreeExplainer(two).shap_values(X), atol=1e-10
    )


def test_float32_and_float64_rows_agree():
    model, X = MODELS["boosting"]
    explainer = TreeExplainer(model, X[:30])
    np.testing.assert_array_equal(
        explainer.shap_values(X), explainer.shap_values(X.astype(np.float64))
    )


def test_trees_of_scikit_learn_are_explained_too():
    X, y = table(missing=False)
    for ours, theirs in (
        (DecisionTreeRegressor, their_trees.DecisionTreeRegressor),
        (partial(RandomForestRegressor, max_bins=None), their_ensembles.RandomForestRegressor),
    ):
        settings = {"max_leaf_nodes": 9, "random_state": 1}
        a, b = ours(**settings).fit(X, y), theirs(**settings).fit(X, y)
        np.testing.assert_allclose(
            TreeExplainer(a).shap_values(X), TreeExplainer(b).shap_values(X), atol=1e-12
        )


@pytest.mark.parametrize("kind", ["tree", "forest, classes", "boosting"])
@pytest.mark.parametrize("interventional", [False, True])
def test_values_are_those_of_shap(kind, interventional):
    shap = pytest.importorskip("shap", reason="shap is not installed")
    X, y = table(missing=False)
    K = (y > 0.5).astype(int) + (y > 1.5)
    settings = {"max_leaf_nodes": 12, "random_state": 0}
    if kind == "tree":
        ours = DecisionTreeRegressor(**settings).fit(X, y)
        theirs = their_trees.DecisionTreeRegressor(**settings).fit(X, y)
    elif kind == "boosting":
        settings = {**settings, "max_iter": 5}
        ours = HistGradientBoostingRegressor(**settings).fit(X, y)
        theirs = their_ensembles.HistGradientBoostingRegressor(**settings).fit(X, y)
    else:
        ours = RandomForestClassifier(5, max_bins=None, **settings).fit(X, K)
        theirs = their_ensembles.RandomForestClassifier(5, **settings).fit(X, K)
    data = X[:40] if interventional else None
    other = shap.TreeExplainer(theirs, data)
    explainer = TreeExplainer(ours, data)
    np.testing.assert_allclose(
        explainer.expected_value, np.squeeze(other.expected_value), rtol=1e-6
    )
    values = other.shap_values(X[:50], check_additivity=False)
    np.testing.assert_allclose(explainer.shap_values(X[:50]), values, atol=1e-5)
    if not interventional:
        np.testing.assert_allclose(
            explainer.shap_interaction_values(X[:20]),
            other.shap_interaction_values(X[:20]),
            atol=1e-5,
        )


def test_the_plots_of_shap_take_an_explanation():
    shap = pytest.importorskip("shap", reason="shap is not installed")
    plot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    plot.switch_backend("agg")
    model, X = MODELS["boosting"]
    explained = TreeExplainer(model)(X[:30]).to_shap()
    assert isinstance(explained, shap.Explanation)
    shap.plots.bar(explained, show=False)
    shap.plots.waterfall(explained[0], show=False)
    shap.plots.beeswarm(explained, show=False)
    plot.close("all")


def test_values_are_those_of_lightgbm():
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    X, y = table(600)
    model = lightgbm.LGBMRegressor(n_estimators=8, num_leaves=20, verbose=-1, n_jobs=1).fit(X, y)
    expected = model.predict(X, pred_contrib=True)
    trees = of_lightgbm(model.booster_.dump_model(), X.shape[1])
    from smelt._kernel import kernel

    values = kernel("inspection.tree_shap_values")(X, trees)
    np.testing.assert_allclose(values, expected[:, :-1], atol=1e-10)


def of_lightgbm(model, n_features):
    """The arrays of the kernel from LightGBM's trees."""
    rows, offsets = [], [0]

    def add(node):
        at = len(rows) - offsets[-1]
        rows.append(None)
        if "leaf_value" in node:
            cover = node.get("leaf_count", 0)
            rows[offsets[-1] + at] = (-1, -1, 0, 0.0, 0, cover, node["leaf_value"])
        else:
            assert node["decision_type"] == "<=" and node["missing_type"] in ("NaN", "None")
            left, right = add(node["left_child"]), add(node["right_child"])
            rows[offsets[-1] + at] = (
                left, right, node["split_feature"], node["threshold"],
                int(node["default_left"]), node["internal_count"], 0.0,
            )  # fmt: skip
        return at

    for tree in model["tree_info"]:
        add(tree["tree_structure"])
        offsets.append(len(rows))
    names = ("left", "right", "feature", "threshold", "missing_left", "cover", "value")
    types = ("i4", "i4", "i4", "f8", "u1", "f8", "f8")
    columns = zip(names, types, zip(*rows, strict=True), strict=True)
    return {
        "n_features": n_features,
        "n_outputs": 1,
        "offsets": np.array(offsets, dtype=np.int64),
        "first_output": np.zeros(len(offsets) - 1, dtype=np.int32),
        "category_set": np.zeros(0, dtype=np.int32),
        "left_categories": np.zeros(0, dtype=np.uint32),
        "known_categories": np.zeros(0, dtype=np.uint32),
        **{name: np.array(values, dtype=kind) for name, kind, values in columns},
    }


def test_frames_with_categories_come_back_in_their_own_order():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = categories()
    frame = pd.DataFrame(X.astype(float), columns=list("abcde"))
    words = np.array(["v", "n", "z", "k", "b", "m", "x", "c", "a"])
    frame["b"] = pd.Categorical([None if np.isnan(v) else words[int(v)] for v in X[:, 1]])
    settings = {"max_iter": 6, "random_state": 0}
    model = HistGradientBoostingRegressor(**settings).fit(frame, y)
    codes = X.astype(float)
    codes[:, 1] = [np.nan if np.isnan(v) else np.sort(words).tolist().index(words[int(v)])
                   for v in X[:, 1]]  # fmt: skip
    plain = HistGradientBoostingRegressor(categorical_features=[1], **settings).fit(codes, y)
    explained = TreeExplainer(model)(frame)
    assert explained.feature_names == list("abcde")
    np.testing.assert_allclose(explained.values, TreeExplainer(plain).shap_values(codes), atol=1e-9)
    total = explained.base_values + explained.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(frame), atol=1e-10)
    pairs = TreeExplainer(model).shap_interaction_values(frame[:20])
    np.testing.assert_allclose(pairs.sum(axis=2), explained.values[:20], atol=1e-10)


def test_explanations_can_be_indexed_and_pickled():
    model, X = MODELS["forest, classes"]
    explained = TreeExplainer(model, feature_names=list("abcde"))(X[:7])
    assert explained.shape == (7, 5, 3) and len(explained) == 7
    assert explained[2].values.shape == (5, 3) and explained[2].base_values.shape == (3,)
    assert explained[:4, "b"].values.shape == (4, 3)
    assert explained[:4, "b"].feature_names == "b"
    assert explained[..., [0, 2]].feature_names == ["a", "c"]
    one = explained[:, :, 1]
    np.testing.assert_array_equal(one.values, explained.values[:, :, 1])
    np.testing.assert_array_equal(one.base_values, explained.base_values[:, 1])
    assert explained[1, :, 2].values.shape == (5,) and explained[1, :, 2].base_values.shape == ()
    with pytest.raises(KeyError, match="no column is named 'q'"):
        explained[:, "q"]
    again = pickle.loads(pickle.dumps(TreeExplainer(model)))
    np.testing.assert_array_equal(again.shap_values(X[:7]), explained.values)


def test_bad_input_is_named():
    model, X = MODELS["boosting"]
    with pytest.raises(ValueError, match="features"):
        TreeExplainer(model).shap_values(X[:, :3])
    with pytest.raises(ValueError, match="features"):
        TreeExplainer(MODELS["tree"][0]).shap_values(X[:, :3])
    with pytest.raises(NotFittedError):
        TreeExplainer(HistGradientBoostingRegressor())
    with pytest.raises(NotFittedError):
        TreeExplainer(RandomForestClassifier())
    with pytest.raises(NotFittedError):
        TreeExplainer(DecisionTreeClassifier())
    with pytest.raises(ValueError, match="Ridge is no tree model"):
        TreeExplainer(smelt.linear_model.Ridge().fit([[0.0], [1.0]], [0.0, 1.0]))
    with pytest.raises(ValueError, match="model_output"):
        TreeExplainer(model, model_output="probability")
    with pytest.raises(ValueError, match="feature_perturbation"):
        TreeExplainer(model, feature_perturbation="causal")
    with pytest.raises(ValueError, match="background"):
        TreeExplainer(model, feature_perturbation="interventional")
    with pytest.raises(ValueError, match="feature_names"):
        TreeExplainer(model, feature_names=["a"])
    with pytest.raises(ValueError, match="without data"):
        TreeExplainer(model, X[:5]).shap_interaction_values(X)
    damaged = {**tree_model(model).trees}
    damaged["left"] = np.where(damaged["left"] > 0, 0, damaged["left"]).astype(np.int32)
    from smelt._kernel import kernel

    for name in ("tree_shap_values", "tree_shap_interaction_values"):
        with pytest.raises(ValueError, match="damaged"):
            kernel(f"inspection.{name}")(X, damaged)
