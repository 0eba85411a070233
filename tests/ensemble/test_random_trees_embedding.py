"""Random trees embedding: scikit-learn's codes, the twin, sparse rows, warm start, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn import ensemble as theirs
from sklearn.datasets import make_circles
from sklearn.linear_model import RidgeClassifier

import smelt
from smelt.ensemble import RandomTreesEmbedding


def problem(n=500, missing=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)).astype(np.float32)
    X[:, 4] = np.round(X[:, 4])
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, rng.integers(0, 3, n).astype(float)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_depth": None, "min_samples_leaf": 5},
        {"max_leaf_nodes": 9, "max_depth": None},
        {"sparse_output": False, "min_samples_split": 0.1},
        {"min_weight_fraction_leaf": 0.05, "min_impurity_decrease": 1e-4},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_codes_are_scikit_learns(settings, weighted, missing):
    X, weight = problem(missing=missing)
    weight = weight if weighted else None
    settings = {"n_estimators": 7, "random_state": 3, **settings}
    ours, other = RandomTreesEmbedding(**settings), theirs.RandomTreesEmbedding(**settings)
    code = ours.fit_transform(X, sample_weight=weight)
    expected = other.fit_transform(X, sample_weight=weight)
    assert type(code) is type(expected) and code.dtype == expected.dtype
    assert code.shape == expected.shape and np.all((code != expected).sum() == 0)
    np.testing.assert_array_equal(ours.get_feature_names_out(), other.get_feature_names_out())
    np.testing.assert_array_equal(ours.apply(X), other.apply(X))
    np.testing.assert_allclose(ours.feature_importances_, other.feature_importances_, atol=1e-12)
    fresh = problem(300)[0][::-1] * 1.5
    assert np.all((ours.transform(fresh) != other.transform(fresh)).sum() == 0)
    for a, b in zip(
        ours.one_hot_encoder_.categories_, other.one_hot_encoder_.categories_, strict=True
    ):
        np.testing.assert_array_equal(a, b)
    again = ours.one_hot_encoder_.transform(ours.apply(fresh))
    assert np.all((again != ours.transform(fresh)).sum() == 0)


@pytest.mark.parametrize("settings", [{}, {"max_leaf_nodes": 6}])
def test_the_twin_gives_the_same_code(settings):
    X, weight = problem(120, missing=True)
    settings = {"n_estimators": 4, "random_state": 1, **settings}
    code = RandomTreesEmbedding(**settings).fit_transform(X, sample_weight=weight)
    with smelt.config(engine="plain"):
        twin = RandomTreesEmbedding(**settings).fit_transform(X, sample_weight=weight)
    np.testing.assert_array_equal(code.toarray(), twin.toarray())


def test_a_row_has_a_one_for_every_tree():
    X, _ = problem()
    model = RandomTreesEmbedding(12, random_state=0).fit(X)
    code = model.transform(problem(999, missing=True)[0])
    assert code.has_canonical_format and set(code.data) == {1.0}
    np.testing.assert_array_equal(np.diff(code.indptr), 12)
    assert (
        code.shape[1]
        == len(model.get_feature_names_out())
        == sum(tree.get_n_leaves() for tree in model.estimators_)
    )
    # Training rows reach every leaf.
    assert (model.transform(X).sum(axis=0) > 0).all()


def test_sparse_rows_names_and_interface():
    X, _ = problem()
    X[X < 0] = 0
    model = RandomTreesEmbedding(5, random_state=0)
    code = model.fit_transform(X)
    assert (model.fit_transform(sp.csr_matrix(X)) != code).nnz == 0
    assert (model.transform(sp.csc_matrix(X)) != code).nnz == 0
    with sklearn.config_context(sparse_interface="sparray"):
        assert isinstance(model.transform(X), sp.csr_array)
    frame = RandomTreesEmbedding(5, random_state=0, sparse_output=False)
    frame = frame.set_output(transform="pandas").fit_transform(X)
    np.testing.assert_array_equal(frame.to_numpy(), code.toarray())
    assert frame.columns[0].startswith("randomtreesembedding_0_")


def test_weights_of_zero_leave_rows_out():
    X, weight = problem()
    weight = np.minimum(weight, 1.0)
    model = RandomTreesEmbedding(5, random_state=0).fit(X, sample_weight=weight)
    assert model.nodes_["n_node_samples"][0] == np.count_nonzero(weight)
    assert model.transform(X[weight > 0]).sum(axis=0).min() > 0


def test_warm_start_adds_trees():
    X, _ = problem()
    whole = RandomTreesEmbedding(9, random_state=0).fit_transform(X)
    model = RandomTreesEmbedding(4, random_state=0, warm_start=True).fit(X)
    assert (model.set_params(n_estimators=9).fit_transform(X) != whole).nnz == 0


def test_copies_and_threads_give_the_same_code(tmp_path):
    X, _ = problem(5000)
    codes = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            model = RandomTreesEmbedding(9, random_state=0).fit(X)
            codes.append(model.transform(X))
    smelt.save(model, tmp_path / "trees.smelt")
    for copy in (smelt.load(tmp_path / "trees.smelt"), pickle.loads(pickle.dumps(model))):
        codes.append(copy.transform(X))
        np.testing.assert_array_equal(copy.get_feature_names_out(), model.get_feature_names_out())
    assert all((code != codes[0]).nnz == 0 for code in codes)


def test_a_file_with_another_number_of_columns_is_refused(tmp_path):
    model = RandomTreesEmbedding(3, random_state=0).fit(problem()[0])
    model._n_features_out -= 1
    smelt.save(model, tmp_path / "trees.smelt")
    with pytest.raises(smelt.errors.ModelFileError, match="one code"):
        smelt.load(tmp_path / "trees.smelt")


def test_a_linear_model_of_the_code_parts_rings():
    X, y = make_circles(2000, noise=0.1, factor=0.5, random_state=0)
    code = RandomTreesEmbedding(50, random_state=0).fit_transform(X)
    plane, curved = RidgeClassifier().fit(X, y), RidgeClassifier().fit(code[:1000], y[:1000])
    assert plane.score(X, y) < 0.6 and curved.score(code[1000:], y[1000:]) > 0.95


def test_bad_input_is_named():
    X, _ = problem(50)
    with pytest.raises(ValueError, match="infinity"):
        RandomTreesEmbedding().fit(np.where(X > 2, np.inf, X))
    with pytest.raises(ValueError, match="n_estimators"):
        RandomTreesEmbedding(0).fit(X)
    with pytest.raises(ValueError, match="sparse_output"):
        RandomTreesEmbedding(sparse_output=3).fit(X)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        RandomTreesEmbedding().transform(X)
    with pytest.raises(ValueError, match="4 features"):
        RandomTreesEmbedding(2).fit(X).transform(X[:, :4])
