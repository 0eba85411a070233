"""Categorical columns in trees and forests: twin, optimum, missing and unseen, explained."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import smelt
from smelt.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from smelt.inspection import TreeExplainer
from smelt.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

TREES = [DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor]
FORESTS = [
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
]
CATEGORICAL = [1, 3]


def problem(n=300, missing=True, n_classes=3, seed=0):
    """Two columns of numbers, two of categories that matter; integer targets keep sums exact."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    X[:, 1], X[:, 3] = rng.integers(0, 12, n) * 3, rng.integers(0, 5, n)
    effect = rng.permutation(40)[X[:, 1].astype(int)] % 5 + (X[:, 3] == 2) * 2 + (X[:, 0] > 0)
    y = (effect + rng.integers(0, 2, n)).astype(int)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, y % n_classes if n_classes else y, rng.integers(0, 4, n).astype(float)


def target(model, seed=0, **settings):
    is_classifier = hasattr(model, "predict_proba")
    return problem(n_classes=3 if is_classifier else 0, seed=seed, **settings)


def same_nodes(one, other, exact=True):
    assert one.keys() == other.keys()
    for name, values in one.items():
        if exact and name not in ("impurity", "value"):
            np.testing.assert_array_equal(values, other[name], err_msg=name)
        else:
            np.testing.assert_allclose(values, other[name], rtol=1e-9, atol=1e-12, err_msg=name)


SETTINGS = (
    {},
    {"max_depth": 4},
    {"max_features": 2, "min_samples_leaf": 5},
    {"min_weight_fraction_leaf": 0.04},
    {"max_leaf_nodes": 10},
    {"criterion": "second"},
    {"max_bins": 8},
)


