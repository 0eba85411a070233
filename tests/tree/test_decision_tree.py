"""Decision trees: the twin and scikit-learn node for node, constraints, copies, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import tree as theirs
from sklearn.inspection import permutation_importance

import smelt
from smelt.tree import DecisionTreeClassifier, DecisionTreeRegressor

ARRAYS = (
    "children_left",
    "children_right",
    "feature",
    "threshold",
    "n_node_samples",
    "weighted_n_node_samples",
    "impurity",
    "value",
)
SETTINGS = (
    {},
    {"max_depth": 4},
    {"max_features": 3},
    {"min_samples_split": 20, "min_samples_leaf": 7},
    {"min_weight_fraction_leaf": 0.03},
    {"max_leaf_nodes": 12},
    {"min_impurity_decrease": 0.01},
)


def problem(n=300, missing=False, seed=0):
    """Columns of many, few and two values; integer targets keep all sums exact."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8)).astype(np.float32)
    X[:, 3], X[:, 5], X[:, 6] = np.round(X[:, 3], 1), np.round(X[:, 5]), X[:, 6] > 0
    y = ((X[:, 0] + X[:, 3] * X[:, 5] + rng.normal(size=n)) > 0).astype(int) + (X[:, 1] > 1)
    if missing:
        X[rng.random(X.shape) < 0.15] = np.nan
    return X, y, rng.integers(0, 4, n).astype(float)


def same_tree(ours, other, *, exact=True):
    """Both trees have the same nodes."""
    for name in ARRAYS:
        a, b = getattr(ours.tree_, name), getattr(other.tree_, name)
        if exact and name not in ("impurity", "value"):
            np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_classifier_is_scikit_learns_node_for_node(settings, weighted, missing, criterion):
    X, y, weight = problem(missing=missing)
    settings = {**settings, "criterion": criterion, "random_state": 3}
    weight = weight if weighted else None
    ours = DecisionTreeClassifier(**settings).fit(X, y, weight)
    same_tree(ours, theirs.DecisionTreeClassifier(**settings).fit(X, y, weight))


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
@pytest.mark.parametrize("weighted", [False, True])
def test_regressor_is_scikit_learns_node_for_node(criterion, weighted):
    X, _, weight = problem(400)
    y = np.exp(X[:, 0] + 0.3 * np.sin(3 * X[:, 1]))
    settings = {"criterion": criterion, "max_depth": 4, "min_samples_leaf": 10, "random_state": 1}
    weight = weight if weighted else None
    ours = DecisionTreeRegressor(**settings).fit(X, y, weight)
    same_tree(ours, theirs.DecisionTreeRegressor(**settings).fit(X, y, weight), exact=False)


@pytest.mark.parametrize("settings", [*SETTINGS, {"max_bins": 16}, {"max_bins": 255}])
@pytest.mark.parametrize("missing", [False, True])
def test_the_twin_grows_the_same_tree(settings, missing):
    X, y, weight = problem(200, missing=missing)
    model = DecisionTreeClassifier(random_state=5, **settings).fit(X, y, weight)
    with smelt.config(engine="plain"):
        twin = DecisionTreeClassifier(random_state=5, **settings).fit(X, y, weight)
        np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(twin.apply(X), model.apply(X))
    same_tree(model, twin)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson", "entropy"])
def test_the_twin_knows_every_criterion(criterion):
    X, y, weight = problem(150)
    cls = DecisionTreeClassifier if criterion == "entropy" else DecisionTreeRegressor
    target = y if criterion == "entropy" else np.exp(X[:, 0])
    settings = {"criterion": criterion, "max_depth": 3, "min_samples_leaf": 8, "random_state": 0}
    model = cls(**settings).fit(X, target, weight)
    with smelt.config(engine="plain"):
        twin = cls(**settings).fit(X, target, weight)
    same_tree(model, twin, exact=False)


def test_several_outputs():
    X, y, weight = problem()
    targets = np.column_stack([y, y % 2, X[:, 6].astype(int)])
    settings = {"max_depth": 5, "random_state": 0}
    ours = DecisionTreeClassifier(**settings).fit(X, targets, weight)
    other = theirs.DecisionTreeClassifier(**settings).fit(X, targets, weight)
    same_tree(ours, other)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    for a, b in zip(ours.predict_proba(X), other.predict_proba(X), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    values = np.column_stack([X[:, 0], X[:, 1] ** 2])
    ours = DecisionTreeRegressor(**settings, min_samples_leaf=9).fit(X, values)
    other = theirs.DecisionTreeRegressor(**settings, min_samples_leaf=9).fit(X, values)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
    with smelt.config(engine="plain"):
        same_tree(ours, DecisionTreeRegressor(**settings, min_samples_leaf=9).fit(X, values))


@pytest.mark.parametrize("sign", [1, -1])
def test_monotonic_constraints_hold_and_are_scikit_learns(sign):
    X, y, _ = problem(600)
    signs = [sign, 0, 0, -sign, 0, 0, 0, 0]
    settings = {"monotonic_cst": signs, "min_samples_leaf": 5, "random_state": 0}
    ours = DecisionTreeClassifier(**settings).fit(X, y > 0)
    same_tree(ours, theirs.DecisionTreeClassifier(**settings).fit(X, y > 0))
    with smelt.config(engine="plain"):
        same_tree(ours, DecisionTreeClassifier(**settings).fit(X, y > 0))
    grid = np.repeat(X[:20], 50, axis=0)
    grid[:, 0] = np.tile(np.linspace(-3, 3, 50), 20)
    steps = np.diff(ours.predict_proba(grid)[:, 1].reshape(20, 50), axis=1)
    assert (sign * steps >= 0).all()


def test_bins_keep_the_accuracy_and_few_values_stay_exact():
    X, y, _ = problem(4000)
    few = np.round(X, 1)
    exact = DecisionTreeClassifier(random_state=0, max_depth=8).fit(few, y)
    same_tree(DecisionTreeClassifier(random_state=0, max_depth=8, max_bins=255).fit(few, y), exact)
    X_new, y_new, _ = problem(4000, seed=1)
    scores = [
        DecisionTreeClassifier(random_state=0, max_bins=bins).fit(X, y).score(X_new, y_new)
        for bins in (None, 255)
    ]
    assert abs(scores[0] - scores[1]) < 0.02


def test_pruning_paths_and_exports_are_scikit_learns():
    X, y, _ = problem()
    ours, other = (
        module.DecisionTreeClassifier(random_state=0).fit(X, y) for module in (smelt.tree, theirs)
    )
    path, known = (model.cost_complexity_pruning_path(X, y) for model in (ours, other))
    np.testing.assert_allclose(path.ccp_alphas, known.ccp_alphas, atol=1e-12)
    np.testing.assert_allclose(path.impurities, known.impurities, atol=1e-12)
    alpha = path.ccp_alphas[len(path.ccp_alphas) // 2]
    pruned, other_pruned = (
        module.DecisionTreeClassifier(random_state=0, ccp_alpha=alpha).fit(X, y)
        for module in (smelt.tree, theirs)
    )
    same_tree(pruned, other_pruned)
    assert pruned.get_n_leaves() < ours.get_n_leaves() and ours.get_depth() == other.get_depth()
    assert theirs.export_text(ours) == theirs.export_text(other)
    assert theirs.export_graphviz(ours) == theirs.export_graphviz(other)
    np.testing.assert_allclose(ours.feature_importances_, other.feature_importances_)
    assert (ours.decision_path(X) != other.decision_path(X)).nnz == 0
    np.testing.assert_array_equal(ours.apply(X), other.apply(X))
    assert permutation_importance(ours, X, y, n_repeats=2).importances.shape == (8, 2)


def test_inputs_of_every_kind_give_the_same_tree():
    X, y, _ = problem()
    X[:, 2] = np.where(X[:, 2] > 0, X[:, 2], 0)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    for other in (X.astype(np.float64), np.asfortranarray(X), sp.csr_matrix(X), sp.csc_array(X)):
        same_tree(DecisionTreeClassifier(random_state=0).fit(other, y), model)
        np.testing.assert_array_equal(model.predict(other), model.predict(X))
    weights = np.where(np.arange(len(y)) < 200, 1.0, 0.0)
    cut = DecisionTreeClassifier(random_state=0).fit(X[:200], y[:200])
    same_tree(DecisionTreeClassifier(random_state=0).fit(X, y, weights), cut)
    twice = DecisionTreeClassifier(random_state=0).fit(X, y, np.full(len(y), 2.0))
    np.testing.assert_array_equal(twice.tree_.threshold, model.tree_.threshold)


def test_class_weights_are_scikit_learns():
    X, y, weight = problem()
    settings = {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}, "random_state": 0}
    ours = DecisionTreeClassifier(**settings).fit(X, y, weight)
    same_tree(ours, theirs.DecisionTreeClassifier(**settings).fit(X, y, weight))
    # Weights that are no sums of powers of two round; cuts that tie may then differ.
    settings = {"class_weight": "balanced", "max_depth": 2, "random_state": 0}
    ours = DecisionTreeClassifier(**settings).fit(X, y, weight)
    same_tree(ours, theirs.DecisionTreeClassifier(**settings).fit(X, y, weight), exact=False)


def test_copies_and_files(tmp_path):
    X, y, _ = problem(missing=True)
    model = DecisionTreeClassifier(random_state=0, max_depth=5).fit(X, y)
    assert model.tree_ is model.tree_
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    smelt.save(model, tmp_path / "tree.smelt")
    loaded = smelt.load(tmp_path / "tree.smelt")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    same_tree(loaded, model)


def test_bad_input_is_named():
    X, y, weight = problem()
    with pytest.raises(ValueError, match="infinity"):
        DecisionTreeClassifier().fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="NaN"):
        DecisionTreeClassifier().fit(X, np.where(y > 1, np.nan, y))
    with pytest.raises(ValueError, match="negative"):
        DecisionTreeRegressor(criterion="poisson").fit(X, y - 1.0)
    with pytest.raises(ValueError, match="monotonic_cst"):
        DecisionTreeClassifier(monotonic_cst=[1, 2, 0, 0, 0, 0, 0, 0]).fit(X, y > 0)
    with pytest.raises(ValueError, match="multiclass"):
        DecisionTreeClassifier(monotonic_cst=[1] * 8).fit(X, y)
    with pytest.raises(ValueError, match="does not match"):
        DecisionTreeClassifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="max_bins"):
        DecisionTreeClassifier(max_bins=300).fit(X, y)
    with pytest.raises(ValueError, match="sample_weight"):
        DecisionTreeClassifier().fit(X, y, weight[:-1])
    one = DecisionTreeClassifier().fit(X[:1], y[:1])
    assert one.get_n_leaves() == 1 and one.predict(X[:3]).tolist() == [y[0]] * 3
    assert DecisionTreeClassifier().fit(np.zeros((9, 2)), np.arange(9) % 2).get_depth() == 0