@pytest.mark.parametrize("cls", TREES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("missing", [False, True])
def test_the_twin_grows_the_same_tree(cls, settings, missing):
    if "max_bins" in settings and cls in TREES[2:]:
        settings = {"max_features": None}
    if settings.get("criterion"):
        is_classifier = "Classifier" in cls.__name__
        # Missing values and medians do not go together, here as in scikit-learn.
        regression = "squared_error" if missing else "absolute_error"
        settings = {"criterion": "entropy" if is_classifier else regression, "max_depth": 3}
    model = cls(random_state=3, categorical_features=CATEGORICAL, **settings)
    X, y, weight = target(model, missing=missing)
    nodes = model.fit(X, y, weight).nodes_
    answers, leaves = model.predict(X), model.apply(X)
    assert (nodes["category_set"] >= 0).any()
    with smelt.config(engine="plain"):
        twin = clone(model).fit(X, y, weight)
        np.testing.assert_array_equal(twin.apply(X), leaves)
        np.testing.assert_allclose(twin.predict(X), answers, rtol=1e-12)
    same_nodes(nodes, twin.nodes_)


def test_several_outputs_and_two_classes():
    X, y, weight = problem(missing=True)
    for cls, targets in (
        (DecisionTreeClassifier, np.column_stack([y, y == 1])),
        (DecisionTreeClassifier, y == 1),
        (DecisionTreeRegressor, np.column_stack([y, y**2])),
    ):
        model = cls(random_state=0, max_depth=5, categorical_features=CATEGORICAL)
        nodes = model.fit(X, targets, weight).nodes_
        with smelt.config(engine="plain"):
            same_nodes(nodes, clone(model).fit(X, targets, weight).nodes_)


@pytest.mark.parametrize("criterion", ["squared_error", "poisson", "gini", "entropy"])
def test_two_sets_are_the_best_of_all(criterion):
    """Every way to part seven categories is tried: Fisher's order finds the best."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.integers(0, 7, (200, 1)).astype(np.float32)
        y = rng.poisson(1 + rng.permutation(7)[X[:, 0].astype(int)])
        is_classifier = criterion in ("gini", "entropy")
        y = (y > 3).astype(int) if is_classifier else y.astype(float)
        cls = DecisionTreeClassifier if is_classifier else DecisionTreeRegressor
        settings = {"criterion": criterion, "max_depth": 1}
        nodes = cls(categorical_features=[0], **settings).fit(X, y).nodes_

        def lost(nodes):
            left, right = nodes["n_node_samples"][1:], nodes["impurity"][1:]
            return np.sum(left * right)

        least = np.inf
        for size in range(1, 7):
            for left in itertools.combinations(range(7), size):
                cut = np.isin(X, left).astype(np.float32)
                stump = cls(**settings).fit(cut, y).nodes_
                if len(stump["feature"]) == 3:  # else no child may be all zeros
                    least = min(least, lost(stump))
        assert lost(nodes) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("cls", TREES + FORESTS, ids=lambda cls: cls.__name__)
def test_train_predict_and_explain_agree(cls):
    few = {"n_estimators": 5} if cls in FORESTS else {}
    model = cls(random_state=0, categorical_features=CATEGORICAL, **few)
    X, y, _ = target(model)
    model.fit(X, y)
    if cls in TREES:
        # The leaves that prediction reaches are those that training counted.
        counted = np.bincount(model.apply(X), minlength=len(model.nodes_["feature"]))
        is_leaf = model.nodes_["children_left"] < 0
        np.testing.assert_array_equal(counted[is_leaf], model.nodes_["n_node_samples"][is_leaf])
    rows = X[:40].copy()
    rows[:5, 1], rows[5:9, 3], rows[9:12, 1] = 200, 4.5, np.nan  # unseen, no category, missing
    answer = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    one_by_one = np.concatenate([answer(row[None]) for row in rows])
    many = answer(np.tile(rows, (20, 1)))
    np.testing.assert_array_equal(np.tile(one_by_one.T, 20).T, many)
    unseen, absent = rows[:5].copy(), rows[:5].copy()
    absent[:, 1] = np.nan
    np.testing.assert_array_equal(answer(unseen), answer(absent))
    explained = TreeExplainer(model)(rows)
    total = explained.values.sum(axis=1) + explained.base_values
    np.testing.assert_allclose(total, answer(rows), atol=1e-10)
    path = model.decision_path(rows)
    indicator = path[0] if cls in FORESTS else path
    leaves = model.apply(rows).reshape(len(rows), -1)
    offsets = path[1][:-1] if cls in FORESTS else np.array([0])
    assert (indicator[:, offsets].toarray() == 1).all()
    for row in range(len(rows)):
        assert (indicator[row, leaves[row] + offsets] != 0).sum() == leaves.shape[1]
    importances = model.feature_importances_
    assert importances.shape == (4,) and importances.sum() == pytest.approx(1)
    assert importances[1] > 0


@pytest.mark.parametrize("cls", TREES + FORESTS, ids=lambda cls: cls.__name__)
def test_frames_files_and_copies(cls, tmp_path):
    few = {"n_estimators": 4} if cls in FORESTS else {}
    model = cls(random_state=0, categorical_features="from_dtype", **few)
    X, y, _ = target(model, missing=False)
    words = np.array(list("zyxwvutsrqponmlkjihgfedcba0123456789"))
    frame = pd.DataFrame(
        {
            "a": X[:, 0],
            "b": pd.Categorical(words[X[:, 1].astype(int) % 36]),
            "c": X[:, 2],
            "d": pd.Categorical(X[:, 3].astype(int).astype(str)),
        }
    )
    frame.loc[3, "b"] = None
    model.fit(frame, y)
    answers = model.predict(frame)
    assert list(model.feature_names_in_) == list("abcd")
    by_name = clone(model).set_params(categorical_features=["b", "d"]).fit(frame, y)
    np.testing.assert_array_equal(by_name.predict(frame), answers)
    mask = clone(model).set_params(categorical_features=[False, True, False, True])
    np.testing.assert_array_equal(mask.fit(frame, y).predict(frame), answers)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), answers)
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    np.testing.assert_array_equal(loaded.predict(frame), answers)
    unseen = frame.iloc[:5].assign(b=pd.Categorical(["new"] * 5))
    missing = frame.iloc[:5].assign(b=pd.Categorical([None] * 5, categories=["z"]))
    np.testing.assert_array_equal(model.predict(unseen), model.predict(missing))
    with pytest.raises(ValueError, match="columns are missing"):
        model.predict(frame.drop(columns="c"))
    if cls in FORESTS:
        np.testing.assert_array_equal(model.estimators_[0].apply(frame), model.apply(frame)[:, 0])


@pytest.mark.parametrize("cls", TREES + FORESTS, ids=lambda cls: cls.__name__)
def test_weights_of_two_are_rows_twice_and_threads_do_not_show(cls):
    few = {"n_estimators": 4, "bootstrap": False} if cls in FORESTS else {}
    few |= {"max_bins": None} if cls in FORESTS[:2] else {}  # quantiles count rows, not weights
    model = cls(random_state=0, categorical_features=CATEGORICAL, **few)
    X, y, _ = target(model)
    twice = clone(model).fit(np.vstack([X, X]), np.concatenate([y, y]))
    heavy = model.fit(X, y, np.full(len(y), 2.0))
    for name in ("feature", "category_set", "left_categories", "threshold", "children_left"):
        np.testing.assert_array_equal(heavy.nodes_[name], twice.nodes_[name])
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            same_nodes(heavy.nodes_, clone(model).fit(X, y, np.full(len(y), 2.0)).nodes_)


def test_pruning_paths_and_sizes():
    X, y, _ = problem(600)
    model = DecisionTreeClassifier(random_state=0, categorical_features=CATEGORICAL)
    path = model.cost_complexity_pruning_path(X, y)
    full = clone(model).fit(X, y)
    alpha = path.ccp_alphas[len(path.ccp_alphas) // 2]
    pruned = clone(model).set_params(ccp_alpha=alpha).fit(X, y)
    assert 1 < pruned.get_n_leaves() < full.get_n_leaves()
    assert pruned.get_depth() <= full.get_depth()
    assert len(pruned.nodes_["left_categories"]) == (pruned.nodes_["category_set"] >= 0).sum()
    # Rows that share a leaf of the full tree share one of the pruned tree.
    pairs = np.unique(np.column_stack([full.apply(X), pruned.apply(X)]), axis=0)
    assert len(np.unique(pairs[:, 0])) == len(pairs)
    forest = RandomForestClassifier(3, random_state=0, categorical_features=CATEGORICAL)
    sizes = [len(forest.set_params(ccp_alpha=a).fit(X, y).nodes_["feature"]) for a in (0.0, alpha)]
    assert sizes[1] < sizes[0]


def test_forests_out_of_bag_warm_start_and_quantiles():
    X, y, _ = problem(400, n_classes=0)
    settings = {"random_state": 0, "categorical_features": CATEGORICAL}
    whole = RandomForestRegressor(12, oob_score=True, keep_leaf_values=True, **settings).fit(X, y)
    assert whole.oob_score_ > 0.3
    assert whole.predict_quantiles(X[:9]).shape == (9, 3)
    parts = RandomForestRegressor(5, warm_start=True, **settings).fit(X, y)
    parts.set_params(n_estimators=12).fit(X, y)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))
    other = X.copy()
    other[:50, 1] = 100  # not known to the first trees: missing for all
    parts.set_params(n_estimators=14).fit(other, y)
    missing = np.where(other == 100, np.nan, other)
    np.testing.assert_array_equal(parts.predict(other), parts.predict(missing))
    with pytest.raises(ValueError, match="cannot change"):
        parts.set_params(n_estimators=15, categorical_features=[1]).fit(X, y)
    numbers = RandomForestRegressor(12, oob_score=True, random_state=0).fit(X, y)
    assert whole.oob_score_ > numbers.oob_score_


def test_other_ensembles_of_such_trees():
    X, y, _ = problem(200, missing=False)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0, categorical_features=CATEGORICAL)
    assert AdaBoostClassifier(tree, n_estimators=3, random_state=0).fit(X, y).score(X, y) > 0.4
    member = ExtraTreeRegressor(categorical_features=CATEGORICAL)
    assert BaggingRegressor(member, n_estimators=3, random_state=0).fit(X, y).score(X, y) > 0.4
    with pytest.raises(ValueError, match="all columns"):
        BaggingRegressor(member, max_features=2).fit(X, y)


@pytest.mark.parametrize("cls", TREES + FORESTS, ids=lambda cls: cls.__name__)
def test_bad_input(cls):
    few = {"n_estimators": 2} if cls in FORESTS else {}
    model = cls(categorical_features=[1], **few)
    X, y, _ = target(model, missing=False)
    many = X.copy()
    many[:, 1] = np.arange(len(X))
    with pytest.raises(ValueError, match="cardinality"):
        model.fit(many, y)
    with pytest.raises(ValueError, match="dense"):
        model.fit(sp.csr_matrix(X), y)
    with pytest.raises(ValueError, match="without feature names"):
        clone(model).set_params(categorical_features=["b"]).fit(X, y)
    with pytest.raises(ValueError, match="indices"):
        clone(model).set_params(categorical_features=[9]).fit(X, y)
    with pytest.raises(ValueError, match="monotonic"):
        y_two = y > np.median(y) if hasattr(model, "predict_proba") else y
        clone(model).set_params(monotonic_cst=[0, 1, 0, 0]).fit(X, y_two)
    model.fit(X, y)
    infinite = X[:3].copy()
    infinite[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.predict(infinite)
    if cls in TREES:
        with pytest.raises(AttributeError, match="sets of categories"):
            _ = model.tree_


def test_one_category_all_missing_and_constant_columns():
    X = np.column_stack([np.full(20, 7.0), np.full(20, np.nan), np.arange(20) % 2])
    y = np.arange(20) % 2
    for cls in TREES:
        model = cls(categorical_features=[0, 1, 2], random_state=0).fit(X, y)
        np.testing.assert_allclose(model.predict(X), y)
    X[:10, 0] = np.nan  # a category, and nothing: two sides
    y = np.isnan(X[:, 0]).astype(int)
    model = DecisionTreeClassifier(categorical_features=[0, 1]).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize("cls", [ExtraTreeClassifier, ExtraTreesClassifier])
def test_bins_of_drawn_thresholds_are_refused_beside_categories(cls):
    X, y = np.arange(40.0).reshape(20, 2) % 7, np.arange(20) % 2
    with pytest.raises(ValueError, match="max_bins=8 goes with"):
        cls(max_bins=8, categorical_features=[0]).fit(X, y)
    assert cls(max_bins=8).fit(X, y).predict(X).shape == (20,)
